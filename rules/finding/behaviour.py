"""What an author did lately: counted over their last messages, this one included."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from struct import Struct
from typing import Final, NamedTuple

from rules.finding.asked import SUMMED, Alarm, Asked
from rules.finding.likeness import Kin
from rules.finding.trail import (
    CHANNEL,
    EDITED,
    FLAGS,
    LETTERS,
    LINKS,
    MENTIONS,
    MESSAGE,
    MOST,
    SIZE,
    STAMP,
    TEXT,
    Fields,
    back,
    entries,
    marked,
    since,
    stamp_back,
    sum_at_most,
)
from rules.verdict import Campaign

# So many messages of new authors are remembered of a channel.
MOST_NEW: Final = 256

# What is noted of a new author's message: time, a hash of its partition, offset, a hash of the author.
NEWCOMER: Final = Struct(">dIQ8s")
_AT, _PARTITION, _OFFSET, _AUTHOR = range(4)


class Wave(NamedTuple):
    """New authors in a channel.

    Attributes:
        own: What is noted of this message.
        said: What was noted of theirs, one after another.
    """

    own: Fields
    said: bytes

    @property
    def at_most(self) -> int:
        """There are no more than so many, this message's included."""
        return 1 + len(self.said) // NEWCOMER.size

    def authors(self, within_s: float) -> int:
        """Return how many there are, this message's included."""
        own = self.own
        recent = (
            one
            for one in NEWCOMER.iter_unpack(self.said)
            if one[_AT] > own[_AT] - within_s
            # Whoever judges it again finds itself, and later ones.
            and (one[_OFFSET] < own[_OFFSET] if one[_PARTITION] == own[_PARTITION] else one[_AT] <= own[_AT])
        )
        return len({own[_AUTHOR], *(one[_AUTHOR] for one in recent)})


def asked_of_others(alarm: Alarm, kin: Kin | None, wave: Wave | None) -> list[Asked]:
    """Return what of an alarm may hold by what others said and did alone."""
    found: list[Asked] = []
    if kin is not None and alarm.alike and kin.counts:
        most = kin.at_most
        found += [asked for asked in alarm.alike if asked.alike < most]
    if wave is not None and alarm.newcomers:
        most = wave.at_most
        found += [asked for asked in alarm.newcomers if asked.newcomers < most]
    return found


# Something that rules ask, and what was counted of what the author did themselves; as far as it is asked of
# them alone, it holds.
Done = tuple[Asked, Mapping[str, int]]


class Lately:
    """What was seen of an author up to one of their messages; what they did themselves was counted before.

    Args:
        done: All that may hold of what rules ask; nothing else does.
        kin: What this message is like, where anybody looked.
        wave: The new authors in its channel, where its own is one.
    """

    __slots__ = ("_done", "_kin", "_wave")

    def __init__(self, done: Sequence[Done], kin: Kin | None = None, wave: Wave | None = None) -> None:
        self._done = done
        self._kin = kin
        self._wave = wave

    def heard(self, alarm: Alarm) -> Sequence[Asked]:  # noqa: ARG002 - all that holds, whatever the alarm
        """See Seen."""
        return [asked for asked, _ in self._done]

    def holds(self, asked: Asked) -> bool:
        """See Seen."""
        counts = self._counts(asked)
        return all(bound.holds(counts.get(key, 0)) for key, bound in asked.counts)

    def told(self, asked: Asked) -> str:
        """See Seen."""
        return _in_words(asked, self._counts(asked))

    def campaign(self, asked: Asked) -> Campaign | None:
        """Return the campaign that the message is part of, if it is."""
        return self._kin.campaign(asked.within) if self._kin is not None else None

    def _counts(self, asked: Asked) -> Mapping[str, int]:
        """Return what was counted; of what doesn't hold nothing."""
        counts = next((counts for one, counts in self._done if one == asked), None)
        return {} if counts is None else self._with_others(asked, counts)

    def _with_others(self, asked: Asked, counts: Mapping[str, int]) -> Mapping[str, int]:
        """Return what the author did, and others."""
        if not (asked.alike or asked.newcomers):
            return counts
        counts = dict(counts)
        if asked.alike:
            campaign = self.campaign(asked)
            counts["alike"] = campaign.size if campaign else 1
        if asked.newcomers:
            counts["newcomers"] = self._wave.authors(asked.within) if self._wave else 0
        return counts


class LookedBack(Lately):
    """The same where the author's trail is asked, question by question.

    Args:
        own: The message, as an entry of a trail.
        trail: What they said before it, see rules.finding.trail.
    """

    __slots__ = ("_counted", "_heard", "_own", "_trail")

    def __init__(self, own: Fields, trail: bytes, kin: Kin | None = None, wave: Wave | None = None) -> None:
        super().__init__((), kin, wave)
        self._own = own
        self._trail = trail
        self._counted: dict[Asked, Mapping[str, int]] = {}
        self._heard: tuple[Alarm, Sequence[Asked]] | None = None

    def heard(self, alarm: Alarm) -> Sequence[Asked]:
        """See Seen."""
        if self._heard is None or self._heard[0] is not alarm:
            self._heard = alarm, self._hear(alarm)
        return self._heard[1]

    def _hear(self, alarm: Alarm) -> Sequence[Asked]:
        own, trail, kin, wave = self._own, self._trail, self._kin, self._wave
        said = len(trail) // SIZE
        found: list[Asked] = []
        if said >= alarm.fewest:
            for asked in alarm.spoken:
                if asked.before > said:
                    break
                if self._are_recent(asked):
                    found.append(asked)
            if said >= alarm.fewest_copies:
                copies = trail.count(own[TEXT])
                for asked in alarm.repeated:
                    if asked.copies > copies:
                        break
                    if asked.before <= said and self._are_recent(asked):
                        found.append(asked)
        if own[LINKS] or own[MENTIONS]:
            found += filter(self._is_marked_enough, alarm.marked)
        if kin is not None or wave is not None:
            found += asked_of_others(alarm, kin, wave)
        return found

    def holds(self, asked: Asked) -> bool:
        """See Seen."""
        own, trail = self._own, self._trail
        if asked.before:
            if asked.before > len(trail) // SIZE or not self._are_recent(asked):
                return False
            if asked.copies and trail.count(own[TEXT]) < asked.copies:
                return False
        if asked.alike and (self._kin is None or not self._kin.counts or self._kin.at_most <= asked.alike):
            return False
        if asked.newcomers and (self._wave is None or self._wave.at_most <= asked.newcomers):
            return False
        if asked.marks and not self._is_marked_enough(asked):
            return False
        return super().holds(asked)

    def _is_marked_enough(self, asked: Asked) -> bool:
        """Return whether there are enough links and the like, however old they are."""
        own, trail = self._own, self._trail
        for key, bound in asked.counts:
            field = SUMMED.get(key)
            if field is not None and not (own[field] and bound.holds(own[field] + sum_at_most(trail, field))):
                return False
        return True

    def _are_recent(self, asked: Asked) -> bool:
        """Return whether so many messages came within the time, whatever they are."""
        return stamp_back(self._trail, asked.before) > since(self._own[STAMP], asked.reach)

    def _counts(self, asked: Asked) -> Mapping[str, int]:
        """Return what was counted; a rule that fires is asked again, and told."""
        counts = self._counted.get(asked)
        if counts is None:
            counts = self._counted[asked] = self._count(asked)
        return counts

    def _count(self, asked: Asked) -> Mapping[str, int]:
        if is_ignored(asked, self._own[FLAGS], self._own[LETTERS]):
            return {}
        return self._with_others(asked, count(asked, self._own, self._trail))


def is_ignored(asked: Asked, flags: int, letters: int) -> bool:
    """Return whether a message with these FLAGS and LETTERS isn't counted."""
    return bool(flags & asked.unlike) or letters < asked.letters


def count(asked: Asked, own: Fields, trail: bytes) -> dict[str, int]:
    """Return what an author did themselves of what is asked, a message that is counted the last of it."""
    after = since(own[STAMP], asked.reach)
    counts: dict[str, int] = {}
    if asked.before:
        unlike, letters = asked.unlike | EDITED, asked.letters
        said = [
            own,
            *(
                one
                for one in back(entries(trail[-MOST * SIZE :]), after)
                if not (one[FLAGS] & unlike or one[LETTERS] < letters)
            ),
        ]
        same = [one for one in said if one[TEXT] == own[TEXT]]
        counts["messages"] = len({one[MESSAGE] for one in said})
        counts["same_text"] = len({one[MESSAGE] for one in same})
        counts["channels"] = len({one[CHANNEL] for one in same})
    for key in asked.marks:
        counts[key] = _sum(SUMMED[key], asked, own, trail, after)
    return counts


def _sum(field: int, asked: Asked, own: Fields, trail: bytes, after: int) -> int:
    """Add up what the messages have of something; of a message and its edits the most counts."""
    if not own[field]:
        return 0
    most = {own[MESSAGE]: own[field]}
    for one in marked(trail, field, after):
        if not is_ignored(asked, one[FLAGS], one[LETTERS]):
            most[one[MESSAGE]] = max(one[field], most.get(one[MESSAGE], 0))
    return sum(most.values())


def done(asked: Asked, own: Fields, trail: bytes) -> dict[str, int] | None:
    """Return what `count` does; None where what is asked of the author alone doesn't hold."""
    if is_ignored(asked, own[FLAGS], own[LETTERS]):
        return None
    counts = count(asked, own, trail)
    return counts if all(bound.holds(counts[key]) for key, bound in asked.counts if key in counts) else None


# What was seen of an author of whom it is known that nothing holds which rules ask.
QUIET: Final = Lately(())


class Counted:
    """What a rule's own test says of its author: the numbers themselves."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def heard(self, alarm: Alarm) -> Collection[Asked]:
        """See Seen."""
        return [*alarm.spoken, *alarm.repeated, *alarm.marked, *alarm.alike, *alarm.newcomers]

    def holds(self, asked: Asked) -> bool:
        """See Seen."""
        return all(bound.holds(self._counts.get(key, 0)) for key, bound in asked.counts)

    def told(self, asked: Asked) -> str:
        """See Seen."""
        return _in_words(asked, self._counts)


def _in_words(asked: Asked, counts: Mapping[str, int]) -> str:
    said = ", ".join(_WORDS[key].format(counts.get(key, 0)) for key, _ in asked.counts)
    return f"{said} in {_length(asked.within)}"


_WORDS = {
    "messages": "{} messages",
    "same_text": "{} times this text",
    "channels": "this text in {} channels",
    "links": "{} links",
    "mentions": "{} mentions",
    "invites": "{} invites",
    "alike": "{} authors who say nearly the same",
    "newcomers": "{} new authors in this channel",
}


def _length(seconds: float) -> str:
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= size and not math.fmod(seconds, size):
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
