"""A reading: a text derived from the plain view, with the way back for each of its letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

Span = tuple[int, int]


class Step(StrEnum):
    """What was undone to make a reading, in the order in which it is undone."""

    LOOKALIKES = "lookalikes"
    SEPARATED = "separated"
    LEET = "leet"
    STRETCHED = "stretched"
    MASKED = "masked"

    @property
    def bit(self) -> int:
        return _BITS[self]


_BITS = {step: 1 << number for number, step in enumerate(Step)}
ALL_STEPS = sum(_BITS.values())
# A masked word that may be several: "s**t". What it hits is the mildest, and nothing final.
AMBIGUOUS = 1 << len(_BITS)


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

    def begins(self, word: str) -> bool:
        """Return whether a term `prefix*` means this word."""

    def fitting(self, masked: str) -> Sequence[str]:
        """Return the words of terms that may stand behind a word with stars."""

    def together(self, one: str, other: str) -> bool:
        """Return whether these words follow each other in some term."""


class Edit(NamedTuple):
    """A window of a reading that the next one spells otherwise.

    Attributes:
        letters: What stands there instead.
        places: For each of them, the half-open range that it came from.
        marks: Further bits for the letters' steps.
    """

    start: int
    end: int
    letters: str
    places: Sequence[Span]
    marks: int = 0

    @classmethod
    def same_length(cls, start: int, letters: str, marks: int = 0) -> Edit:
        """Return an edit that changes letters one by one."""
        end = start + len(letters)
        return cls(start, end, letters, [(at, at + 1) for at in range(start, end)], marks)


class Reading:
    """A text with the places of its letters in the plain view, and the steps that touched each one."""

    __slots__ = ("origins", "steps", "text")

    def __init__(self, text: str, origins: list[Span], steps: list[int]) -> None:
        self.text = text
        self.origins = origins
        self.steps = steps

    @classmethod
    def of(cls, plain: str) -> Reading:
        """Return the plain view as the first reading."""
        return cls(plain, [(at, at + 1) for at in range(len(plain))], [0] * len(plain))

    def edited(self, edits: Iterable[Edit], step: Step) -> Reading:
        """Return the reading after a step; edits ascend and don't overlap."""
        letters, origins, steps, done = [], [], [], 0
        for edit in edits:
            letters += [self.text[done : edit.start], edit.letters]
            origins += self.origins[done : edit.start]
            steps += self.steps[done : edit.start]
            touched = step.bit | edit.marks
            for bits in self.steps[edit.start : edit.end]:
                touched |= bits
            origins += [self._origin(start, end) for start, end in edit.places]
            steps += [touched] * len(edit.letters)
            done = edit.end
        return Reading(
            "".join(letters) + self.text[done:], origins + self.origins[done:], steps + self.steps[done:]
        )

    def place(self, start: int, end: int) -> tuple[int, int, int]:
        """Return where a range stands in the plain view, and the steps that touched it."""
        touched = 0
        for bits in self.steps[start:end]:
            touched |= bits
        return (*self._origin(start, end), touched)

    def _origin(self, start: int, end: int) -> Span:
        # Upside-down text is read backwards, so the first letter may be the last one typed.
        spans = self.origins[start:end]
        return min(spans)[0], max(last for _, last in spans)
