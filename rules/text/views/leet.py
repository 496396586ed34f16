"""Digits and signs in the place of letters: "n1gg3r", "sh!t", "a$$"; "142,460" is a number and stays one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product

from rules.text.views.reading import Edit, Vocabulary, tokens_with

_LATIN = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "il", "|": "il", "+": "t", "(": "c", "€": "e", "¢": "c", "£": "l", "¥": "y",
    "⭕": "o", "❌": "x", "✖": "x", "❗": "il", "❕": "il", "💲": "s", "➕": "t", "✝": "t",
}  # fmt: skip
_CYRILLIC = {
    "0": "о",
    "1": "иі",
    "3": "зэе",
    "4": "ча",
    "6": "б",
    "8": "в",
    "9": "я",
    "@": "а",
    "$": "с",
    "!": "и",
    "⭕": "о",
    "❌": "х",
}
EMOJI = "".join(one for one in _LATIN if one > "\u2600")
# Brackets, bars, + and ! stand for letters only between letters: "(um", "wow!" and "a+" don't.
_TOKEN = re.compile(
    rf"[^\W_@](?:[\w@$|+(€¢£¥!'{EMOJI}-]*[\w@$€¢£¥])?|[$@](?=[a-z])[\w@$|+(€¢£¥!'{EMOJI}-]*[\w@$€¢£¥]"
)
_SIGN = re.compile(f"[0-9@$!|+(€¢£¥{EMOJI}]")
_LETTER = re.compile(r"[^\W\d_]")
_PART = re.compile("[^-]+")
_IDLE = re.compile("['-]")
_SURE = 4
_MOST = 48  # ways to read a word that are tried


def undo(text: str, vocabulary: Vocabulary) -> Iterator[list[Edit]]:
    """Yield what the step changes: the first way to read each word, then the next."""
    words = [
        (start, ways)
        for first, last in tokens_with(_SIGN, text)
        for match in _TOKEN.finditer(text, first, last)
        for start, ways in _words(match[0], match.start(), vocabulary)
    ]
    for variant in range(max((len(ways) for _, ways in words), default=0)):
        spelled = ((start, ways[min(variant, len(ways) - 1)]) for start, ways in words)
        yield [Edit(start, start + len(read), read) for start, read in spelled]


def _words(word: str, start: int, vocabulary: Vocabulary) -> Iterator[tuple[int, list[str]]]:
    """Yield a word with its readings, or else the parts between its hyphens with theirs."""
    if not (_SIGN.search(word) and _LETTER.search(word)):
        return
    ways = _readings(word, vocabulary)
    if ways or "-" not in word:
        yield from ((start, way) for way in [ways or _guesses(word)] if way)
        return
    for part in _PART.finditer(word):
        if _SIGN.search(part[0]) and _LETTER.search(part[0]):
            ways = _readings(part[0], vocabulary) or _guesses(part[0])
            if ways:
                yield start + part.start(), ways


def _readings(word: str, vocabulary: Vocabulary) -> list[str]:
    """Return two ways to read a word so that it is one of a term."""
    if _is_number(word):
        return []
    ways = (read for read in map("".join, islice(product(*meant(word)), _MOST)) if _knows(read, vocabulary))
    return list(islice(ways, 2))


def _guesses(word: str) -> list[str]:
    """Return two ways to read a word that is none of a term's, but may begin like one."""
    if len(word) < _SURE or not (word[0].isalpha() and word[-1].isalpha()):
        return []
    choices = meant(word)
    return list(dict.fromkeys("".join(each[place] for each in choices) for place in (0, -1)))


def meant(word: str) -> list[str]:
    """Return for each letter of a word what it may stand for."""
    table = _CYRILLIC if any("\u0400" <= one <= "\u04ff" for one in word) else _LATIN
    return [table.get(one, one) for one in word]


def _knows(read: str, vocabulary: Vocabulary) -> bool:
    return vocabulary.knows(read) or (
        _IDLE.search(read) is not None and vocabulary.knows(_IDLE.sub("", read))
    )


def _is_number(word: str) -> bool:
    """Whether a short word is a number or name as it stands: "A55" is a road, "f46" a bus."""
    return len(word) < _SURE and (word[0].isdigit() or word[-1].isdigit())
