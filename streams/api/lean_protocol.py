"""Uvicorn's protocol, leaner where it is asked all day.

What an answer consists of goes out in one write, where Uvicorn makes two, head and body. A whole request to
one of the express routes is answered without a task, a scope, a receive and a send of its own, which cost as
much as it takes to judge a message; any other goes Uvicorn's way. And one timer a connection looks whether it
has been idle for too long, where Uvicorn sets and cancels one for each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from streams.api.replies import Headers, Reply, refusal
from streams.problems import Problem, request_id_of


class Express(Protocol):
    """A route that can do without."""

    def at_once(self, headers: Headers, body: bytes, answer: Callable[[Reply], None]) -> bool:
        """Have a request answered, now or later, and return True; or return False, and nothing was done."""


class LeanProtocol(HttpToolsProtocol):
    """A connection.

    Args:
        express: Routes of POST, by their path.
        more: Uvicorn's own.
    """

    def __init__(self, *, express: Mapping[bytes, Express], **more: Any) -> None:
        super().__init__(**more)
        self._express = express
        self._route: Express | None = None  # of the request that is arriving
        self._arrived: list[bytes] = []
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take what is written to the transport together."""
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the timer go, too."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    # -- how a request arrives

    def data_received(self, data: bytes) -> None:
        """Read on; what isn't whole then may take its time, and that is Uvicorn's to wait for."""
        super().data_received(data)
        if self._route is not None and not self.transport.is_closing():
            self._go_uvicorns_way(whole=False)

    def on_message_begin(self) -> None:
        """Put off what Uvicorn needs."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """See which way the request goes."""
        self._route = self._express.get(self.url) if self._may_be_express() else None
        self._arrived = []
        if self._route is None:
            self._begin()

    def _may_be_express(self) -> bool:
        parser = self.parser
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not (self.expect_100_continue or self.flow.write_paused)
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
        )

    def on_body(self, body: bytes) -> None:
        """Keep a part of it."""
        if self._route is None:
            super().on_body(body)
        else:
            self._arrived.append(body)

    def on_message_complete(self) -> None:
        """Have it answered."""
        if self._route is None:
            super().on_message_complete()
            return
        route, arrived = self._route, self._arrived
        before, self.cycle = self.cycle, _Exchange(self)  # type: ignore[assignment]
        body = arrived[0] if len(arrived) == 1 else b"".join(arrived)
        if route.at_once(self.headers, body, self.cycle.answer):  # type: ignore[attr-defined]
            self._route = None
        else:
            self.cycle = before
            self._go_uvicorns_way(whole=True)

    def _go_uvicorns_way(self, *, whole: bool) -> None:
        self._route = None
        self._begin()
        for part in self._arrived:
            super().on_body(part)
        if whole:
            super().on_message_complete()

    def _begin(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that it can't be read as HTTP, as a problem like any other, and close the connection."""
        exchange = _Exchange(self)
        exchange.keep_alive = False
        exchange.answer(refusal(Problem("not-http", msg), request_id_of(b"")))

    # -- how long it may be idle

    def on_response_complete(self) -> None:
        """Let the next request begin, or the idle time."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_later(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that has been idle for too long."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return  # the answer sets the next
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_later(left)
        else:
            super().timeout_keep_alive_handler()

    def _look_later(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)


class _Exchange:
    """A request that is answered without Uvicorn's cycle, in whose place it stands on the connection."""

    __slots__ = ("_protocol", "disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, protocol: LeanProtocol) -> None:
        self._protocol = protocol
        self.disconnected = self.response_complete = False
        self.keep_alive = True
        self.message_event = _NOBODY_WAITS

    def answer(self, reply: Reply) -> None:
        """Send it, if somebody is still there."""
        self.response_complete = True
        transport = self._protocol.transport
        if self.disconnected or transport.is_closing():
            return
        parts = [STATUS_LINE[reply.status]]
        for name, value in reply.headers:
            parts += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", reply.body)
        transport.write_now(b"".join(parts))  # type: ignore[attr-defined]
        if not self.keep_alive:
            transport.close()
        self._protocol.on_response_complete()


_NOBODY_WAITS = asyncio.Event()


class _Gathering:
    """A transport that writes once all that is ready has run."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def write_now(self, data: bytes) -> None:
        if self._held:
            self._flush()
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held:
            self._transport.write(b"".join(held))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
