"""Which words moved a model: its score without each word, one by one. For people who ask, not for streams."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

# Of a longer text only so many words are tried, from its beginning: each costs a score.
MOST_WORDS = 80
_WORD = re.compile(r"\S+")


class Scores(Protocol):
    """A classifier, as far as this needs it."""

    @property
    def labels(self) -> Sequence[str]:
        """What the columns of a result speak of."""
        ...

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probability of each label for each text."""
        ...


class Moved(msgspec.Struct, frozen=True):
    """A word, and what it did to a score.

    Attributes:
        span: Half-open range of code points in the text that was scored.
        weight: Log-odds that the score loses without the word; below 0 the word spoke against the label.
    """

    word: str
    span: tuple[int, int]
    weight: float


def words_that_moved(model: Scores, text: str, label: str) -> list[Moved]:
    """Return the words of a readable text with what each did to the label's score, strongest first.

    Raises:
        ValueError: When the model doesn't know the label.
        InferenceError: As `Classifier.score`.
    """
    column = model.labels.index(label)
    spans = [match.span() for match in _WORD.finditer(text)][:MOST_WORDS]
    without = [f"{text[:first]}{text[last:]}" for first, last in spans]
    whole, *others = (_log_odds(float(row[column])) for row in model.score([text, *without]))
    moved = [
        Moved(text[first:last], (first, last), whole - other)
        for (first, last), other in zip(spans, others, strict=True)
    ]
    return sorted(moved, key=lambda each: -abs(each.weight))


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
