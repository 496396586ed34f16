"""Where it is noted what several authors did: the contract of a store of trails, and the store in memory.

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
        keep_s: Seconds after which a trail is gone, unless something is noted again.
        told: Whether whoever notes is told what stands there.
    """

    name: str
    size: int
    keep: int
    keep_s: int
    told: bool = True


# What is to be noted in a trail: its kind; its key, hexadecimal digits of a keyed hash of what it is about;
# the entry, where b"" only asks what stands there.
Note = tuple[Kind, str, bytes]


class TrailStore(Protocol):
    """A store of trails: asks and notes a batch in one round trip."""

    async def note(self, notes: Sequence[Note]) -> list[bytes]:
        """Add entries to trails, one after another, and return what stood in each before, the entries joined.

        Of a kind of which nothing is told that is b"".

        A trail that is full lets its first entry go for a new one, unless the new one is older.

        Raises:
            StoreError: When the store doesn't answer in time or refuses.
        """


class MemoryTrails:
    """A store in the process's own memory: for tests and offline judging. Nothing in it ends by the clock."""

    def __init__(self) -> None:
        self._trails: dict[tuple[str, str], bytes] = {}

    async def note(self, notes: Sequence[Note]) -> list[bytes]:
        """See TrailStore."""
        return [self._note(*one) for one in notes]

    def _note(self, kind: Kind, key: str, entry: bytes) -> bytes:
        before = self._trails.get((kind.name, key), b"")
        if entry:
            self._trails[kind.name, key] = added(before, entry, kind)
        return before if kind.told else b""


def added(trail: bytes, entry: bytes, kind: Kind) -> bytes:
    """Return a trail with an entry added to it. The Lua twin is note_trails.lua."""
    if _stands(trail, entry[_RECORD], kind.size):
        return trail
    if len(trail) >= kind.size * kind.keep:
        if _TIME.unpack_from(entry)[0] < _TIME.unpack_from(trail)[0]:
            return trail
        trail = trail[kind.size :]
    return trail + entry


def _stands(trail: bytes, record: bytes, size: int) -> bool:
    """Return whether there is an entry of this record."""
    found = trail.find(record)
    while found >= 0:
        if found % size == _RECORD.start:
            return True
        found = trail.find(record, found + 1)
    return False
