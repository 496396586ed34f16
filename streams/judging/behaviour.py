"""Watches what authors do: what is remembered of each message, and who else says or does the same.

What is remembered of a message, an entry of its author's trail (rules.finding.trail), goes with its effect
and comes back with the author's standing. What concerns several authors, texts that are alike and new
authors in a channel, is noted in trails of its own, before the verdict: such an entry depends on its record
alone, and a message sees only those of records below its own, so that nothing changes however a partition
is cut into batches, nor if it is read twice. Texts, channels and authors stand there as keyed hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Protocol
from zlib import crc32

from rules.finding.asked import LONGEST_S, Alarm, Asked
from rules.finding.behaviour import MOST_NEW, NEWCOMER, Wave, asked_of_others
from rules.finding.evidence import Evidence
from rules.finding.likeness import KEPT, MARKED, NEW, ONE_IN, Band, Entry, Kin
from rules.finding.likeness import LAYOUT as ALIKE_LAYOUT
from rules.finding.said import counts_of, gists
from rules.finding.trail import COUNTED, FLAGS, LATEST_MS, LAYOUT, LETTERS, Fields, is_marked, stamps
from rules.message import CHAT, DELETED, Message
from rules.reputation import Reputation
from streams.judging.fragments import MOST_LETTERS, Cover, is_fragment, together
from streams.judging.outbox import Record
from streams.judging.sifting import sifted
from streams.judging.sketches import Sketcher, words_of
from streams.judging.turns import Turns, batched
from streams.store.trails import Kind, Note, TrailStore

# Trails stay a little longer than rules look back: the store's clock is not the records'.
KEEP_S = int(LONGEST_S) + 60
ALIKE = Kind("c", ALIKE_LAYOUT.size, KEPT, KEEP_S)
NEW_HERE = Kind("n", NEWCOMER.size, MOST_NEW, KEEP_S)
# Nobody is new a day after their account was made or, where nobody says when, after their first message.
NEW_S = 86_400.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Messages that are remembered together, between turns of the loop, where their texts have no more bytes than
# this: about a millisecond's work. Of longer ones fewer are.
AT_ONCE, BYTES_AT_ONCE = 256, 32_768

# Messages from which on a batch is sifted.
WORTH_SIFTING = 96

# Hashes kept at hand: authors and channels come again and again.
AT_HAND = 65_536


class Case(Protocol):
    """A scanned message, as far as watching needs it."""

    message: Message
    evidence: Evidence
    at: float
    author: str | None
    record: Record
    entry: bytes
    may_hold: Sequence[Asked] | None
    quiet: bool
    kin: Kin | None
    wave: Wave | None


class HasTrail(Protocol):
    """An author, as far as sifting needs them."""

    @property
    def trail(self) -> bytes:
        """What they said before the batch."""


# Returns an author's reputation before a batch, None where it isn't known.
Known = Callable[[str], Reputation | None]


class Observer:
    """Watches authors for one worker.

    Args:
        secret: Key of the hashes, at most 64 bytes of it count.
    """

    def __init__(self, store: TrailStore, *, secret: bytes) -> None:
        self._store = store
        self._text_start = blake2b(key=secret[:64], digest_size=8)
        self._cover = Cover(secret)
        self._author = lru_cache(AT_HAND)(lambda name: _hashed(secret, 8, name))
        self._channel = lru_cache(AT_HAND)(lambda name: _hashed(secret, 16, f"channel/{name}").hex())
        self._place = lru_cache(AT_HAND)(lambda *names: crc32(_hashed(secret, 4, "\0".join(names))) & 0xFFFF)
        self._tenant = lru_cache(4096)(lambda tenant: int.from_bytes(_hashed(secret, 8, tenant), "big"))
        self._sketcher = Sketcher(secret)
        self._partition = lru_cache(4096)(lambda topic_id, number: crc32(f"{topic_id}/{number}".encode()))

    async def remember(self, cases: Sequence[Case], topic_id: str, turns: Turns) -> None:
        """Set of each case that is counted what its author's trail will say."""
        for start in range(0, len(cases), AT_ONCE):
            some = cases[start : start + AT_ONCE]
            short = sum([len(case.evidence.folded.data) for case in some]) <= BYTES_AT_ONCE
            for few in (some,) if short else batched(some):
                await turns.give_if_due()
                self._remember(few, topic_id)

    async def look_round(
        self,
        cases: Sequence[Case],
        asked: Sequence[Asked],
        topic_id: str,
        *,
        known: Known,
        noting: bool = True,
    ) -> None:
        """See of each remembered case what others said and did.

        Args:
            cases: A batch, in the order of each partition's offsets.
            asked: What rules ask.
            known: Tells new authors from others.
            noting: Note that it was said.

        Raises:
            StoreError: When the store doesn't answer in time or refuses.
        """
        if not any(one.alike or one.newcomers for one in asked):
            return
        look = _Look(self, self._partitions(cases, topic_id), asked, known)
        look.add(cases)
        await look.round(self._store, noting=noting)

    def sift(self, cases: Sequence[Case], authors: Mapping[str, HasTrail], alarm: Alarm) -> None:
        """Set of each remembered case what may hold of what rules ask.


        Of a small batch it isn't: its authors are asked one by one in less time.

        Args:
            cases: A batch that has looked round, in the order in which it will be decided; each will be on
                its author's trail for the next.
            alarm: What rules wait for.
        """
        if len(cases) < WORTH_SIFTING:
            return
        by_author: dict[str, list[Case]] = {}
        for case in cases:
            if case.entry and case.author is not None:
                by_author.setdefault(case.author, []).append(case)
        trails = [(authors[author].trail, some) for author, some in by_author.items()]
        # A trail that something has damaged is its author's trouble alone.
        whole = [(trail, some) for trail, some in trails if not len(trail) % LAYOUT.size]
        entries = [[case.entry for case in some] for _, some in whole]
        found = sifted([trail for trail, _ in whole], entries, alarm)
        for case, asked in zip(chain.from_iterable(some for _, some in whole), found, strict=True):
            case.quiet = not asked
            others = case.kin is not None or case.wave is not None
            case.may_hold = (*asked, *asked_of_others(alarm, case.kin, case.wave)) if others else asked

    def _partitions(self, cases: Sequence[Case], topic_id: str) -> dict[int, int]:
        numbers = {case.record.partition for case in cases}
        return {number: self._partition(topic_id, number) for number in numbers}

    def _remember(self, cases: Sequence[Case], topic_id: str) -> None:
        cases = [case for case in cases if is_counted(case.message)]
        messages = [case.message for case in cases]
        evidence = [case.evidence for case in cases]
        partitions, place = self._partitions(cases, topic_id), self._place
        texts, letters = gists([one.folded for one in evidence])
        counts = counts_of(messages, letters, evidence)
        identities = [message.id.encode("utf-8", "surrogatepass") for message in messages]
        entries = map(
            COUNTED.pack,
            stamps([case.at for case in cases], [partitions[case.record.partition] for case in cases]),
            [case.record.offset & 0xFFFFFFFF for case in cases],
            self._hashed(texts, letters, counts, identities),
            [place(message.tenant, message.platform, message.channel) for message in messages],
            map(crc32, identities),
            counts,
        )
        for case, entry in zip(cases, entries, strict=True):
            case.entry = entry

    def _hashed(
        self,
        texts: Sequence[bytes],
        letters: Sequence[int],
        counts: Sequence[bytes],
        identities: Sequence[bytes],
    ) -> list[bytes]:
        """Return what stands for each text: a hash, or a cipher of what may be a part of a word."""
        found, copied = [], self._text_start.copy
        for text in texts:
            state = copied()
            state.update(text)
            found.append(state.digest())
        for number in [number for number, count in enumerate(letters) if count <= MOST_LETTERS]:
            if is_fragment(letters[number], counts[number][FLAGS - LETTERS]):
                found[number] = self._cover.covered(texts[number])
            elif not texts[number]:
                # Nothing is said again by saying nothing.
                state = copied()
                state.update(identities[number])
                found[number] = state.digest()
        return found

    def joined(self, own: Fields, trail: bytes) -> Sequence[str]:
        """Return the fragments that an author sent one after the other, this message the last of them."""
        return together(own, trail, self._cover.uncovered)

    def author(self, name: str) -> bytes:
        """Return what stands for an author."""
        return self._author(name)

    def channel(self, message: Message) -> str:
        """Return the key of a channel's trail."""
        return self._channel(f"{message.tenant}/{message.platform}/{message.channel}")

    def sketch(self, cases: Sequence[Case], words: Sequence[Sequence[int]]) -> list[tuple[bytes, list[str]]]:
        """Return the sketch of each message, and the keys of the trails where what is alike stands."""
        return self._sketcher.sketch(words, [self._tenant(case.message.tenant) for case in cases])


class _Look:
    """One batch's look at what concerns several authors."""

    def __init__(
        self, observer: Observer, partitions: dict[int, int], asked: Sequence[Asked], known: Known
    ) -> None:
        self._observer = observer
        self._known = known
        self._partitions = partitions
        self._wants_alike = any(one.alike for one in asked)
        self._wants_new = any(one.newcomers for one in asked)
        self._here_since: dict[str, float] = {}
        self._alike: list[tuple[Case, bytes, int]] = []
        self._words: list[list[int]] = []
        self._new: list[tuple[Case, Fields]] = []

    def add(self, cases: Sequence[Case]) -> None:
        """Take those of the messages that may be part of a campaign or a raid, or show that one is none."""
        author_of, wants_alike, wants_new = self._observer.author, self._wants_alike, self._wants_new
        # Whose account is as old as this is nobody new.
        old = EPOCH + timedelta(
            seconds=min(max(0.0, min(case.at for case in cases) - NEW_S), LATEST_MS / 1e3)
        )
        for case in cases:
            said, name, author = case.entry, case.author, case.message.author
            if not said or name is None or author is None:
                continue
            made = author.created_at
            is_old = made is not None and made.tzinfo is UTC and EPOCH < made <= old
            new = not is_old and self._is_new(case, name, made)
            hashed = author_of(name)
            marked = is_marked(said)
            if new and wants_new:
                self._new.append((case, (*self._record(case), hashed)))
            if wants_alike and (new or marked or not hashed[0] % ONE_IN):
                words = words_of(case.message, case.evidence)
                if words is not None:
                    self._alike.append((case, hashed, (MARKED if marked else 0) | (NEW if new else 0)))
                    self._words.append(words)

    def _is_new(self, case: Case, name: str, made: datetime | None) -> bool:
        """Return whether the account was made, or where nobody says when, first seen, within a day."""
        if made is not None:
            # A time without its zone is read as UTC: the worker's own zone must not change a verdict.
            made = made if made.tzinfo else made.replace(tzinfo=UTC)
            return case.at - made.timestamp() < NEW_S
        first, reputation = self._here_since.setdefault(name, case.at), self._known(name)
        return reputation is not None and case.at - (reputation.first_seen or first) < NEW_S

    def _record(self, case: Case) -> tuple[float, int, int]:
        return case.at, self._partitions[case.record.partition], case.record.offset

    async def round(self, store: TrailStore, *, noting: bool) -> None:
        """Ask what stands in the trails, and note."""
        notes: list[Note] = []
        found: list[tuple[Case, Entry, list[str]]] = []
        sketches = self._observer.sketch([case for case, *_ in self._alike], self._words)
        for (case, author, flags), (sketch, keys) in zip(self._alike, sketches, strict=True):
            entry = (*self._record(case), author, flags, sketch)
            packed = ALIKE_LAYOUT.pack(*entry) if noting else b""
            notes += [(ALIKE, key, packed) for key in keys]
            found.append((case, entry, keys))
        for case, own in self._new:
            notes.append(
                (NEW_HERE, self._observer.channel(case.message), NEWCOMER.pack(*own) if noting else b"")
            )
        if not notes:
            return
        answers = await store.note(notes)
        at = 0
        for case, entry, keys in found:
            said = answers[at : at + len(keys)]
            at += len(keys)
            if any(said):
                bands = [Band(key[:8], entries) for key, entries in zip(keys, said, strict=True)]
                case.kin = Kin(entry, bands)
        for (case, own), answer in zip(self._new, answers[at:], strict=True):
            case.wave = Wave(own, answer)


def is_counted(message: Message) -> bool:
    """Return whether it is something that somebody says themselves, in a chat."""
    author = message.author
    return (
        author is not None
        and not (author.bot or author.relay)
        and message.kind is not DELETED
        and message.surface is CHAT
    )


def _hashed(secret: bytes, size: int, name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), key=secret[:64], digest_size=size).digest()
