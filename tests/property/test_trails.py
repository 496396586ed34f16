"""Trails come out the same: Lua and its twin agree, and cuts, repeats and restarts change nothing."""

import asyncio
import random
import uuid
from collections.abc import Callable, Coroutine, Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.finding.behaviour import Asked
from rules.finding.evidence import Evidence
from rules.message import Message
from rules.reputation import NEWCOMER, Reputation
from rules.ruleset import RuleSet
from rules.schema.conditions import BEHAVIOUR_COUNTS, Behaviour
from rules.schema.policy import Policy
from rules.schema.values import Bound, Seconds
from streams.judging.behaviour import Observer, Sighting
from streams.judging.outbox import Record
from streams.judging.turns import Turns
from streams.process.embedded import Store
from streams.store.trails import STAMP, Kind, MemoryTrails, Notes, TrailStore
from streams.store.trails_redis import RedisTrails
from streams.wire import read_message

BEGIN = 1_790_000_000.0
KINDS = (Kind("a", STAMP.size + 1, 3), Kind("b", STAMP.size, 5))
RULES = RuleSet((), {}, Policy())
ASKED = tuple(
    Asked.of(Behaviour(**{key: Bound(">", 1)}, within=Seconds(within)))  # type: ignore[arg-type]
    for key in BEHAVIOUR_COUNTS
    for within in (5, 60, 3600)
)

Range = tuple[int, int]


class Case:
    """A message as the observer sees it."""

    sighting: Sighting | None = None

    def __init__(self, record: Record) -> None:
        self.record = record
        self.at = record.at
        self.message: Message = read_message(record.value)
        self.author = self.message.author_key
        self.evidence: Evidence = RULES.scan(self.message)


def history(seed: int, length: int) -> list[Record]:
    """Records of one partition: few people who repeat each other, edit, shout, and whose clocks are off."""
    dice = random.Random(seed)
    texts = (
        "gg", "b", "uy", "!drop", "see gift.example/now my friends and be quick", "join discord.gg/abc",
        "@ana @bo look at this", "this is what everybody says here today", "😂😂",
    )  # fmt: skip
    records = []
    for offset in range(length):
        name = dice.choice(("ana", "bo", "cy", "dan", "eli"))
        author = {"id": name, "bot": name == "eli", "created_at": dice.choice(("2015-01-01T00:00:00Z", None))}
        body = {
            "id": f"m{dice.randrange(length)}",
            "author": {key: value for key, value in author.items() if value is not None},
            "channel": dice.choice(("lobby", "attic")),
            "text": f"{dice.choice(texts)}{dice.choice(('', '', ' now'))}",
            "kind": dice.choice(("created", "created", "created", "edited", "deleted")),
        }
        at = BEGIN + 2 * offset + dice.choice((0.0, 0.0, dice.uniform(-9, 9)))
        records.append(Record(0, offset, at, None, msgspec.json.encode(body)))
    return records


async def seen(records: Sequence[Record], ranges: Sequence[Range], store: TrailStore) -> list[list[Any]]:
    """What is said of each record each time it is judged; a new observer knows only what is stored."""
    told: list[list[Any]] = [[] for _ in records]
    first: dict[str, float] = {}
    for start, end in ranges:
        observer = Observer(store, secret=b"secret")
        cases = [Case(record) for record in records[start:end]]

        def known(author: str) -> Reputation:
            return msgspec.structs.replace(NEWCOMER, first_seen=first.get(author))

        await observer.see(cases, ASKED, "topic-id", Turns(), known=known)
        for case in cases:
            lately = case.sighting.seen() if case.sighting else None
            parts = case.sighting.joined() if case.sighting else None
            said = [lately.told(asked) for asked in ASKED] if lately else None
            told[case.record.offset].append((said, parts, lately and lately.campaign(ASKED[-4])))
            if case.sighting is not None and case.author is not None:
                first[case.author] = min(case.at, first.get(case.author, case.at))
    return told


def cuts(dice: random.Random, length: int) -> list[Range]:
    """Batches of a partition, one behind the other."""
    marks = sorted({0, length, *(dice.randrange(length) for _ in range(dice.randrange(1, 12)))})
    return list(pairwise(marks))


def with_restarts(dice: random.Random, batches: Sequence[Range]) -> list[Range]:
    """The same, some of them judged again, and cut otherwise, by whoever comes after a crash."""
    found: list[Range] = []
    for start, end in batches:
        found.append((start, end))
        if end - start > 1 and dice.random() < 0.5:
            middle = dice.randrange(start + 1, end)
            found += [(start, middle), (middle, end)]
    return found


async def _on(kind: str, store: Store, run: Callable[[TrailStore], Coroutine[Any, Any, Any]]) -> Any:
    if kind == "memory":
        return await run(MemoryTrails())
    trails = RedisTrails(store.url, prefix=f"test-{uuid.uuid4().hex}-", timeout_s=10)
    try:
        return await run(trails)
    finally:
        await trails.close()


_ENTRIES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 9)), max_size=6)
_NOTES = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(("00", "ff")), _ENTRIES), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(_NOTES, max_size=8))
def test_lua_and_its_twin_agree(store: Store, batches: list[Any]) -> None:
    """Whatever is noted, in whatever order, again and again, the same stands in the trails."""

    async def run(trails: TrailStore) -> list[list[bytes]]:
        return [await trails.note([_notes(*one) for one in batch]) for batch in batches]

    assert asyncio.run(_on("memory", store, run)) == asyncio.run(_on("redis", store, run))


def _notes(kind: Kind, key: str, entries: Sequence[tuple[int, int, int]]) -> Notes:
    joined = b"".join(STAMP.pack(*each).ljust(kind.size, b"x") for each in entries)
    return Notes(kind, key, joined, 60)


@pytest.mark.parametrize("kind", ["memory", "redis"])
@pytest.mark.parametrize("seed", range(6))
def test_cuts_repeats_and_restarts_change_nothing(store: Store, kind: str, seed: int) -> None:
    """Each record is told the same as if all had been judged one by one, each time that it is judged."""
    dice = random.Random(seed)
    records = history(seed, 90)
    one_by_one = [(number, number + 1) for number in range(len(records))]

    async def baseline(trails: TrailStore) -> list[list[Any]]:
        return await seen(records, one_by_one, trails)

    expected = asyncio.run(_on(kind, store, baseline))
    for _ in range(4):
        ranges = with_restarts(dice, cuts(dice, len(records)))

        async def other(trails: TrailStore, ranges: Sequence[Range] = ranges) -> list[list[Any]]:
            return await seen(records, ranges, trails)

        told = asyncio.run(_on(kind, store, other))
        for number, (first, again) in enumerate(zip(expected, told, strict=True)):
            assert all(each == first[0] for each in again), (number, ranges)
