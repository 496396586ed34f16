"""The routes: who asks, how much they may ask, what came of it, in JSON."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

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
    read_messages,
)
from streams.api.deadlines import Deadlines
from streams.api.endpoint import Call, Cancel, Endpoint, Handler, QuickHandler, Tell
from streams.api.keys import Key, Keyring, May
from streams.api.recorder import Recorder
from streams.api.replies import JSON, refusal
from streams.api.review import Known, Review, Wanted
from streams.api.together import Answer, Together
from streams.judging.moderator import Asked
from streams.metrics import ApiMetrics
from streams.problems import Fault, Problem, problem, read_body, request_id_of
from streams.wire.reading import MAX_RECORD_BYTES
from streams.wire.records import Feedback
from streams.wire.writing import encode

# Bytes of a body: one message, a hundred, a decision.
ONE, MANY, DECISION = MAX_RECORD_BYTES + 1024, 4 * MAX_RECORD_BYTES, 64 << 10
PAGE = 50
LARGEST_PAGE = 200


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

    def application(self) -> Application:
        """Return the ASGI application."""
        deadlines = Deadlines(self._timeout_s)

        def route(
            method: str,
            path: str,
            may: May,
            handler: Handler,
            largest: int = 0,
            quick: QuickHandler | None = None,
        ) -> Route:
            endpoint = Endpoint(
                path, may, handler, largest, quick,
                keyring=self._keyring, deadlines=deadlines, metrics=self._metrics,
            )  # fmt: skip
            return Route(path, endpoint, methods=[method])

        routes = [
            route("POST", "/v1/judge", May.JUDGE, self._judge, ONE, self._judge_at_once),
            route("POST", "/v1/judge/batch", May.JUDGE, self._judge_batch, MANY),
            route("POST", "/v1/feedback", May.FEEDBACK, self._take_feedback, DECISION),
            route("GET", "/v1/review", May.REVIEW, self._review_page),
            Route("/health", self._say_health, methods=["GET"]),
            Route("/openapi.json", self._say_document, methods=["GET"]),
        ]
        return Application(routes)

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

    def _judge_at_once(self, call: Call, tell: Tell) -> Cancel | None:
        """Do as `_judge` for who only asks, as nearly everybody does."""
        asked = read_body(call.body, self._judge_body)
        if asked.mode is not Mode.ASK:
            return None
        questions = self._let_in(call, [asked.message], asked.mode, "/message")

        def then(answers: list[Answer] | Problem) -> None:
            if isinstance(answers, Problem):
                tell(answers)
                return
            answer, failed = _answered(answers[0], None, call)
            tell(failed or (200, answer))

        return self._together.put(questions, then).give_up

    async def _judge_batch(self, call: Call) -> tuple[int, object]:
        asked = read_body(call.body, self._batch_body)
        answers = await self._answers(call, asked.messages, asked.mode, "/messages/#")
        return 200, BatchAnswer([answer for answer, _ in answers])

    async def _answers(
        self, call: Call, raws: list[msgspec.Raw], mode: Mode, where: str
    ) -> list[tuple[JudgeAnswer, Problem | None]]:
        asked = self._let_in(call, raws, mode, where)
        if mode is Mode.ASK:
            return [_answered(each, None, call) for each in await self._together.ask(asked)]
        messages = [each.message for each in asked]
        recorded, answers = await asyncio.gather(self._recorder.record(messages), self._together.ask(asked))
        return [_answered(each, at, call) for each, at in zip(answers, recorded, strict=True)]

    def _let_in(self, call: Call, raws: list[msgspec.Raw], mode: Mode, where: str) -> list[Asked]:
        """Return what is asked, if the key may ask it and it makes sense."""
        if mode is Mode.RECORD and May.RECORD not in call.key.may:
            raise Problem("forbidden", f"the key {call.key.name!r} may not {May.RECORD}")
        self._pay(call.key, len(raws))
        messages = read_messages(raws, mode, call.request_id, where)
        return [
            Asked(f"api/{call.request_id}/{n}", _of_tenant(message, call.key.tenant))
            for n, message in enumerate(messages)
        ]

    # -- humans

    async def _review_page(self, call: Call) -> tuple[int, object]:
        query = QueryParams(call.query)
        limit = query.get("limit", str(PAGE))
        if not re.fullmatch("[0-9]{1,3}", limit) or not 1 <= int(limit) <= LARGEST_PAGE:
            raise _parameter("limit", f"expected a number from 1 to {LARGEST_PAGE}")
        wanted = Wanted(call.key.tenant, query.get("channel"), query.get("queue"))
        items, more = self._review.page(wanted, int(limit), query.get("cursor"), time.time())
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


class Application(Starlette):
    """Starlette, with a way around its middleware, which ours need not, for what is asked all day."""

    def __init__(self, routes: list[Route]) -> None:
        super().__init__(routes=routes, exception_handlers={HTTPException: _not_routed})
        self.router.redirect_slashes = False
        posts = (route for route in routes if route.methods and "POST" in route.methods)
        self._posts = {route.path: cast("Endpoint", route.endpoint) for route in posts}

    @property
    def express(self) -> dict[bytes, Endpoint]:
        """Routes that can do without a task, for LeanProtocol."""
        return {path.encode(): each for path, each in self._posts.items() if each.quick is not None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        post = self._posts.get(scope["path"]) if scope.get("method") == "POST" else None
        await (post or super().__call__)(scope, receive, send)


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


async def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = "method" if error.status_code == 405 else "not-found"
    where = f"{request.method} {request.url.path}: see /openapi.json for what there is"
    given = request.headers.get("x-request-id", "").encode("latin-1")
    reply = refusal(Problem(kind, where, headers=dict(error.headers or {})), request_id_of(given))
    answer = Response(reply.body, reply.status)
    answer.raw_headers = list(reply.headers)
    return answer
