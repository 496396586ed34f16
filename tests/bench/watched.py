"""What it costs to watch what authors do: the worker with the packs that ask for it, and without."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from operator import sub
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rules.packs import load
from streams.process.embedded import Store
from tests.bench.chat import messages
from tests.bench.measures import Say
from tests.bench.programs import Program, aiokafka_copy, cpu_s, worker
from tests.bench.table import Line, Part

BAR = 2.5
# So much was said before, unmeasured, so that authors have a past and trails their length.
PAST = 40_000
PACK = Path("rules/optional/behaviour.yaml")


def with_behaviour(packs: Path, folder: Path) -> Path:
    """Return a copy of packs that don't ask for behaviour, with the pack that does."""
    if load(packs).behaviour:
        raise ValueError(f"{packs}: its rules ask for behaviour already")
    copy = folder / "packs-with"
    shutil.copytree(packs, copy)
    shutil.copy(PACK, copy)
    return copy


class Crew(NamedTuple):
    """What is measured side by side; `stores` are the process ids of those of `without` and `watching`."""

    copy: Program
    without: Program
    watching: Program
    stores: tuple[int, int]


@contextmanager
def crew(broker: str, packs: Path, packs_with: Path, number: int) -> Iterator[Crew]:
    """Start a copy, a worker without behaviour and one with, each with a store of its own, and end them."""
    with (
        Store() as store,
        Store() as other,
        aiokafka_copy(broker, f"copy-{number}") as copy,
        worker(broker, store.url, packs, f"without-{number}") as without,
        worker(broker, other.url, packs_with, f"watching-{number}") as watching,
    ):
        yield Crew(copy, without, watching, (store.pid, other.pid))


async def watched(broker: str, packs: Path, crews: int, rounds: int, size: int, say: Say) -> Part:
    """Measure both workers and a plain copy over the same backlogs, in turns, now one first, now the other.

    What watching costs is a small difference of two large numbers. Each is as noisy as the machine, so there
    are many rounds, and their medians count; each process keeps a pace of its own for as long as it lives,
    by where its memory happens to lie, so that after some rounds others take their place.

    Args:
        crews: How often all of them are started.
        rounds: Backlogs that each crew works off.
        size: Messages of a backlog.
    """
    costs: dict[str, list[float]] = {"copy": [], "without": [], "watching": []}
    of_stores: dict[str, list[float]] = {"without": [], "watching": []}
    with tempfile.TemporaryDirectory(prefix="chatsieve-bench-") as folder:
        packs_with = with_behaviour(packs, Path(folder))
        for number in range(crews):
            with crew(broker, packs, packs_with, number) as at_work:
                for program in at_work[:3]:
                    say(f"watched: crew {number + 1} of {crews} begins, {program.name}")
                    await program.work_off(messages(PAST, seed=1))
                for turn in range(rounds):
                    say(f"watched: crew {number + 1} of {crews}, round {turn + 1} of {rounds}")
                    backlog = messages(size, seed=300 + number * rounds + turn)
                    costs["copy"].append(await at_work.copy.work_off(backlog) / size * 1e6)
                    workers = (
                        ("without", at_work.without, at_work.stores[0]),
                        ("watching", at_work.watching, at_work.stores[1]),
                    )
                    for name, program, store in workers[:: -1 if turn % 2 else 1]:
                        before = cpu_s(store)
                        costs[name].append(await program.work_off(backlog) / size * 1e6)
                        of_stores[name].append((cpu_s(store) - before) / size * 1e6)
    extra = list(map(sub, costs["watching"], costs["without"]))
    extra_store = list(map(sub, of_stores["watching"], of_stores["without"]))
    ratio = median(extra) / median(costs["copy"])
    ratio_store = median(extra_store) / median(costs["copy"])
    return Part(
        "watched",
        f"user + system per message, over the same {crews * rounds} backlogs of {size:,}",
        [
            Line("plain aiokafka, by batches", {"cpu_us": median(costs["copy"])}),
            Line("worker that watches nobody", {"cpu_us": median(costs["without"])}),
            Line("worker that watches behaviour", {"cpu_us": median(costs["watching"])}),
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
