"""A route as a bare ASGI application: who asks, how much arrives, how long it takes, and the answer.

Starlette's own requests and responses cost about as much as it takes to judge a message, so these routes do
without them; which route it is stays with Starlette.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import NamedTuple

import structlog
from starlette.types import Receive, Scope, Send

from streams.api.deadlines import Deadlines
from streams.api.keys import Key, Keyring, May
from streams.api.replies import JSON, Headers, Reply, answer, refusal
from streams.errors import BrokerError
from streams.metrics import ApiMetrics
from streams.problems import Problem, problem, request_id_of

log = structlog.get_logger(__name__)

# A body that is too large is read so far: a client that is cut off while it sends sees no answer.
DRAINED = 16 << 20
# With a body that was not read to its end the connection can't be used again.
CLOSE = {"Connection": "close"}


class Call(NamedTuple):
    """A request that was let in."""

    key: Key
    request_id: str
    body: bytes
    query: bytes


# Status and answer, or why there is none.
Outcome = tuple[int, object] | Exception
Tell = Callable[[Outcome], None]
Cancel = Callable[[], None]

Handler = Callable[[Call], Awaitable[tuple[int, object]]]
# Has the outcome told, and returns how to give up waiting for it; or returns None where it takes a task.
QuickHandler = Callable[[Call, Tell], Cancel | None]


class Endpoint:
    """Answers the requests of one route.

    Args:
        may: What a key must be good for.
        handler: Returns status and answer, or raises a Problem.
        largest: Bytes that a body may have; 0 where none is read.
        quick: Does what the handler does without a task, where it can.
    """

    def __init__(
        self,
        path: str,
        may: May,
        handler: Handler,
        largest: int = 0,
        quick: QuickHandler | None = None,
        *,
        keyring: Keyring,
        deadlines: Deadlines,
        metrics: ApiMetrics,
    ) -> None:
        self._may = may
        self._handler = handler
        self._largest = largest
        self.quick = quick
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
        self._count(reply, began)

    def at_once(self, headers: Headers, body: bytes, reply: Callable[[Reply], None]) -> bool:
        """See lean_protocol.Express."""
        if self.quick is None or len(body) > self._largest:
            return False
        began = time.perf_counter()
        authorization, media, request_id = _said(headers)
        pending = _Pending(self, request_id, began, reply)
        try:
            key = self._key(authorization)
            _check(media)
            cancel = self.quick(Call(key, request_id, body, b""), pending.tell)
        except Exception as wrong:  # noqa: BLE001 - one request must not cost the others
            pending.tell(wrong)
            return True
        if cancel is None:
            return False
        if not pending.told:
            pending.cancel = cancel
            self._deadlines.watch(pending)
        return True

    def end(self, pending: _Pending, reply: Reply) -> None:
        """Count a request that was answered at once."""
        self._deadlines.end(pending)
        self._count(reply, pending.began)

    def _count(self, reply: Reply, began: float) -> None:
        self._counted(reply.status).inc()
        self._seconds.observe(time.perf_counter() - began)

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        authorization, media, request_id = _said(scope["headers"])
        arrived = not self._largest
        running = self._deadlines.begin()
        try:
            key = self._key(authorization)
            body = await self._body(media, receive) if self._largest else b""
            arrived = True
            return answer(
                *await self._handler(Call(key, request_id, body, scope["query_string"])), request_id
            )
        except asyncio.CancelledError:
            if not running.was_late():
                raise
            return refusal(_late(arrived), request_id)
        except Exception as wrong:  # noqa: BLE001 - one request must not cost the others
            return refusal(_problem(wrong, request_id), request_id)
        finally:
            self._deadlines.end(running)

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
        _check(media)
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


class _Pending:
    """A request that is answered without a task."""

    __slots__ = ("_endpoint", "_reply", "_request_id", "began", "cancel", "told")

    def __init__(
        self, endpoint: Endpoint, request_id: str, began: float, reply: Callable[[Reply], None]
    ) -> None:
        self._endpoint = endpoint
        self._request_id = request_id
        self._reply = reply
        self.began = began
        self.told = False
        self.cancel: Cancel = _nothing

    def tell(self, outcome: Outcome) -> None:
        """Answer with what came of it."""
        self.told = True
        # It knows what waits, which knows us: left so, the garbage collector would have to find both.
        self.cancel = _nothing
        if isinstance(outcome, Exception):
            reply = refusal(_problem(outcome, self._request_id), self._request_id)
        else:
            reply = answer(*outcome, self._request_id)
        self._endpoint.end(self, reply)
        self._reply(reply)

    def late(self) -> None:
        """See Deadlines."""
        self.cancel()
        self.tell(_late(arrived=True))


def _nothing() -> None:
    pass


def _said(headers: Headers) -> tuple[bytes, bytes, str]:
    """Return what matters of a request's headers: who asks, in which type, and its id."""
    authorization = media = given = b""
    for name, value in headers:
        if name == b"authorization":
            authorization = value
        elif name == b"content-type":
            media = value
        elif name == b"x-request-id":
            given = value
    return authorization, media, request_id_of(given)


def _check(media: bytes) -> None:
    if media != b"application/json":
        kind = media.partition(b";")[0].strip().lower().decode("latin-1")
        if kind != JSON:
            raise Problem("media-type", f"expected {JSON}, got {kind or 'none'}")


def _problem(wrong: Exception, request_id: str) -> Problem:
    """Return what is said of an error; one of ours stands in the log."""
    if isinstance(wrong, Problem):
        return wrong
    if isinstance(wrong, BrokerError):
        log.warning("not_recorded", request=request_id, error=str(wrong))
        return problem("busy", "the broker didn't confirm; send it again", retry_after_s=1.0)
    log.error("request_failed", request=request_id, exc_info=wrong)
    return Problem("failed", "the log has it under the request's id")


def _late(arrived: bool) -> Problem:
    if arrived:
        return problem("busy", "no answer in time", retry_after_s=1.0)
    return Problem("slow", "the body didn't arrive in time", headers=CLOSE)
