"""The routes: who asks, how much they may ask, what came of it, in JSON."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from rules.message import Message
from rules.verdict import Verdict
from streams.api.bodies import (
    BatchAnswer,
    BatchRequest,
    FeedbackAnswer,
    FeedbackRequest,
    Health,
    JudgeAnswer,
    JudgeRequest,
    Mode,
    Recorded,
    ReviewPage,
    read_body,
    read_messages,
)
from streams.api.keys import Key, Keyring, May
from streams.api.problems import MEDIA_TYPE, Fault, Problem, problem
from streams.api.recorder import Recorder
from streams.api.review import Known, Review, Wanted
from streams.api.together import Answer, Together
from streams.errors import BrokerError
from streams.judging.moderator import Asked
from streams.metrics import ApiMetrics
from streams.wire import MAX_RECORD_BYTES, Feedback, encode

log = structlog.get_logger(__name__)

# Bytes of a body: one message, a hundred, a decision.
ONE, MANY, DECISION = MAX_RECORD_BYTES + 1024, 4 * MAX_RECORD_BYTES, 64 << 10
# A body that is too large is read so far: a client that is cut off while it sends sees no answer.
DRAINED = 16 << 20
JSON = "application/json"
# With a body that was not read to its end the connection can't be used again.
CLOSE = {"Connection": "close"}
PAGE = 50
LARGEST_PAGE = 200
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Call(NamedTuple):
    """A request that was let in."""

    key: Key
    request_id: str
    body: bytes
    query: Mapping[str, str]


Handler = Callable[[Call], Awaitable[tuple[int, object]]]


class Api:
    """Answers requests.

    Args:
        recorder: Puts messages and decisions on their topics.
        health: Returns how things are, and whether messages can be judged.
        timeout_s: What a request may take, the arrival of its body included.
        document: The OpenAPI document, as JSON.
    """

    def __init__(
        self,
        *,
        keyring: Keyring,
        together: Together,
        recorder: Recorder,
        review: Review,
        metrics: ApiMetrics,
        health: Callable[[], tuple[bool, Health]],
        timeout_s: float,
        document: bytes,
    ) -> None:
        self._keyring = keyring
        self._together = together
        self._recorder = recorder
        self._review = review
        self._metrics = metrics
        self._health = health
        self._timeout_s = timeout_s
        self._document = document
        self._judge_body = msgspec.json.Decoder(JudgeRequest)
        self._batch_body = msgspec.json.Decoder(BatchRequest)
        self._feedback_body = msgspec.json.Decoder(FeedbackRequest)

    def application(self) -> Starlette:
        """Return the ASGI application."""
        asked: list[tuple[str, May, Handler, int]] = [
            ("/v1/judge", May.JUDGE, self._judge, ONE),
            ("/v1/judge/batch", May.JUDGE, self._judge_batch, MANY),
            ("/v1/feedback", May.FEEDBACK, self._take_feedback, DECISION),
        ]
        posts = [
            Route(path, self._route(path, may, handler, largest), methods=["POST"])
            for path, may, handler, largest in asked
        ]
        page = self._route("/v1/review", May.REVIEW, self._review_page)
        gets = [
            Route("/v1/review", page, methods=["GET"]),
            Route("/health", self._say_health, methods=["GET"]),
            Route("/openapi.json", self._say_document, methods=["GET"]),
        ]
        return Starlette(routes=[*posts, *gets], exception_handlers={HTTPException: _not_routed})

    def _route(
        self, path: str, may: May, handler: Handler, largest: int = 0
    ) -> Callable[[Request], Awaitable[Response]]:
        counted = lru_cache(32)(lambda status: self._metrics.requests.labels(path, status))
        seconds = self._metrics.seconds.labels(path)

        async def endpoint(request: Request) -> Response:
            began = time.perf_counter()
            request_id = _request_id(request)
            arrived = not largest
            try:
                async with asyncio.timeout(self._timeout_s):
                    key = self._key(request, may)
                    body = await _body(request, largest) if largest else b""
                    arrived = True
                    status, answer = await handler(Call(key, request_id, body, request.query_params))
                response = Response(encode(answer), status, {"X-Request-Id": request_id}, JSON)
            except Problem as wrong:
                response = _said(wrong, request_id)
            except TimeoutError:
                response = _said(_late(arrived), request_id)
            except BrokerError as error:
                log.warning("not_recorded", request=request_id, error=str(error))
                response = _said(
                    problem("busy", "the broker didn't confirm; send it again", retry_after_s=1.0), request_id
                )
            except ClientDisconnect:
                response = _said(Problem("slow", "the body broke off"), request_id)
            except Exception:  # one request must not cost the others
                log.exception("request_failed", request=request_id)
                response = _said(Problem("failed", "the log has it under the request's id"), request_id)
            counted(response.status_code).inc()
            seconds.observe(time.perf_counter() - began)
            return response

        return endpoint

    # -- who, and how much

    def _key(self, request: Request, may: May) -> Key:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        key = self._keyring.find(secret.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise Problem(
                "unauthorized",
                "send `Authorization: Bearer` and a key that is in force",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if may not in key.may:
            raise Problem("forbidden", f"the key {key.name!r} may not {may}")
        return key

    def _pay(self, key: Key, messages: int) -> None:
        wait = self._keyring.wait_for(key, messages)
        if wait:
            raise problem("rate", f"the key {key.name!r} has used up its rate", retry_after_s=wait)

    # -- judging

    async def _judge(self, call: Call) -> tuple[int, object]:
        asked = read_body(call.body, self._judge_body)
        answer, failed = (await self._answers(call, [asked.message], asked.mode, "/message"))[0]
        if failed is not None:
            raise failed
        return 200, answer

    async def _judge_batch(self, call: Call) -> tuple[int, object]:
        asked = read_body(call.body, self._batch_body)
        answers = await self._answers(call, asked.messages, asked.mode, "/messages/#")
        return 200, BatchAnswer([answer for answer, _ in answers])

    async def _answers(
        self, call: Call, raws: list[msgspec.Raw], mode: Mode, where: str
    ) -> list[tuple[JudgeAnswer, Problem | None]]:
        if mode is Mode.RECORD and May.RECORD not in call.key.may:
            raise Problem("forbidden", f"the key {call.key.name!r} may not {May.RECORD}")
        self._pay(call.key, len(raws))
        messages = [
            _of_tenant(message, call.key.tenant)
            for message in read_messages(raws, mode, call.request_id, where)
        ]
        asked = [Asked(f"api/{call.request_id}/{n}", message) for n, message in enumerate(messages)]
        if mode is Mode.ASK:
            return [_answered(each, None, call) for each in await self._together.ask(asked)]
        recorded, answers = await asyncio.gather(self._recorder.record(messages), self._together.ask(asked))
        return [_answered(each, at, call) for each, at in zip(answers, recorded, strict=True)]

    # -- humans

    async def _review_page(self, call: Call) -> tuple[int, object]:
        limit = call.query.get("limit", str(PAGE))
        if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= LARGEST_PAGE:
            raise _parameter("limit", f"expected a number from 1 to {LARGEST_PAGE}")
        wanted = Wanted(call.key.tenant, call.query.get("channel"), call.query.get("queue"))
        items, more = self._review.page(wanted, int(limit), call.query.get("cursor"), time.time())
        return 200, ReviewPage([msgspec.Raw(item) for item in items], more)

    async def _take_feedback(self, call: Call) -> tuple[int, object]:
        said = read_body(call.body, self._feedback_body)
        self._pay(call.key, 1)
        known = self._review.known(said.verdict_id, call.key.tenant) or _told(said, call.key.tenant)
        feedback = Feedback(
            id=f"api/{call.request_id}",
            verdict_id=said.verdict_id,
            decision=said.decision,
            reviewer=said.reviewer,
            message_id=known.message_id,
            at=datetime.now(UTC),
            tenant=known.tenant,
            platform=known.platform,
            channel=known.channel,
            author=known.author,
            text_hash=known.text_hash,
            role=said.role,
            scope=said.scope,
            reason=said.reason,
            expires_at=said.expires_at,
            evidence=known.evidence,
        )
        await self._recorder.decide(feedback, known.partition)
        return 202, FeedbackAnswer(feedback.id)

    # -- open to everybody

    async def _say_health(self, _: Request) -> Response:
        good, health = self._health()
        return Response(encode(health), 200 if good else 503, media_type=JSON)

    async def _say_document(self, _: Request) -> Response:
        return Response(self._document, media_type=JSON)


def _answered(answer: Answer, recorded: Recorded | None, call: Call) -> tuple[JudgeAnswer, Problem | None]:
    provisional = recorded is not None
    if isinstance(answer, Verdict):
        return JudgeAnswer(provisional, answer, recorded), None
    failed = Problem("failed", str(answer))
    return JudgeAnswer(provisional, None, recorded, failed.details(call.request_id)), failed


def _of_tenant(message: Message, tenant: str) -> Message:
    """Return the message as one of the key's tenant, which is what `default` means here."""
    if message.tenant == tenant:
        return message
    if message.tenant != "default":
        raise Problem("forbidden", f"the key speaks for {tenant!r}, not for {message.tenant!r}")
    return msgspec.structs.replace(message, tenant=tenant)


def _told(said: FeedbackRequest, tenant: str) -> Known:
    """Return what the caller says of a verdict that isn't known here."""
    if said.message_id is None or said.platform is None or said.channel is None or said.author is None:
        raise Problem(
            "unknown-verdict",
            "it isn't known here: give message_id, platform, channel, author and text_hash from it",
        )
    return Known(tenant, said.platform, said.channel, said.message_id, said.author, said.text_hash, None)


def _parameter(name: str, detail: str) -> Problem:
    return Problem("invalid", "a parameter doesn't fit", errors=(Fault(detail, name),))


async def _body(request: Request, largest: int) -> bytes:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != JSON:
        raise Problem("media-type", f"expected {JSON}, got {media or 'none'}")
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= largest:
            parts.append(part)
        elif size > DRAINED:
            break
    if size > largest:
        raise Problem("too-large", f"at most {largest} bytes", headers=CLOSE)
    return b"".join(parts)


def _late(arrived: bool) -> Problem:
    if arrived:
        return problem("busy", "no answer in time", retry_after_s=1.0)
    return Problem("slow", "the body didn't arrive in time", headers=CLOSE)


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


def _said(wrong: Problem, request_id: str) -> Response:
    headers = {"X-Request-Id": request_id, **wrong.headers}
    return Response(encode(wrong.details(request_id)), wrong.status, headers, MEDIA_TYPE)


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = "method" if error.status_code == 405 else "not-found"
    said = f"{request.method} {request.url.path}: see /openapi.json for what there is"
    return _said(Problem(kind, said, headers=dict(error.headers or {})), _request_id(request))
