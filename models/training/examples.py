"""Rows as numbers: pieces, targets, and how much each label of each row weighs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.tokenizer import Tokenizer
from models.training.habits import hidden, padded, retyped
from models.training.rows import LABELS, MAX_TOKENS, Row
from models.training.vectors import Vectors

# A label that follows from how a text was found, and one that is only likely.
WEAK, ASSUMED = 0.3, 0.15
# A source of n rows is read as often as n ** this says: large ones lead, none dominates.
SOURCE_POWER = 0.55
# Rows that an epoch reads, and how much more often it reads those with a rare positive label.
EPOCH, RARE = (
    260_000,
    {"scam": 3.0, "threat": 3.0, "sexual": 3.0, "self_harm": 2.0, "terrorism": 2.0, "insult": 1.5},
)
# Shares of rows that are changed, anew in each epoch.
RETYPED, HIDDEN, PADDED = 0.20, 0.16, 0.08


class Examples(msgspec.Struct):
    """All arrays have a row for each text.

    Attributes:
        pieces: Piece numbers, at most MAX_TOKENS.
        targets: (n, labels), 0 or 1; what is unknown is 0 and weighs nothing.
        weights: (n, labels).
        shares: How likely an epoch reads the row.
        vectors: Row of the teacher's matrix, or -1.
    """

    texts: list[str]
    pieces: list[list[int]]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    shares: NDArray[np.float32]
    vectors: NDArray[np.int64]


def examples(rows: Sequence[Row], tokenizer: Tokenizer, vectors: Vectors | None) -> Examples:
    """Return rows as they are."""
    targets = np.zeros((len(rows), len(LABELS)), np.float32)
    weights = np.zeros((len(rows), len(LABELS)), np.float32)
    for index, row in enumerate(rows):
        for label, value in row.labels.items():
            targets[index, LABELS.index(label)] = value
            weights[index, LABELS.index(label)] = WEAK if label in row.weak else 1.0
    _assume(rows, weights)
    texts = [row.text for row in rows]
    known = [vectors.row(text) for text in texts] if vectors else [-1] * len(texts)
    pieces = [row[:MAX_TOKENS] for row in tokenizer.pieces(texts)]
    return Examples(texts, pieces, targets, weights, _shares(rows), np.array(known))


def epoch_rows(found: Examples, seed: int) -> NDArray[np.int64]:
    """Return which rows an epoch reads."""
    return np.flatnonzero(np.random.default_rng(seed).random(len(found.shares)) < found.shares)


def changed(found: Examples, rows: NDArray[np.int64], tokenizer: Tokenizer, seed: int) -> list[list[int]]:
    """Return the pieces of some rows, a share of them retyped, disguised or put among harmless ones."""
    choice = random.Random(seed)
    harmless = [
        found.texts[row] for row in rows
        if not found.targets[row].any() and found.weights[row].all() and len(found.texts[row]) > 15
    ]  # fmt: skip
    places, texts = [], []
    for place, row in enumerate(rows):
        draw = choice.random()
        if draw < RETYPED + HIDDEN + PADDED:
            places.append(place)
            texts.append(_change(found.texts[row], draw, harmless, choice))
    pieces = [found.pieces[row] for row in rows]
    for place, row in zip(places, tokenizer.pieces(texts), strict=True):
        pieces[place] = row[:MAX_TOKENS]
    return pieces


def _change(text: str, draw: float, harmless: Sequence[str], choice: random.Random) -> str:
    if draw < PADDED and harmless:
        return padded(text[:300], harmless, choice)
    if draw < PADDED + HIDDEN:
        return hidden(text, choice)
    return retyped(text, choice)


def _assume(rows: Sequence[Row], weights: NDArray[np.float32]) -> None:
    """Let texts from sources of abuse, where nobody looked for advertising, hold none: most do not."""
    spam, scam, toxic = (LABELS.index(label) for label in ("spam", "scam", "toxic"))
    looked = {row.source for row in rows if "spam" in row.labels}
    for index, row in enumerate(rows):
        if row.source not in looked and weights[index, toxic]:
            weights[index, [spam, scam]] = ASSUMED


def _shares(rows: Sequence[Row]) -> NDArray[np.float32]:
    counts = Counter(row.source for row in rows)
    wanted = np.array([counts[row.source] ** (SOURCE_POWER - 1) * _rarity(row) for row in rows])
    scale = EPOCH / wanted.sum()
    for _ in range(20):  # a row can't be read more than once, so the others are read more
        scale *= EPOCH / np.minimum(wanted * scale, 1).sum() if len(rows) > EPOCH else 1e3
    return np.asarray(np.minimum(wanted * scale, 1), np.float32)


def _rarity(row: Row) -> float:
    return max((RARE.get(label, 1.0) for label, value in row.labels.items() if value), default=1.0)
