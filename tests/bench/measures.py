"""The measurements on a broker: CPU by backlog, latency at a rate, how far a pushed worker falls behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import truediv
from statistics import median

from tests.bench.chat import messages
from tests.bench.programs import Program, cpu_s
from tests.bench.table import Line, Part
from tests.bench.tail import behind_s, under_load

WARM_UP = 5_000
LATENCY_RATE = 2_000
PUSH_RATE = 5_000

CPU_BAR = 0.25
LATENCY_BAR = 3.0
BEHIND_BAR_S = 1.0

# A load that sent less than this share of what was asked has shown nothing.
KEPT_PACE = 0.97

Say = Callable[[str], None]
Show = Callable[[Part], None]


async def warm_up(programs: Sequence[Program], say: Say) -> None:
    """Let each start, join its group and work off a first backlog, so that none of that is measured."""
    for program in programs:
        say(f"starting {program.name}")
        await program.work_off(messages(WARM_UP, seed=1))


async def cpu(
    faust: Program,
    copy: Program,
    worker: Program,
    scoring: Program,
    store: int,
    rounds: int,
    size: int,
    say: Say,
) -> Part:
    """Measure the CPU per message of each over the same backlogs, in turns.

    Of costs and of ratios the median round counts; a ratio is one round's, since machines change their pace.

    Args:
        worker: Ours, by rules and standing.
        scoring: Ours, with the model, too.
        store: Process id of the worker's store.
    """
    programs = (faust, copy, worker, scoring)
    costs: dict[str, list[float]] = {program.name: [] for program in programs}
    of_store: list[float] = []
    for number in range(rounds):
        backlog = messages(size, seed=100 + number)
        for program in programs:
            say(f"cpu: round {number + 1} of {rounds}, {program.name}")
            store_before = cpu_s(store)
            costs[program.name].append(await program.work_off(backlog) / size * 1e6)
            if program is worker:
                of_store.append((cpu_s(store) - store_before) / size * 1e6)
    each = {name: median(found) for name, found in costs.items()}
    ratio, to_copy = (
        {name: median(map(truediv, found, costs[other.name])) for name, found in costs.items()}
        for other in (faust, copy)
    )

    def line(what: str, program: Program) -> Line:
        name = program.name
        return Line(what, {"cpu_us": each[name], "to_faust": ratio[name], "to_copy": to_copy[name]})

    ours = line("Chatsieve's worker, rules and standing", worker)
    ours.bar = f"the worker's CPU per message at most {CPU_BAR} of plain Faust's"
    ours.held = ratio[worker.name] <= CPU_BAR
    return Part(
        "cpu",
        f"user + system of the process per message, over the same {rounds} backlogs of {size:,}",
        [
            line("plain Faust, one by one", faust),
            line("plain aiokafka, by batches", copy),
            ours,
            Line("  (the worker's store)", {"cpu_us": median(of_store)}),
            line("Chatsieve's worker, the model too", scoring),
        ],
    )


async def latency(copy: Program, worker: Program, rounds: int, seconds: float, say: Say) -> Part:
    """Measure from produced to seen on the output topic, for the copy and the worker in turns."""
    waits: dict[str, list[float]] = {copy.name: [], worker.name: []}
    rates: dict[str, list[float]] = {copy.name: [], worker.name: []}
    lost = 0
    for number in range(rounds):
        for program in (copy, worker):
            say(f"latency: round {number + 1} of {rounds}, {program.name}")
            sent, seen = await under_load(program, LATENCY_RATE, seconds)
            waits[program.name] += seen.settled_waits_ms()
            rates[program.name].append(sent.rate)
            lost += sent.counts[-1] - len(seen.waits_ms)
    theirs, ours = (_waits(waits[program.name], min(rates[program.name])) for program in (copy, worker))
    ratio = ours["p50_ms"] / theirs["p50_ms"]
    bar = f"the worker's p50 at most {LATENCY_BAR:g} times the copy's, nothing lost"
    kept = min(map(min, rates.values())) >= LATENCY_RATE * KEPT_PACE
    return Part(
        "latency",
        f"produce → output at {LATENCY_RATE:,} messages a second, {rounds} × {seconds:g} s each",
        [
            Line("plain aiokafka, by batches", theirs),
            Line(
                "Chatsieve's worker",
                ours | {"p50_to_copy": ratio},
                bar if kept else f"{bar} (the load itself did not keep its pace)",
                kept and lost == 0 and ratio <= LATENCY_BAR,
            ),
        ],
    )


async def push(worker: Program, store_pid: int, seconds: float, say: Say) -> Part:
    """Measure how far the worker falls behind at the mean rate of 430 million messages a day."""
    say(f"push: {seconds:g} s at {PUSH_RATE:,} messages a second")
    before, store_before = cpu_s(worker.pid), cpu_s(store_pid)
    sent, seen = await under_load(worker, PUSH_RATE, seconds)
    total = sent.counts[-1]
    behind = behind_s(sent, seen, PUSH_RATE)
    lost = total - len(seen.waits_ms)
    figures = {
        "sent_per_s": sent.rate,
        "behind_s": behind,
        "p50_ms": _quantile(sorted(seen.waits_ms.values()), 0.5),
        "p99_ms": _quantile(sorted(seen.waits_ms.values()), 0.99),
        "lost": lost,
        "no_standing": seen.unsaid,
        "cpu_us": (cpu_s(worker.pid) - before) / total * 1e6,
        "store_cpu_us": (cpu_s(store_pid) - store_before) / total * 1e6,
    }
    bar = f"never more than {BEHIND_BAR_S:g} s behind, nothing lost"
    kept = sent.rate >= PUSH_RATE * KEPT_PACE
    return Part(
        "push",
        f"{PUSH_RATE:,} messages a second for {seconds:g} s; behind is (sent - verdicts) / rate at its worst",
        [
            Line(
                "Chatsieve's worker",
                figures,
                bar if kept else f"{bar} (the load itself did not keep its pace)",
                kept and lost == 0 and behind <= BEHIND_BAR_S,
            )
        ],
    )


def _waits(waits: list[float], rate: float) -> dict[str, float]:
    ordered = sorted(waits)
    return {"sent_per_s": rate, "p50_ms": _quantile(ordered, 0.5), "p99_ms": _quantile(ordered, 0.99)}


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")
