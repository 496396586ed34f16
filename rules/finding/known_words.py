"""The words of all terms: of several ways to read a disguised word, one of them is the likeliest."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import pairwise

from rules.text.views.reading import MARKS
from rules.text.words import word_spans


class KnownWords:
    """A `Vocabulary` (`rules.text.views.reading`) that terms are added to.

    Args:
        words: Those that are terms by themselves, in UTF-8.
    """

    def __init__(self, words: Container[bytes]) -> None:
        self._words = words
        self._known: set[str] = set()  # words that stand in literals
        self._lone: set[str] = set()  # of these, those beside which no other stands
        self._stems: set[str] = set()  # the literals of prefixes
        self._pairs: set[tuple[str, str]] = set()  # words that follow each other in literals
        self._by_ends: dict[tuple[int, str, str], list[str]] = {}  # words of three letters up
        self._longest: dict[str, int] = {}  # by their first three letters

    def add_word(self, word: str) -> None:
        """Add a word, before it is one of those that are terms by themselves."""
        if word not in self._known:
            self._keep(word)

    def add_literal(self, text: str) -> None:
        """Add the words of a literal."""
        words = [text[start:end] for start, end in word_spans(text)] or [text]
        self._pairs.update(pairwise(words))
        if len(words) == 1:
            self._lone.add(words[0])
        for word in words:
            if not self.knows(word):
                self._known.add(word)
                self._keep(word)

    def add_stem(self, literal: str) -> None:
        """Add the literal of a prefix."""
        self._stems.add(literal)

    def knows(self, word: str) -> bool:
        """Return whether this is a word of some term."""
        return word in self._known or word.encode() in self._words

    def stands_alone(self, word: str) -> bool:
        """Return whether this word is a term by itself."""
        return word.encode() in self._words or word in self._lone

    def begins(self, word: str) -> bool:
        """Return whether a term `prefix*` means this word."""
        return any(word[:length] in self._stems for length in range(3, len(word)))

    def together(self, one: str, other: str) -> bool:
        """Return whether these words follow each other in some term."""
        return (one, other) in self._pairs

    def longest(self, start: str) -> int:
        """Return how long the longest word of a term is that begins with these three letters."""
        return self._longest.get(start, 0)

    def fitting(self, masked: str) -> Sequence[str]:
        """Return the words of terms that may stand behind a word with stars."""
        words = self._by_ends.get(_ends(masked))
        if words is None:
            return ()
        shape = re.compile(re.escape(masked).replace(r"\*", rf"[^\W_][{MARKS}]*"))
        return [word for word in words if shape.fullmatch(word)]

    def _keep(self, word: str) -> None:
        if len(word) >= _FROM_LETTERS:
            self._by_ends.setdefault(_ends(word), []).append(word)
            start = word[:3]
            if len(word) > self._longest.get(start, 0):
                self._longest[start] = len(word)


# Shorter words with stars in them are too many things.
_FROM_LETTERS = 3
_MARK = re.compile(f"[{MARKS}]")


def _ends(word: str) -> tuple[int, str, str]:
    """Return what is known of a word behind stars: how many letters it has, the first and the last."""
    bare = word if word.isascii() else _MARK.sub("", word) or word
    return len(bare), bare[0], bare[-1]
