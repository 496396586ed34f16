"""`webhook`: a chat of one's own sends signed events, and gets signed deeds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

import aiohttp
import msgspec
from aiohttp import web

from rules.message import Message
from streams.errors import ConfigurationError, UnreadableError
from streams.platforms.deeds import Deed, Task
from streams.platforms.port import Away, Ear, Impossible, reason_of
from streams.platforms.replay import described
from streams.platforms.signing import Signer
from streams.platforms.webhook_answers import with_problems
from streams.problems import Fault, Problem, pointer, read_body
from streams.wire.reading import MAX_RECORD_BYTES, read_message
from streams.wire.records import Decision, Name
from streams.wire.writing import encode

LARGEST = 4 * MAX_RECORD_BYTES
MOST_EVENTS = 100
TRY_S = 10.0


class WebhookConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `webhook`.

    Attributes:
        listen: Where events come in, host:port.
        deliver: URL that deeds are posted to.
        secret: Shared by both, for both directions.
        can: What the receiver can do; everything where nothing is said.
    """

    listen: str
    deliver: Annotated[str, msgspec.Meta(pattern="^https?://")]
    secret: str
    can: tuple[Deed, ...] = tuple(Deed)


Take = Callable[[bytes, Ear], Awaitable[web.Response]]


class _Events(msgspec.Struct):
    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MOST_EVENTS)]


class _Decided(msgspec.Struct):
    report: Name
    decision: Decision
    reviewer: Name
    role: str | None = None
    reason: str | None = None


_events = msgspec.json.Decoder(_Events)
_decided = msgspec.json.Decoder(_Decided)


class Webhook:
    """See Platform. The receiver knows a deed by its `webhook-id`, so each can be sent twice."""

    repeatable = frozenset(Deed)
    counts_lines = False

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        self._signer = Signer(config.secret)
        self.can = frozenset(config.can)
        self._session: aiohttp.ClientSession | None = None

    async def run(self, ear: Ear) -> None:
        """Answer until cancelled."""
        app = web.Application(client_max_size=LARGEST, middlewares=[with_problems])
        app.add_routes([
            web.post("/events", lambda request: self._take(request, ear, self._hear)),
            web.post("/decisions", lambda request: self._take(request, ear, self._decide)),
        ])  # fmt: skip
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        host, _, port = self._config.listen.rpartition(":")
        if not host or not port.isdigit():
            raise ConfigurationError(f"webhook.listen: expected host:port, got {self._config.listen!r}")
        try:
            await web.TCPSite(runner, host, int(port)).start()
        except OSError as error:
            raise ConfigurationError(f"webhook.listen: {self._config.listen}: {error.strerror}") from error
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request, ear: Ear, what: Take) -> web.Response:
        body = await request.read()
        fault = self._signer.fault(request.headers, body, time.time())
        if fault is not None:
            raise Problem("unsigned", fault)
        return await what(body, ear)

    async def _hear(self, body: bytes, ear: Ear) -> web.Response:
        """202 when all events are safe; one that makes no sense refuses all, so send the others again."""
        events: list[Message] = []
        faults: list[Fault] = []
        for number, event in enumerate(read_body(body, _events).events):
            try:
                events.append(read_message(bytes(event)))
            except UnreadableError as error:
                where = f"/events/{number}{pointer(error.field or '')}"
                faults.append(Fault(f"events[{number}]: {error}", where))
        if faults:
            raise Problem("invalid", faults[0].detail, errors=tuple(faults))
        await ear.hear(events)
        return web.json_response({"taken": len(events)}, status=202)

    async def _decide(self, body: bytes, ear: Ear) -> web.Response:
        said = read_body(body, _decided)
        answer = await ear.decide(said.report, said.decision, said.reviewer, said.role, said.reason)
        return web.json_response({"words": answer})

    async def do(self, task: Task) -> str | None:
        """Post it; the frame tries again."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TRY_S))
        body = encode(described(task))
        headers = self._signer.headers(task.id, body, time.time()) | {"Content-Type": "application/json"}
        try:
            async with self._session.post(self._config.deliver, data=body, headers=headers) as answer:
                status, after = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Away(f"{self._config.deliver} doesn't answer: {reason_of(error)}") from error
        if status in (408, 425, 429) or status >= 500:
            raise Away(f"{self._config.deliver} answers {status}", float(after) if after.isdigit() else None)
        if status >= 300:
            hint = ": has it the same secret?" if status in (401, 403) else ""
            raise Impossible(f"{self._config.deliver} answers {status}{hint}")
        return task.id if task.deed is Deed.REPORT else None

    async def due(self, what: str) -> None:
        """Nothing is put off."""

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()
