"""What it costs to watch what authors do: the worker with the packs that ask for it, and without."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from operator import sub
from pathlib import Path
from statistics import median

from rules.packs import load
from tests.bench.chat import messages
from tests.bench.measures import Say
from tests.bench.programs import Program, cpu_s
from tests.bench.table import Line, Part

BAR = 2.5
PACK = Path("rules/optional/behaviour.yaml")


def with_behaviour(packs: Path, folder: Path) -> Path:
    """Return a copy of packs that don't ask for behaviour, with the pack that does."""
    if load(packs).behaviour:
        raise ValueError(f"{packs}: its rules ask for behaviour already")
    copy = folder / "packs-with"
    shutil.copytree(packs, copy)
    shutil.copy(PACK, copy)
    return copy


async def watched(
    copy: Program, without: Program, worker: Program, stores: Sequence[int], rounds: int, size: int, say: Say
) -> Part:
    """Measure both workers and a plain copy over the same backlogs, in turns, now one first, now the other.

    What watching costs is a small difference of two large numbers, each as noisy as the machine, so there are
    many rounds, and their medians count.

    Args:
        stores: Process ids of the stores of `without` and of `worker`.
    """
    costs: dict[str, list[float]] = {program.name: [] for program in (copy, without, worker)}
    of_stores: dict[str, list[float]] = {program.name: [] for program in (without, worker)}
    for number in range(rounds):
        backlog = messages(size, seed=300 + number)
        workers = ((without, stores[0]), (worker, stores[1]))
        for program, store in ((copy, None), *workers[:: -1 if number % 2 else 1]):
            say(f"watched: round {number + 1} of {rounds}, {program.name}")
            before = cpu_s(store) if store is not None else 0.0
            costs[program.name].append(await program.work_off(backlog) / size * 1e6)
            if store is not None:
                of_stores[program.name].append((cpu_s(store) - before) / size * 1e6)
    extra = list(map(sub, costs[worker.name], costs[without.name]))
    extra_store = list(map(sub, of_stores[worker.name], of_stores[without.name]))
    ratio = median(extra) / median(costs[copy.name])
    ratio_store = median(extra_store) / median(costs[copy.name])
    return Part(
        "watched",
        f"user + system per message, over the same {rounds} backlogs of {size:,}",
        [
            Line("plain aiokafka, by batches", {"cpu_us": median(costs[copy.name])}),
            Line("worker that watches nobody", {"cpu_us": median(costs[without.name])}),
            Line("worker that watches behaviour", {"cpu_us": median(costs[worker.name])}),
            Line(
                "  more, in the worker",
                {"cpu_us": median(extra), "to_copy": ratio},
                f"at most {BAR:g} of the copy's CPU per message",
                ratio <= BAR,
            ),
            Line(
                "  more, in the store",
                {"cpu_us": median(extra_store), "to_copy": ratio_store},
                f"at most {BAR:g} of the copy's CPU per message",
                ratio_store <= BAR,
            ),
        ],
    )
