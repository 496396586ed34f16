"""How long judging stands still while packs are loaded beside it: the longest stall of the event loop."""

from __future__ import annotations

import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from rules import packs
from streams.control import aside
from streams.control.last_good import LastGood
from streams.control.orders import Orders
from streams.control.reload import PackWatcher
from streams.control.rulebook import Change, Rulebook
from streams.process.tasks import tune_process
from tests.bench.table import Line, Part

SEED = 11
TERMS = 100_000
TICK_S = 0.001
# Of so many edits the best counts: what a noisy machine adds is not ours.
EDITS = 5

PACK = """
rules:
  - {{id: bench/list, label: scam, strength: medium, list: lists/long.txt}}
"""
EDITED = """
rules:
  - {{id: edited/word, label: scam, strength: weak, terms: [zzword{number}], hit: [a zzword{number} here]}}
"""
POLICY = "labels:\n  scam: {base: -4, ladder: {flag: 30, hold: 60, remove: 90}}\n"


class Pulse:
    """Ticks on the event loop, as judging would want its turn, and keeps the longest wait."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Pulse:
        self._task = asyncio.create_task(self._beat())
        await asyncio.sleep(0.05)
        self.longest = 0.0
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        await asyncio.sleep(0.05)
        self._task.cancel()

    async def _beat(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(TICK_S)
            self.longest = max(self.longest, time.perf_counter() - before - TICK_S)


def fill(folder: Path, terms: int = TERMS, seed: int = SEED) -> Path:
    """Write packs with a long list: nine terms in ten single words, one a phrase, prefix or infix."""
    (folder / "lists").mkdir(parents=True)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "bench.yaml").write_text(PACK.format())
    (folder / "edited.yaml").write_text(EDITED.format(number=0))
    lines = ["# Made for the bench.", *made_terms(terms, seed), ""]
    (folder / "lists/long.txt").write_text("\n".join(lines))
    return folder


def made_terms(count: int, seed: int) -> list[str]:
    """Return so many different terms of letters at random."""
    dice = random.Random(seed)

    def word() -> str:
        return "".join(dice.choices("abcdefghijklmnoprstuvwyz", k=dice.randint(6, 11)))

    found: dict[str, None] = {}
    while len(found) < count:
        number = len(found)
        if number % 10:
            term = word()
        else:
            term = (f"{word()} {word()}", f"{word()}*", f"*{word()}*")[number // 10 % 3]
        found[term] = None
    return list(found)


async def longest(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Return the longest stall while something is done, and how long that took, in seconds."""
    began = time.perf_counter()
    async with Pulse() as pulse:
        await work()
    return pulse.longest, time.perf_counter() - began - 0.1


async def cold(folder: Path) -> tuple[float, float]:
    """Load packs that nothing is known of, in a thread."""

    def load() -> None:
        with aside.loading():
            packs.load(folder)

    return await longest(lambda: asyncio.to_thread(load))


async def edits(folder: Path, count: int = EDITS) -> list[tuple[float, float]]:
    """Edit a small pack beside the long list, and take each edit as a worker does."""
    told: list[Change] = []
    now = 1000.0
    (folder / "edited.yaml").write_text(EDITED.format(number=0))
    base = await asyncio.to_thread(packs.load, folder)
    book = Rulebook(base, Orders(), LastGood(None, folder), told.append, now=now)
    watcher = PackWatcher(folder, base, lambda it: book.rebase(it.rules, it.at, it.changed), now=now)
    del base
    for _ in range(3):
        now += 1
        await watcher.look(now)
    found = []
    for number in range(1, count + 1):
        (folder / "edited.yaml").write_text(EDITED.format(number=number))

        async def take() -> None:
            nonlocal now
            for _ in range(3):
                now += 1
                await watcher.look(now)
            await book.settle()
            await book.let_go()

        found.append(await longest(take))
        assert len(told) == number
        assert told[-1].refused is None, told[-1].refused
    return found


def measured() -> Part:
    """Measure both, in a process tuned as a worker's is."""
    tune_process()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as root:
        folder = fill(Path(root) / "packs")
        loaded = [asyncio.run(cold(folder))]
        edited = asyncio.run(edits(folder))
    return Part(
        "stalls",
        f"longest wait of the event loop while {TERMS:,} terms are loaded beside it, best of {EDITS} edits",
        [
            _line("cold load", loaded, 1000.0),
            _line("edit of a pack beside them", edited, 20.0),
        ],
    )


def _line(what: str, found: list[tuple[float, float]], bar_ms: float) -> Line:
    stall_ms = 1000 * min(stall for stall, _ in found)
    figures = {
        "stall_ms": stall_ms,
        "worst_ms": 1000 * max(stall for stall, _ in found),
        "took_ms": 1000 * min(took for _, took in found),
    }
    return Line(what, figures, f"{what}: judging stands still for at most {bar_ms:g} ms", stall_ms <= bar_ms)
