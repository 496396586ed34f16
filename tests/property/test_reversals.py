"""A strike and its reversal leave nothing, whichever comes first, also where a ledger has overflowed."""

import asyncio
import uuid
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.message import Kind
from rules.reputation import LEDGER, halved, strikes_at
from rules.verdict import Action
from streams.process.embedded import Store
from streams.store.standings import (
    DAY_S,
    Ask,
    AuthorEffects,
    Charge,
    Effect,
    PartitionId,
    Recall,
    Reversal,
    StandingStore,
)
from streams.store.standings_memory import MemoryStandings
from streams.store.standings_redis import RedisStandings

MESSAGES, FEEDBACK = PartitionId("messages-id", 0), PartitionId("feedback-id", 0)
NOON = 20_000 * DAY_S + DAY_S / 2
WEEK_S = 7.0 * DAY_S
FLOOD = 2 * LEDGER

Turns = list[tuple[PartitionId, Effect | Reversal]]


def struck(number: int) -> Effect:
    """One of somebody's messages, which costs a strike and would have been good."""
    recall = Recall("c0ffee", Action.HOLD, 1.0)
    charge = Charge("spam", credit=True)
    return Effect(number, NOON + number, f"m{number}", Kind.CREATED, recall, charge=charge)


def taken_turns(chance: Random, spared: list[int]) -> Turns:
    """All strikes and the reversals of some, a few told twice: each topic in its order, mixed in any way."""
    told = [*spared, *chance.sample(spared, len(spared) // 3)]
    chance.shuffle(told)
    left: dict[PartitionId, Iterator[Effect | Reversal]] = {
        MESSAGES: map(struck, range(FLOOD)),
        FEEDBACK: (
            Reversal(offset, NOON + offset, f"messages-id/0/{verdict}") for offset, verdict in enumerate(told)
        ),
    }
    turns = [MESSAGES] * FLOOD + [FEEDBACK] * len(told)
    chance.shuffle(turns)
    return [(where, next(left[where])) for where in turns]


@settings(max_examples=60, deadline=None)
@given(chance=st.randoms(use_true_random=True))
def test_what_is_taken_back_leaves_no_strike_whoever_comes_first(store: Store, chance: Random) -> None:
    """The author has the other strikes, and a good message for each that was taken back: on both stores."""
    spared = chance.sample(range(FLOOD), chance.randrange(FLOOD))
    turns = taken_turns(chance, spared)
    expected = sum(halved(FLOOD - number, WEEK_S) for number in range(FLOOD) if number not in spared)

    async def run(standings: StandingStore) -> None:
        for where, change in turns:
            await standings.save([AuthorEffects("t/p/ana", where, (change,))], WEEK_S)
        (standing,) = await standings.load([Ask("t/p/ana")], NOON)
        reputation = standing.reputation
        assert strikes_at(reputation, NOON + FLOOD, WEEK_S) == pytest.approx(expected, abs=1e-6)
        assert (reputation.good, reputation.messages) == (len(spared), FLOOD)

    async def run_on_valkey() -> None:
        standings = RedisStandings(store.url, key=b"k", prefix=f"{uuid.uuid4().hex}:", timeout_s=10)
        try:
            await run(standings)
        finally:
            await standings.close()

    asyncio.run(run(MemoryStandings()))
    asyncio.run(run_on_valkey())
