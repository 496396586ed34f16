"""Tells cheaply that a text holds nothing worth finding, which is so of most texts.

Asked are its words: whether one is a term, or the one by which a phrase is known, or begins like a
prefix; and, of what no word tells, whether a piece of it is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import ahocorasick

from rules.finding.literals import Use
from rules.text.endings.forms import ALONE
from rules.text.words import in_word, tokens

_S = TypeVar("_S", str, bytes)

# Bytes of a word by which prefixes are known: fewer are too many words'.
HEAD = 4
# Nor is a phrase known by a word of fewer bytes than this.
MARK = 3
# A chat says the same words again and again: so many are known to be idle, none longer than this.
MAX_IDLE = 20_000
LONGEST_IDLE = 32
# So many searches for the phrases of a word take less than a pass that most texts are spared, and less than
# one that is made in any case but for them.
FEW, MANY = 16, 64
# With more pieces than this a sieve would be no cheaper than their automata.
MAX_PIECES = 256


class Gate:
    """Knows by which words of a text there may be a literal in it, and which tell of none.

    An automaton knows as well, but reads through memory that other work has taken the cache from.

    Args:
        few: With more phrases to a word than this it is left to the automata.

    Attributes:
        idle: Words of texts that tell of nothing, in any text.
    """

    __slots__ = ("_few", "_heads", "_marks", "_words", "idle")

    def __init__(self, few: int) -> None:
        self._few = few
        self.idle: set[bytes] = set()
        self._words: set[bytes] = set()  # words that are terms
        self._marks: dict[bytes, list[str]] = {}  # phrases by a word of theirs
        self._heads: dict[bytes, tuple[bytes, ...]] = {}  # prefixes by their first letters

    def add_word(self, word: bytes) -> None:
        self._words.add(word)

    def add_phrase(self, literal: str, words: Sequence[bytes]) -> None:
        """Know a phrase by the likeliest of these words of it."""
        mark = max(words, key=lambda word: (word not in _COMMON, len(word)))
        self._marks.setdefault(mark, []).append(literal)

    def add_prefix(self, head: bytes, literal: str) -> None:
        self._heads[head] = (*self._heads.get(head, ()), literal.encode())

    def rules_out(self, words: Sequence[bytes], text: str) -> bool:
        """Return whether no word is a term, nor begins or stands in something that is.

        Those that are so in any text are kept.
        """
        idle = self.idle
        fresh = []
        for word in words:
            if word in idle:
                continue
            if word in self._words or word.startswith(self._heads.get(word[:HEAD], ())):
                return False
            phrases = self._marks.get(word)
            if phrases is None:
                fresh.append(word)
            elif len(phrases) > self._few or any(phrase in text for phrase in phrases):
                return False
        if fresh:
            keep_few(idle, fresh)
        return True


def keep_few(known: set[_S], fresh: Iterable[_S]) -> None:
    """Add to what is known, which must not fill the memory."""
    if len(known) > MAX_IDLE:
        known.clear()
    known.update([word for word in fresh if len(word) <= LONGEST_IDLE])


class Pieces(NamedTuple):
    """Automata of literals that no word of a text tells of, and what a text must hold for them to find some.

    Attributes:
        ascii: Of ASCII literals.
        few: The ASCII literals themselves, if there are few.
        others: Of all others.
        letters: One letter of each of the others.
    """

    ascii: Sequence[ahocorasick.Automaton] = ()
    few: Sequence[str] = ()
    others: Sequence[ahocorasick.Automaton] = ()
    letters: re.Pattern[str] = re.compile("(?!)")

    def in_reach(self, text: str, *, few: bool) -> Sequence[ahocorasick.Automaton]:
        """Return the automata that may find something in a text that may hold one of `few`, or holds none."""
        found = self.ascii if few else ()
        if self.others and not text.isascii() and self.letters.search(text):
            found = (*found, *self.others)
        return found


def any_of(letters: Iterable[str]) -> re.Pattern[str]:
    """Return an expression for one of these letters, none of which is ASCII."""
    listed = "".join(sorted(set(letters)))
    return re.compile(f"[{listed}]" if listed else "(?!)")


def whole_words(literal: str, uses: Iterable[Use]) -> list[bytes]:
    """Return the longer words that a text which holds the phrase has among its `tokens`."""
    words = tokens(literal)
    if in_word(literal[0]) and not all(map(_begins, uses)):
        words = words[1:]
    # What has forms stands at the beginning of a word, which has an ending.
    if in_word(literal[-1]) and not all(use.parted_after and use.forms is None for use in uses):
        words = words[:-1]
    return [word for word in words if len(word) >= MARK]


def head_of(literal: str, uses: Iterable[Use]) -> bytes | None:
    """Return the beginning of the word by which a prefix is known; None for what is no long enough prefix."""
    words = tokens(literal)
    if words != [literal.encode()] or len(words[0]) < HEAD or not all(map(_begins, uses)):
        return None
    return words[0][:HEAD]


# By which a phrase is only known if it has no other: so many texts hold them.
_COMMON = frozenset(
    """
    about all and any anyone are back because been best but can come could day did does done don ever every
    everyone find first for from get give going good got has have her here him his how into just know last
    let like look made make mean might more most much must need never new next night nobody not now off old
    one only other our out over own people please put real really right said same say see send she should
    some somebody someone something still stop such sure take tell than thank that the their them then there
    these they thing things think this time today tonight too try until very want wants was way week well
    were what when where which who why will wish with without work world would year yes yet you your
    aber auch con das dass dem den der die ein eine heute ich ist mir mit nicht noch nur oder sich sie und
    von was wie wir algo como con cuando del donde ella ese esta este hay hoy las los mas muy nada nos para
    pero por porque que quien ser sin solo soy tengo tiene todo todos una uno vamos vez voy yo
    com isso mais meu minha muito nao não quem tem uma vai você
    """.encode().split()
)


def _begins(use: Use) -> bool:
    """Return whether nothing of a word can stand before the literal."""
    return use.parted_before and (use.forms is None or use.forms.heads is ALONE)
