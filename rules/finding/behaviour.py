"""What an author did lately: counted over their last messages, this one included."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from rules.finding import seen as measured
from rules.finding.likeness import Kin
from rules.message import Kind, Message
from rules.schema.conditions import Behaviour
from rules.schema.values import Bound
from rules.text.links import HostList, Link, find_links
from rules.verdict import Campaign

# So many of an author's messages are looked back at, and so long.
MOST: Final = 32
LONGEST_S: Final = 3600.0
# So many messages of new authors are remembered of a channel.
MOST_NEW: Final = 256

COMMAND, EMOTES, EDITED = 1, 2, 4

_COMMAND_SIGNS = frozenset("!/$?.+-")
_COMMAND = re.compile(r"[!/$?.+-]{1,2}[^\W\d_]\w*(?:\s+\S+){0,4}")
_NO_WORD_CHARACTERS = bytes(set(range(128)) - set(b"abcdefghijklmnopqrstuvwxyz0123456789"))
_INVITES = HostList(
    (
        "discord.gg", "discord.com/invite", "discordapp.com/invite", "dsc.gg", "t.me", "telegram.me",
        "chat.whatsapp.com", "guilded.gg", "revolt.chat/invite", "matrix.to", "signal.group",
    )
)  # fmt: skip


class Said(NamedTuple):
    """A message as far as it is remembered; whoever remembers it names texts and places by hashes.

    Attributes:
        at: Epoch seconds, the record's time.
        partition: Of the record, by a hash; with `offset` it names the record.
        text: Hash of what `gist` returns.
        letters: Letters and digits in the text, up to 255; so are links, mentions and invites.
        flags: COMMAND: it is one. EMOTES: it is nothing else. EDITED: the record is an edit.
    """

    at: float
    partition: int
    offset: int
    text: bytes
    channel: bytes
    message: int
    letters: int
    flags: int
    links: int = 0
    mentions: int = 0
    invites: int = 0


# The fields of Said by their place: what is read from a store has no names.
Fields = tuple[Any, ...]
_AT, _PARTITION, _OFFSET, _TEXT, _CHANNEL, _MESSAGE, _LETTERS, _FLAGS = range(8)


class Measures(NamedTuple):
    """What of a message is counted. The fields are those of Said."""

    letters: int
    flags: int
    links: int
    mentions: int
    invites: int


# What is added up from message to message; the others are numbers of messages or of channels.
_SUMMED = ("links", "mentions", "invites")
_NUMBERED = ("messages", "same_text", "channels")


def gist(folded: str, data: bytes) -> tuple[bytes, int]:
    """Return what makes two texts the same, and how many letters and digits there are.

    Case, spaces and punctuation don't; where nothing else is left they do.

    Args:
        folded: The plain view.
        data: The same in UTF-8.
    """
    if len(folded) == len(data):
        bare = data.translate(None, _NO_WORD_CHARACTERS)
        return bare or data, len(bare)
    letters = "".join(filter(str.isalnum, folded))
    return letters.encode() or data, len(letters)


def measures(message: Message, letters: int, links: Sequence[Link] | None) -> Measures:
    """Return what is counted of a message; `links` are its links, if somebody has looked for them."""
    text, entities = message.text, message.entities
    if links is None:
        links = find_links(text, entities)
    flags = EDITED if message.kind is Kind.EDITED else 0
    letters = min(letters, 255)
    if not (links or entities or message.mentions or "@" in text):
        if text[:1] in _COMMAND_SIGNS and _COMMAND.fullmatch(text):
            flags |= COMMAND
        elif not letters and not text.isascii() and _is_emotes(message):
            flags |= EMOTES
        return Measures(letters, flags, 0, 0, 0)
    if entities and _is_emotes(message):
        flags |= EMOTES
    addressed = min(measured.mentions(message), 255)
    invites = sum(map(_INVITES.match, links)) if links else 0
    return Measures(letters, flags, min(len(links), 255), addressed, min(invites, 255))


def _is_emotes(message: Message) -> bool:
    pictures, others = measured.emoji(message)
    return bool(pictures and not others)


class Asked(NamedTuple):
    """A condition on behaviour, made ready.

    Attributes:
        before: So many messages must have been said before this one for it to hold; 0 where the counts
            are of links and the like.
        marks: This message must have some of these.
        alike: So many other authors must have said nearly the same.
        newcomers: So many other new authors must have been in the channel.
        same: Only messages with the same text count.
        unlike: Flags of messages that aren't counted.
        letters: Messages with fewer letters aren't counted.
    """

    counts: tuple[tuple[str, Bound], ...]
    within: float
    before: int
    marks: tuple[str, ...]
    alike: int
    newcomers: int
    same: bool
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
            max((others.get(key, 0) for key in _NUMBERED), default=0),
            tuple(key for key, _ in counts if key in _SUMMED),
            others.get("alike", 0),
            others.get("newcomers", 0),
            any(key in ("same_text", "channels") for key, _ in counts),
            (COMMAND if "commands" in written.ignore else 0) | (EMOTES if "emotes" in written.ignore else 0),
            max(few, default=0),
        )

    @property
    def keys(self) -> set[str]:
        """What is counted."""
        return {key for key, _ in self.counts}


def _others(bound: Bound) -> int:
    """Return how many there must be besides this message for a bound to hold."""
    return math.floor(bound.limit) if bound.sign == ">" else math.ceil(bound.limit) - 1


class Alarm(NamedTuple):
    """What rules wait for, by what must be there at least: nearly every message is ruled out by that.

    Attributes:
        spoken: So many messages before this one; the fewest first.
        marked: A link or a mention.
        alike: So many others who said nearly the same.
        newcomers: So many other new authors.
    """

    spoken: tuple[Asked, ...]
    marked: tuple[Asked, ...]
    alike: tuple[Asked, ...]
    newcomers: tuple[Asked, ...]

    @classmethod
    def of(cls, asked: Iterable[Asked]) -> Alarm:
        """Return the alarm for these; for none it never goes off."""
        left = sorted(asked, key=lambda one: one.before)
        spoken = [one for one in left if one.before]
        marked = [one for one in left if one.marks and not one.before]
        alike = [one for one in left if one.alike and not (one.before or one.marks)]
        new = [one for one in left if one.newcomers and not (one.before or one.marks or one.alike)]
        return cls(tuple(spoken), tuple(marked), tuple(alike), tuple(new))


class Seen(Protocol):
    """What is known of an author's behaviour up to a message."""

    def holds(self, asked: Asked) -> bool:
        """Return whether the author did all of this."""

    def told(self, asked: Asked) -> str:
        """Return what they did, in the terms of what is asked: "7 messages in 10 s"."""


class Trail:
    """An author's messages in the order of their records.

    Attributes:
        said: Each a Said, or a plain tuple of its fields, which is quicker to make.
    """

    __slots__ = ("_texts", "said")

    def __init__(self, said: Sequence[Fields]) -> None:
        self.said = said
        self._texts: list[bytes] | None = None

    def copies(self, text: bytes, start: int, end: int) -> int:
        """Return how often a text stands from one place up to another."""
        if self._texts is None:
            self._texts = [one[_TEXT] for one in self.said]
        return self._texts[start:end].count(text)


class Wave(NamedTuple):
    """New authors in a channel: messages of theirs, of which `upto` came before this one of another.

    Attributes:
        said: Time, partition, offset and hash of the author, of each.
    """

    own: Fields
    said: Sequence[Fields]
    upto: int

    def authors(self, within_s: float) -> int:
        """Return how many there are, this message's included."""
        own = self.own
        recent = (
            one
            for one in self.said[max(0, self.upto - MOST_NEW) : self.upto]
            if one[_AT] > own[_AT] - within_s and (one[_PARTITION] == own[_PARTITION] or one[_AT] <= own[_AT])
        )
        return len({own[3], *(one[3] for one in recent)})


class Lately:
    """What was seen of an author up to one of their messages.

    Args:
        trail: The author's messages, of which the first `upto` came before this one.
        marked: The same of messages with links or mentions, of which more are remembered.
        kin: What this message is like, where anybody looked.
        wave: The new authors in its channel, where its own is one.
    """

    __slots__ = ("_copies", "_kin", "_marked", "_marked_upto", "_own", "_said", "_trail", "_upto", "_wave")

    def __init__(
        self,
        own: Said,
        trail: Trail,
        upto: int,
        marked: Sequence[Fields] = (),
        marked_upto: int = 0,
        kin: Kin | None = None,
        wave: Wave | None = None,
    ) -> None:
        self._own = own
        self._trail = trail
        self._said = trail.said
        self._upto = upto
        self._marked = marked
        self._marked_upto = marked_upto
        self._kin = kin
        self._wave = wave
        self._copies: int | None = None

    def sets_off(self, alarm: Alarm) -> bool:
        """Return whether one of the rules behind an alarm gets what it waits for."""
        said, upto, at = self._said, self._upto, self._own.at
        for asked in alarm.spoken:
            before = asked.before
            if before > upto:
                break
            if (
                said[upto - before][_AT] > at - asked.within
                and not (asked.same and self._same() < before)
                and self.holds(asked)
            ):
                return True
        own = self._own
        if (own.links or own.mentions) and any(map(self.holds, alarm.marked)):
            return True
        if self._kin is not None and any(map(self.holds, alarm.alike)):
            return True
        return self._wave is not None and any(map(self.holds, alarm.newcomers))

    def holds(self, asked: Asked) -> bool:
        """See Seen."""
        own, before = self._own, asked.before
        if before:
            # If the first of so many isn't within the time there can't be as many.
            first = self._upto - before
            if first < 0 or self._said[first][_AT] <= own.at - asked.within:
                return False
            if asked.same and self._same() < before:
                return False
        if asked.marks and not all(getattr(own, key) for key in asked.marks):
            return False
        if asked.alike and (self._kin is None or not self._kin.counts or self._kin.at_most <= asked.alike):
            return False
        if asked.newcomers and (self._wave is None or self._wave.upto < asked.newcomers):
            return False
        counts = self._counts(asked)
        return all(bound.holds(counts[key]) for key, bound in asked.counts)

    def told(self, asked: Asked) -> str:
        """See Seen."""
        return _in_words(asked, self._counts(asked))

    def campaign(self, asked: Asked) -> Campaign | None:
        """Return the campaign that the message is part of, if it is."""
        return self._kin.campaign(asked.within) if self._kin is not None else None

    def _same(self) -> int:
        """Return how many of the messages before have this text, however old they are."""
        if self._copies is None:
            start = max(0, self._upto + 1 - MOST)
            self._copies = self._trail.copies(self._own.text, start, self._upto)
        return self._copies

    def _counts(self, asked: Asked) -> Mapping[str, int]:
        own, since = self._own, self._own.at - asked.within
        if own.flags & asked.unlike or own.letters < asked.letters:
            return dict.fromkeys(asked.keys, 0)
        counted: list[Fields] = [
            own,
            *(
                one
                for one in _back(self._said, self._upto, since)
                if not (one[_FLAGS] & (asked.unlike | EDITED) or one[_LETTERS] < asked.letters)
            ),
        ]
        same = [one for one in counted if one[_TEXT] == own.text]
        counts = {
            "messages": len({one[_MESSAGE] for one in counted}),
            "same_text": len({one[_MESSAGE] for one in same}),
            "channels": len({one[_CHANNEL] for one in same}),
        }
        if asked.alike:
            campaign = self.campaign(asked)
            counts["alike"] = campaign.size if campaign else 1
        if asked.newcomers:
            counts["newcomers"] = self._wave.authors(asked.within) if self._wave else 0
        for key in asked.marks:
            counts[key] = self._sum(Said._fields.index(key), asked, since)
        return counts

    def _sum(self, field: int, asked: Asked, since: float) -> int:
        """Add up what the messages have of something; of a message and its edits the most counts."""
        own: Fields = self._own
        if not own[field]:
            return 0
        most = {own[_MESSAGE]: own[field]}
        for one in _back(self._marked, self._marked_upto, since):
            if not (one[_FLAGS] & asked.unlike or one[_LETTERS] < asked.letters):
                most[one[_MESSAGE]] = max(one[field], most.get(one[_MESSAGE], 0))
        return sum(most.values())


class Counted:
    """What a rule's own test says of its author: the numbers themselves."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

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


def _back(said: Sequence[Fields], upto: int, since: float) -> Iterator[Fields]:
    """Yield the last messages before a place, back to the first that is too old."""
    for number in range(upto - 1, max(-1, upto - MOST), -1):
        if said[number][_AT] <= since:
            return
        yield said[number]
