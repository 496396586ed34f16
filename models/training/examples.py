"""Rows as numbers: pieces, targets, and how much each label of each row weighs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.tokenizer import Tokenizer
from models.training.grammar import WRITTEN
from models.training.habits import hidden, retyped
from models.training.mentors import Mentors
from models.training.rows import LABELS, MAX_TOKENS, Row
from models.training.shuffles import SHORTEST, among, loose

if TYPE_CHECKING:  # it needs what only `make teach` installs
    from models.training.vectors import Vectors

# A label that follows from how a text was found, and one that is only likely.
WEAK, ASSUMED = 0.3, 0.15
# A source of n rows is read as often as n ** this says: large ones lead, none dominates.
SOURCE_POWER = 0.55
# Rows that an epoch reads, and how much more often it reads those with a rare positive label.
EPOCH = 260_000
RARE = {
    "scam": 3.0, "threat": 4.0, "sexual": 3.0, "self_harm": 2.0, "terrorism": 2.0, "insult": 1.5,
    "profanity": 1.3,
}  # fmt: skip
# Languages whose few sources are read more often.
SCARCE = {"ko": 1.8, "de": 1.8}
# Shares of rows that are changed, anew in each epoch; and texts of parts that are read besides, for each row.
RETYPED, HIDDEN, PADDED = 0.16, 0.2, 0.2
LOOSE = 1.0
# The grammar knows what it says: mentors that never read it say so too, with a logit of this size.
SURE = 3.0


class Examples(msgspec.Struct):
    """All arrays have a row for each text.

    Attributes:
        pieces: Piece numbers, at most MAX_TOKENS.
        targets: (n, labels), 0 or 1; what is unknown is 0 and weighs nothing.
        weights: (n, labels).
        shares: How likely an epoch reads the row.
        vectors: Row of the teacher's matrix, or -1.
        sure: The row was written by the grammar.
    """

    texts: list[str]
    pieces: list[list[int]]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    shares: NDArray[np.float32]
    vectors: NDArray[np.int64]
    sure: NDArray[np.bool_]


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
    sure = np.array([row.source.startswith(WRITTEN) for row in rows], bool)
    return Examples(texts, pieces, targets, weights, _shares(rows), np.array(known), sure)


class Epoch(msgspec.Struct):
    """What is read once: rows, some of them changed, and loose texts after them.

    Attributes:
        pieces: Of rows and loose texts.
        targets, weights: As those of the rows; of a loose text nothing is known.
        vectors: Row of the teacher's matrix, or -1.
        opinions: The mentors' logits, those of a row as it was before it was changed; None without mentors.
    """

    pieces: list[list[int]]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    vectors: NDArray[np.int64]
    opinions: NDArray[np.float32] | None


def epoch(found: Examples, tokenizer: Tokenizer, mentors: Mentors | None, seed: int) -> Epoch:
    """Return what an epoch reads."""
    rows = epoch_rows(found, seed)
    pieces = changed(found, rows, tokenizer, seed)
    if mentors is None:
        return Epoch(pieces, found.targets[rows], found.weights[rows], found.vectors[rows], None)
    made = loose([found.pieces[row] for row in rows], int(LOOSE * len(rows)), random.Random(seed))
    nothing = np.zeros((len(made), len(LABELS)), np.float32)
    return Epoch(
        pieces + made,
        np.concatenate([found.targets[rows], nothing]),
        np.concatenate([found.weights[rows], nothing]),
        np.concatenate([found.vectors[rows], np.full(len(made), -1)]),
        np.concatenate([_opinions(found, mentors.of_rows, rows), mentors.logits(made)]),
    )


def _opinions(found: Examples, said: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    known = found.sure[rows][:, None] & (found.weights[rows] > 0)
    return np.where(known, SURE * (2 * found.targets[rows] - 1), said[rows])


def epoch_rows(found: Examples, seed: int) -> NDArray[np.int64]:
    """Return which rows an epoch reads."""
    return np.flatnonzero(np.random.default_rng(seed).random(len(found.shares)) < found.shares)


def changed(found: Examples, rows: NDArray[np.int64], tokenizer: Tokenizer, seed: int) -> list[list[int]]:
    """Return the pieces of some rows, a share of them retyped, disguised or put among harmless ones."""
    choice = random.Random(seed)
    harmless = [
        found.pieces[row] for row in rows
        if not found.targets[row].any() and found.weights[row].all() and len(found.pieces[row]) > SHORTEST
    ]  # fmt: skip
    pieces = [found.pieces[row] for row in rows]
    places, texts = [], []
    for place, row in enumerate(rows):
        draw = choice.random()
        if draw < PADDED and harmless:
            pieces[place] = among(pieces[place], harmless, choice)
        elif PADDED <= draw < PADDED + HIDDEN + RETYPED:
            places.append(place)
            change = hidden if draw < PADDED + HIDDEN else retyped
            texts.append(change(found.texts[row], choice))
    for place, row in zip(places, tokenizer.pieces(texts), strict=True):
        pieces[place] = row[:MAX_TOKENS]
    return pieces


def _assume(rows: Sequence[Row], weights: NDArray[np.float32]) -> None:
    """Let texts from sources of abuse, where nobody looked for advertising, hold none: most do not."""
    spam, scam, toxic = (LABELS.index(label) for label in ("spam", "scam", "toxic"))
    looked = {row.source for row in rows if "spam" in row.labels}
    for index, row in enumerate(rows):
        if row.source not in looked and weights[index, toxic]:
            weights[index, [spam, scam]] = ASSUMED


def _shares(rows: Sequence[Row]) -> NDArray[np.float32]:
    counts = Counter(row.source for row in rows)
    wanted = np.array([counts[row.source] ** (SOURCE_POWER - 1) * _scarcity(row) for row in rows])
    scale = EPOCH / wanted.sum()
    for _ in range(20):  # a row can't be read more than once, so the others are read more
        scale *= EPOCH / np.minimum(wanted * scale, 1).sum() if len(rows) > EPOCH else 1e3
    return np.asarray(np.minimum(wanted * scale, 1), np.float32)


def _scarcity(row: Row) -> float:
    rare = max((RARE.get(label, 1.0) for label, value in row.labels.items() if value), default=1.0)
    return rare * SCARCE.get(row.lang, 1.0)
