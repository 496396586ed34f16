"""Watches what authors do: notes a batch's messages in their trails and says what was seen before each.

An entry depends on its record alone, and a message sees only entries of records below its own, so that
nothing changes however a partition is cut into batches, nor if it is read twice. Texts, channels and
authors stand there as keyed hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Protocol
from zlib import crc32

from rules.finding.behaviour import MOST, Asked, Lately, Said, Trail, gist, measures
from rules.finding.evidence import Evidence
from rules.message import Kind as Happened
from rules.message import Message, Surface
from streams.outbox import Record
from streams.standings import partition_id
from streams.trails import Kind, Notes, TrailStore
from streams.turns import Turns

# The fields of Said; it begins as every entry of a trail does.
_SAID = Struct(">dIQ8s4sIBBBBB")
SAID = Kind("s", _SAID.size, MOST)
# Links are rare: kept apart they are remembered longer than what an author said since.
MARKED = Kind("l", _SAID.size, MOST)

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


class Observer:
    """Watches authors for one worker.

    Args:
        secret: Key of the hashes, at most 64 bytes of it count.
    """

    def __init__(self, store: TrailStore, *, secret: bytes) -> None:
        self._store = store
        self._text_start = blake2b(key=secret[:64], digest_size=8)
        self._author = lru_cache(AT_HAND)(lambda name: _hashed(secret, 16, name).hex())
        self._place = lru_cache(AT_HAND)(lambda *names: _hashed(secret, 4, "\0".join(names)))
        self._partition = lru_cache(4096)(lambda where: crc32(f"{where.topic_id}/{where.partition}".encode()))

    async def see(
        self,
        cases: Sequence[Case],
        asked: Sequence[Asked],
        topic_id: str,
        turns: Turns,
        *,
        noting: bool = True,
    ) -> None:
        """Give each case that is counted its sighting, and unless not `noting` note that it was said.

        Args:
            cases: A batch, in the order of each partition's offsets.
            asked: What rules ask.

        Raises:
            StoreError: When the store doesn't answer in time or refuses.
        """
        look = _Look(self, topic_id, asked)
        for start in range(0, len(cases), TOGETHER):
            await turns.give_if_due()
            for case in cases[start : start + TOGETHER]:
                look.add(case)
        notes = look.notes(noting=noting)
        look.take(await self._store.note(notes) if notes else [])

    def author(self, name: str) -> str:
        """Return the key of an author's trails."""
        return self._author(name)

    def said(self, case: Case, topic_id: str) -> Said:
        """Return what is remembered of a message."""
        message, folded = case.message, case.evidence.folded
        text, letters = gist(folded.text, folded.data)
        identity = message.id.encode("utf-8", "surrogatepass")
        state = self._text_start.copy()
        state.update(text or identity)
        return Said(
            case.at,
            self._partition(partition_id(topic_id, case.record.partition)),
            case.record.offset,
            state.digest(),
            self._place(message.tenant, message.platform, message.channel),
            crc32(identity),
            *measures(message, letters, case.evidence.links),
        )


class _Look:
    """One batch's look at its authors."""

    def __init__(self, observer: Observer, topic_id: str, asked: Sequence[Asked]) -> None:
        self._observer = observer
        self._topic_id = topic_id
        self._wants_said = any(one.before for one in asked)
        self._wants_marked = any(one.marks for one in asked)
        self._keep_s = SLACK_S + int(max((one.within for one in asked), default=0.0))
        self._people: dict[str, _Person] = {}
        self._asked: list[tuple[_Person, bool]] = []

    def add(self, case: Case) -> None:
        """Take a message, if it is counted."""
        if not _is_counted(case.message):
            return
        name = case.author or ""
        person = self._people.get(name)
        if person is None:
            person = self._people[name] = _Person()
        own = self._observer.said(case, self._topic_id)
        case.sighting = Sighting(person, own)
        person.said.fresh.append(own)
        if own.links or own.mentions:
            person.marked.fresh.append(own)

    def notes(self, *, noting: bool) -> list[Notes]:
        """Return what to ask and to note."""
        notes = []
        for name, person in self._people.items():
            key = self._observer.author(name)
            if self._wants_said:
                notes.append(Notes(SAID, key, person.said.packed() if noting else b"", self._keep_s))
                self._asked.append((person, False))
            if self._wants_marked and person.marked.fresh:
                notes.append(Notes(MARKED, key, person.marked.packed() if noting else b"", self._keep_s))
                self._asked.append((person, True))
        return notes

    def take(self, answers: Sequence[bytes]) -> None:
        """Take what stood in each trail."""
        for (person, marked), answer in zip(self._asked, answers, strict=True):
            if marked:
                person.marked.take(answer)
            else:
                person.said.take(answer)
        for person in self._people.values():
            person.known = True


def _is_counted(message: Message) -> bool:
    """Return whether it is something that somebody says themselves, in a chat."""
    author = message.author
    return (
        author is not None
        and not (author.bot or author.relay)
        and message.kind is not Happened.DELETED
        and message.surface is Surface.CHAT
    )


class _Lines:
    """What an author says in a batch, behind what stood in the trail before."""

    __slots__ = ("before", "fresh", "trail")

    def __init__(self) -> None:
        self.fresh: list[Said] = []
        self.trail = Trail(self.fresh)
        self.before = 0

    def take(self, answer: bytes) -> None:
        """Put what stood in the trail before, as far as it is below the batch's first record of a partition.

        What is above was noted by whoever judged those records before, and is yet to come here.
        """
        if answer:
            first = {one[1]: one[2] for one in reversed(self.fresh)}
            stood = [one for one in _SAID.iter_unpack(answer) if one[2] < first.get(one[1], _ANY)]
            self.before = len(stood)
            self.trail = Trail([*stood, *self.fresh])

    def packed(self) -> bytes:
        """Return the batch's entries."""
        if len(self.fresh) == 1:
            return _SAID.pack(*self.fresh[0])
        return b"".join(_SAID.pack(*one) for one in self.fresh)


class _Person:
    """An author in a batch."""

    __slots__ = ("known", "marked", "said")

    def __init__(self) -> None:
        self.known = False
        self.said = _Lines()
        self.marked = _Lines()


class Sighting:
    """A message of a batch, from where what came before is seen."""

    __slots__ = ("_marked", "_own", "_person", "_said")

    def __init__(self, person: _Person, own: Said) -> None:
        self._person = person
        self._own = own
        self._said = len(person.said.fresh)
        self._marked = len(person.marked.fresh)

    def seen(self) -> Lately | None:
        """Return what was seen; None where it isn't known."""
        person = self._person
        if not person.known:
            return None
        said, marked = person.said, person.marked
        return Lately(
            self._own, said.trail, said.before + self._said, marked.trail, marked.before + self._marked
        )


def _hashed(secret: bytes, size: int, name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), key=secret[:64], digest_size=size).digest()
