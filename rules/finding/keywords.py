"""Finds the terms of all lists: a dict for words, Aho–Corasick for the rest.

Most messages hold nothing worth finding, so that is asked first (`gate`). Only where something may
be there do the automata of all phrases read the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import ahocorasick
import msgspec

from rules.finding.automata import Automata
from rules.finding.gate import FEW, MANY, MAX_PIECES, Gate, Pieces, any_of, head_of, keep_few, whole_words
from rules.finding.known_words import KnownWords
from rules.finding.literals import Use, form_at, parsed, without_joints
from rules.fold import Folded
from rules.text.endings.inflected import forms_of
from rules.text.views import chain
from rules.text.views.reading import Step, Vocabulary
from rules.text.views.unaccented import Unaccented, unaccented
from rules.text.words import in_word, places_of, tokens

_T = TypeVar("_T")


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
        index._arm(previous._automata if previous else Automata())  # noqa: SLF001 (of this class)
        return index

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of all terms."""
        return self._vocabulary

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

    def find_all(self, folded: Folded, *, pieces: bool = True) -> list[Found]:
        """Return every occurrence of every term, overlapping ones too, in no particular order.

        `pieces` as in `find`.
        """
        found = self._find(folded.text, easy=folded.easy, thorough=True, pieces=pieces)
        return self._with_bare(found, folded, KeywordIndex.find_all)

    def find_disguised(self, folded: Folded, signs: int) -> list[Found]:
        """Return what readings of a text with these signs of disguise show, if more than `find` does."""
        found: dict[tuple[int, int, int], int] = {}
        if signs & chain.ALL_SIGNS == chain.CUT and self._is_uncut(folded.text):
            return self._with_bare([], folded, lambda bare, text: bare.find_disguised(text, signs))
        for reading in chain.readings(folded, signs, self._vocabulary):
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

    def _find(self, text: str, *, easy: bool, thorough: bool = False, pieces: bool = True) -> list[Found]:
        words, gate = tokens(text, easy=easy), self._worthy
        squeezed = _SPACES.sub(" ", text) if "  " in text else text
        # Afresh for each text: iterators reused with .set() corrupt the heap (pyahocorasick #221).
        reach = self._pieces.in_reach(squeezed, few=pieces) if pieces or not text.isascii() else ()
        hits = [hit for automaton in reach for hit in automaton.iter(squeezed)] if reach else []
        if not (hits or thorough) and (gate.idle.issuperset(words) or gate.rules_out(words, squeezed)):
            return []
        if not self._any.rules_out(words, squeezed):
            hits += [hit for automaton in self._phrases for hit in automaton.iter(squeezed)]
        found = list(self._placed(hits, squeezed, text)) if hits else []
        known = self._words.keys() & words
        for word, start, end in places_of(known, text, easy=easy) if known else ():
            found += [Found(owner, start, end) for owner in self._words[word]]
        return found if thorough or any(each.owner in self._alone for each in found) else []

    def _is_uncut(self, text: str) -> bool:
        """Return whether no word with signs in it may hide another, whatever stands beside it; keep them."""
        fresh = {word for word in text.split(" ") if not word.isalnum()} - self._uncut
        if any(chain.may_be_cut(word, self._vocabulary) for word in fresh):
            return False
        keep_few(self._uncut, fresh)
        return True

    def __init__(self) -> None:
        """An index without terms; `build` makes the others."""
        self._bare: KeywordIndex | None = None  # of the terms that are looked for without accents too
        self._words: dict[bytes, tuple[int, ...]] = {}
        self._literals: dict[str, tuple[Use, ...]] = {}
        self._alone: set[int] = set()  # owners of terms that are worth finding by themselves
        self._worthy = Gate(FEW)  # of what is worth finding by itself
        self._any = Gate(MANY)  # of all phrases and prefixes, however little they are worth
        self._pieces = Pieces()  # what may stand inside a word, or has no words
        self._phrases: Sequence[ahocorasick.Automaton] = ()
        self._automata = Automata()
        self._vocabulary = KnownWords(self._words)
        self._uncut: set[str] = set()  # words with signs in them that hide no other

    def _arm(self, old: Automata) -> None:
        """Make the automata, or take them over."""
        phrases: list[str] = []
        pieces: list[str] = []
        for literal, uses in self._literals.items():
            words, head = whole_words(literal, uses), head_of(literal, uses)
            if head is None and not words:
                pieces.append(literal)
                continue
            phrases.append(literal)
            alone = any(use.owner in self._alone for use in uses)
            for gate in (self._any, self._worthy) if alone else (self._any,):
                if words:
                    gate.add_phrase(literal, words)
                elif head is not None:
                    gate.add_prefix(head, literal)
        few, many = sorted(filter(str.isascii, pieces)), [one for one in pieces if not one.isascii()]
        self._phrases = self._automata.of(phrases, old)
        self._pieces = Pieces(
            self._automata.of(few, old),
            few if len(few) <= MAX_PIECES else (),
            self._automata.of(many, old),
            any_of(next(one for one in piece if not one.isascii()) for piece in many),
        )

    def _add(self, term: Term) -> None:
        text, starred_before, starred_after = parsed(term.text)
        if term.alone:
            self._alone.add(term.owner)
        if not (starred_before or starred_after) and tokens(text) == [text.encode()]:
            self._add_word(text, term)
            if term.endings:
                self._add_forms(text, term)
            return
        use = Use.of(term.owner, text, starred_before=starred_before, starred_after=starred_after)
        for literal in filter(None, (text, without_joints(text))):
            if literal not in self._literals:
                self._vocabulary.add_literal(literal)
            if starred_after and not starred_before:
                self._vocabulary.add_stem(literal)
            self._literals[literal] = _with(self._literals.get(literal, ()), use)

    def _add_word(self, text: str, term: Term) -> None:
        word = text.encode()
        owners = self._words.get(word)
        if owners is None:
            self._vocabulary.add_word(text)
        self._words[word] = _with(owners or (), term.owner)
        if term.alone:
            self._worthy.add_word(word)

    def _add_forms(self, text: str, term: Term) -> None:
        for forms in forms_of(text, term.endings):
            if forms.words is None:
                use = Use(term.owner, True, True, forms=forms)
                self._literals[forms.stem] = _with(self._literals.get(forms.stem, ()), use)
            for word in forms.words or ():
                self._add_word(word, term)

    def _placed(self, hits: Iterable[tuple[int, str]], squeezed: str, text: str) -> Iterator[Found]:
        """Yield the hits that stand as their terms want it, at their places in the plain view."""
        places = range(len(text)) if squeezed is text else _places(text)
        for last, literal in hits:
            first = last + 1 - len(literal)
            before = first > 0 and in_word(squeezed[first - 1])
            after = last + 1 < len(squeezed) and in_word(squeezed[last + 1])
            for use in self._literals[literal]:
                if use.forms is not None:
                    form = form_at(use.forms, squeezed, first, last + 1)
                    if form is not None:
                        yield Found(use.owner, places[form[0]], places[form[1] - 1] + 1)
                elif use.stands(squeezed, first, last + 1, before=before, after=after):
                    yield Found(use.owner, places[first], places[last] + 1)


def _with(items: tuple[_T, ...], item: _T) -> tuple[_T, ...]:
    return items if item in items else (*items, item)


def _difficulty(steps: int) -> tuple[int, int]:
    return steps.bit_count(), steps


def check_term(text: str) -> None:
    """Raise PatternError, saying what to do, if `text` isn't a term that can be looked for."""
    parsed(text)


_SPACES = re.compile(" +")


def _places(text: str) -> list[int]:
    """Return where each code point of the text with its spaces squeezed stands in the text."""
    return [at for at, letter in enumerate(text) if letter != " " or at == 0 or text[at - 1] != " "]
