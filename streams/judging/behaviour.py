"""Watches what authors do: notes a batch's messages in their trails and says what was seen before each.

An entry depends on its record alone, and a message sees only entries of records below its own, so that
nothing changes however a partition is cut into batches, nor if it is read twice. Texts, channels and
authors stand there as keyed hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Any, Protocol
from zlib import crc32

from rules.finding.behaviour import MOST, MOST_NEW, Asked, Fields, Lately, Said, Trail, Wave, gist, measures
from rules.finding.evidence import Evidence
from rules.finding.likeness import HASHES, KEPT, NEW, ONE_IN, Band, Entry, Kin
from rules.finding.likeness import MARKED as MARKED_TEXT
from rules.message import Kind as Happened
from rules.message import Message, Surface
from rules.reputation import Reputation
from streams.judging.fragments import FRAGMENT, KEEP_S, LAYOUT, covered, is_fragment, together
from streams.judging.outbox import Record
from streams.judging.sketches import Sketcher, words_of
from streams.judging.turns import Turns
from streams.store.standings import partition_id
from streams.store.trails import Kind, Notes, TrailStore

# The fields of Said; it begins as every entry of a trail does.
_SAID = Struct(">dIQ8s4sIBBBBB")
SAID = Kind("s", _SAID.size, MOST)
# Links are rare: kept apart they are remembered longer than what an author said since.
MARKED = Kind("l", _SAID.size, MOST)
# The fields of an entry in likeness.py.
_ALIKE = Struct(f">dIQ8sB{HASHES}s")
ALIKE = Kind("c", _ALIKE.size, KEPT)
_NEWCOMER = Struct(">dIQ8s")
NEWCOMER = Kind("n", _NEWCOMER.size, MOST_NEW)
# Nobody is new a day after their account was made or, where nobody says when, after their first message.
NEW_S = 86_400.0

_ANY = 2**64  # an offset above all

# Trails stay a little longer than rules look back: the store's clock is not the records'.
SLACK_S = 60
# So many messages are taken at a time before others get their turn.
TOGETHER = 16
# Hashes kept at hand: authors and channels come again and again.
AT_HAND = 65_536


class Case(Protocol):
    """A scanned message, as far as watching needs it."""

    message: Message
    evidence: Evidence
    at: float
    author: str | None
    record: Record
    sighting: Sighting | None


# Returns an author's reputation before a batch, None where it isn't known.
Known = Callable[[str], Reputation | None]


class Observer:
    """Watches authors for one worker.

    Args:
        secret: Key of the hashes, at most 64 bytes of it count.
    """

    def __init__(self, store: TrailStore, *, secret: bytes) -> None:
        self._store = store
        self._secret = secret
        self._text_start = blake2b(key=secret[:64], digest_size=8)
        self._author = lru_cache(AT_HAND)(lambda name: _hashed(secret, 16, name).hex())
        self._channel = lru_cache(AT_HAND)(lambda name: _hashed(secret, 16, f"channel/{name}").hex())
        self._place = lru_cache(AT_HAND)(lambda *names: _hashed(secret, 4, "\0".join(names)))
        self._sketcher = Sketcher(secret)
        self._partition = lru_cache(4096)(lambda where: crc32(f"{where.topic_id}/{where.partition}".encode()))

    async def see(
        self,
        cases: Sequence[Case],
        asked: Sequence[Asked],
        topic_id: str,
        turns: Turns,
        *,
        known: Known,
        noting: bool = True,
    ) -> None:
        """Give each case that is counted its sighting, and unless not `noting` note that it was said.

        Args:
            cases: A batch, in the order of each partition's offsets.
            asked: What rules ask.
            known: Tells new authors from others.

        Raises:
            StoreError: When the store doesn't answer in time or refuses.
        """
        look = _Look(self, topic_id, asked, known)
        for start in range(0, len(cases), TOGETHER):
            await turns.give_if_due()
            for case in cases[start : start + TOGETHER]:
                look.add(case)
        look.liken()
        notes = look.notes(noting=noting)
        look.take(await self._store.note(notes) if notes else [])

    def author(self, name: str) -> str:
        """Return the key of an author's trails."""
        return self._author(name)

    def channel(self, message: Message) -> str:
        """Return the key of a channel's trail."""
        return self._channel(f"{message.tenant}/{message.platform}/{message.channel}")

    def sketch(self, cases: Sequence[Case], words: Sequence[Sequence[int]]) -> list[tuple[bytes, list[str]]]:
        """Return the sketch of each message, and the keys of the trails where what is alike stands."""
        tenants = (self._place(case.message.tenant).hex() for case in cases)
        return [
            (sketch, [f"{band.hex()}{tenant}{number}" for number, band in enumerate(bands)])
            for tenant, (sketch, bands) in zip(tenants, self._sketcher.sketch(words), strict=True)
        ]

    def fragment(self, case: Case, own: Said) -> tuple[bytes, str]:
        """Return a fragment as it is noted, and its text."""
        folded = case.evidence.folded
        text, _ = gist(folded.text, folded.data)
        return covered(text, own.partition, own.offset, self._secret), text.decode()

    def uncovered(self, entry: Fields) -> str:
        """Return the text of a fragment that was noted."""
        return covered(entry[3], entry[1], entry[2], self._secret).rstrip(b"\0").decode(errors="replace")

    def said(self, case: Case, partition: int, channel: bytes) -> Said:
        """Return what is remembered of a message."""
        message, folded = case.message, case.evidence.folded
        text, letters = gist(folded.text, folded.data)
        identity = message.id.encode("utf-8", "surrogatepass")
        state = self._text_start.copy()
        state.update(text or identity)
        return Said(
            case.at,
            partition,
            case.record.offset,
            state.digest(),
            channel,
            crc32(identity),
            *(
                (min(letters, 255), 0, 0, 0, 0)
                if self._is_plain(message, letters, case.evidence)
                else measures(message, letters, case.evidence.links)
            ),
        )

    @staticmethod
    def _is_plain(message: Message, letters: int, evidence: Evidence) -> bool:
        """Return whether there is nothing but words to be counted, as in most messages."""
        text = message.text
        return (
            evidence.links is not None
            and not evidence.links
            and letters > 0
            and "@" not in text
            and text[0].isalnum()
            and message.kind is Happened.CREATED
            and not message.entities
            and not message.mentions
        )

    def partition(self, topic_id: str, number: int) -> int:
        """Return what stands for a partition."""
        return self._partition(partition_id(topic_id, number))

    def place(self, message: Message) -> bytes:
        """Return what stands for a channel."""
        return self._place(message.tenant, message.platform, message.channel)


class _Look:
    """One batch's look at its authors."""

    def __init__(self, observer: Observer, topic_id: str, asked: Sequence[Asked], known: Known) -> None:
        self._observer = observer
        self._known = known
        self._topic_id = topic_id
        self._wants_said = any(one.before for one in asked)
        self._wants_marked = any(one.marks for one in asked)
        self._wants_alike = any(one.alike for one in asked)
        self._wants_new = any(one.newcomers for one in asked)
        self._keep_s = SLACK_S + int(max((one.within for one in asked), default=0.0))
        self._people: dict[str, _Person] = {}
        self._partitions: dict[int, int] = {}
        self._asked: list[_Lines] = []
        self._alike: list[tuple[Case, Sighting, bytes, int]] = []
        self._words: list[list[int]] = []
        self._bands: dict[str, _Lines] = {}
        self._waves: dict[str, _Lines] = {}

    def add(self, case: Case) -> None:
        """Take a message, if it is counted."""
        message = case.message
        if not _is_counted(message):
            return
        name = case.author or ""
        person = self._people.get(name)
        if person is None:
            person = self._people[name] = _Person()
        number = case.record.partition
        partition = self._partitions.get(number)
        if partition is None:
            partition = self._partitions[number] = self._observer.partition(self._topic_id, number)
        own = self._observer.said(case, partition, self._observer.place(message))
        sighting = case.sighting = Sighting(person, own)
        person.said.fresh.append(own)
        if self._wants_said and is_fragment(own):
            mixed, text = self._observer.fragment(case, own)
            person.fragments = person.fragments or _Lines(LAYOUT)
            person.fragments.fresh.append((own.at, own.partition, own.offset, mixed))
            person.texts[own.partition, own.offset] = text
        marked = bool(own.links or own.mentions)
        if marked:
            person.marked = person.marked or _Lines(_SAID)
            person.marked.fresh.append(own)
        if self._wants_alike or self._wants_new:
            author = bytes.fromhex(self._observer.author(name)[:16])
            new = _is_new(case, self._known(name), person.said.fresh[0].at)
            if new and self._wants_new:
                self._join(case, sighting, author)
            if self._wants_alike:
                self._compare(case, sighting, author, marked=marked, new=new)

    def _join(self, case: Case, sighting: Sighting, author: bytes) -> None:
        """Count a new author in their channel."""
        key = self._observer.channel(case.message)
        lines = self._waves.get(key)
        if lines is None:
            lines = self._waves[key] = _Lines(_NEWCOMER)
        own = sighting.own
        entry = (own.at, own.partition, own.offset, author)
        sighting.joins(entry, lines)
        lines.fresh.append(entry)

    def _compare(self, case: Case, sighting: Sighting, author: bytes, *, marked: bool, new: bool) -> None:
        """Take a message that may be part of a campaign, or shows that one is none."""
        flags = (MARKED_TEXT if marked else 0) | (NEW if new else 0)
        if not flags and author[0] % ONE_IN:
            return
        words = words_of(case.message, case.evidence, marked=marked)
        if words is not None:
            self._alike.append((case, sighting, author, flags))
            self._words.append(words)

    def liken(self) -> None:
        """Put those that may be alike into their trails."""
        sketches = self._observer.sketch([case for case, *_ in self._alike], self._words)
        for (_, sighting, author, flags), (sketch, keys) in zip(self._alike, sketches, strict=True):
            own = sighting.own
            entry = (own.at, own.partition, own.offset, author, flags, sketch)
            lines = []
            for key in keys:
                band = self._bands.get(key)
                if band is None:
                    band = self._bands[key] = _Lines(_ALIKE)
                lines.append((key[:8], band, len(band.fresh)))
                band.fresh.append(entry)
            sighting.likens(entry, lines)

    def notes(self, *, noting: bool) -> list[Notes]:
        """Return what to ask and to note."""
        notes = []
        for name, person in self._people.items():
            key = self._observer.author(name)
            if self._wants_said:
                notes.append(self._note(SAID, key, person.said, noting=noting))
            if person.fragments is not None:
                notes.append(self._note(FRAGMENT, key, person.fragments, noting=noting, keep_s=KEEP_S))
            if self._wants_marked and person.marked is not None:
                notes.append(self._note(MARKED, key, person.marked, noting=noting))
        notes += [self._note(ALIKE, key, band, noting=noting) for key, band in self._bands.items()]
        notes += [self._note(NEWCOMER, key, wave, noting=noting) for key, wave in self._waves.items()]
        return notes

    def _note(self, kind: Kind, key: str, lines: _Lines, *, noting: bool, keep_s: int | None = None) -> Notes:
        self._asked.append(lines)
        return Notes(kind, key, lines.packed() if noting else b"", keep_s or self._keep_s)

    def take(self, answers: Sequence[bytes]) -> None:
        """Take what stood in each trail."""
        for lines, answer in zip(self._asked, answers, strict=True):
            lines.take(answer)
        for person in self._people.values():
            person.known = True
            if person.fragments is not None:
                for entry in person.fragments.said[: person.fragments.stood]:
                    person.texts[entry[1], entry[2]] = self._observer.uncovered(entry)


def _is_counted(message: Message) -> bool:
    """Return whether it is something that somebody says themselves, in a chat."""
    author = message.author
    return (
        author is not None
        and not (author.bot or author.relay)
        and message.kind is not Happened.DELETED
        and message.surface is Surface.CHAT
    )


def _is_new(case: Case, known: Reputation | None, here_since: float) -> bool:
    """Return whether the account was made, or where nobody says when, first seen, within a day.

    Args:
        here_since: When they were first seen in this batch.
    """
    author = case.message.author
    if author is not None and author.created_at is not None:
        made = author.created_at
        # A time without its zone is read as UTC: the worker's own zone must not change a verdict.
        made = made if made.tzinfo else made.replace(tzinfo=UTC)
        return case.at - made.timestamp() < NEW_S
    return known is not None and case.at - (known.first_seen or here_since) < NEW_S


class _Lines(Trail):
    """What a batch adds to a trail, behind what stood there before.

    Attributes:
        stood: How much of `said` stood there before.
    """

    __slots__ = ("_layout", "fresh", "stood")

    def __init__(self, layout: Struct) -> None:
        self._layout = layout
        self.fresh: list[Any] = []
        self.stood = 0
        super().__init__(self.fresh)

    def take(self, answer: bytes) -> None:
        """Put what stood in the trail before, as far as it is below the batch's first record of a partition.

        What is above was noted by whoever judged those records before, and is yet to come here.
        """
        if not answer:
            return
        entries = self._layout.iter_unpack(answer)
        if len(self.fresh) == 1:
            _, partition, offset, *_ = self.fresh[0]
            stood = [one for one in entries if one[2] < offset or one[1] != partition]
        else:
            first = {one[1]: one[2] for one in reversed(self.fresh)}
            stood = [one for one in entries if one[2] < first.get(one[1], _ANY)]
        self.stood = len(stood)
        self.said = [*stood, *self.fresh]

    def packed(self) -> bytes:
        """Return the batch's entries."""
        if len(self.fresh) == 1:
            return self._layout.pack(*self.fresh[0])
        return b"".join(self._layout.pack(*one) for one in self.fresh)


class _Person:
    """An author in a batch; most send neither links nor parts of words."""

    __slots__ = ("fragments", "known", "marked", "said", "texts")

    def __init__(self) -> None:
        self.known = False
        self.said = _Lines(_SAID)
        self.marked: _Lines | None = None
        self.fragments: _Lines | None = None
        self.texts: dict[tuple[int, int], str] = {}


class Sighting:
    """A message of a batch, from where what came before is seen."""

    __slots__ = ("_alike", "_bands", "_marked", "_person", "_said", "_wave", "own")

    def __init__(self, person: _Person, own: Said) -> None:
        self.own = own
        self._person = person
        self._said = len(person.said.fresh)
        self._marked = len(person.marked.fresh) if person.marked is not None else 0
        self._alike: Entry | None = None
        self._bands: Sequence[tuple[str, _Lines, int]] = ()
        self._wave: tuple[Fields, _Lines, int] | None = None

    def likens(self, entry: Entry, bands: Sequence[tuple[str, _Lines, int]]) -> None:
        """Say what the message is compared by, and in which trails how much of the batch came before it."""
        self._alike, self._bands = entry, bands

    def joins(self, entry: Fields, wave: _Lines) -> None:
        """Say that the author is new, in which channel, and how much of the batch came before."""
        self._wave = entry, wave, len(wave.fresh)

    def joined(self) -> list[str]:
        """Return the fragments that the author sent one after the other, this message the last of them."""
        person = self._person
        if person.fragments is None or not person.known:
            return []
        said = person.said
        return together(self.own, said.said, said.stood + self._said, person.texts)

    def seen(self) -> Lately | None:
        """Return what was seen; None where it isn't known."""
        person = self._person
        if not person.known:
            return None
        said, marked = person.said, person.marked
        return Lately(
            self.own,
            said,
            said.stood + self._said,
            marked.said if marked is not None else (),
            marked.stood + self._marked if marked is not None else 0,
            self._kin(),
            self._new() if self._wave is not None else None,
        )

    def _kin(self) -> Kin | None:
        if self._alike is None or not any(one.stood + upto for _, one, upto in self._bands):
            return None  # nobody said anything like it
        return Kin(self._alike, [Band(name, one.said, one.stood + upto) for name, one, upto in self._bands])

    def _new(self) -> Wave | None:
        if self._wave is None:
            return None
        entry, new, upto = self._wave
        return Wave(entry, new.said, new.stood + upto)


def _hashed(secret: bytes, size: int, name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), key=secret[:64], digest_size=size).digest()
