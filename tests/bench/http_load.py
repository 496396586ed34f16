"""Clients that ask an HTTP server as fast as it answers: `wrk` where it is there, else ours in Python."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.programs import ProgramError

CLIENTS, WARM_S = 64, 1.0
SCRIPT = Path(__file__).with_suffix(".py").with_name("api_load.lua")
# Where `make bench` puts it.
FETCHED = Path(__file__).resolve().parents[2] / ".cache" / "wrk"


class Load(NamedTuple):
    """What came of it, in requests a second, milliseconds and answers that were none."""

    answered: int
    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int


class Target(NamedTuple):
    """Where to POST which bodies, by which key."""

    port: int
    path: str
    secret: str
    bodies: Sequence[str]

    def load(self, seconds: float, folder: Path) -> Load:
        """Let the clients ask for so long, a connection each."""
        return _with_wrk(self, seconds, folder) if wrk() else asyncio.run(_with_ours(self, seconds))


def who() -> str:
    """Return who asks, in words."""
    return "wrk" if wrk() else "clients in Python, which take a core themselves"


def wrk() -> str | None:
    """Return the program, if it is there."""
    fetched = FETCHED / "usr" / "bin" / "wrk"
    return shutil.which("wrk") or (str(fetched) if fetched.exists() else None)


def _with_wrk(target: Target, seconds: float, folder: Path) -> Load:
    bodies = folder / "bodies"
    bodies.write_text("\n".join(target.bodies))
    libraries = os.pathsep.join(map(str, FETCHED.glob("usr/lib/*-linux-gnu*")))
    done = subprocess.run(
        [
            wrk() or "wrk", "--threads=1", f"--connections={CLIENTS}", f"--duration={round(seconds)}s",
            "--timeout=10s", f"--script={SCRIPT}", f"http://127.0.0.1:{target.port}{target.path}",
            "--", str(bodies), target.secret,
        ],
        env=os.environ | ({"LD_LIBRARY_PATH": libraries} if libraries else {}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not said:
        raise ProgramError(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout)[-200:]}")
    found = json.loads(said[-1])
    return Load(
        found["requests"], found["requests"] / found["micros"] * 1e6, found["p50"] / 1e3, found["p99"] / 1e3,
        found["errors"],
    )  # fmt: skip


async def answers(target: Target, patience_s: float) -> None:
    """Return once somebody answers there.

    Raises:
        ProgramError: Nobody does.
    """
    patience = time.monotonic() + patience_s
    while time.monotonic() < patience:
        try:
            return await _ask_once(target)
        except OSError:
            await asyncio.sleep(0.1)
    raise ProgramError(f"nobody answers on port {target.port}")


async def _ask_once(target: Target) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    writer.write(_request(target, target.bodies[0]))
    head = await reader.readline()
    writer.close()
    if not head.startswith(b"HTTP/1.1 200"):
        raise ProgramError(f"port {target.port} answers {head[:60]!r}")


def _request(target: Target, body: str) -> bytes:
    return (
        f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {target.secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()


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


async def _with_ours(target: Target, seconds: float) -> Load:
    requests = [_request(target, body) for body in target.bodies]
    waits: list[float] = []
    errors: list[bytes] = []
    loop = asyncio.get_running_loop()
    clients = [
        (
            await loop.create_connection(
                lambda n=n: _Client(requests, n, waits, errors), "127.0.0.1", target.port
            )
        )[0]  # type: ignore[misc]
        for n in range(CLIENTS)
    ]
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    took, found = time.perf_counter() - began, sorted(waits)
    for client in clients:
        client.abort()
    if not found:
        raise ProgramError(f"port {target.port} answers nothing: {errors[:1]}")
    return Load(
        len(found), len(found) / took, found[len(found) // 2] * 1e3, found[len(found) * 99 // 100] * 1e3,
        len(errors),
    )  # fmt: skip
