"""Effects count once: however a history is cut, repeated and resumed, the standings come out the same."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.finding.trail import LAYOUT
from rules.message import Kind
from rules.reputation import Entry, Reputation
from rules.verdict import Action
from streams.process.embedded import Store
from streams.store.journal import Journal, overlay, widened
from streams.store.standings import (
    DAY_S,
    Ask,
    AuthorEffects,
    Charge,
    Effect,
    Learned,
    PartitionId,
    Recall,
    Reversal,
    Standing,
    StandingStore,
)
from streams.store.standings_memory import MemoryStandings
from streams.store.standings_redis import RedisStandings

NOON = 20_000 * DAY_S + DAY_S / 2
WEEK_S = 7.0 * DAY_S
HERE = PartitionId("topic-id", 0)
AUTHORS = ("ana", "bo", "cy")
MESSAGES = ("m1", "m2", "m3", "m4")
DAYS = (-1, 0, 1, 2)

History = list[tuple[str, Effect | Reversal]]
Range = tuple[int, int]


def history(seed: int, length: int, *, jumps_s: float = 0.0) -> History:
    """Records of a partition by offset: chat with repetitions, edits, deletions, bots and reversals.

    A record a minute; each record's clock is off by up to `jumps_s`.
    """
    dice = random.Random(seed)
    ids: dict[str, list[str]] = {author: ["m0"] for author in AUTHORS}
    records = []
    for offset in range(length):
        author, kind = dice.choice(AUTHORS), dice.choices(tuple(Kind), (8, 2, 1))[0]
        if kind is Kind.CREATED and dice.random() < 0.8:
            ids[author].append(f"m{offset}")
        strike = dice.choice((0.0, 0.0, 0.5, 1.0, 1 / 3))
        recall = Recall(
            f"text {dice.random()}",
            dice.choice(tuple(Action)),
            strike,
            good=not strike and dice.random() < 0.8,
        )
        at = NOON + 60 * offset + dice.uniform(-jumps_s, jumps_s)
        if dice.random() < 0.1:
            verdict = f"{HERE.topic_id}/{HERE.partition}/{dice.randrange(length)}"
            records.append((author, Reversal(offset, at, verdict)))
            continue
        alone = dice.choice((None, None, 0.5))
        charge = Charge(dice.choice(("spam", "hate")), "a1b2", alone, dice.random() < 0.8)
        message, counts = dice.choice(ids[author][-5:]), dice.random() < 0.9
        entry = entry_of(offset, dice.choice((0, 0, 0, 1))) if dice.random() < 0.9 else b""
        records.append((author, Effect(offset, at, message, kind, recall, counts, charge, entry)))
    return records


def entry_of(offset: int, links: int) -> bytes:
    """What is added to an author's trail."""
    return LAYOUT.pack(offset, offset, b"the text", 1, offset, 8, 0, links, 0, 0)


@st.composite
def lives(draw: st.DrawFn, length: int) -> list[Range]:
    """Batches as workers make them that are killed and begin again at a watermark that lags behind."""
    batches: list[Range] = []
    reached = 0
    while reached < length:
        begin = draw(st.integers(max(0, reached - 150), reached), label="watermark")
        reached = draw(st.integers(reached + 1, length), label="killed at")
        cuts = sorted(
            draw(st.sets(st.integers(begin + 1, reached), max_size=6), label="cuts") | {begin, reached}
        )
        batches += pairwise(cuts)
    return batches


def batch_of(records: History) -> list[AuthorEffects]:
    """One batch of a partition: each author's effects, by ascending offset."""
    found: dict[str, list[Effect | Reversal]] = {}
    for author, effect in records:
        found.setdefault(author, []).append(effect)
    return [AuthorEffects(author, HERE, tuple(effects)) for author, effects in found.items()]


async def judge(standings: StandingStore, records: History, batches: Sequence[Range]) -> list[Standing]:
    """Save the batches one after the other and return what became of everybody."""
    for begin, end in batches:
        await standings.save(batch_of(records[begin:end]), WEEK_S)
    messages = {effect.message for _, effect in records if isinstance(effect, Effect)}
    return await everything(standings, sorted(messages))


async def everything(standings: StandingStore, messages: Sequence[str]) -> list[Standing]:
    """All standings, with what is remembered on several days."""
    found = []
    for days in DAYS:
        asks = [Ask(a, tuple(messages)) for a in AUTHORS]
        found += await standings.load(asks, NOON + days * DAY_S, trails=True)
    return found


def on_memory(test: Callable[[StandingStore], Awaitable[list[Standing]]]) -> list[Standing]:
    """Run on a fresh store in memory."""
    return asyncio.run(test(MemoryStandings()))


def on_valkey(store: Store, test: Callable[[StandingStore], Awaitable[list[Standing]]]) -> list[Standing]:
    """Run on Valkey, under a fresh prefix."""

    async def run() -> list[Standing]:
        standings = RedisStandings(store.url, key=b"secret", prefix=f"{uuid.uuid4().hex}:", timeout_s=10)
        try:
            return await test(standings)
        finally:
            await standings.close()

    return asyncio.run(run())


def dated(entry: Entry) -> Entry:
    """The entry without its amount."""
    return msgspec.structs.replace(entry, amount=0.0)


def assert_same(found: Sequence[Standing], expected: Sequence[Standing]) -> None:
    """Strikes to a billionth, everything else exactly."""
    assert [each.marks for each in found] == [each.marks for each in expected]
    assert [each.recalls for each in found] == [each.recalls for each in expected]
    assert [each.trail for each in found] == [each.trail for each in expected]
    for left, right in zip(found, expected, strict=True):
        a, b = left.reputation, right.reputation
        assert (a.good, a.messages, a.first_seen, a.as_of) == (b.good, b.messages, b.first_seen, b.as_of)
        assert a.strikes == pytest.approx(b.strikes, rel=1e-9, abs=1e-9)
        assert [dated(entry) for entry in a.ledger] == [dated(entry) for entry in b.ledger]
        assert [e.amount for e in a.ledger] == pytest.approx([e.amount for e in b.ledger], abs=1e-9)


def once(records: History) -> list[Standing]:
    """What one worker leaves that judges each record by itself and is never killed."""
    one_by_one = [(offset, offset + 1) for offset in range(len(records))]
    return on_memory(lambda standings: judge(standings, records, one_by_one))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), batches=lives(300))
def test_a_replay_changes_nothing_in_memory(seed: int, batches: list[Range]) -> None:
    """Judged once or killed and resumed at any watermark, in any cut: the same standings."""
    records = history(seed, 300, jumps_s=DAY_S)
    assert_same(on_memory(lambda standings: judge(standings, records, batches)), once(records))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), batches=lives(300))
def test_a_replay_changes_nothing_in_valkey(store: Store, seed: int, batches: list[Range]) -> None:
    """The same on the real store: what its scripts leave is what memory has that judged once."""
    records = history(seed, 300, jumps_s=DAY_S)
    assert_same(on_valkey(store, lambda standings: judge(standings, records, batches)), once(records))


def test_one_mark_for_a_batch_would_not_do(store: Store) -> None:
    """100–199 replayed as 100–299: what a mark with a batch's net effect counted wrong."""
    records = history(7, 300)
    batches = [(0, 100), (100, 200), (100, 300)]
    expected = once(records)
    assert_same(on_memory(lambda standings: judge(standings, records, batches)), expected)
    assert_same(on_valkey(store, lambda standings: judge(standings, records, batches)), expected)


FEEDBACK = PartitionId("feedback-id", 0)


def parted(records: History) -> dict[PartitionId, History]:
    """The records by partition: those on one message in one of two, human decisions in a third.

    What the model alone may cost is left out: of two such strikes on one day the first is kept whole.
    """
    homes = (HERE, PartitionId(HERE.topic_id, 1))
    where = {
        effect.offset: homes[crc32(effect.message.encode()) % 2]
        for _, effect in records
        if isinstance(effect, Effect)
    }
    found: dict[PartitionId, History] = {}
    for author, effect in records:
        if isinstance(effect, Effect):
            charge = msgspec.structs.replace(effect.charge, most=None)
            found.setdefault(where[effect.offset], []).append(
                (author, msgspec.structs.replace(effect, charge=charge))
            )
        else:
            offset = int(effect.verdict.rpartition("/")[2])
            home = where.get(offset, HERE)
            verdict = f"{home.topic_id}/{home.partition}/{offset}"
            found.setdefault(FEEDBACK, []).append((author, msgspec.structs.replace(effect, verdict=verdict)))
    return found


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), turns=st.lists(st.integers(0, 2), min_size=60, max_size=60))
def test_partitions_may_take_turns_in_any_way(store: Store, seed: int, turns: list[int]) -> None:
    """Whoever comes first, of two partitions and of the decisions on both: the same standings.

    A trail alone is in the order in which what stands in it was saved.
    """
    partitions = parted(history(seed, 60))

    async def judged(standings: StandingStore, order: Sequence[PartitionId]) -> list[Standing]:
        left = {where: list(records) for where, records in partitions.items()}
        for where in (*order, *(one for one, records in partitions.items() for _ in records)):
            if left[where]:
                author, effect = left[where].pop(0)
                if isinstance(effect, Effect):
                    effect = msgspec.structs.replace(effect, entry=b"")
                await standings.save([AuthorEffects(author, where, (effect,))], WEEK_S)
        messages = {effect.message for _, effect in history(seed, 60) if isinstance(effect, Effect)}
        return await everything(standings, sorted(messages))

    known = list(partitions)
    mixed = [known[turn % len(known)] for turn in turns]
    in_order = on_memory(lambda standings: judged(standings, ()))
    assert_same(on_memory(lambda standings: judged(standings, mixed)), in_order)
    assert_same(on_valkey(store, lambda standings: judged(standings, mixed)), in_order)


recalls = st.builds(
    Recall,
    st.sampled_from(["c0ffee", "", "with blanks and\nlines", "ü"]),
    st.sampled_from(Action),
    st.floats(0, 10),
    st.booleans(),
)
charges = st.builds(
    Charge,
    st.sampled_from(["spam", "custom.ü"]),
    st.just("a1b2"),
    st.none() | st.floats(0, 12),
    st.booleans(),
)
times = st.floats(-2 * DAY_S, 2 * DAY_S).map(NOON.__add__)
effects = st.builds(
    Effect,
    st.integers(0, 30),
    times,
    st.sampled_from(MESSAGES),
    st.sampled_from(Kind),
    recalls,
    st.booleans(),
    charges,
    st.just(b"") | st.builds(entry_of, st.integers(0, 30), st.integers(0, 1)),
)
reversals = st.builds(
    Reversal,
    st.integers(0, 30),
    times,
    st.builds("old topic/{}/{}".format, st.integers(0, 2), st.integers(0, 30)),
)
learned = st.builds(
    Learned,
    st.integers(0, 30),
    st.builds(Reputation, st.floats(0, 9), st.integers(0, 99), st.integers(0, 99), st.none() | times, times),
)
batches_of_all = st.lists(
    st.builds(
        AuthorEffects,
        st.sampled_from(AUTHORS),
        st.builds(PartitionId, st.sampled_from(["old topic", "same name, made again"]), st.integers(0, 2)),
        st.lists(effects | reversals | learned, max_size=4).map(
            lambda found: tuple(sorted(found, key=lambda each: each.offset))
        ),
    ),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(saves=st.lists(batches_of_all, max_size=4), half_life_s=st.floats(60, 1e8))
def test_the_scripts_are_twins_of_the_code(
    store: Store, saves: list[list[AuthorEffects]], half_life_s: float
) -> None:
    """Over any history: several partitions, two incarnations of a topic, repetitions, clocks that jump."""

    async def run(standings: StandingStore) -> list[Standing]:
        for batch in saves:
            await standings.save(batch, half_life_s)
        return await everything(standings, MESSAGES)

    assert_same(on_valkey(store, run), on_memory(run))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.lists(st.integers(0, 40), min_size=3, max_size=3).map(sorted))
def test_the_next_batch_sees_what_is_not_saved_yet(seed: int, cuts: list[int]) -> None:
    """Loaded and overlaid is the same as saved and loaded, whatever was saved during the load."""
    records = history(seed, 40)
    saved, in_between, judged = cuts

    async def run() -> None:
        standings, journal = MemoryStandings(), Journal()
        journal.add(batch_of(records[:saved]))
        journal.add(batch_of(records[saved:judged]))
        await standings.save(batch_of(records[:saved]), WEEK_S)
        journal.saved(batch_of(records[:saved]))

        pending = journal.snapshot(AUTHORS)
        await standings.save(batch_of(records[saved:in_between]), WEEK_S)
        journal.saved(batch_of(records[saved:in_between]))
        asks = [widened(Ask(author), pending.get(author, ())) for author in AUTHORS]
        loaded = await standings.load(asks, NOON, trails=True)
        ahead = [
            overlay(standing, pending.get(ask.author, ()), WEEK_S)
            for ask, standing in zip(asks, loaded, strict=True)
        ]

        for left in journal.snapshot(AUTHORS).values():
            await standings.save(left, WEEK_S)
        assert_same(ahead, await standings.load(asks, NOON, trails=True))

    asyncio.run(run())
