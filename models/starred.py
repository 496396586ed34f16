"""Fills in letters that stand behind stars, from the words that are whole pieces: "st*pid" reads "stupid".

A reader does so without asking whether a word is coarse, and so may a model, which bears a wrong guess. Rules
look for their own terms (rules/text/views/masked.py). Pieces are the words that texts of the training are
full of, harmless ones among them, so the likeliest that fits is taken.
"""

import re
from collections.abc import Iterable

_VOWELS = "aeiouyаеёиоуыэюяіїєαεηιουω"
# A hyphen joins words, too: it stands for a letter only as a vowel between consonants. A dot stands for none,
# since spaces behind sentences are forgotten.
_DOUBTFUL = "-"
_JOINT = re.compile(rf"[{_VOWELS}-]-|-[{_VOWELS}]")
_SIGNS = "*#_-"
# Begins with what is rarer than letters, since every text is looked through for it.
_PERHAPS = re.compile(r"[*#_-](?<=[^\W\d_].)[*#_-]{0,2}[^\W\d_]")
_WORD = re.compile(
    r"(?<![\w*#@.\-/])[^\W\d_]+(?:[*#_-]{1,3}[^\W\d_]+){1,2}(?![\w*#@/\-]|\.\w)",
)
_SHORTEST, _SHORTEST_DOUBTFUL, _LONGEST = 4, 5, 14  # "T_T" is a face
# Of words with the same length and ends, so many of the likeliest; and so many starred words of a text.
_HELD, _MOST = 40, 64


class Starred:
    """The words that letters are filled in from; safe to use from several threads."""

    def __init__(self, words: Iterable[str]) -> None:
        """Take words in lower case, the likeliest first."""
        self._words: dict[tuple[int, str, str], list[str]] = {}
        for word in words:
            if _SHORTEST <= len(word) <= _LONGEST and word.isalpha():
                held = self._words.setdefault((len(word), word[0], word[-1]), [])
                if len(held) < _HELD:
                    held.append(word)

    def filled(self, text: str) -> str:
        """Return a text with such words whole; what fits no word is left as it is. Time is linear."""
        for sign in _SIGNS:
            if sign in text:
                return _WORD.sub(self._whole, text, _MOST) if _PERHAPS.search(text) else text
        return text

    def _whole(self, match: re.Match[str]) -> str:
        typed = match[0].lower()
        doubtful = _DOUBTFUL in typed
        if len(typed) < (_SHORTEST_DOUBTFUL if doubtful else _SHORTEST) or _JOINT.search(typed):
            return match[0]
        # Letters that are no plain ones in a word of plain ones would be another language's.
        plain, hidden = typed.isascii(), _VOWELS if doubtful else ""
        for word in self._words.get((len(typed), typed[0], typed[-1]), ()):
            if (word.isascii() or not plain) and _fits(word, typed, hidden):
                return word
        return match[0]


def _fits(word: str, typed: str, hidden: str) -> bool:
    """Return whether a word is what was typed, letters of `hidden`, or any if it is empty, behind signs."""
    return all(
        letter == sign or (not sign.isalpha() and (not hidden or letter in hidden))
        for letter, sign in zip(word, typed, strict=True)
    )
