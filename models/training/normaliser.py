"""What the tokenizer reads alike: upper and lower case, and letters in disguises that no language needs.

SentencePiece takes this as a table of code points, which costs nothing at run time. Disguises that depend on
their neighbours are undone before, by folding, as far as that is safe for rules; a model may be bolder.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator

from models.training.disguise import FLIPPED, SMALL

_MARKS = range(0x300, 0x370)
_REGIONAL = range(0x1F1E6, 0x1F200)


def normalisation_table() -> str:
    """Return lines "code points in hex, a tab, code points in hex" for every code point that changes."""
    return "\n".join(f"{ord(letter):X}\t{_hex(becomes)}" for letter, becomes in _changes()) + "\n"


def _changes() -> Iterator[tuple[str, str]]:
    disguised = {
        odd: plain for table in (FLIPPED, SMALL) for plain, odd in table.items() if not odd.isascii()
    }
    for code in range(0x20, sys.maxunicode + 1):
        letter = chr(code)
        if unicodedata.category(letter) in ("Cs", "Co", "Cn"):
            continue
        becomes = disguised.get(letter) or _plain(code, letter)
        if becomes != letter:
            yield letter, becomes


def _plain(code: int, letter: str) -> str:
    if code in _MARKS:
        return ""
    if code in _REGIONAL:
        return chr(code - _REGIONAL.start + ord("a"))
    if unicodedata.category(letter) in ("Cf", "Cc") and letter not in "\u200c\u200d":
        return ""
    if unicodedata.category(letter) == "Zs":
        return " "
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", letter).casefold())


def _hex(text: str) -> str:
    return " ".join(f"{ord(letter):X}" for letter in text)
