"""Digits and signs in the place of letters: "n1gg3r", "sh!t", "a$$"; "142,460" is a number and stays one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product

from rules.text.views.reading import Edit, Vocabulary

_LATIN = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "il", "|": "il", "+": "t", "(": "c", "€": "e", "£": "l", "¥": "y",
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
}
# Brackets, bars, + and ! stand for letters only between letters: "(um", "wow!" and "a+" don't.
_TOKEN = re.compile(r"[^\W_@](?:[\w@$|+(€£¥!']*[\w@$€£¥])?|[$@](?=[a-z])[\w@$|+(€£¥!']*[\w@$€£¥]")
_SIGN = re.compile(r"[0-9@$!|+(€£¥]")
_LETTER = re.compile(r"[^\W\d_]")
_MOST = 48  # ways to read a word that are tried


def undo(text: str, vocabulary: Vocabulary, variant: int = 0) -> list[Edit]:
    """Return what the step changes; of a word that nobody knows the variant-th reading counts."""
    return list(_edits(text, vocabulary, variant))


def _edits(text: str, vocabulary: Vocabulary, variant: int) -> Iterator[Edit]:
    for match in _TOKEN.finditer(text):
        word = match[0]
        if _SIGN.search(word) and _LETTER.search(word):
            read = _read(word, vocabulary, variant)
            if read is not None:
                yield Edit.same_length(match.start(), read)


def _read(word: str, vocabulary: Vocabulary, variant: int) -> str | None:
    table = _CYRILLIC if any("\u0400" <= one <= "\u04ff" for one in word) else _LATIN
    choices = [table.get(one, one) for one in word]
    bare = len(word) < 4
    if bare and (word[0].isdigit() or word[-1].isdigit()):
        return None  # "A55" is a road, "f46" a bus
    ways = [
        read
        for read in map("".join, islice(product(*choices), _MOST))
        if vocabulary.knows(read) or ("'" in read and vocabulary.knows(read.replace("'", "")))
    ]
    if ways:
        return ways[min(variant, len(ways) - 1)]
    if bare or not (word[0].isalpha() and word[-1].isalpha()):
        return None
    read = "".join(each[min(variant, len(each) - 1)] for each in choices)
    return None if variant and all(len(each) == 1 for each in choices) else read
