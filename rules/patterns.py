"""Regular expressions that can't hang a worker (RE2), with Unicode-aware words."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from rules.fold import Folded

# A pattern that has matched so often in one message has made its point; without a bound
# the searches for the next match would make the time quadratic.
MAX_MATCHES = 32


class View(StrEnum):
    """Which reading of the text a pattern is matched against."""

    PLAIN = "plain"
    TYPED = "typed"


class Pattern:
    """One compiled expression.

    Attributes:
        source: As its author wrote it.
        view: PLAIN ignores case; TYPED minds it unless the expression says `(?i)`.
    """

    @classmethod
    def compile(cls, source: str, view: View = View.PLAIN) -> Pattern:
        r"""Compile an RE2 expression in which `\b`, `\w`, `\d` and `\s` speak Unicode.

        Raises:
            PatternError: When RE2 refuses it, when it can't be made Unicode-aware, or when it
                matches the empty text; the message says what to write instead.
        """
        raise NotImplementedError

    def find(self, folded: Folded) -> list[tuple[int, int]]:
        """Return the first `MAX_MATCHES` matches as spans in code points as typed."""
        raise NotImplementedError


class FoundPattern(NamedTuple):
    """A match: half-open range of code points in the text *as typed*."""

    owner: int
    start: int
    end: int


class PatternIndex:
    """All patterns of a rule set, looked for in one pass each view; immutable."""

    @classmethod
    def build(cls, patterns: Iterable[tuple[Pattern, int]]) -> PatternIndex:
        """Build the index from patterns and the caller's number for each one's owner."""
        raise NotImplementedError

    def find(self, folded: Folded) -> list[FoundPattern]:
        """Return what every pattern's `find` would, in the order of the patterns."""
        raise NotImplementedError
