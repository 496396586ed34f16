"""Which forms a word takes in a language: what may stand before and behind its stem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

ALONE = frozenset({""})
# So many words are looked up one by one.
_FEW = 32


class Forms(NamedTuple):
    """Words that hold a stem.

    Attributes:
        stem: What all of them hold.
        tails: What stands behind it; "" where the stem is a word.
        heads: What stands before it.
    """

    stem: str
    tails: frozenset[str]
    heads: frozenset[str] = ALONE

    @property
    def words(self) -> list[str] | None:
        """All of them, if they are few; else None."""
        few = self.heads == ALONE and len(self.tails) <= _FEW
        return [self.stem + tail for tail in sorted(self.tails)] if few else None


Inflect = Callable[[str], Iterator[Forms]]


def but_last(word: str, letters: int = 1) -> str:
    """Return a word without its last letters."""
    return word[:-letters]


def last_of(word: str, letters: str) -> str:
    """Return the last of these letters that stands in a word, or "" if none does."""
    return next((one for one in reversed(word) if one in letters), "")
