"""What the API answers a second, with the model on, beside a bare echo of its framework; they take turns."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from streams.api.keys import hash_of
from streams.process.embedded import Broker, Store, free_port, guarded
from tests.bench.chat import of_length
from tests.bench.http_load import CLIENTS, WARM_S, Load, Target, answers, who
from tests.bench.programs import cpu_s, family
from tests.bench.table import Line, Part

ROUNDS, SECONDS, PROCESSES = 9, 3.0, 2
SECRET = "csk_bench"
START_S = 60.0
SHARE_BAR = 0.5


class _Server(NamedTuple):
    what: str
    target: Target
    pid: int


class Round(NamedTuple):
    """A server under load for a while; CPU microseconds a request, of all its processes and of the store."""

    load: Load
    cpu_us: float
    store_us: float


def api(packs: Path, model: Path) -> Part:
    """Measure one process and several beside the echo, which is one, and return a table of them."""
    with ExitStack() as running:
        broker, store = running.enter_context(Broker()), running.enter_context(Store())
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="chatsieve-bench-")))
        settings = {
            "BROKER": broker.address, "STORE": store.url, "API_KEYS": str(_keys(folder)), "PACKS": str(packs),
            "MODEL": str(model), "STATE": str(folder), "LOG": "warning", "KEY": "bench",
        }  # fmt: skip
        bodies = [
            json.dumps({"message": {"text": text, "author": f"u{n}"}})
            for n, text in enumerate(of_length(60, 512))
        ]

        def start(what: str, *arguments: str, **more: str) -> _Server:
            port = free_port()
            named = {f"CHATSIEVE_{name}": value for name, value in {**settings, **more}.items()}
            named["CHATSIEVE_API"] = f"127.0.0.1:{port}"
            program = [each.replace("PORT", str(port)) for each in arguments]
            pid = running.enter_context(_program(program, named))
            return _Server(what, Target(port, "/v1/judge", SECRET, bodies), pid)

        servers = [
            start("bare echo, one process", "tests.bench.api_echo", "PORT"),
            start("Chatsieve, one process", "streams", "api", HTTP="127.0.0.1:0"),
            start(
                f"Chatsieve, --workers {PROCESSES}",
                "streams",
                "api",
                "--workers",
                str(PROCESSES),
                HTTP="127.0.0.1:0",
            ),
        ]
        for server in servers:
            asyncio.run(answers(server.target, START_S))
            server.target.load(WARM_S, folder)
        rounds = [[_round(server, store.pid, folder) for server in servers] for _ in range(ROUNDS)]
    return Part(
        "api",
        f"{CLIENTS} connections, a message of 60 characters a request; median of {ROUNDS}; asked by {who()}",
        [
            _line(server, each, [one[0] for one in rounds])
            for server, each in zip(servers, zip(*rounds, strict=True), strict=True)
        ],
    )


def _line(server: _Server, rounds: Sequence[Round], echoes: Sequence[Round]) -> Line:
    loads = [one.load for one in rounds]
    errors = sum(load.errors for load in loads)
    figures = {
        "req/s": median(load.per_s for load in loads), "p50 ms": median(load.p50_ms for load in loads),
        "p99 ms": median(load.p99_ms for load in loads), "CPU µs": median(one.cpu_us for one in rounds),
        "store µs": median(one.store_us for one in rounds), "errors": float(errors),
    }  # fmt: skip
    if rounds[0] is echoes[0]:
        return Line(server.what, figures)
    # Pair by pair: the machine is noisy, and what follows each other is noisy alike.
    share = median(one.per_s / other.load.per_s for one, other in zip(loads, echoes, strict=True))
    figures["of echo"] = share
    if str(PROCESSES) not in server.what:
        return Line(server.what, figures)
    bar = f"at least {SHARE_BAR:g} of the echo's requests a second, no error"
    return Line(server.what, figures, bar, share >= SHARE_BAR and not errors)


def _round(server: _Server, store: int, folder: Path) -> Round:
    its = family(server.pid)
    before, stored = sum(map(cpu_s, its)), cpu_s(store)
    load = server.target.load(SECONDS, folder)
    used, store_used = sum(map(cpu_s, its)) - before, cpu_s(store) - stored
    return Round(load, used / load.answered * 1e6, store_used / load.answered * 1e6)


def _keys(folder: Path) -> Path:
    key = {
        "name": "bench", "tenant": "bench", "hash": hash_of(SECRET.encode()), "rate": 1e9,
        "burst": 1_000_000_000,
    }  # fmt: skip
    path = folder / "keys.yaml"
    path.write_text(json.dumps({"keys": [key]}))
    return path


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
