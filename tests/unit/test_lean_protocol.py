"""Connections of the API as clients see them: requests in order, in time, in parts, to the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn
from prometheus_client import CollectorRegistry, Histogram
from starlette.routing import Route

from rules.verdict import Action, Verdict
from streams.api.app import Application
from streams.api.deadlines import Deadlines
from streams.api.endpoint import Call, Cancel, Endpoint, Tell
from streams.api.keys import Keyring, May, hash_of
from streams.api.lean_protocol import LeanProtocol
from streams.api.together import Answer, Together
from streams.judging.moderator import Asked
from streams.metrics import ApiMetrics
from streams.wire.reading import read_offline

SECRET = "csk_test"


class Served(NamedTuple):
    """A server, and how to let its judging go on."""

    port: int
    server: uvicorn.Server
    go: asyncio.Semaphore


@asynccontextmanager
async def served(tmp_path: Path, *, timeout_s: float = 5.0, idle_s: int = 5) -> AsyncIterator[Served]:
    """A server whose judging waits for each batch until it is let go."""
    keys = tmp_path / "keys.yaml"
    keys.write_text(json.dumps({"keys": [{"name": "t", "tenant": "t", "hash": hash_of(SECRET.encode())}]}))
    go = asyncio.Semaphore(0)

    async def judge(asked: Sequence[Asked]) -> list[Answer]:
        await go.acquire()
        return [_verdict(each) for each in asked]

    sizes = Histogram("sizes", "of batches", registry=CollectorRegistry())
    together = Together(judge, most=1, waiting=100, sizes=sizes)

    def at_once(call: Call, tell: Tell) -> Cancel | None:
        def then(answers: object) -> None:
            assert isinstance(answers, list)
            tell((200, answers[0]))

        return together.put(_asked(call), then).give_up

    async def in_a_task(call: Call) -> tuple[int, object]:
        return 200, (await together.ask(_asked(call)))[0]

    endpoint = Endpoint(
        "/v1/judge", May.JUDGE, in_a_task, 1000, at_once,
        keyring=Keyring(keys, 1e6), deadlines=Deadlines(timeout_s), metrics=ApiMetrics(),
    )  # fmt: skip
    application = Application([Route("/v1/judge", endpoint, methods=["POST"])])
    server = uvicorn.Server(
        uvicorn.Config(
            application, http=partial(LeanProtocol, express=application.express), ws="none", lifespan="off",
            log_config=None, port=0, timeout_keep_alive=idle_s, timeout_graceful_shutdown=5,
        )  # type: ignore[arg-type]
    )  # fmt: skip
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    running = [asyncio.create_task(server.serve()), asyncio.create_task(together.run())]
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Served(server.servers[0].sockets[0].getsockname()[1], server, go)
    finally:
        server.should_exit = True
        await running[0]
        running[1].cancel()


def _asked(call: Call) -> list[Asked]:
    return [Asked("v", read_offline(call.body, "m"))]


def _verdict(asked: Asked) -> Verdict:
    return Verdict(
        asked.verdict_id, asked.message.id, Action.ALLOW, "t", "web", asked.message.text, "created", "0f",
        "2024-05-01T20:00:00.000Z", "mod.verdict.v1", "nothing",
    )  # type: ignore[arg-type]  # fmt: skip


def request(text: str, *more: str, secret: str = SECRET) -> bytes:
    """A request as bytes; the answer's `channel` is its text."""
    body = json.dumps({"text": text})
    head = ["POST /v1/judge HTTP/1.1", "Host: x", f"Authorization: Bearer {secret}", *more]
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(head) + f"\r\n\r\n{body}").encode()


class Line:
    """A client's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.close = writer.close

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self) -> tuple[int, bytes, str | None]:
        """Return status, head and the text that was judged."""
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 5)).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        said = json.loads(await self._reader.readexactly(length))
        return int(head.split()[1]), head, said.get("channel")

    async def texts(self, count: int) -> list[str | None]:
        return [(await self.answer())[2] for _ in range(count)]

    async def ended(self) -> bool:
        return await asyncio.wait_for(self._reader.read(), 5) == b""


@asynccontextmanager
async def line(it: Served) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def let_go(it: Served, count: int) -> None:
    for _ in range(count):
        it.go.release()


async def test_one_request_after_the_other_on_one_connection(tmp_path: Path) -> None:
    """The usual way."""
    async with served(tmp_path) as it, line(it) as client:
        let_go(it, 3)
        for text in ("a", "b", "c"):
            client.send(request(text))
            assert (await client.answer())[::2] == (200, text)


async def test_requests_sent_ahead_are_answered_in_order(tmp_path: Path) -> None:
    """Whichever way each of them goes."""
    async with served(tmp_path) as it, line(it) as client:
        let_go(it, 4)
        client.send(request("a") + request("b", "Expect: nothing") + request("c") + request("d")[:-3])
        assert await client.texts(3) == ["a", "b", "c"]
        client.send(request("d")[-3:])
        assert await client.texts(1) == ["d"]


@pytest.mark.parametrize("cut", [10, 60, -9, -1])
async def test_a_request_in_two_parts_is_one(tmp_path: Path, cut: int) -> None:
    """Cut in the head or in the body."""
    async with served(tmp_path) as it, line(it) as client:
        let_go(it, 2)
        for text in ("a", "b"):
            whole = request(text)
            client.send(whole[:cut])
            await asyncio.sleep(0.05)
            client.send(whole[cut:])
            assert (await client.answer())[::2] == (200, text)


async def test_what_is_not_judged_in_time_is_busy_and_the_connection_goes_on(tmp_path: Path) -> None:
    """The late answer goes nowhere."""
    async with served(tmp_path, timeout_s=0.2) as it, line(it) as client:
        client.send(request("a"))
        status, head, _ = await client.answer()
        assert (status, b"retry-after" in head) == (503, True)
        let_go(it, 2)
        client.send(request("b"))
        assert (await client.answer())[::2] == (200, "b")


async def test_who_leaves_costs_the_others_nothing(tmp_path: Path) -> None:
    """With a question still waiting."""
    async with served(tmp_path) as it, line(it) as gone, line(it) as there:
        gone.send(request("a"))
        await asyncio.sleep(0.05)
        there.send(request("b"))
        gone.close()
        await asyncio.sleep(0.05)
        let_go(it, 2)
        assert (await there.answer())[::2] == (200, "b")


@pytest.mark.parametrize(
    ("prepare", "status"),
    [
        (lambda: request("a", secret="csk_wrong"), 401),
        (lambda: request("a").replace(b"application/json", b"text/plain; charset=x"), 415),
        (lambda: request("a" * 2000), 413),
        (lambda: request("a").replace(b'"text"', b'"texs"'), 500),
    ],
)
async def test_a_refusal_leaves_the_connection_or_says_that_it_ends(
    tmp_path: Path, prepare: Callable[[], bytes], status: int
) -> None:
    """A refusal is an answer like others."""
    async with served(tmp_path) as it, line(it) as client:
        let_go(it, 1)
        client.send(prepare())
        found, head, _ = await client.answer()
        assert found == status
        if b"connection: close" in head:
            assert await client.ended()
        else:
            client.send(request("b"))
            assert (await client.answer())[::2] == (200, "b")


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"FOO /v1/judge HTTP/1.1\r\n\r\n",
        "GET /v1/é HTTP/1.1\r\n\r\n".encode(),
        b"\x16\x03\x01\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem_like_any_other(tmp_path: Path, garbage: bytes) -> None:
    """And the end of the connection, also after requests that were some."""
    async with served(tmp_path) as it, line(it) as client:
        let_go(it, 1)
        client.send(request("a"))
        assert (await client.answer())[2] == "a"
        client.send(garbage)
        status, head, _ = await client.answer()
        assert status == 400
        assert b"content-type: application/problem+json" in head
        assert b"x-request-id: " in head
        assert await client.ended()


async def test_whoever_asks_for_the_end_gets_it(tmp_path: Path) -> None:
    """After the answer."""
    async with served(tmp_path) as it, line(it) as client:
        let_go(it, 1)
        client.send(request("a", "Connection: close"))
        assert (await client.answer())[::2] == (200, "a")
        assert await client.ended()


async def test_what_is_asked_is_answered_before_the_end(tmp_path: Path) -> None:
    """A server that is told to stop takes no new connections, and closes the others when they are served."""
    async with served(tmp_path) as it, line(it) as waiting, line(it) as idle:
        waiting.send(request("a"))
        await asyncio.sleep(0.05)
        it.server.should_exit = True
        assert await idle.ended()
        let_go(it, 1)
        status, head, text = await waiting.answer()
        assert (status, text, b"connection: close" in head) == (200, "a", True)
        assert await waiting.ended()


async def test_a_connection_that_is_idle_for_long_is_closed_and_one_in_use_is_not(tmp_path: Path) -> None:
    """Time counts from the last answer."""
    async with served(tmp_path, idle_s=1) as it, line(it) as client:
        began = asyncio.get_running_loop().time()
        for text in ("a", "b", "c"):
            client.send(request(text))
            await asyncio.sleep(0.4)
            let_go(it, 1)
            assert (await client.answer())[::2] == (200, text)
        assert await client.ended()
        assert asyncio.get_running_loop().time() - began > 2.0
