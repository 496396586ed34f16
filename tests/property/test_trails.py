"""Trails come out the same in Lua and in its twins, and keep what rules look back at."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.finding.trail import (
    LAYOUT,
    LINKS,
    LONG,
    MENTIONS,
    MOST,
    OFFSET,
    SIZE,
    added,
    before,
    entries,
    prolonged,
    stamp,
)
from rules.message import Kind as Happened
from rules.verdict import Action
from streams.process.embedded import Store
from streams.store.standings import Ask, AuthorEffects, Effect, PartitionId, Recall, StandingStore
from streams.store.standings_memory import MemoryStandings
from streams.store.standings_redis import RedisStandings
from streams.store.trails import STAMP, Kind, MemoryTrails, TrailStore
from streams.store.trails_redis import RedisTrails

KINDS = (Kind("a", STAMP.size + 1, 3, 60), Kind("b", STAMP.size, 5, 60))


async def _on(kind: str, store: Store, run: Callable[[TrailStore], Coroutine[Any, Any, Any]]) -> Any:
    if kind == "memory":
        return await run(MemoryTrails())
    trails = RedisTrails(store.url, prefix=f"test-{uuid.uuid4().hex}-", timeout_s=10)
    try:
        return await run(trails)
    finally:
        await trails.close()


_ENTRIES = st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 9)) | st.none()
_NOTES = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(("00", "ff")), _ENTRIES), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(_NOTES, max_size=8))
def test_lua_and_its_twin_agree(store: Store, batches: list[Any]) -> None:
    """Whatever is noted, in whatever order, again and again, the same stands in the trails."""

    async def run(trails: TrailStore) -> list[list[bytes]]:
        return [await trails.note([_note(*one) for one in batch]) for batch in batches]

    assert asyncio.run(_on("memory", store, run)) == asyncio.run(_on("redis", store, run))


def _note(kind: Kind, key: str, entry: tuple[int, int, int] | None) -> tuple[Kind, str, bytes]:
    return kind, key, STAMP.pack(*entry).ljust(kind.size, b"x") if entry else b""


def _entry(offset: int, marks: tuple[int, int], partition: int = 0) -> bytes:
    return LAYOUT.pack(stamp(offset, partition), offset, b"the text", 1, offset, 8, 0, *marks, 0)


_MARKS = st.sampled_from(((0, 0), (0, 0), (1, 0), (0, 2)))


@given(st.lists(_MARKS, max_size=200) | st.lists(st.just((1, 0)), max_size=99))
def test_a_trail_keeps_what_rules_look_back_at(said: Sequence[tuple[int, int]]) -> None:
    """The last ones, the last with a link or a mention, in their order, and little besides."""
    trail = b""
    for offset, marks in enumerate(said):
        trail = added(trail, _entry(offset, marks))
    kept = [one[OFFSET] for one in entries(trail)]
    marked = [one[OFFSET] for one in entries(trail) if one[LINKS] or one[MENTIONS]]
    assert kept[-MOST:] == list(range(len(said)))[-MOST:]
    assert marked[-MOST:] == [offset for offset, marks in enumerate(said) if any(marks)][-MOST:]
    assert kept == sorted(kept)
    assert len(trail) <= 2 * MOST * SIZE


@given(st.lists(st.lists(_MARKS, max_size=40), max_size=12) | st.lists(st.just([(1, 0)] * 30), max_size=9))
def test_what_is_added_together_is_what_is_added_one_by_one(
    batches: Sequence[Sequence[tuple[int, int]]],
) -> None:
    """Wherever a batch ends; and nothing stands before the last ones but links and mentions."""
    together = alone = b""
    offset = 0
    for batch in batches:
        said = [_entry(offset + n, marks) for n, marks in enumerate(batch)]
        offset += len(batch)
        together = added(together, *said)
        for one in said:
            alone = added(alone, one)
    assert together == alone
    assert all(one[LINKS] or one[MENTIONS] for one in entries(together)[:-MOST])


@given(st.lists(_MARKS, max_size=2 * MOST), st.lists(_MARKS, min_size=1, max_size=9))
def test_what_is_added_to_an_older_trail_pushes_off_no_link(
    stood: Sequence[tuple[int, int]], came: Sequence[tuple[int, int]]
) -> None:
    """One from before trails were cut this way: more stands in it than links before the last ones."""
    packed = [_entry(offset, marks) for offset, marks in enumerate((*stood, *came))]
    trail = added(b"".join(packed[: len(stood)]), *packed[len(stood) :])
    marked = [one[OFFSET] for one in entries(trail) if one[LINKS] or one[MENTIONS]]
    assert marked[-MOST:] == [offset for offset, marks in enumerate((*stood, *came)) if any(marks)][-MOST:]
    assert trail[-MOST * SIZE :] == b"".join(packed[-MOST:])


@given(st.lists(st.lists(_MARKS, max_size=40), max_size=12) | st.lists(st.just([(1, 0)] * 30), max_size=9))
def test_a_trail_that_is_prolonged_keeps_it_too(batches: Sequence[Sequence[tuple[int, int]]]) -> None:
    """However many come at a time."""
    trail, said, offset = b"", [], 0
    for batch in batches:
        entries_of = [_entry(offset + n, marks) for n, marks in enumerate(batch)]
        trail = prolonged(trail, entries_of)
        said += batch
        offset += len(batch)
        assert len(trail) <= LONG * SIZE
    kept = [one[OFFSET] for one in entries(trail)]
    marked = [one[OFFSET] for one in entries(trail) if one[LINKS] or one[MENTIONS]]
    assert kept[-MOST:] == list(range(len(said)))[-MOST:]
    assert marked[-MOST:] == [offset for offset, marks in enumerate(said) if any(marks)][-MOST:]
    assert kept == sorted(kept)


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(0, 40), st.integers(0, 2))
def test_what_came_later_is_not_seen(partitions: list[int], offset: int, partition: int) -> None:
    """Of its own partition a message sees what lies below it; of others all, and offsets may have wrapped."""
    base = 2**32 - 20
    said = [(number, base + number) for number in range(len(partitions))]
    packed = [
        LAYOUT.pack(stamp(n, where), at & 0xFFFFFFFF, b"the text", 1, n, 8, 0, 0, 0, 0)
        for (n, at), where in zip(said, partitions, strict=True)
    ]
    own = (stamp(offset, partition), (base + offset) & 0xFFFFFFFF, b"", 1, 1, 8, 0, 0, 0, 0)
    expected = [
        one
        for one, (number, _), where in zip(packed, said, partitions, strict=True)
        if where != partition or number < offset
    ]
    assert before(b"".join(packed), own) == b"".join(expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(_MARKS | st.none(), max_size=60), max_size=6) | st.just([[(1, 0)] * 23] * 6))
def test_lua_and_its_twin_agree_on_what_an_author_said(store: Store, batches: list[list[Any]]) -> None:
    """One by one or many at once, with links and without, or with messages that aren't counted."""

    async def run(standings: StandingStore) -> list[bytes]:
        found, offset = [], 0
        for marks in batches:
            effects = []
            for each in marks:
                offset += 1
                entry = _entry(offset, each) if each else b""
                recall = Recall("0", Action.ALLOW, good=True)
                effects.append(Effect(offset, 1e9, str(offset), Happened.CREATED, recall, entry=entry))
            await standings.save([AuthorEffects("an author", PartitionId("topic", 0), tuple(effects))], 60.0)
            (standing,) = await standings.load([Ask("an author", ())], 1e9, trails=True)
            found.append(standing.trail)
        return found

    async def on_redis() -> list[bytes]:
        prefix = f"test-{uuid.uuid4().hex}-"
        standings = RedisStandings(store.url, key=b"k", prefix=prefix, timeout_s=10)
        try:
            return await run(standings)
        finally:
            await standings.close()

    assert asyncio.run(on_redis()) == asyncio.run(run(MemoryStandings()))
