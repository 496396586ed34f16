"""Who else said nearly the same: clusters of messages across authors, by sketches of their words.

A sketch is a MinHash: of each of `HASHES` hash functions the least value over a text's words. Two texts
agree in about as many places as they share words. What agrees in one of `BANDS` bands of places stands in
one trail, and what stands there is compared place by place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple

from rules.verdict import Campaign

HASHES: Final = 24
BANDS: Final = 4
ROWS: Final = 3
# In half of the places two texts share about two words of three.
ENOUGH: Final = 12
# Fewer words are what everybody says.
FEWEST_WORDS: Final = 4

NEW, MARKED = 1, 2
# Of established authors whose texts have neither link nor mention one in so many is looked at: they only
# matter to tell a campaign of new accounts from what everybody says.
ONE_IN: Final = 16

# So many authors are counted at most: who is one of a hundred is seen no better by looking longer.
MOST_ALIKE: Final = 32
# So many entries of a trail are kept and looked through, the last ones first.
KEPT: Final = 32

# An entry: the record's time in epoch seconds, a hash of its partition, its offset; a hash of the author,
# flags, sketch.
LAYOUT: Final = Struct(f">dIQ8sB{HASHES}s")
Entry = tuple[Any, ...]
_AT, _PARTITION, _OFFSET, _AUTHOR, _FLAGS, _SKETCH = range(6)


class Band(NamedTuple):
    """A trail in which alike messages stand, the entries one after another."""

    name: str
    entries: bytes


class Kin:
    """What a message is like.

    Attributes:
        at_most: No more authors than this are in its cluster.
    """

    __slots__ = ("_bands", "_found", "_own", "at_most")

    def __init__(self, own: Entry, bands: Sequence[Band]) -> None:
        self._own = own
        self._bands = bands
        self.at_most = 1 + sum([len(band.entries) for band in bands]) // LAYOUT.size
        self._found: dict[float, Campaign | None] = {}

    @property
    def counts(self) -> bool:
        """Whether the message can be part of a campaign: a link, a mention or a new author."""
        return bool(self._own[_FLAGS])

    def campaign(self, within_s: float) -> Campaign | None:
        """Return the cluster that the message belongs to, itself included; None where it belongs to none.

        Authors who sent a link or a mention count, and new ones if they are more than the established
        ones who said it without.
        """
        if not self.counts:
            return None
        if within_s not in self._found:
            self._found[within_s] = self._campaign(within_s)
        return self._found[within_s]

    def _campaign(self, within_s: float) -> Campaign | None:
        own = self._own
        since = own[_AT] - within_s
        flags: dict[bytes, int] = {}
        for entry in self._latest():
            author = entry[_AUTHOR]
            # Most stand in several bands, and are compared in the first.
            known = flags.get(author)
            if (known is None or entry[_FLAGS] & ~known) and self._is_alike(entry, since):
                flags[author] = (known or 0) | entry[_FLAGS]
                if len(flags) >= MOST_ALIKE:
                    break
        flags[own[_AUTHOR]] = flags.get(own[_AUTHOR], 0) | own[_FLAGS]
        marked = {author for author, each in flags.items() if each & MARKED}
        new = {author for author, each in flags.items() if each & NEW}
        others = len(flags) - len(marked | new)
        size = len(marked | new) if len(new) > ONE_IN * others else len(marked)
        counted = own[_FLAGS] & MARKED or size > len(marked)
        largest = max(self._bands, key=lambda band: len(band.entries))
        return Campaign(largest.name, min(size, MOST_ALIKE)) if counted and size > 1 else None

    def _latest(self) -> Iterator[Entry]:
        """Yield what was noted before the message; whoever judges it again finds itself, and later ones."""
        own = self._own
        for band in self._bands:
            for entry in reversed(list(LAYOUT.iter_unpack(band.entries))):
                if entry[_PARTITION] != own[_PARTITION] or entry[_OFFSET] < own[_OFFSET]:
                    yield entry

    def _is_alike(self, entry: Entry, since: float) -> bool:
        own = self._own
        if entry[_AT] <= since or (entry[_PARTITION] != own[_PARTITION] and entry[_AT] > own[_AT]):
            return False
        sketch: bytes = entry[_SKETCH]
        if sketch == own[_SKETCH]:
            return True
        apart = int.from_bytes(sketch, "big") ^ int.from_bytes(own[_SKETCH], "big")
        return apart.to_bytes(HASHES, "big").count(0) >= ENOUGH
