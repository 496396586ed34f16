"""Undoes slips of the keyboard in words that texts of the training are full of: "stpuid" reads "stupid".

Two letters swapped, one missing or one typed twice, as fingers do it. What is a word that the pieces know is
left alone. So is one letter for two ("niger"), which is another word, or how somebody spells, more often
than a slip.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

# So many of the likeliest words are mended, none shorter: of rarer and shorter ones, slips are words too.
MENDED, _SHORTEST = 3000, 4
_SHORTEST_CUT = 6  # with a letter less, shorter words are words too often: "warn", "rely"
_WORD = re.compile(r"\S+")


class Slips:
    """The slips that are known; safe to use from several threads."""

    def __init__(self, words: Sequence[str]) -> None:
        """Take all words in lower case, the likeliest first."""
        known = frozenset(words)
        self._meant: dict[str, str] = {}
        for word in islice((each for each in words if len(each) >= _SHORTEST and each.isalpha()), MENDED):
            for typed in _slips(word):
                if typed not in known and len(typed) >= _SHORTEST:
                    self._meant.setdefault(typed, word)

    def mended(self, text: str) -> str:
        """Return a text with slips undone in words of small letters; names begin with a capital."""
        # Whole words only, without the signs beside them: so it takes a microsecond.
        if self._meant.keys().isdisjoint(text.split()):
            return text
        return _WORD.sub(lambda match: self._meant.get(match[0], match[0]), text)


def _slips(word: str) -> Iterator[str]:
    """Yield how a word may be mistyped; neither its first letter is missing nor its last."""
    for place in range(len(word) - 1):
        one, other = word[place], word[place + 1]
        if one != other and (place or len(word) > _SHORTEST):  # "arts" is no slip of "rats"
            yield word[:place] + other + one + word[place + 2 :]
        yield word[: place + 1] + word[place:]
        if place and len(word) >= _SHORTEST_CUT and one not in (other, word[place - 1]):
            yield word[:place] + word[place + 1 :]
