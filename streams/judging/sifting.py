"""Sifts a batch: which messages' authors may have done what rules ask of behaviour, as few have.

All trails are looked at together, by columns; to ask one author after another (rules.finding.behaviour)
takes many times as long. What is left by that is counted properly, and most of it is sifted out then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rules.finding.asked import SUMMED, Alarm, Asked
from rules.finding.behaviour import Done, done
from rules.finding.trail import LAYOUT, MOST, PARTITION_BITS, SIZE
from streams.judging import native

# rules.finding.trail.LAYOUT; texts are only told apart, so the order of their bytes doesn't matter.
_ENTRY: Final = np.dtype(
    [("stamp", ">u8"), ("offset", ">u4"), ("text", "=u8"), ("channel", ">u2"), ("message", ">u4")]
    + [(name, "u1") for name in ("letters", "flags", "links", "mentions", "invites")]
)
assert _ENTRY.itemsize == SIZE
_PARTITION: Final = np.uint64((1 << PARTITION_BITS) - 1)
_BACK: Final = np.arange(1, MOST)
# Any odd number without a pattern in it.
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)

_Numbers = NDArray[np.int64]
_Flags = NDArray[np.bool_]


def sifted(trails: Sequence[bytes], said: Sequence[Sequence[bytes]], alarm: Alarm) -> list[tuple[Done, ...]]:
    """Return of each message what its author has done of what is asked of them; of most that is nothing.

    That leaves what is asked of others: nothing is counted of `alike` and `newcomers`, and what asks for
    nothing else is not among it.

    Args:
        trails: By author, what they said before the batch, whole entries.
        said: By author, their entries of the batch, in their order; there is one of each author.
        alarm: What rules wait for.

    Returns:
        A value for each entry of `said`, author by author.
    """
    if native.there:
        return native.kernel.sifted(trails, said, alarm)
    if not said:
        return []
    parts: list[bytes] = []
    starts, ends, counts = [], [], []
    at = 0
    for trail, entries in zip(trails, said, strict=True):
        starts.append(at)
        parts.append(trail)
        parts += entries
        counts.append(len(entries))
        at += len(trail) // SIZE + len(entries)
        ends.append(at)
    sizes = np.array(counts)
    # Where each entry of the batch stands, and where what its author said begins.
    first = np.repeat(np.array(starts), sizes)
    own = np.repeat(np.array(ends) - np.cumsum(sizes), sizes) + np.arange(int(sizes.sum()))
    joined = b"".join(parts)
    may_hold = _Sieve(np.frombuffer(joined, dtype=_ENTRY), own, first).may_hold(alarm)
    found: list[tuple[Done, ...]] = [()] * len(own)
    for number, asked in may_hold.items():
        at = int(own[number]) * SIZE
        fields, trail = LAYOUT.unpack_from(joined, at), joined[int(first[number]) * SIZE : at]
        found[number] = tuple(
            [(one, counted) for one in asked if (counted := done(one, fields, trail)) is not None]
        )
    return found


class _Sieve:
    def __init__(self, table: NDArray[np.void], own: _Numbers, first: _Numbers) -> None:
        self._table = table
        self._own = own
        self._first = first
        self._stamps = table["stamp"].astype(np.uint64)
        self._now = self._stamps[own] | _PARTITION

    def may_hold(self, alarm: Alarm) -> dict[int, list[Asked]]:
        """Return by its number what may hold of each entry; nothing does of those that aren't named."""
        left = [(asked, self._are_recent(asked)) for asked in alarm.spoken]
        if alarm.repeated:
            copies = self._copies(int(alarm.fewest_copies))
            left += [(asked, (copies >= asked.copies) & self._are_recent(asked)) for asked in alarm.repeated]
        left += [(asked, self._are_marked_enough(asked)) for asked in alarm.marked]
        if not left:
            return {}
        some = np.flatnonzero(np.logical_or.reduce([flags for _, flags in left])).tolist()
        return {number: [asked for asked, flags in left if flags[number]] for number in some}

    def _are_recent(self, asked: Asked) -> _Flags:
        """Return whether so many messages came within the time, whatever they are."""
        before = self._own - asked.before
        return (before >= self._first) & (self._stamps[np.maximum(before, 0)] >= self._since(asked))

    def _since(self, asked: Asked) -> NDArray[np.uint64]:
        reach = np.uint64(asked.reach)
        return np.where(self._now > reach, self._now - reach, np.uint64(0))

    def _copies(self, fewest: int) -> _Numbers:
        """Return how many of the messages looked back at have the same text; 0 where too few have."""
        texts = self._table["text"].astype(np.uint64)
        # First how often a text may be there at all, by its author's number and some bits of its hash.
        new = np.zeros(len(texts), dtype=np.int64)
        new[self._first] = 1
        mixed = (texts + np.cumsum(new).astype(np.uint64)) * _MIX
        places = (mixed >> np.uint64(64 - max(12, len(texts).bit_length() + 2))).astype(np.int64)
        copies: _Numbers = np.bincount(places)[places[self._own]] - 1
        left = np.flatnonzero(copies >= fewest)
        own = self._own[left]
        before = own[:, None] - _BACK
        same = texts[np.maximum(before, 0)] == texts[own][:, None]
        copies[:] = 0
        copies[left] = np.count_nonzero(same & (before >= self._first[left][:, None]), axis=1)
        return copies

    def _are_marked_enough(self, asked: Asked) -> _Flags:
        """Return whether there are enough links and the like within the time."""
        found = np.ones(len(self._own), dtype=bool)
        for key, bound in asked.counts:
            if key in SUMMED:
                # First however old they are, which rules out nearly all.
                column = self._table[key]
                sums = np.cumsum(column, dtype=np.int64)
                before = sums[self._first] - column[self._first]
                found &= (column[self._own] > 0) & (sums[self._own] - before >= bound.limit)
                left = np.flatnonzero(found)
                if len(left):
                    found[left] = self._sums(column, left, self._since(asked)[left]) >= bound.limit
        return found

    def _sums(self, column: NDArray[np.uint8], which: _Numbers, since: NDArray[np.uint64]) -> _Numbers:
        """Return, for some of the messages, what theirs and the author's earlier ones have from a time on."""
        lengths = self._own[which] - self._first[which] + 1
        starts = np.cumsum(lengths) - lengths
        places = np.arange(int(lengths.sum())) - np.repeat(starts - self._first[which], lengths)
        recent = self._stamps[places] >= np.repeat(since, lengths)
        sums: _Numbers = np.add.reduceat(column[places] * recent, starts, dtype=np.int64)
        return sums
