"""A reading: a text derived from the plain view, with the way back for each of its letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cache, reduce
from operator import or_
from typing import NamedTuple, Protocol

Span = tuple[int, int]

# Marks that stand on letters, in scripts whose letters people hold apart. The insides of a character class.
MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    + "".join(
        f"{chr(at)}-{chr(at + 3)}{chr(at + 0x3A)}-{chr(at + 0x3C)}{chr(at + 0x3E)}-{chr(at + 0x4D)}"
        for at in range(0x0900, 0x0D80, 0x80)
    )
)


class Step(StrEnum):
    """What was undone to make a reading, in the order in which it is undone."""

    LOOKALIKES = "lookalikes"
    SEPARATED = "separated"
    LEET = "leet"
    STRETCHED = "stretched"
    MASKED = "masked"
    UNACCENTED = "unaccented"

    @property
    def bit(self) -> int:
        return _BITS[self]


_BITS = {step: 1 << number for number, step in enumerate(Step)}
# What a rule takes that names none; accents are taken away only where a rule asks for it.
ALL_STEPS = sum(_BITS.values()) - _BITS[Step.UNACCENTED]
# A masked word that may be several: "s**t". What it hits is the mildest, and nothing final.
AMBIGUOUS = 1 << len(_BITS)


@cache
def last_step(steps: int) -> str:
    """Return the name of the last step among these bits; "plain" where there is none."""
    return next((step.value for step in reversed(Step) if steps & step.bit), "plain")


def tokens_with(sign: re.Pattern[str], text: str) -> Iterator[Span]:
    """Yield where the stretches between spaces stand that bear a sign; links have signs of their own."""
    end = 0
    while match := sign.search(text, end):
        start = text.rfind(" ", end, match.start()) + 1 or end
        end = text.find(" ", match.end())
        end = len(text) if end < 0 else end
        if text.find("//", start, end) < 0:
            yield start, end


class Vocabulary(Protocol):
    """The words of all terms: of several ways to read a word, one of them is the likeliest."""

    def knows(self, word: str) -> bool:
        """Return whether this is a word of some term."""

    def stands_alone(self, word: str) -> bool:
        """Return whether this word is a term by itself."""

    def begins(self, word: str) -> bool:
        """Return whether a term `prefix*` means this word."""

    def longest(self, start: str) -> int:
        """Return how long the longest word of a term is that begins with these three letters."""

    def fitting(self, masked: str) -> Sequence[str]:
        """Return the words of terms that may stand behind a word with stars."""

    def together(self, one: str, other: str) -> bool:
        """Return whether these words follow each other in some term."""


class Edit(NamedTuple):
    """A window of a reading that the next one spells otherwise.

    Attributes:
        letters: What stands there instead.
        places: For each of them, the half-open range that it came from; None where they are as
            many as there were, and come from them one by one.
        marks: Further bits for the letters' steps.
    """

    start: int
    end: int
    letters: str
    places: Sequence[Span] | None = None
    marks: int = 0


class Reading:
    """A text with the places of its letters in the plain view, and the steps that touched each one."""

    __slots__ = ("_ends", "_starts", "steps", "text")

    def __init__(self, text: str, starts: list[int], ends: list[int], steps: bytes) -> None:
        self.text = text
        self._starts = starts
        self._ends = ends
        self.steps = steps

    @classmethod
    def of(cls, plain: str) -> Reading:
        """Return the plain view as the first reading."""
        length = len(plain)
        return cls(plain, list(range(length)), list(range(1, length + 1)), bytes(length))

    def edited(self, edits: Iterable[Edit], step: Step) -> Reading:
        """Return the reading after a step; edits ascend and don't overlap."""
        letters: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        steps = bytearray()
        done = 0
        for first, last, spelled, places, marks in edits:
            letters += (self.text[done:first], spelled)
            starts += self._starts[done:first]
            ends += self._ends[done:first]
            steps += self.steps[done:first]
            if places is None:
                starts += self._starts[first:last]
                ends += self._ends[first:last]
            else:
                for start, end in places:
                    start, end = self._origin(start, end)
                    starts.append(start)
                    ends.append(end)
            steps += bytes((step.bit | marks | self._touched(first, last),)) * len(spelled)
            done = last
        return Reading(
            "".join(letters) + self.text[done:],
            starts + self._starts[done:],
            ends + self._ends[done:],
            bytes(steps) + self.steps[done:],
        )

    def place(self, start: int, end: int) -> tuple[int, int, int]:
        """Return where a range stands in the plain view, and the steps that touched it."""
        return (*self._origin(start, end), self._touched(start, end))

    def _touched(self, start: int, end: int) -> int:
        return reduce(or_, set(self.steps[start:end]), 0)

    def _origin(self, start: int, end: int) -> Span:
        # Upside-down text is read backwards, so the first letter may be the last one typed.
        if end - start == 1:
            return self._starts[start], self._ends[start]
        return min(self._starts[start:end]), max(self._ends[start:end])
