"""Finds the terms of all lists: a dict for words, Aho–Corasick for the rest.

Most messages hold nothing worth finding, so that is asked first, and cheaply: whether a word of
some list is there, or the word by which a phrase is known, or a piece that may stand inside a
word. Only where one is does the automaton of all phrases read the text.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import ahocorasick
import msgspec

from rules.errors import PatternError
from rules.fold import Folded, fold
from rules.text.borders import is_word
from rules.text.endings.forms import ALONE, Forms
from rules.text.endings.inflected import forms_of
from rules.text.views import chain
from rules.text.views.reading import MARKS, Step
from rules.text.views.unaccented import Unaccented, unaccented
from rules.text.words import UNSPACED, in_word, places_of, tokens, word_spans

_T = TypeVar("_T")
_S = TypeVar("_S", str, bytes)

# Building an automaton keeps all other threads waiting: 10 ms at this size, 650 at 100,000.
MAX_SHARD = 5_000
# Bytes of a word by which prefixes are known: fewer are too many words'.
HEAD = 4
# Nor is a phrase known by a word of fewer bytes than this.
MARK = 3
# A chat says the same words again and again: so many are known to be idle, none longer than this.
MAX_IDLE = 20_000
LONGEST_IDLE = 32
# So many searches for the phrases of a word take less than an automaton's pass.
FEW = 16
# With more pieces than this a sieve would be no cheaper than their automata.
MAX_PIECES = 256


class Term(msgspec.Struct, frozen=True):
    """One entry of a list, as its author wrote it.

    Attributes:
        text: `word`, `prefix*`, `*suffix`, `*infix*`, or a phrase with or without the stars.
            A star that is meant as such is written `\\*`.
        owner: The caller's number for whatever the term belongs to; several terms may share it.
        alone: It is worth finding by itself. One that isn't is found where one that is was found too.
        unaccented: It is looked for without accents too, in texts without accents.
        endings: Languages in whose forms a word is found too.
    """

    text: str
    owner: int
    alone: bool = True
    unaccented: bool = False
    endings: frozenset[str] = frozenset()


class Found(msgspec.Struct, frozen=True, gc=False):
    """A term that was found: half-open range of code points in the plain view.

    `steps` are the bits of what had to be undone to find it (`rules.text.views.reading`).
    """

    owner: int
    start: int
    end: int
    steps: int = 0


_Search = Callable[["KeywordIndex", Folded], list[Found]]


class KeywordIndex:
    """All terms of a rule set, ready to be looked for; immutable.

    Terms are folded as texts are. A word is found where it stands alone ("kill" in "kill's",
    not in "skill"), a phrase likewise and with any white space between its words. In scripts
    without spaces dictionaries say where words end; next to a sign at its edge a term needs no gap.
    """

    @classmethod
    def build(cls, terms: Iterable[Term], previous: KeywordIndex | None = None) -> KeywordIndex:
        """Build the index; shards that haven't changed since `previous` are taken over from it.

        Raises:
            PatternError: For a term that can't be looked for; the message quotes it. Use
                `check_term` to find out which line of a list it stands on.
        """
        index = cls()
        bare: list[Term] = []
        for term in terms:
            index._add(term)
            if term.unaccented and (text := unaccented(term.text)).strip("* "):
                bare.append(Term(text, term.owner, term.alone))
        if bare:
            index._bare = cls.build(bare, previous._bare if previous else None)  # noqa: SLF001 (of this class)
        index._arm(previous._automata if previous else {})  # noqa: SLF001 (of this class)
        return index

    @property
    def pieces(self) -> Sequence[str]:
        """ASCII literals that may stand inside a word; none where they are many."""
        return self._pieces.few

    def find(self, folded: Folded, *, pieces: bool = True) -> list[Found]:
        """Return what `find_all` does if something is there that is worth finding by itself, else nothing.

        `pieces` may be False where the index has `pieces` and none of them is in the plain view.
        """
        found = self._find(folded.text, easy=folded.easy, pieces=pieces)
        return found if self._bare is None else self._with_bare(found, folded, KeywordIndex.find)

    def find_all(self, folded: Folded) -> list[Found]:
        """Return every occurrence of every term, overlapping ones too, in no particular order."""
        found = self._find(folded.text, easy=folded.easy, thorough=True)
        return self._with_bare(found, folded, KeywordIndex.find_all)

    def find_disguised(self, folded: Folded, signs: int) -> list[Found]:
        """Return what readings of a text with these signs of disguise show, if more than `find` does."""
        found: dict[tuple[int, int, int], int] = {}
        if signs & chain.ALL_SIGNS == chain.CUT and self._is_uncut(folded.text):
            return self._with_bare([], folded, lambda bare, text: bare.find_disguised(text, signs))
        for reading in chain.readings(folded, signs, self):
            for each in self._find(reading.text, easy=folded.easy):
                first, last, steps = reading.place(each.start, each.end)
                key = (each.owner, first, last)
                known = found.get(key, steps)
                found[key] = min(known, steps, key=_difficulty)
        # With what is plain: a part of `A & B` may be, which `find` had no reason to report.
        disguised = [Found(*key, steps) for key, steps in found.items()] if any(found.values()) else []
        return self._with_bare(disguised, folded, lambda bare, text: bare.find_disguised(text, signs))

    def _with_bare(self, found: list[Found], folded: Folded, search: _Search) -> list[Found]:
        """Return what was found, and what the same search finds without accents."""
        if self._bare is None:
            return found
        text, bit = Unaccented(folded), Step.UNACCENTED.bit
        return found + [
            Found(each.owner, *text.place(each.start, each.end), each.steps | bit)
            for each in search(self._bare, text.folded)
        ]

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

    def _find(self, text: str, *, easy: bool, thorough: bool = False, pieces: bool = True) -> list[Found]:
        words = tokens(text, easy=easy)
        squeezed = _SPACES.sub(" ", text) if "  " in text else text
        # Afresh for each text: iterators reused with .set() corrupt the heap (pyahocorasick #221).
        reach = self._pieces.in_reach(squeezed, few=pieces) if pieces or not text.isascii() else ()
        hits = [hit for automaton in reach for hit in automaton.iter(squeezed)] if reach else []
        if not (hits or thorough) and (self._idle.issuperset(words) or self._are_idle(words, squeezed)):
            return []
        hits += [hit for automaton in self._phrases for hit in automaton.iter(squeezed)]
        found = list(self._placed(hits, squeezed, text)) if hits else []
        known = self._words.keys() & words
        for word, start, end in places_of(known, text, easy=easy) if known else ():
            found += [Found(owner, start, end) for owner in self._words[word]]
        return found if thorough or any(each.owner in self._alone for each in found) else []

    def _are_idle(self, words: list[bytes], text: str) -> bool:
        """Return whether no word is worth finding by itself, nor begins or stands in something that is.

        Those that are so in any text are kept.
        """
        idle = self._idle
        fresh = []
        for word in words:
            if word in idle:
                continue
            if word in self._worthy or word.startswith(self._heads.get(word[:HEAD], ())):
                return False
            phrases = self._marks.get(word)
            if phrases is None:
                fresh.append(word)
            elif len(phrases) > FEW or any(phrase in text for phrase in phrases):
                return False
        if fresh:
            _keep_few(idle, fresh)
        return True

    def _is_uncut(self, text: str) -> bool:
        """Return whether no word with signs in it may hide another, whatever stands beside it; keep them."""
        fresh = {word for word in text.split(" ") if not word.isalnum()} - self._uncut
        if any(chain.may_be_cut(word, self) for word in fresh):
            return False
        _keep_few(self._uncut, fresh)
        return True

    def __init__(self) -> None:
        """An index without terms; `build` makes the others."""
        self._bare: KeywordIndex | None = None  # of the terms that are looked for without accents too
        self._words: dict[bytes, tuple[int, ...]] = {}
        self._literals: dict[str, tuple[_Use, ...]] = {}
        self._alone: set[int] = set()  # owners of terms that are worth finding by themselves
        self._worthy: set[bytes] = set()  # of the words, those of such terms
        self._idle: set[bytes] = set()  # words of texts that are neither worthy nor marks nor begun by a head
        self._marks: dict[bytes, list[str]] = {}  # such phrases by a word of theirs
        self._uncut: set[str] = set()  # words with signs in them that hide no other
        self._automata: dict[bytes, ahocorasick.Automaton] = {}  # all of them, by checksum of their literals
        self._heads: dict[bytes, tuple[bytes, ...]] = {}  # such prefixes by their first letters
        self._phrases: list[ahocorasick.Automaton] = []
        self._pieces = _Pieces()  # what may stand inside a word, or has no words
        self._known: set[str] = set()  # words that stand in literals
        self._lone: set[str] = set()  # of these, those beside which no other stands
        self._stems: set[str] = set()  # the literals of prefixes
        self._pairs: set[tuple[str, str]] = set()  # words that follow each other in literals
        self._by_ends: dict[tuple[int, str, str], list[str]] = {}  # words of three letters up
        self._longest: dict[str, int] = {}  # by their first three letters

    def _arm(self, old: Mapping[bytes, ahocorasick.Automaton]) -> None:
        """Make the automata, or take them over."""
        phrases: list[str] = []
        pieces: list[str] = []
        for literal, uses in self._literals.items():
            words, head = _whole_words(literal, uses), _head(literal, uses)
            if head is None and not words:
                pieces.append(literal)
                continue
            phrases.append(literal)
            if any(use.owner in self._alone for use in uses):
                if words:
                    mark = max(words, key=lambda word: (word not in _COMMON, len(word)))
                    self._marks.setdefault(mark, []).append(literal)
                elif head is not None:
                    self._heads[head] = (*self._heads.get(head, ()), literal.encode())
        self._phrases = [self._made(shard, old) for shard in _parted(phrases)]
        few, many = sorted(filter(str.isascii, pieces)), [one for one in pieces if not one.isascii()]
        self._pieces = _Pieces(
            [self._made(shard, old) for shard in _parted(few)],
            few if len(few) <= MAX_PIECES else (),
            [self._made(shard, old) for shard in _parted(many)],
            _any_of(next(one for one in piece if not one.isascii()) for piece in many),
        )

    def _made(self, literals: list[str], old: Mapping[bytes, ahocorasick.Automaton]) -> ahocorasick.Automaton:
        digest = hashlib.blake2b("\0".join(sorted(literals)).encode()).digest()
        automaton = self._automata[digest] = old.get(digest) or _automaton(literals)
        return automaton

    def _add(self, term: Term) -> None:
        text, starred_before, starred_after = _parsed(term.text)
        if term.alone:
            self._alone.add(term.owner)
        if not (starred_before or starred_after) and tokens(text) == [text.encode()]:
            self._add_word(text, term)
            if term.endings:
                self._add_forms(text, term)
        else:
            use = _Use(
                term.owner,
                not starred_before and in_word(text[0]),
                not starred_after and in_word(text[-1]),
                not starred_before and bool(UNSPACED.match(text[0])),
                not starred_after and bool(UNSPACED.match(text[-1])),
            )
            for literal in filter(None, (text, _bare(text))):
                if literal not in self._literals:
                    self._keep_words(literal)
                if starred_after and not starred_before:
                    self._stems.add(literal)
                self._literals[literal] = _with(self._literals.get(literal, ()), use)

    def _add_word(self, text: str, term: Term) -> None:
        word = text.encode()
        if word not in self._words and text not in self._known:
            self._keep(text)
        self._words[word] = _with(self._words.get(word, ()), term.owner)
        if term.alone:
            self._worthy.add(word)

    def _add_forms(self, text: str, term: Term) -> None:
        for forms in forms_of(text, term.endings):
            if forms.words is None:
                use = _Use(term.owner, True, True, forms=forms)
                self._literals[forms.stem] = _with(self._literals.get(forms.stem, ()), use)
            for word in forms.words or ():
                self._add_word(word, term)

    def _keep_words(self, text: str) -> None:
        words = [text[start:end] for start, end in word_spans(text)] or [text]
        self._pairs.update(pairwise(words))
        if len(words) == 1:
            self._lone.add(words[0])
        for word in words:
            if not self.knows(word):
                self._known.add(word)
                self._keep(word)

    def _keep(self, word: str) -> None:
        if len(word) >= _FROM_LETTERS:
            self._by_ends.setdefault(_ends(word), []).append(word)
            start = word[:3]
            if len(word) > self._longest.get(start, 0):
                self._longest[start] = len(word)

    def _placed(self, hits: Iterable[tuple[int, str]], squeezed: str, text: str) -> Iterator[Found]:
        """Yield the hits that stand as their terms want it, at their places in the plain view."""
        places = range(len(text)) if squeezed is text else _places(text)
        for last, literal in hits:
            first = last + 1 - len(literal)
            before = first > 0 and in_word(squeezed[first - 1])
            after = last + 1 < len(squeezed) and in_word(squeezed[last + 1])
            for use in self._literals[literal]:
                if use.forms is not None:
                    form = _form(use.forms, squeezed, first, last + 1)
                    if form is not None:
                        yield Found(use.owner, places[form[0]], places[form[1] - 1] + 1)
                    continue
                if (before and use.parted_before) or (after and use.parted_after):
                    continue
                if (use.border_before or use.border_after) and not is_word(
                    squeezed, first, last + 1, before=use.border_before, behind=use.border_after
                ):
                    continue
                yield Found(use.owner, places[first], places[last] + 1)


def _keep_few(known: set[_S], fresh: Iterable[_S]) -> None:
    """Add to what is known, which must not fill the memory."""
    if len(known) > MAX_IDLE:
        known.clear()
    known.update([word for word in fresh if len(word) <= LONGEST_IDLE])


def _difficulty(steps: int) -> tuple[int, int]:
    return steps.bit_count(), steps


def check_term(text: str) -> None:
    """Raise PatternError, saying what to do, if `text` isn't a term that can be looked for."""
    _parsed(text)


class _Use(NamedTuple):
    """Who wants a literal, and on which sides no word may touch it, or go on from it without a space."""

    owner: int
    parted_before: bool
    parted_after: bool
    border_before: bool = False
    border_after: bool = False
    forms: Forms | None = None


# Shorter words with stars in them are too many things.
_FROM_LETTERS = 3
_MARK = re.compile(f"[{MARKS}]")


def _ends(word: str) -> tuple[int, str, str]:
    """Return what is known of a word behind stars: how many letters it has, the first and the last."""
    bare = word if word.isascii() else _MARK.sub("", word) or word
    return len(bare), bare[0], bare[-1]


class _Pieces(NamedTuple):
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


def _any_of(letters: Iterable[str]) -> re.Pattern[str]:
    """Return an expression for one of these letters, none of which is ASCII."""
    listed = "".join(sorted(set(letters)))
    return re.compile(f"[{listed}]" if listed else "(?!)")


def _whole_words(literal: str, uses: Iterable[_Use]) -> list[bytes]:
    """Return the longer words that a text which holds the phrase has among its `tokens`."""
    words = tokens(literal)
    if in_word(literal[0]) and not all(use.parted_before for use in uses):
        words = words[1:]
    if in_word(literal[-1]) and not all(use.parted_after for use in uses):
        words = words[:-1]
    return [word for word in words if len(word) >= MARK]


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


def _head(literal: str, uses: Iterable[_Use]) -> bytes | None:
    """Return the beginning of the word by which a prefix is known; None for what is no long enough prefix."""
    words = tokens(literal)
    begun = all(use.parted_before and (use.forms is None or use.forms.heads is ALONE) for use in uses)
    if words != [literal.encode()] or len(words[0]) < HEAD or not begun:
        return None
    return words[0][:HEAD]


# No word has more letters before or behind its stem.
_LONGEST_ENDING = 24


def _form(forms: Forms, text: str, first: int, end: int) -> tuple[int, int] | None:
    """Return where the word stands that holds this stem, or None where it is none of its forms."""
    start, last = first, end
    while start > 0 and first - start < _LONGEST_ENDING and in_word(text[start - 1]):
        start -= 1
    while last < len(text) and last - end < _LONGEST_ENDING and in_word(text[last]):
        last += 1
    return (start, last) if text[start:first] in forms.heads and text[end:last] in forms.tails else None


_INNER = re.compile(r"(?<=[^\W_])['-](?=[^\W_])")
_FROM_BARE = 8


def _bare(text: str) -> str | None:
    """Return a term as hasty people write it, "dont tell" for "don't tell".

    None where that is no other text, or may be another word.
    """
    bare = _INNER.sub("", text)
    return bare if bare != text and (" " in text or len(bare) >= _FROM_BARE) else None


_FORM = re.compile(r"(\*?)((?:\\\*|[^*])*)(\*?)")
_SPACES = re.compile(" +")


def _parsed(text: str) -> tuple[str, bool, bool]:
    """Return a term folded, and whether a star stood before and after it."""
    if text.isascii() and text.isalnum():
        return text.lower(), False, False
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise PatternError(
            f'"{text}": a star stands before or behind the whole term; write \\* for a mere star'
        )
    spelled = _SPACES.sub(" ", fold(form[2].replace("\\*", "*")).text).strip()
    if not spelled:
        raise PatternError(f'"{text}": nothing that can be seen is left of this term; delete it')
    return spelled, bool(form[1]), bool(form[3])


def _with(items: tuple[_T, ...], item: _T) -> tuple[_T, ...]:
    return items if item in items else (*items, item)


def _parted(literals: list[str], bit: int = 0) -> Iterator[list[str]]:
    """Part literals by the bits of their checksums, so that a new term changes one shard only."""
    if len(literals) <= MAX_SHARD or bit == 32:
        if literals:
            yield literals
        return
    halves: tuple[list[str], list[str]] = ([], [])
    for literal in literals:
        halves[zlib.crc32(literal.encode()) >> bit & 1].append(literal)
    for half in halves:
        yield from _parted(half, bit + 1)


def _automaton(literals: Iterable[str]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for literal in literals:
        automaton.add_word(literal, literal)
    automaton.make_automaton()
    return automaton


def _places(text: str) -> list[int]:
    """Return where each code point of the text with its spaces squeezed stands in the text."""
    return [at for at, letter in enumerate(text) if letter != " " or at == 0 or text[at - 1] != " "]
