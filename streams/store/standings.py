"""What standings are, what moves them, and the contract of a store that keeps them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import msgspec

from rules.finding.trail import added
from rules.message import CREATED, DELETED, Kind
from rules.reputation import (
    DAY_S,
    Delta,
    Entry,
    Reputation,
    after,
    joined,
    reversed_in,
)
from rules.verdict import Action

# Decisions on a verdict that are kept apart.
MOST_REVISIONS = 64
# Entries that have fallen off an author's ledger and are kept aside, so that they can be taken back;
# when they are more, so many of the oldest are let go at once.
MOST_FALLEN = 1024
FALLEN_AT_ONCE = 256
# Users whose report of a verdict counts.
MOST_REPORTERS = 64
# How the topic id begins of what was learned and not judged.
LEARNED = "learned-"


class PartitionId(NamedTuple):
    """A partition of one incarnation of a topic: Kafka's topic UUID and the number."""

    topic_id: str
    partition: int


@lru_cache(4096)
def partition_id(topic_id: str, partition: int) -> PartitionId:
    """Return the PartitionId; a batch needs the same few again and again."""
    return PartitionId(topic_id, partition)


class Recall(msgspec.Struct, frozen=True):
    """What is remembered of a message for a day, so that edits and deletions can be judged.

    Attributes:
        content_hash: Keyed hash of all that was judged, so that an unchanged edit is known.
        action: The last action.
        strike: Strikes that it cost so far.
        good: It stands to its author's credit as a good message.
    """

    content_hash: str
    action: Action
    strike: float = 0.0
    good: bool = False


class Charge(msgspec.Struct, frozen=True):
    """What a verdict that costs a strike is booked on.

    Attributes:
        label: What settled the verdict.
        ruleset: Hash of the rule set that judged.
        most: What the model alone may cost in a UTC day, in strikes; None where it isn't alone.
        credit: Without the verdict it would have been a good message.
    """

    label: str = ""
    ruleset: str = ""
    most: float | None = None
    credit: bool = False


UNSPECIFIED = Charge()


class Effect(msgspec.Struct, frozen=True):
    """What the record at `offset` means for its author: an intent, settled by the store.

    Attributes:
        at: Epoch seconds, the record's time.
        message: The message's id.
        recall: What to remember; in it the strike that the verdict costs, and whether it is a good one.
        counts: False for bots and relays, whose messages are not counted.
        charge: What a strike is booked on.
        entry: What is added to the author's trail (rules.finding.trail), or nothing.
    """

    offset: int
    at: float
    message: str
    kind: Kind
    recall: Recall
    counts: bool = True
    charge: Charge = UNSPECIFIED
    entry: bytes = b""


class Reversal(msgspec.Struct, frozen=True):
    """A human took a verdict back, by the record at `offset` of `mod.feedback`.

    Attributes:
        at: Epoch seconds, the record's time.
        verdict: The verdict's id.
    """

    offset: int
    at: float
    verdict: str


class Learned(msgspec.Struct, frozen=True):
    """What is known of an author from elsewhere, as of `reputation.as_of`; its ledger isn't taken.

    Its partition is named after where it was learned, so that it counts once.
    """

    offset: int
    reputation: Reputation


Change = Effect | Reversal | Learned


def _whole(reputation: Reputation, change: Reversal | Learned, half_life_s: float) -> Reputation:
    """Return the reputation after a change that is about no message."""
    if isinstance(change, Learned):
        return joined(reputation, change.reputation, half_life_s)
    return reversed_in(reputation, change.verdict, change.at, half_life_s)


def settle(effect: Effect, before: Recall | None, partition: PartitionId) -> tuple[Delta, Recall | None]:
    """Return what an effect moves, given what is remembered of its message, and what to remember then.

    A message sent twice counts once; an edit costs only what is worse than before and
    earns nothing; a deletion withdraws the credit of a good message, never a strike.
    The Lua twin is in save_standings.lua.
    """
    now = effect.recall
    if effect.kind is DELETED:
        if before is None:
            return Delta(at=effect.at), None
        kept = msgspec.structs.replace(before, good=False)
        return Delta(at=effect.at, good=-int(before.good)), kept
    if before is None:
        created = effect.kind is CREATED
        good = now.good and created and effect.counts
        remember = now if good == now.good else msgspec.structs.replace(now, good=good)
        messages = int(created and effect.counts)
        if not now.strike:  # most
            return Delta(effect.at, int(good), messages), remember
        entry = _entry(effect, partition, now.strike, credit=created and effect.charge.credit)
        return Delta(effect.at, int(good), messages, entry, effect.charge.most), remember
    good = before.good and now.good
    strike = max(before.strike, now.strike)
    worse = strike - before.strike
    extra = _entry(effect, partition, worse, credit=False) if worse else None
    delta = Delta(effect.at, int(good) - int(before.good), 0, extra, effect.charge.most)
    return delta, msgspec.structs.replace(now, strike=strike, good=good)


def _entry(effect: Effect, partition: PartitionId, amount: float, *, credit: bool) -> Entry:
    verdict = f"{partition.topic_id}/{partition.partition}/{effect.offset}"
    charge = effect.charge
    return Entry(verdict, amount, effect.at, charge.label, charge.ruleset, charge.most is not None, credit)


def day(at: float) -> int:
    """Return the number of the UTC day, which names a generation of recalls."""
    return int(at // DAY_S)


class AuthorEffects(msgspec.Struct, frozen=True):
    """The effects of one author's records in one partition, by ascending offset."""

    author: str
    partition: PartitionId
    effects: tuple[Change, ...]


class Decided(NamedTuple):
    """A human decision on a verdict, which makes a revision of it.

    Attributes:
        author: Whose message the verdict was on.
        verdict: Its id, without a revision's number.
        decision: Id of the decision.
    """

    author: str
    verdict: str
    decision: str


class Reported(NamedTuple):
    """A user's report of a verdict.

    Attributes:
        reporter: The key of who reports.
        credibility: What their word weighs, from 0 to 1.
    """

    author: str
    verdict: str
    reporter: str
    credibility: float


class Ask(msgspec.Struct, frozen=True):
    """A question to the store: this author's standing, and what is remembered of these messages."""

    author: str
    messages: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """The answer to an Ask; what is in it is the asker's own.

    Attributes:
        marks: By partition, the highest offset whose effect is in `reputation`.
        recalls: By message id; a message that isn't remembered is absent.
        trail: The author's last messages, see rules.finding.trail; b"" where it wasn't asked for.
    """

    reputation: Reputation
    marks: dict[PartitionId, int] = {}
    recalls: dict[str, Recall] = {}
    trail: bytes = b""


def applied(
    standing: Standing, partition: PartitionId, effects: Sequence[Change], half_life_s: float
) -> Standing:
    """Return the standing as a store would leave it: effects at or below the mark move nothing.

    What has fallen off the ledger only the store can give back.
    `standing.recalls` has to hold what is remembered of the effects' messages.
    """
    mark = standing.marks.get(partition, -1)
    reputation, recalls, trail = standing.reputation, dict(standing.recalls), standing.trail
    for effect in effects:
        if effect.offset > mark:
            mark = effect.offset
            if not isinstance(effect, Effect):
                reputation = _whole(reputation, effect, half_life_s)
                continue
            delta, remember = settle(effect, recalls.get(effect.message), partition)
            reputation = after(reputation, delta, half_life_s)
            if remember is not None:
                recalls[effect.message] = remember
            if effect.entry:
                trail = added(trail, effect.entry)
    return Standing(reputation, standing.marks | {partition: mark}, recalls, trail)


class StandingStore(Protocol):
    """A store of standings: loads a batch in one round trip, applies each effect once.

    Raises:
        StoreError: From each method, when the store doesn't answer in time or refuses.
    """

    async def load(self, asks: Sequence[Ask], now: float, *, trails: bool = False) -> list[Standing]:
        """Return one Standing per Ask, in their order; an unknown author is a newcomer.

        Recalls are those of messages from the UTC day of `now` and the day before.

        Args:
            trails: Ask for the authors' trails as well.
        """

    async def save(self, batch: Sequence[AuthorEffects], half_life_s: float) -> None:
        """Settle and apply each effect whose offset is above the author's mark for that partition.

        A batch may be saved twice, whole or cut differently, as long as each
        author's effects arrive in the order of their offsets. An effect is settled
        against what is remembered from its own day and the day before.
        """

    async def numbered(self, decisions: Sequence[Decided]) -> list[int]:
        """Return the number of the revision that each decision makes, from 1 on for each verdict.

        A decision that has a number keeps it. 0 is one too many: a verdict has `MOST_REVISIONS` at most.
        """

    async def reported(self, reports: Sequence[Reported]) -> list[tuple[int, float]]:
        """Count reports; return for each how many reported that verdict, and what their words weigh together.

        A reporter counts once, and so many of a verdict as `MOST_REPORTERS`.
        """

    async def reset(self, author: str) -> None:
        """Make an author a newcomer; what was judged before doesn't count again, what was learned may."""

    async def erase(self, author: str) -> int:
        """Remove all that is kept of an author, by whoever keeps it here; return how many keys that were."""

    async def ping(self) -> None:
        """Return when the store answers."""

    async def close(self) -> None:
        """Let the connections go."""
