"""Regular expressions that can't hang a worker (RE2), with Unicode-aware words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from itertools import islice
from typing import NamedTuple

import msgspec
import re2

from rules.errors import PatternError
from rules.fold import Folded
from rules.text.expressions import EDGE, has_edges, unicode_aware, with_edges
from rules.text.links import SIGN as LINK_SIGN
from rules.text.views.chain import SIGNS, TALL, other_signs
from rules.text.views.tall import is_tall

# A pattern that has matched so often in one message has made its point; without a bound
# the searches for the next match would make the time quadratic.
MAX_MATCHES = 32

# What a text may bear besides the signs of a disguise: that of a link, and a piece of those to look for.
LINK, PIECE = 1 << 16, 1 << 17

# Bounds on what RE2 may take for its automata, in bytes.
_PATTERN_MEMORY = 8 << 20
_INDEX_MEMORY = 64 << 20


class View(StrEnum):
    """Which reading of the text a pattern is matched against."""

    PLAIN = "plain"
    TYPED = "typed"


class Pattern(msgspec.Struct, frozen=True):
    """One compiled expression; made by `compile`.

    Attributes:
        source: As its author wrote it.
        view: PLAIN ignores case; TYPED minds it unless the expression says `(?i)`.
    """

    source: str
    view: View
    _unedged: re2._Regexp
    _edged: re2._Regexp | None

    @classmethod
    def compile(cls, source: str, view: View = View.PLAIN) -> Pattern:
        r"""Compile an RE2 expression in which `\b`, `\w`, `\d` and `\s` speak Unicode.

        Raises:
            PatternError: When RE2 refuses it, when it can't be made Unicode-aware, or when it
                matches the empty text; the message says what to write instead.
        """
        # First as it was written, so that RE2's complaints are about that.
        if _compiled(source, source, view).search(b""):
            raise PatternError(
                f'"{source}": this matches the empty text, and so every message; write + for *'
            )
        unedged = _compiled(source, unicode_aware(source), view)
        edged = _compiled(source, unicode_aware(source, edged=True), view) if has_edges(source) else None
        return cls(source, view, unedged, edged)

    @property
    def edged(self) -> bool:
        """The expression asks for the edges of words."""
        return self._edged is not None

    def find(self, folded: Folded) -> list[tuple[int, int]]:
        """Return the first `MAX_MATCHES` matches as spans in code points as typed."""
        return self.find_in(_Reading.of(_text(folded, self.view), edged=self.edged), folded)

    def find_in(self, reading: _Reading, folded: Folded) -> list[tuple[int, int]]:
        """Do as `find` does, with a reading that several patterns share."""
        regexp = self._unedged if reading.ascii or self._edged is None else self._edged
        spans = []
        for match in islice(regexp.finditer(reading.data), MAX_MATCHES):
            start, end = map(reading.place, match.span())
            if start < end:
                spans.append(folded.span(start, end) if self.view is View.PLAIN else (start, end))
        return spans


class FoundPattern(NamedTuple):
    """A match: half-open range of code points in the text *as typed*."""

    owner: int
    start: int
    end: int


class PatternIndex:
    """All patterns of a rule set, sieved in one pass a text; immutable.

    The sieve tells which patterns may match; those are then asked one by one. It leaves the edges
    of words out where they would have to be written into the text, and in a text whose plain view
    is its own small letters it reads that for patterns of the typed view too.
    """

    @classmethod
    def build(cls, patterns: Iterable[tuple[Pattern, int]], pieces: Sequence[str] = ()) -> PatternIndex:
        """Build the index from patterns and the caller's number for each one's owner.

        Args:
            pieces: Literals of the plain view; a text that holds one bears the sign PIECE.

        Raises:
            PatternError: When a pattern is too large to be looked for together with others.
        """
        listed = [_Member(*each) for each in (*patterns, *_signs())]
        if pieces:
            # The index overlooks how many spaces there are.
            spelled = (re.escape(piece).replace(r"\ ", " +") for piece in pieces)
            listed.append(_Member(Pattern.compile("|".join(spelled)), -PIECE))
        plain, typed = ([each for each in listed if each.pattern.view is view] for view in View)
        minding = [each for each in typed if _MINDS_CASE.search(each.pattern.source)]
        index = cls()
        index._lowered = list(_sieves([each for each in listed if each not in minding], View.PLAIN))
        index._minding = list(_sieves(minding, View.TYPED))
        index._plain = list(_sieves(plain, View.PLAIN, loose=True))
        index._typed = list(_sieves(typed, View.TYPED, loose=True))
        return index

    def find(self, folded: Folded) -> list[FoundPattern]:
        """Return what `find` of every pattern would, in no particular order."""
        return self.sift(folded)[0]

    def sift(self, folded: Folded) -> tuple[list[FoundPattern], int]:
        """Return what `find` does, and the signs that the text bears: those of disguises, LINK and PIECE.

        Without LINK there is no link in it.
        """
        signs = 0
        plain, typed = (self._lowered, self._minding) if folded.lowered else (self._plain, self._typed)
        found: list[FoundPattern] = []
        for sieve in plain:
            for number in sieve.together.Match(folded.data) or ():
                member = sieve.members[number]
                if member.owner < 0:
                    signs |= -member.owner
                else:
                    found += member.matches(folded)
        for sieve in typed:
            for number in sieve.together.Match(folded.typed.encode(errors="replace")) or ():
                found += sieve.members[number].matches(folded)
        if "I" in folded.typed and is_tall(folded.typed):
            signs |= TALL
        return found, signs if folded.lowered else signs | other_signs(folded)

    def __init__(self) -> None:
        """An index without patterns; `build` makes the others."""
        self._lowered: list[_Sieve] = []
        self._minding: list[_Sieve] = []
        self._plain: list[_Sieve] = []
        self._typed: list[_Sieve] = []


class _Member(NamedTuple):
    """A pattern, and the caller's number for its owner."""

    pattern: Pattern
    owner: int

    def matches(self, folded: Folded) -> list[FoundPattern]:
        return [FoundPattern(self.owner, *span) for span in self.pattern.find(folded)]


class _Sieve(NamedTuple):
    """Patterns that are looked for together; what it lets through may still not match."""

    together: re2.Set
    members: Sequence[_Member]


class _Reading(NamedTuple):
    """A text as RE2 reads it, in UTF-8."""

    data: bytes
    ascii: bool

    @classmethod
    def of(cls, text: str, *, edged: bool) -> _Reading:
        if text.isascii():
            return cls(text.encode(), True)
        text = with_edges(text) if edged else text.replace(EDGE, "\ufffd")
        try:
            return cls(text.encode(), False)
        except UnicodeEncodeError:
            return cls(_SURROGATE.sub("\ufffd", text).encode(), False)

    def place(self, offset: int) -> int:
        """Return the code point of the text in which this byte begins."""
        if self.ascii:
            return offset
        before = self.data[:offset].decode()
        return len(before) - before.count(EDGE)


_SURROGATE = re.compile("[\ud800-\udfff]")

# What small letters may match otherwise than the text that they were made of.
_MINDS_CASE = re.compile(r"\[\^(?:\\.|[^\]\\A-Za-z])*[A-Za-z]|\\[pP]|\[:|\(\?[A-Za-z]*-")

_HINTS = {
    "invalid perl operator": "RE2 has no look-around; say what may not match as a second rule under none:",
    "invalid escape sequence": "RE2 has no back-references, and for the end of the text it writes \\z",
    "bad repetition operator": "RE2 has no possessive repetition and needs none",
}


def _text(folded: Folded, view: View) -> str:
    return folded.text if view is View.PLAIN else folded.typed


def _options(view: View, memory: int) -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.case_sensitive = view is View.TYPED
    options.max_mem = memory
    return options


def _compiled(source: str, spelled: str, view: View) -> re2._Regexp:
    try:
        return re2.compile(spelled, _options(view, _PATTERN_MEMORY))
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        hint = next((f" ({hint})" for start, hint in _HINTS.items() if reason.startswith(start)), "")
        raise PatternError(f'"{source}": {reason}{hint}') from error


@cache
def _signs() -> Sequence[tuple[Pattern, int]]:
    """Return what is a sign in any text, each with what it means for an owner, below 0."""
    return [(Pattern.compile(source), -sign) for sign, source in (*SIGNS, (LINK, LINK_SIGN))]


# Compiling keeps all other threads waiting, and most edits leave the patterns as they were.
@lru_cache(maxsize=16)
def _together(sources: Sequence[str], view: View, loose: bool) -> re2.Set:
    together = re2.Set.SearchSet(_options(view, _INDEX_MEMORY))
    for source in sources:
        together.Add(unicode_aware(source, loose=loose))
    together.Compile()
    return together


def _sieves(members: Sequence[_Member], view: View, *, loose: bool = False) -> Iterator[_Sieve]:
    """Yield the patterns as a sieve; more than one where they are too large for one automaton."""
    if not members:
        return
    try:
        together = _together(tuple(each.pattern.source for each in members), view, loose)
    except re2.error as error:
        if len(members) == 1:
            raise PatternError(
                f'"{members[0].pattern.source}": too large; shorten its repetitions'
            ) from error
        half = len(members) // 2
        for part in (members[:half], members[half:]):
            yield from _sieves(part, view, loose=loose)
    else:
        yield _Sieve(together, members)
