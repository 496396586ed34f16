"""Where it is noted what was seen: the contract of a store of trails, and the store that lives in memory.

A trail is what was noted under one key, the last entries of it. Entries have one length and begin with a
`STAMP`: the time, and the partition and offset of the record. An entry whose record is in the trail
already is left out, so that whatever is noted twice, under any cut of batches, stands there once.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple, Protocol

STAMP = Struct(">dIQ")
_TIME = Struct(">d")
_RECORD = slice(8, STAMP.size)


class Kind(NamedTuple):
    """A kind of trails.

    Attributes:
        name: One letter, in the keys of the store.
        size: Bytes of an entry.
        keep: Entries that are kept.
    """

    name: str
    size: int
    keep: int


class Notes(NamedTuple):
    """What is to be noted in one trail.

    Attributes:
        key: Hexadecimal digits, a keyed hash of what the trail is about.
        entries: Joined, by the order of their records; b"" only asks what stands there.
        keep_s: Seconds from now after which the trail is gone, unless something is noted again.
    """

    kind: Kind
    key: str
    entries: bytes
    keep_s: int


class TrailStore(Protocol):
    """A store of trails: asks and notes a batch in one round trip."""

    async def note(self, notes: Sequence[Notes]) -> list[bytes]:
        """Add entries to trails and return what stood in each before, the entries joined.

        A trail that is full lets its first entry go for a new one, unless the new one is older.

        Raises:
            StoreError: When the store doesn't answer in time or refuses.
        """


class MemoryTrails:
    """A store in the process's own memory: for tests and offline judging. Nothing in it ends by the clock."""

    def __init__(self) -> None:
        self._trails: dict[tuple[str, str], bytes] = {}

    async def note(self, notes: Sequence[Notes]) -> list[bytes]:
        """See TrailStore."""
        return self.noted(notes)

    def noted(self, notes: Sequence[Notes]) -> list[bytes]:
        """Return what `note` does, without waiting."""
        return [self._note(one) for one in notes]

    def _note(self, one: Notes) -> bytes:
        name = (one.kind.name, one.key)
        before = self._trails.get(name, b"")
        if one.entries:
            self._trails[name] = added(before, one.entries, one.kind)
        return before


def added(before: bytes, entries: bytes, kind: Kind) -> bytes:
    """Return a trail with entries added to it. The Lua twin is note_trails.lua."""
    size, most = kind.size, kind.size * kind.keep
    trail = before
    for start in range(0, len(entries), size):
        entry = entries[start : start + size]
        if _stands(trail, entry[_RECORD], size):
            continue
        if len(trail) >= most:
            if _TIME.unpack_from(entry)[0] < _TIME.unpack_from(trail)[0]:
                continue
            trail = trail[size:]
        trail += entry
    return trail


def _stands(trail: bytes, record: bytes, size: int) -> bool:
    """Return whether there is an entry of this record."""
    found = trail.find(record)
    while found >= 0:
        if found % size == _RECORD.start:
            return True
        found = trail.find(record, found + 1)
    return False
