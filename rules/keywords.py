"""Finds the terms of all lists in one pass: a dict for words, Aho–Corasick for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from rules.fold import Folded


class Term(msgspec.Struct, frozen=True):
    """One entry of a list, as its author wrote it.

    Attributes:
        text: `word`, `prefix*`, `*suffix`, `*infix*`, or a phrase with or without the stars.
        owner: The caller's number for whatever the term belongs to; several terms may share it.
    """

    text: str
    owner: int


class Found(NamedTuple):
    """A term that was found: half-open range of code points in the plain view."""

    owner: int
    start: int
    end: int


class KeywordIndex:
    """All terms of a rule set, ready to be looked for; immutable."""

    @classmethod
    def build(cls, terms: Iterable[Term], previous: KeywordIndex | None = None) -> KeywordIndex:
        """Build the index; what hasn't changed since `previous` is taken over from it.

        Raises:
            PatternError: For a term that can't be looked for; the message quotes it. Use
                `check_term` to find out which line of a list it stands on.
        """
        raise NotImplementedError

    def find(self, folded: Folded) -> list[Found]:
        """Return every occurrence of every term, overlapping ones too, in no particular order."""
        raise NotImplementedError


def check_term(text: str) -> None:
    """Raise PatternError, saying what to do, if `text` isn't a term that can be looked for."""
    raise NotImplementedError
