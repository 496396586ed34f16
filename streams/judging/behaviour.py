"""Watches what authors do: what is at hand for that in one worker, and which messages are worth asking about.

What is remembered of each message, an entry of its author's trail (rules.finding.trail), goes with its
effect and comes back with the author's standing. What concerns several authors stands in trails of its own
(streams/judging/watch.py). Texts, channels and authors stand in all of them as keyed hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from hashlib import blake2b
from itertools import accumulate, chain
from typing import Protocol
from zlib import crc32

from rules.finding.asked import Alarm
from rules.finding.behaviour import Done, Wave, asked_of_others, is_ignored
from rules.finding.evidence import Evidence
from rules.finding.likeness import ONE_IN, Kin
from rules.finding.said import counts_of, gists
from rules.finding.trail import BYTE, COUNTED, FLAGS, LAYOUT, LETTERS, Fields, is_marked, stamps
from rules.message import CHAT, DELETED, Message
from rules.reputation import Reputation
from streams.judging import native
from streams.judging.fragments import MOST_LETTERS, Cover, is_fragment, together
from streams.judging.outbox import Record
from streams.judging.sifting import sifted
from streams.judging.sketches import Sketcher
from streams.store.trails import TrailStore

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Bytes of texts that are remembered together, about a millisecond's work; whoever goes beyond is the last.
BYTES_AT_ONCE = 32_768
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
    may_hold: Sequence[Done] | None
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
        self.store = store
        self._text_start = blake2b(key=secret[:64], digest_size=8)
        self._cover = Cover(secret)
        if native.there:
            self._hash = native.kernel.Hash(secret[:64])
        self._author = lru_cache(AT_HAND)(lambda name: _hashed(secret, 8, name))
        self._channel = lru_cache(AT_HAND)(lambda name: _hashed(secret, 16, f"channel/{name}").hex())
        self._place = lru_cache(AT_HAND)(lambda *names: crc32(_hashed(secret, 4, "\0".join(names))) & 0xFFFF)
        self._tenant = lru_cache(4096)(lambda tenant: int.from_bytes(_hashed(secret, 8, tenant), "big"))
        self._sketcher = Sketcher(secret)
        self._partition = lru_cache(4096)(lambda topic_id, number: crc32(f"{topic_id}/{number}".encode()))

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
        for case, done in zip(chain.from_iterable(some for _, some in whole), found, strict=True):
            if case.kin is not None or case.wave is not None:
                others = asked_of_others(alarm, case.kin, case.wave)
                flags, letters = case.entry[BYTE[FLAGS]], case.entry[BYTE[LETTERS]]
                done = (*done, *((asked, {}) for asked in others if not is_ignored(asked, flags, letters)))
            case.may_hold = done

    def remember(
        self, cases: Sequence[Case], topic_id: str, old: datetime, *, compares: bool
    ) -> tuple[int, list[int], list[int]]:
        """Set of each case that is counted what its author's trail will say.

        Args:
            cases: So many at most as are worth a turn of the loop; where their texts are long only the first
                of them are done.
            old: An account that was made by then is not new.
            compares: Some of the others' messages are worth comparing.

        Returns:
            How many cases are done, and of these, by their number, those whose author may be new, and of all
            others those to compare.
        """
        if native.there:
            return native.kernel.remembered(
                list(cases), BYTES_AT_ONCE, old, compares, partial(self._partition, topic_id),
                self._place, self._author, self._hash, self._cover.covered,
            )  # fmt: skip
        ends = accumulate([len(case.evidence.folded.data) for case in cases])
        count = next((at + 1 for at, end in enumerate(ends) if end > BYTES_AT_ONCE), len(cases))
        perhaps_new, others = [], []
        numbers = [number for number, case in enumerate(cases[:count]) if is_counted(case.message)]
        entries = self._entries([cases[number] for number in numbers], topic_id)
        for number, entry in zip(numbers, entries, strict=True):
            case = cases[number]
            case.entry = entry
            name, author = case.author, case.message.author
            if name is None or author is None:
                continue
            made = author.created_at
            if made is None or made.tzinfo is not UTC or not EPOCH < made <= old:
                perhaps_new.append(number)
            elif compares and (is_marked(entry) or not self._author(name)[0] % ONE_IN):  # as few are
                others.append(number)
        return count, perhaps_new, others

    def _entries(self, cases: Sequence[Case], topic_id: str) -> list[bytes]:
        messages = [case.message for case in cases]
        evidence = [case.evidence for case in cases]
        place = self._place
        texts, letters = gists([one.folded for one in evidence])
        counts = counts_of(messages, letters, evidence)
        identities = [message.id.encode("utf-8", "surrogatepass") for message in messages]
        partitions = [self._partition(topic_id, case.record.partition) for case in cases]
        return list(
            map(
                COUNTED.pack,
                stamps([case.at for case in cases], partitions),
                [case.record.offset & 0xFFFFFFFF for case in cases],
                self._hashed(texts, letters, counts, identities),
                [place(message.tenant, message.platform, message.channel) for message in messages],
                map(crc32, identities),
                counts,
            )
        )

    def partition(self, topic_id: str, number: int) -> int:
        """Return what stands for a partition."""
        return self._partition(topic_id, number)

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

    def sketch(
        self, messages: Sequence[Message], words: Sequence[Sequence[int]]
    ) -> list[tuple[bytes, list[str]]]:
        """Return the sketch of each message, and the keys of the trails where what is alike stands."""
        return self._sketcher.sketch(words, [self._tenant(message.tenant) for message in messages])


def _hashed(secret: bytes, size: int, name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), key=secret[:64], digest_size=size).digest()


def is_counted(message: Message) -> bool:
    """Return whether it is something that somebody says themselves, in a chat."""
    author = message.author
    return (
        author is not None
        and not (author.bot or author.relay)
        and message.kind is not DELETED
        and message.surface is CHAT
    )
