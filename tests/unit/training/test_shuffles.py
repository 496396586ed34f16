"""Texts as rows of pieces: set among harmless ones, and cut up into new ones."""

import random

from models.training.rows import MAX_TOKENS
from models.training.shuffles import among, loose

TEXT = list(range(1000, 1020))
HARMLESS = [[1, 2, 3, 4, 5], [6, 7], list(range(10, 90))]


def test_a_text_among_harmless_ones_stays_whole() -> None:
    """Its label would be a lie if the abuse in it were cut off."""
    lengths = set()
    for seed in range(200):
        found = among(TEXT, HARMLESS, random.Random(seed))
        start = found.index(TEXT[0])
        assert found[start : start + len(TEXT)] == TEXT
        lengths.add(len(found))
    assert max(lengths) == MAX_TOKENS
    assert min(lengths) < 40


def test_a_text_that_fills_the_window_stays_alone() -> None:
    """There is no room for company."""
    whole = list(range(MAX_TOKENS))
    assert among(whole, HARMLESS, random.Random(7)) == whole


def test_loose_texts_are_made_of_pieces_that_are_there_and_fit() -> None:
    """Seeded, never empty, and most of them are no row."""
    rows = [list(range(first, first + 1 + first % MAX_TOKENS)) for first in range(1, 300)]
    made = loose(rows, 500, random.Random(7))
    assert made == loose(rows, 500, random.Random(7))
    assert all(0 < len(text) <= MAX_TOKENS for text in made)
    assert {piece for text in made for piece in text} <= {piece for row in rows for piece in row}
    assert sum(text in rows for text in made) < 250
