"""What a word is, for terms, patterns and distances alike: a run of letters, digits and marks.

Apostrophes, hyphens and underscores end a word, so "kill's" holds the word "kill". Scripts
that don't part their words with spaces have no words here: each of their code points is an
edge, and terms in them match anywhere.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

# Thai and Lao, Myanmar, Khmer, kana, bopomofo, Han. The insides of a character class.
NO_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"
    "\u3005-\u3007\u3031-\u3035\u3041-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)

JOINERS = "\u200c\u200d"  # the plain view keeps them only where they belong to a word

# Astral marks by whole blocks, because each range there is tried one after the other for every
# character that isn't part of a word: Brahmic scripts; Miao; Mende and Adlam.
_ASTRAL_MARKS = "\U00011000-\U00011fff\U00016f4f-\U00016f92\U0001e8d0-\U0001e95f"

_UNSPACED = re.compile(f"[{NO_SPACES}]")
_UNSPACED_RUN = re.compile(f"[{NO_SPACES}]+")
_ASCII_WORD = re.compile("[A-Za-z0-9]+")

# Whatever isn't part of a word becomes a space: bytes.translate and split take a third of the
# time that a regular expression takes.
_ASCII_BLANKED = bytes(c if c < 128 and chr(c).isalnum() else 32 for c in range(256))


def tokens(text: str) -> list[bytes]:
    """Return the words of a text as UTF-8, in order."""
    if text.isascii():
        return text.encode().translate(_ASCII_BLANKED).split()
    return " ".join(_word().findall(_blanked(text))).encode(errors="replace").split()


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each of the words that `tokens` returns stands."""
    matches = _ASCII_WORD.finditer(text) if text.isascii() else _word().finditer(_blanked(text))
    return (match.span() for match in matches)


def word_starts(text: str) -> list[int]:
    """Return where the words of a text begin, ascending.

    In scripts that don't part their words with spaces each code point counts as one. The
    number of words between two offsets is the difference of their `bisect` positions.
    """
    starts = [start for start, _ in word_spans(text)]
    if not text.isascii():
        starts += [match.start() for match in _UNSPACED.finditer(text)]
        starts.sort()
    return starts


def in_word(letter: str) -> bool:
    """Return whether this code point is part of a word, in a script that has spaces."""
    if letter.isascii():
        return letter.isalnum()
    return bool(_word().match(letter)) and not _UNSPACED.match(letter)


@cache
def mark_class() -> str:
    """Return all combining marks as the insides of a character class.

    Python's `\\w` leaves them out, and without them Hindi falls apart. Not worked out at
    import, since it takes some milliseconds.
    """
    ranges: list[list[int]] = []
    for code in range(0x300, 0x10000):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges) + _ASTRAL_MARKS


@cache
def _word() -> re.Pattern[str]:
    return re.compile(rf"[\w{mark_class()}{JOINERS}]+")


def _blanked(text: str) -> str:
    """Put spaces, as many as there were code points, where no word can be."""
    return _UNSPACED_RUN.sub(lambda run: " " * len(run[0]), text.replace("_", " "))
