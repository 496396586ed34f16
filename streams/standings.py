"""Where standings are kept: the contract of a store, and the store that lives in memory."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from rules.message import Kind
from rules.reputation import Delta, Reputation
from rules.verdict import Action


class PartitionId(NamedTuple):
    """A partition of one incarnation of a topic: Kafka's topic UUID and the number."""

    topic_id: str
    partition: int


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


class Effect(msgspec.Struct, frozen=True):
    """What the record at `offset` means for its author: an intent, settled by the store.

    Attributes:
        at: Epoch seconds, the record's time.
        message: The message's id.
        strike: Strikes that the verdict costs.
        good: The verdict counts as a good message.
        counts: False for bots and relays, whose messages are not counted.
    """

    offset: int
    at: float
    message: str
    kind: Kind
    recall: Recall
    counts: bool = True


def settle(effect: Effect, before: Recall | None) -> tuple[Delta, Recall | None]:
    """Return what an effect moves, given what is remembered of its message, and what to remember then.

    A message sent twice counts once; an edit costs only what is worse than before and
    earns nothing; a deletion withdraws the credit of a good message, never a strike.
    The Lua twin is in save_standings.lua.
    """
    now = effect.recall
    if effect.kind is Kind.DELETED:
        if before is None:
            return Delta(at=effect.at), None
        kept = msgspec.structs.replace(before, good=False)
        return Delta(at=effect.at, good=-int(before.good)), kept
    if before is None:
        created = effect.kind is Kind.CREATED
        good = now.good and created and effect.counts
        remember = msgspec.structs.replace(now, good=good)
        delta = Delta(
            at=effect.at, strike=now.strike, good=int(good), messages=int(created and effect.counts)
        )
        return delta, remember
    good = before.good and now.good
    strike = max(before.strike, now.strike)
    delta = Delta(at=effect.at, strike=strike - before.strike, good=int(good) - int(before.good))
    return delta, msgspec.structs.replace(now, strike=strike, good=good)


class AuthorEffects(msgspec.Struct, frozen=True):
    """The effects of one author's records in one partition, by ascending offset."""

    author: str
    partition: PartitionId
    effects: tuple[Effect, ...]


class Ask(msgspec.Struct, frozen=True):
    """A question to the store: this author's standing, and what is remembered of these messages."""

    author: str
    messages: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """The answer to an Ask.

    Attributes:
        marks: By partition, the highest offset whose effect is in `reputation`.
        recalls: By message id; a message that isn't remembered is absent.
    """

    reputation: Reputation
    marks: dict[PartitionId, int] = {}
    recalls: dict[str, Recall] = {}


class StandingStore(Protocol):
    """A store of standings: loads a batch in one round trip, applies each effect once.

    Raises:
        StoreError: From each method, when the store doesn't answer in time or refuses.
    """

    async def load(self, asks: Sequence[Ask], now: float) -> list[Standing]:
        """Return one Standing per Ask, in their order; an unknown author is a newcomer."""

    async def save(self, batch: Sequence[AuthorEffects], half_life_s: float) -> None:
        """Settle and apply each effect whose offset is above the author's mark for that partition.

        A batch may be saved twice, whole or cut differently, as long as each
        author's effects arrive in the order of their offsets.
        """

    async def ping(self) -> None:
        """Return when the store answers."""

    async def close(self) -> None:
        """Let the connections go."""
