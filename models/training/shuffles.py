"""What is done to rows of pieces: set among harmless ones, or cut up into texts that nobody ever labelled."""

from __future__ import annotations

import random
from collections.abc import Sequence

from models.training.rows import MAX_TOKENS

Pieces = Sequence[int]
# Texts this close in the order of the rows are mostly of the same source, and so of the same language.
NEAR = 60
# A blend takes so many of its pieces from a neighbour.
BLENDED = 0.3
SHORTEST = 3


def among(text: Pieces, harmless: Sequence[Pieces], choice: random.Random) -> list[int]:
    """Return a text whole, somewhere among harmless ones: few or as many as there is room for."""
    room = choice.randint(0, MAX_TOKENS - len(text)) if choice.random() < 0.5 else MAX_TOKENS - len(text)
    before: list[int] = []
    after: list[int] = []
    while room > 0:
        company = choice.choice(harmless)[:room]
        choice.choice([before, after]).extend(company)
        room -= len(company)
    return [*before, *text, *after]


def loose(rows: Sequence[Pieces], count: int, choice: random.Random) -> list[list[int]]:
    """Return texts made of parts of others, which only a mentor can say something of."""
    places = [choice.randrange(len(rows)) for _ in range(count)]
    return [_made(rows[place], _neighbour(rows, place, choice), choice) for place in places]


def _neighbour(rows: Sequence[Pieces], place: int, choice: random.Random) -> Pieces:
    return rows[min(len(rows) - 1, max(0, place + choice.randint(-NEAR, NEAR)))]


def _made(text: Pieces, other: Pieces, choice: random.Random) -> list[int]:
    match choice.randrange(3):
        case 0:
            start = choice.randrange(len(text))
            return list(text[start : start + choice.randint(SHORTEST, MAX_TOKENS)])
        case 1:
            spliced = [*text[: choice.randint(1, len(text))], *other[choice.randrange(len(other)) :]]
            return spliced[:MAX_TOKENS]
        case _:
            return [choice.choice(other) if choice.random() < BLENDED else piece for piece in text]
