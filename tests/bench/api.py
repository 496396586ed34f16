"""What the API answers a second, with the model on, beside a bare echo of its framework; they take turns."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from streams.api.keys import hash_of
from streams.process.embedded import Broker, Store, free_port, guarded
from tests.bench.chat import of_length
from tests.bench.programs import ProgramError, cpu_s
from tests.bench.table import Line, Part

CLIENTS, ROUNDS, SECONDS, WARM_S = 64, 5, 3.0, 1.0
SECRET = "csk_bench"
START_S = 60.0
SHARE_BAR = 0.5


class Round(NamedTuple):
    """One server under load for a while."""

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    errors: int


def api(packs: Path, model: Path) -> Part:
    """Measure both, and return a table of them."""
    bodies = [
        json.dumps({"message": {"text": text, "author": f"u{n}"}})
        for n, text in enumerate(of_length(60, 512))
    ]
    with ExitStack() as running:
        broker, store = running.enter_context(Broker()), running.enter_context(Store())
        folder = running.enter_context(tempfile.TemporaryDirectory(prefix="chatsieve-bench-"))
        keys = Path(folder) / "keys.yaml"
        key = {
            "name": "bench",
            "tenant": "bench",
            "hash": hash_of(SECRET.encode()),
            "rate": 1e9,
            "burst": 1_000_000_000,
        }
        keys.write_text(json.dumps({"keys": [key]}))
        settings = {
            "BROKER": broker.address, "STORE": store.url, "API_KEYS": str(keys), "PACKS": str(packs),
            "MODEL": str(model), "STATE": folder, "HTTP": f"127.0.0.1:{free_port()}", "LOG": "warning",
            "KEY": "bench", "FETCH_WAIT": "0.1",
        }  # fmt: skip
        ours, echo = free_port(), free_port()
        settings["API"] = f"127.0.0.1:{ours}"
        named = {f"CHATSIEVE_{name}": value for name, value in settings.items()}
        pids = {
            echo: running.enter_context(_program(["tests.bench.api_echo", str(echo)], {})),
            ours: running.enter_context(_program(["streams", "api"], named)),
        }
        asyncio.run(_both_answer(tuple(pids)))
        rounds: dict[int, list[Round]] = {port: [] for port in pids}
        for _ in range(ROUNDS):
            for port, pid in pids.items():
                rounds[port].append(asyncio.run(_load(port, pid, bodies)))
    mine, bare = _median(rounds[ours]), _median(rounds[echo])
    # Pair by pair: the machine is noisy, and two that follow each other are noisy alike.
    share = median(one.per_s / other.per_s for one, other in zip(rounds[ours], rounds[echo], strict=True))
    return Part(
        "api",
        f"{CLIENTS} clients, a connection each, a message of 60 characters a request; median of {ROUNDS}",
        [
            Line("bare echo", _figures(bare)),
            Line(
                "Chatsieve, model on", _figures(mine) | {"share": share},
                f"at least {SHARE_BAR:g} of the echo's requests a second, no error",
                share >= SHARE_BAR and mine.errors == 0,
            ),
        ],
    )  # fmt: skip


def _figures(found: Round) -> dict[str, float]:
    return {
        "req/s": found.per_s, "p50 ms": found.p50_ms, "p99 ms": found.p99_ms, "CPU µs": found.cpu_us,
        "errors": found.errors,
    }  # fmt: skip


def _median(rounds: Sequence[Round]) -> Round:
    return Round(
        *(median(values) for values in list(zip(*rounds, strict=True))[:4]), sum(r.errors for r in rounds)
    )


@contextmanager
def _program(arguments: list[str], environment: dict[str, str]) -> Iterator[int]:
    """A process of ours, ended when we are; yields its id."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CHATSIEVE_")}
    process = subprocess.Popen(
        guarded([sys.executable, "-m", *arguments], signal.SIGTERM),
        env=ours | environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
        process.stdin.close()


async def _both_answer(ports: Sequence[int]) -> None:
    patience = time.monotonic() + START_S
    for port in ports:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError as error:
                if time.monotonic() > patience:
                    raise ProgramError(f"nothing listens on {port}") from error
                await asyncio.sleep(0.1)
            else:
                writer.close()
                break
    await _load(
        ports[-1], os.getpid(), ['{"message": {"text": "hello"}}'], seconds=START_S / 4, until_answered=True
    )


class _Client(asyncio.Protocol):
    """Asks one thing after the other over one connection, and notes how long each answer took."""

    def __init__(
        self, requests: Sequence[bytes], first: int, waits: list[float], errors: list[bytes]
    ) -> None:
        self._requests = requests
        self._next = first
        self._waits, self._errors = waits, errors
        self._buffer = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += CLIENTS

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._buffer = b""
        self._waits.append(time.perf_counter() - self._asked)
        if not head.startswith(b"HTTP/1.1 200"):
            self._errors.append(head[:60])
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._errors.append(repr(exc).encode())


async def _load(
    port: int, pid: int, bodies: Sequence[str], seconds: float = SECONDS, *, until_answered: bool = False
) -> Round:
    """Let the clients ask for so long; what they asked before it counts is not in it."""
    requests = [
        (
            f"POST /v1/judge HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {SECRET}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
        ).encode()
        for body in bodies
    ]
    waits: list[float] = []
    errors: list[bytes] = []
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda n=n: _Client(requests, n, waits, errors), "127.0.0.1", port))[0]  # type: ignore[misc]
        for n in range(CLIENTS)
    ]
    patience = time.monotonic() + seconds
    if until_answered:
        while not waits and time.monotonic() < patience:
            await asyncio.sleep(0.05)
    else:
        await asyncio.sleep(WARM_S)
        waits.clear()
        before, began = cpu_s(pid), time.perf_counter()
        await asyncio.sleep(seconds)
        used, took = cpu_s(pid) - before, time.perf_counter() - began
    found = sorted(waits)
    for client in clients:
        client.abort()
    if not found:
        raise ProgramError(f"port {port} answers nothing: {errors[:1]}")
    if until_answered:
        return Round(0, 0, 0, 0, len(errors))
    return Round(
        len(found) / took, found[len(found) // 2] * 1e3, found[len(found) * 99 // 100] * 1e3,
        used / len(found) * 1e6, len(errors),
    )  # fmt: skip
