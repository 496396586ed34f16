"""Where standings are kept: the contract of a store, and the store that lives in memory."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from rules.reputation import Delta, Reputation
from rules.verdict import Action


class PartitionId(NamedTuple):
    """A partition of one incarnation of a topic: Kafka's topic UUID and the number."""

    topic_id: str
    partition: int


class Recall(msgspec.Struct, frozen=True):
    """What is remembered of a message for a day, so that edits and deletions can be judged.

    Attributes:
        message: The message's id.
        text_hash: Keyed hash of its text as typed.
        action: The last action.
        strike: Strikes that it cost so far.
        good: It counts as a good message.
    """

    message: str
    text_hash: str
    action: Action
    strike: float
    good: bool


class Effect(msgspec.Struct, frozen=True):
    """What the record at `offset` does to its author."""

    offset: int
    delta: Delta
    remember: Recall | None = None


class AuthorEffects(msgspec.Struct, frozen=True):
    """The effects of one author's records in one partition, by ascending offset."""

    author: str
    partition: PartitionId
    effects: tuple[Effect, ...]


class Ask(msgspec.Struct, frozen=True):
    """A question to the store: this author's standing, and what is remembered of these messages."""

    author: str
    partition: PartitionId
    messages: tuple[str, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """The answer to an Ask.

    Attributes:
        mark: Highest offset of the asked partition whose effect is in `reputation`; -1 for none.
        recalls: By message id; a message that isn't remembered is absent.
    """

    reputation: Reputation
    mark: int = -1
    recalls: dict[str, Recall] = {}


class StandingStore(Protocol):
    """A store of standings: loads a batch in one round trip, applies each effect once.

    Raises:
        StoreError: From each method, when the store doesn't answer in time or refuses.
    """

    async def load(self, asks: Sequence[Ask], now: float) -> list[Standing]:
        """Return one Standing per Ask, in their order; an unknown author is a newcomer."""

    async def save(self, batch: Sequence[AuthorEffects], half_life_s: float) -> None:
        """Apply each effect whose offset is above the author's mark for that partition.

        A batch may be saved twice, whole or cut differently, as long as each
        author's effects arrive in the order of their offsets.
        """

    async def ping(self) -> None:
        """Return when the store answers."""

    async def close(self) -> None:
        """Let the connections go."""
