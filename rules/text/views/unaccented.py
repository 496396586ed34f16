"""Letters without their accents, for rules that ask for it: año is not ano, so nothing else looks here."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rules.fold import Folded, fold
from rules.text.views.reading import Span

# Marks of Latin, Greek, Cyrillic, Hebrew and Arabic; elsewhere letters fall apart without theirs.
_ACCENTS = ((0x300, 0x36F), (0x591, 0x5C7), (0x64B, 0x65F), (0x670, 0x670))
_WITH_STROKES = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"}
_OTHER_LETTERS = frozenset("йўїґ")  # no accented и, у and і, whatever Unicode makes of them


class Unaccented:
    """A text without accents, with the way back to its plain view.

    Attributes:
        folded: What is left, ready to be searched.
    """

    __slots__ = ("_places", "folded")

    def __init__(self, plain: Folded) -> None:
        """Take the accents away from a plain view."""
        if plain.lowered:
            self.folded = plain
            self._places: list[Span] | None = None
            return
        letters: list[str] = []
        places: list[Span] = []
        for at, letter in enumerate(plain.text):
            bare = letter if letter.isascii() else _bare(letter)
            letters.append(bare)
            if bare:
                places += [(at, at + 1)] * len(bare)
            elif places:
                places[-1] = (places[-1][0], at + 1)  # an accent by itself belongs to what it stands on
        self.folded = fold("".join(letters))
        self._places = places

    def place(self, start: int, end: int) -> Span:
        """Return where a range of what is left stands in the plain view."""
        if self._places is None:
            return start, end
        first, last = self.folded.span(start, end)
        return self._places[first][0], self._places[last - 1][1]


def unaccented(text: str) -> str:
    """Return the plain view of a text without its accents."""
    return Unaccented(fold(text)).folded.text


@lru_cache(maxsize=4096)
def _bare(letter: str) -> str:
    if letter in _OTHER_LETTERS:
        return letter
    parts = unicodedata.normalize("NFD", letter)
    kept = (one for one in parts if not any(low <= ord(one) <= high for low, high in _ACCENTS))
    return unicodedata.normalize("NFC", "".join(_WITH_STROKES.get(one, one) for one in kept))
