"""The bench: `python -m tests.bench` measures the worker beside plain copies, all in one run, and ends with 1
if a bar is missed. The machine's noise is in all figures: compare within a run, not between runs."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

import msgspec

from streams.errors import EmbeddedError
from streams.process.embedded import Store
from streams.settings import Settings
from tests.bench import measures, programs, stalls
from tests.bench.actions import actions
from tests.bench.api import api
from tests.bench.model import model
from tests.bench.reputation import reputation
from tests.bench.scan import scan
from tests.bench.seldom import seldom
from tests.bench.table import Part, text
from tests.bench.terms import terms
from tests.bench.watched import watched
from tests.kafka.apache_kafka import ApacheKafka

PARTS = (
    "scan",
    "seldom",
    "stalls",
    "reputation",
    "model",
    "actions",
    "api",
    "cpu",
    "watched",
    "latency",
    "push",
)
ON_A_BROKER = {"cpu", "watched", "latency", "push"}
TROUBLE, USAGE = 1, 2
ARTIFACT = Path("models/artifacts/chat-compact")
# `make bench` puts it there, with the versions that it pins, which wouldn't go beside ours.
OTHER = Path(".cache/alt-profanity-check/bin/python")


class Sizes(msgspec.Struct, frozen=True):
    """How much is measured."""

    cpu_rounds: int = 7
    cpu_backlog: int = 10_000
    crews: int = 6
    crew_rounds: int = 4
    latency_rounds: int = 3
    latency_seconds: float = 10.0
    push_seconds: float = 60.0


QUICK = Sizes(
    cpu_rounds=3,
    cpu_backlog=10_000,
    crews=2,
    crew_rounds=2,
    latency_rounds=1,
    latency_seconds=6.0,
    push_seconds=10.0,
)


def main() -> int:
    """Measure what was asked for and print it; return the exit code."""
    options = _options()
    # A topic that was made this moment has no leader yet; that passes.
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    sizes = QUICK if options.quick else Sizes()
    if options.seconds:
        sizes = msgspec.structs.replace(sizes, push_seconds=options.seconds)
    asked = options.only or PARTS
    if options.only and "actions" in options.only and options.data is None:
        print("bench: actions needs --data, a folder of labelled texts", file=sys.stderr)
        return USAGE
    found: list[Part] = []

    def show(part: Part) -> None:
        found.append(part)
        if not options.json:
            print(text(part), flush=True)

    try:
        if "scan" in asked:
            show(scan(options.packs))
            show(terms(options.data))
        if "seldom" in asked:
            show(seldom())
        if "stalls" in asked:
            show(stalls.measured())
        if "reputation" in asked:
            show(reputation(options.packs, say))
        if "model" in asked:
            show(model(options.model, options.other))
        if "actions" in asked and options.data:
            show(actions(options.data, options.packs, options.model))
        if "api" in asked:
            show(api(options.packs, options.model))
        if ON_A_BROKER & set(asked):
            asyncio.run(on_a_broker(asked, sizes, options.packs, options.model, show))
    except (EmbeddedError, programs.ProgramError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return TROUBLE
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    return 0 if all(part.held for part in found) else TROUBLE


async def on_a_broker(
    asked: Collection[str], sizes: Sizes, packs: Path, model: Path, show: measures.Show
) -> None:
    """Start broker, store and the programs that are needed, and measure; everything has ended afterwards."""
    with ExitStack() as running:
        say("starting Apache Kafka")
        kafka = running.enter_context(ApacheKafka())
        if "watched" in asked:  # first, while nothing else stands by
            rounds = sizes.crews, sizes.crew_rounds, sizes.cpu_backlog
            show(await watched(kafka.address, packs, *rounds, say))
        if not {"cpu", "latency", "push"} & set(asked):
            return
        store = running.enter_context(Store())
        folder = running.enter_context(tempfile.TemporaryDirectory(prefix="chatsieve-bench-"))
        worker = running.enter_context(programs.worker(kafka.address, store.url, packs))
        needed = [worker]
        if {"cpu", "latency"} & set(asked):
            copy = running.enter_context(programs.aiokafka_copy(kafka.address))
            needed.append(copy)
        if "cpu" in asked:
            faust = running.enter_context(programs.plain_faust(kafka.address, folder))
            third = running.enter_context(Store())
            scoring = running.enter_context(
                programs.worker(kafka.address, third.url, packs, "scoring", model)
            )
            needed += (faust, scoring)
        await measures.warm_up(needed, say)
        if "cpu" in asked:
            rounds = sizes.cpu_rounds, sizes.cpu_backlog
            show(await measures.cpu(faust, copy, worker, scoring, store.pid, *rounds, say))
        if "latency" in asked:
            show(await measures.latency(copy, worker, sizes.latency_rounds, sizes.latency_seconds, say))
        if "push" in asked:
            show(await measures.push(worker, store.pid, sizes.push_seconds, say))


def say(what: str) -> None:
    """Tell a person what is going on."""
    print(f"… {what}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a shorter run, good for a first look")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure only this; may be repeated")
    parser.add_argument("--seconds", type=float, help="length of the push")
    parser.add_argument("--packs", type=Path, default=Settings().packs, help="folder of rule packs")
    parser.add_argument(
        "--data", type=Path, help="labelled texts: what is done with them, and what many terms cost on them"
    )
    parser.add_argument("--model", type=Path, default=ARTIFACT, help="folder of the artifact to measure")
    parser.add_argument("--other", type=Path, default=OTHER, help="a Python that has alt-profanity-check")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
