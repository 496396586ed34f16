"""What rules ask of an author's behaviour, made ready to be answered."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple, Protocol

from rules.finding.trail import COMMAND, EMOTES, INVITES, LINKS, MENTIONS, reach
from rules.schema.conditions import Behaviour
from rules.schema.values import Bound

# Rules look back at an author so long.
LONGEST_S: Final = 3600.0

# What is added up from message to message, and where it stands; the others are messages or channels.
SUMMED = {"links": LINKS, "mentions": MENTIONS, "invites": INVITES}
_COPIED = ("same_text", "channels")
_NUMBERED = ("messages", *_COPIED)


class Asked(NamedTuple):
    """A condition on behaviour, made ready.

    Attributes:
        reach: `within`, by stamps.
        before: So many messages must have been said before this one for it to hold; 0 where the counts
            are of links and the like.
        marks: This message must have some of these.
        alike: So many other authors must have said nearly the same.
        newcomers: So many other new authors must have been in the channel.
        copies: So many of them must have had the same text; 0 where that isn't asked.
        unlike: Flags of messages that aren't counted.
        letters: Messages with fewer letters aren't counted.
    """

    counts: tuple[tuple[str, Bound], ...]
    within: float
    reach: int
    before: int
    marks: tuple[str, ...]
    alike: int
    newcomers: int
    copies: int
    unlike: int
    letters: int

    @classmethod
    def of(cls, written: Behaviour) -> Asked:
        """Return a condition as written, made ready."""
        counts = tuple(written.bounds())
        others = {key: _others(bound) for key, bound in counts}
        few = [int(one.split()[1]) for one in written.ignore if one.startswith("under")]
        return cls(
            counts,
            float(written.within or 0.0),
            reach(written.within or 0.0),
            max((others.get(key, 0) for key in _NUMBERED), default=0),
            tuple(key for key, _ in counts if key in SUMMED),
            others.get("alike", 0),
            others.get("newcomers", 0),
            max((others.get(key, 0) for key in _COPIED), default=0),
            (COMMAND if "commands" in written.ignore else 0) | (EMOTES if "emotes" in written.ignore else 0),
            max(few, default=0),
        )


def _others(bound: Bound) -> int:
    """Return how many there must be besides this message for a bound to hold."""
    return math.floor(bound.limit) if bound.sign == ">" else math.ceil(bound.limit) - 1


class Alarm(NamedTuple):
    """What rules wait for, by what must be there at least: nearly every message is ruled out by that.

    Attributes:
        spoken: So many messages before this one, whatever they say; the fewest first.
        repeated: And so many of them with the same text; the fewest of these first.
        fewest: The least of all these numbers.
        fewest_copies: The least number of copies.
        marked: A link or a mention.
        alike: So many others who said nearly the same.
        newcomers: So many other new authors.
    """

    spoken: tuple[Asked, ...]
    repeated: tuple[Asked, ...]
    fewest: float
    fewest_copies: float
    marked: tuple[Asked, ...]
    alike: tuple[Asked, ...]
    newcomers: tuple[Asked, ...]

    @classmethod
    def of(cls, asked: Iterable[Asked]) -> Alarm:
        """Return the alarm for these; for none it never goes off."""
        left = sorted(asked, key=lambda one: one.before)
        spoken = tuple(one for one in left if one.before and not one.copies)
        repeated = tuple(sorted((one for one in left if one.copies), key=lambda one: one.copies))
        others = [one for one in left if not one.before]
        return cls(
            spoken,
            repeated,
            min((one.before for one in (*spoken, *repeated)), default=math.inf),
            min((one.copies for one in repeated), default=math.inf),
            tuple(one for one in others if one.marks),
            tuple(one for one in others if one.alike and not one.marks),
            tuple(one for one in others if one.newcomers and not (one.marks or one.alike)),
        )


class Seen(Protocol):
    """What is known of an author's behaviour up to a message."""

    def heard(self, alarm: Alarm) -> Collection[Asked]:
        """Return what of an alarm may hold; what isn't among it doesn't."""

    def holds(self, asked: Asked) -> bool:
        """Return whether the author did all of this."""

    def told(self, asked: Asked) -> str:
        """Return what they did, in the terms of what is asked: "7 messages in 10 s"."""
