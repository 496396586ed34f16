"""A route as a bare ASGI application: who asks, how much arrives, how long it takes, and the answer.

Starlette's own requests and responses cost about as much as it takes to judge a message, so these routes do
without them; which route it is stays with Starlette.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import structlog
from starlette.types import Receive, Scope, Send

from streams.api.deadlines import Deadlines
from streams.api.keys import Key, Keyring, May
from streams.api.problems import MEDIA_TYPE, Problem, problem
from streams.errors import BrokerError
from streams.metrics import ApiMetrics
from streams.wire import encode

log = structlog.get_logger(__name__)

# A body that is too large is read so far: a client that is cut off while it sends sees no answer.
DRAINED = 16 << 20
JSON = "application/json"
# With a body that was not read to its end the connection can't be used again.
CLOSE = {"Connection": "close"}
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Ids that we give differ between processes by their beginning.
_OURS = secrets.token_hex(8)
_number = itertools.count()

Headers = Sequence[tuple[bytes, bytes]]


class Call(NamedTuple):
    """A request that was let in."""

    key: Key
    request_id: str
    body: bytes
    query: bytes


class Reply(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: Headers


Handler = Callable[[Call], Awaitable[tuple[int, object]]]


class Endpoint:
    """Answers the requests of one route.

    Args:
        may: What a key must be good for.
        handler: Returns status and answer, or raises a Problem.
        largest: Bytes that a body may have; 0 where none is read.
    """

    def __init__(
        self,
        path: str,
        may: May,
        handler: Handler,
        largest: int = 0,
        *,
        keyring: Keyring,
        deadlines: Deadlines,
        metrics: ApiMetrics,
    ) -> None:
        self._may = may
        self._handler = handler
        self._largest = largest
        self._keyring = keyring
        self._deadlines = deadlines
        self._counted = lru_cache(32)(lambda status: metrics.requests.labels(path, status))
        self._seconds = metrics.seconds.labels(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        began = time.perf_counter()
        reply = await self._reply(scope, receive)
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await send({"type": "http.response.body", "body": reply.body})
        self._counted(reply.status).inc()
        self._seconds.observe(time.perf_counter() - began)

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        authorization = media = given = b""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                media = value
            elif name == b"x-request-id":
                given = value
        request_id = request_id_of(given)
        arrived = not self._largest
        task = self._deadlines.begin()
        try:
            key = self._key(authorization)
            body = await self._body(media, receive) if self._largest else b""
            arrived = True
            status, answer = await self._handler(Call(key, request_id, body, scope["query_string"]))
            return _reply(status, encode(answer), JSON, request_id)
        except Problem as wrong:
            return refusal(wrong, request_id)
        except asyncio.CancelledError:
            if not self._deadlines.was_late(task):
                raise
            return refusal(_late(arrived), request_id)
        except BrokerError as error:
            log.warning("not_recorded", request=request_id, error=str(error))
            return refusal(
                problem("busy", "the broker didn't confirm; send it again", retry_after_s=1.0), request_id
            )
        except Exception:  # one request must not cost the others
            log.exception("request_failed", request=request_id)
            return refusal(Problem("failed", "the log has it under the request's id"), request_id)
        finally:
            self._deadlines.end(task)

    def _key(self, authorization: bytes) -> Key:
        scheme, _, secret = authorization.partition(b" ")
        key = self._keyring.find(secret.strip()) if scheme.lower() == b"bearer" else None
        if key is None:
            raise Problem(
                "unauthorized",
                "send `Authorization: Bearer` and a key that is in force",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if self._may not in key.may:
            raise Problem("forbidden", f"the key {key.name!r} may not {self._may}")
        return key

    async def _body(self, media: bytes, receive: Receive) -> bytes:
        if media != b"application/json":
            kind = media.partition(b";")[0].strip().lower().decode("latin-1")
            if kind != JSON:
                raise Problem("media-type", f"expected {JSON}, got {kind or 'none'}")
        parts: list[bytes] = []
        size, more = 0, True
        while more and size <= DRAINED:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Problem("slow", "the body broke off")
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size <= self._largest:
                parts.append(part)
        if size > self._largest:
            raise Problem("too-large", f"at most {self._largest} bytes", headers=CLOSE)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def request_id_of(given: bytes) -> str:
    """Return the id that a caller gave, or one of ours where that is none."""
    if given and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return f"{_OURS}{next(_number):08x}"


def refusal(wrong: Problem, request_id: str) -> Reply:
    """Return a problem as it goes back."""
    return _reply(wrong.status, encode(wrong.details(request_id)), MEDIA_TYPE, request_id, wrong.headers)


def _reply(
    status: int, body: bytes, media: str, request_id: str, more: dict[str, str] | None = None
) -> Reply:
    headers = [
        (b"content-type", media.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
    ]
    if more:
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in more.items()]
    return Reply(status, body, headers)


def _late(arrived: bool) -> Problem:
    if arrived:
        return problem("busy", "no answer in time", retry_after_s=1.0)
    return Problem("slow", "the body didn't arrive in time", headers=CLOSE)
