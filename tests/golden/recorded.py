"""Judges the golden records and writes down what comes out; run by itself, it renews the golden files.

python -m tests.golden.recorded
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from rules import packs
from streams.errors import UnreadableError
from streams.judging.moderator import Moderator
from streams.judging.outbox import Outbox, Record
from streams.kafka.topics import Topics
from streams.metrics import Metrics
from streams.store.desk import Desk
from streams.store.standings_memory import MemoryStandings
from streams.wire.reading import read_message
from streams.wire.writing import Output

HERE = Path(__file__).parent
TOPICS = Topics()
TOPIC_ID = "0190a3b4-7c1e-7f00-8a55-3d1c9be2f001"
PARTITION = 3
# Kafka's time of the first record, 2024-05-01T20:00:00Z, and the seconds from one to the next.
BEGIN, STEP_S = 1_714_593_600.0, 5.0
BATCH = 40

# What differs from run to run, or with every change to the packs.
_VARYING = re.compile(rb'"(judged_at|ruleset|at|ce_time)":"[^"]*"')
_VARYING_ID = re.compile(rb'("ce_id":"golden/[^"]*/)[^"/]*"')


def lines(name: str) -> list[bytes]:
    """Return the lines of a golden file; they end at newline bytes only."""
    return (HERE / name).read_bytes().split(b"\n")[:-1]


def masked(line: bytes) -> bytes:
    """Return the line with a star for every value that need not be the same."""
    return _VARYING_ID.sub(rb'\1*"', _VARYING.sub(rb'"\1":"*"', line))


def records() -> list[Record]:
    """Return messages, what is no message, and the first messages once more as a crash repeats them."""
    values = [*lines("messages.jsonl"), *lines("unreadable.jsonl")]
    found = [
        Record(PARTITION, offset, BEGIN + STEP_S * offset, _key(value), value, [("trace", b"abc")])
        for offset, value in enumerate(values)
    ]
    found.append(Record(PARTITION, len(values), BEGIN, b"a/tombstone", None))
    return [*found, *found[:2]]


def outputs() -> list[Output]:
    """Return everything that a worker with a fresh store produces, in order."""
    return asyncio.run(_judged(records()))


async def _judged(found: Sequence[Record]) -> list[Output]:
    rules = packs.load(HERE / "packs")
    store, metrics = MemoryStandings(), Metrics()
    half_life_s = rules.policy.reputation.half_life_s
    moderator = Moderator(
        current=lambda: rules,
        desk=Desk(store, metrics=metrics, half_life=lambda: half_life_s),
        outbox=Outbox(TOPICS, dict.fromkeys(TOPICS.all, 2), worker="golden", metrics=metrics),
        metrics=metrics,
        topic=TOPICS.messages,
        secret=b"golden",
    )
    produced = []
    for begin in range(0, len(found), BATCH):
        judged = await moderator.judge(TOPIC_ID, found[begin : begin + BATCH])
        await store.save(judged.effects, half_life_s)
        produced += judged.outputs
    return produced


def _key(value: bytes) -> bytes | None:
    """As a producer keys: tenant/platform/author; nothing where there is no author to be read."""
    try:
        key = read_message(value).author_key
    except UnreadableError:
        return None
    return key.encode() if key is not None else None


def verdicts(produced: Sequence[Output]) -> list[bytes]:
    """Return what lies on `mod.verdicts`, byte for byte but for what varies."""
    return [masked(out.value or b"") for out in produced if out.topic == TOPICS.verdicts]


def companions(produced: Sequence[Output]) -> list[bytes]:
    """Return every record as a line: where it goes, its key and headers, and its value where that is new.

    A verdict stands in verdicts.jsonl, and an action is the same bytes; a dead letter is what came.
    """
    return [masked(_line(out)) for out in produced]


def _line(out: Output) -> bytes:
    line: dict[str, object] = {
        "topic": out.topic,
        "partition": out.partition,
        "key": out.key.decode() if out.key is not None else None,
        "headers": {name: value.decode() for name, value in out.headers},
    }
    if out.topic in (TOPICS.review, TOPICS.control):
        line["value"] = msgspec.Raw(out.value or b"")
    return msgspec.json.encode(line)


def _write(name: str, content: Sequence[bytes]) -> None:
    (HERE / name).write_bytes(b"".join(line + b"\n" for line in content))


if __name__ == "__main__":
    found = outputs()
    _write("verdicts.jsonl", verdicts(found))
    _write("companions.jsonl", companions(found))
