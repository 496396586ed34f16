"""Who else said nearly the same: clusters of messages across authors, by sketches of their words.

A sketch is a MinHash: of each of `HASHES` hash functions the least value over a text's words. Two texts
agree in about as many places as they share words. What agrees in one of `BANDS` bands of places stands in
one trail, and what stands there is compared place by place.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

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

# So many authors are counted at most.
MOST_ALIKE: Final = 32
# So many letters of a band's name are a campaign's id.
NAME: Final = 8
# So many entries of a trail are kept and looked through, the last ones first.
KEPT: Final = 32

# An entry: the record's time in epoch seconds, a hash of its partition, its offset; a hash of the author,
# flags, sketch.
LAYOUT: Final = Struct(f">dIQ8sB{HASHES}s")
Entry = tuple[Any, ...]
_AT, _PARTITION, _OFFSET, _AUTHOR, _FLAGS, _ = range(6)
# Where the author stands in an entry that isn't unpacked, and the flags.
AUTHOR_BYTES: Final = slice(20, 28)
FLAGS_BYTE: Final = 28


class Kin:
    """What a message is like.

    Args:
        own: What is noted of it.
        name: The band's in whose trail most stands.
        alike: What was noted of messages that are nearly the same, one after another in any order.
        authors: How many authors of theirs are new or sent a link or a mention.

    Attributes:
        at_most: No more authors than this count in its cluster.
    """

    __slots__ = ("_alike", "_found", "_name", "_own", "at_most")

    def __init__(self, own: Entry, name: str, alike: bytes, authors: int) -> None:
        self._own = own
        self._name = name
        self._alike = alike
        self.at_most = 1 + authors
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
        flags = self._authors(own[_AT] - within_s)
        flags[own[_AUTHOR]] = flags.get(own[_AUTHOR], 0) | own[_FLAGS]
        marked = {author for author, each in flags.items() if each & MARKED}
        new = {author for author, each in flags.items() if each & NEW}
        others = len(flags) - len(marked | new)
        size = len(marked | new) if len(new) > ONE_IN * others else len(marked)
        counted = own[_FLAGS] & MARKED or size > len(marked)
        return Campaign(self._name[:NAME], min(size, MOST_ALIKE)) if counted and size > 1 else None

    def _authors(self, since: float) -> dict[bytes, int]:
        """Return who said nearly the same before the message, and after a time, each with their flags.

        Whoever judges it again finds itself in the trails, and later ones.
        """
        own = self._own
        found: dict[bytes, int] = {}
        for one in LAYOUT.iter_unpack(self._alike):
            same = one[_PARTITION] == own[_PARTITION]
            if one[_AT] > since and (one[_OFFSET] < own[_OFFSET] if same else one[_AT] <= own[_AT]):
                found[one[_AUTHOR]] = found.get(one[_AUTHOR], 0) | one[_FLAGS]
        return found
