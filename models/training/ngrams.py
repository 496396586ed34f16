"""Trains the weights of words and of runs of letters that stand beside a network: a linear model a label."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from scipy.sparse.linalg import lsqr
from sklearn.linear_model import SGDClassifier
from tqdm import tqdm

from models.ngrams import Ngrams, cut, hash_of, packed, pairs_at, runs_of, words_at, words_of
from models.training.examples import HIDDEN, RETYPED, Examples, epoch_rows
from models.training.habits import hidden, retyped
from models.training.rows import LABELS
from models.training.twins import pairs

# Weights in the table of runs, and in that of words and pairs. They cost bytes, a label's each.
RUNS, WORDS = 2**18, 2**18
# How much of the linear model's logits is added to the network's.
SHARE = 0.35
# The share of weights that are kept as they are: a few large ones would make the steps of all coarse.
CLIPPED = 0.9999
# What a changed text weighs, beside one as it is; how often the model goes over all; how weights decay.
CHANGED, PASSES, DECAY = 0.4, 5, 1e-6
# Harmless pairs that are drawn together, how reluctantly, and in how many steps.
LEVELLED, RELUCTANCE, STEPS = 20_000, 1.0, 60
# Texts on which the shipped weights are held against the trained ones, and by how much they may be off.
COMPARED, AGREE = 5_000, 0.05

Mended = Callable[[str], str]


def train_ngrams(found: Examples, mended: Mended, seed: int) -> bytes:
    """Return the bytes of an ngrams.npz, made for a network that learns from the same examples.

    All rows are read as they are, by their share in an epoch, and an epoch of them changed.

    Args:
        mended: Reads a word as the network's tokenizer does.
    """
    read, again = np.flatnonzero(found.shares), epoch_rows(found, seed)
    texts = [found.texts[row] for row in read] + changed_texts(found, again, seed)
    often = np.concatenate([found.shares[read] / found.shares[read].mean(), np.full(len(again), CHANGED)])
    rows, matrix = np.concatenate([read, again]), counted(texts, mended)
    targets, weights = found.targets[rows], found.weights[rows] * often[:, None]
    columns = [
        _weights(matrix, targets[:, number], weights[:, number])
        for number in tqdm(range(len(LABELS)), "words and runs")
    ]
    table = _levelled(np.stack(columns, 1), mended, seed).astype(np.float32) * SHARE
    table = np.concatenate([_clipped(table[:RUNS]), _clipped(table[RUNS:])])
    content = packed(table[:RUNS], table[RUNS:])
    few = slice(0, None, max(1, len(texts) // COMPARED))
    _compare(matrix[few] @ table, Ngrams(content, len(LABELS), mended), texts[few])
    return content


def changed_texts(found: Examples, rows: NDArray[np.int64], seed: int) -> list[str]:
    """Return the texts of some rows, each disguised or retyped."""
    choice = random.Random(seed)
    return [
        (hidden if choice.random() < HIDDEN / (HIDDEN + RETYPED) else retyped)(found.texts[row], choice)
        for row in rows
    ]


def counted(texts: Sequence[str], mended: Mended) -> csr_matrix:
    """Return what each text counts by each run, and by each word and pair: see models.ngrams."""
    numbers: dict[str, int] = {}
    said = [
        [numbers.setdefault(word, len(numbers)) for word in dict.fromkeys(cut(words_of(text)))]
        for text in texts
    ]
    lengths = np.array([len(one) for one in said])
    owners = np.repeat(np.arange(len(said)), lengths)
    words = np.array([one for row in said for one in row], np.int64)
    read = [mended(word) for word in numbers]
    buckets, whose = runs_of(read, RUNS)
    of_words = _sparse(whose, buckets, (len(read), RUNS))
    of_texts = _sparse(owners, words, (len(texts), len(read)))
    hashes = np.array([hash_of(word) for word in read], np.uint32)[words]
    there = hashes != 0
    owners, hashes = owners[there], hashes[there]
    together = np.flatnonzero(owners[1:] == owners[:-1])
    places = np.concatenate(
        [words_at(hashes, WORDS), pairs_at(hashes[together], hashes[together + 1], WORDS)]
    )
    beside = _sparse(np.concatenate([owners, owners[together]]), places, (len(texts), WORDS))
    return hstack([_halved(of_texts @ of_words), _halved(beside)]).tocsr()


def _weights(
    matrix: csr_matrix, targets: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return a label's weights; none where its rows are all of one kind."""
    known = np.flatnonzero(weights > 0)
    if len(np.unique(targets[known])) < 2:
        return np.zeros(matrix.shape[1])
    model = SGDClassifier(
        loss="log_loss", alpha=DECAY, max_iter=PASSES, tol=None, random_state=7, average=True
    )
    model.fit(matrix[known], targets[known], sample_weight=weights[known])
    return np.asarray(model.coef_[0])


def _levelled(table: NDArray[np.float64], mended: Mended, seed: int) -> NDArray[np.float64]:
    """Take from the weights what tells harmless sentences apart by who is spoken of, and little else.

    The change is the smallest that does so, by damped least squares (Paige and Saunders, 1982).
    """
    written = pairs(LEVELLED, random.Random(seed))
    both = counted([text for pair in written for text in pair], mended).astype(np.float64)
    apart = both[0::2] - both[1::2]
    changes = [lsqr(apart, -(apart @ column), damp=RELUCTANCE, iter_lim=STEPS)[0] for column in table.T]
    levelled = table + np.stack(changes, 1)
    before, after = (np.sqrt(((apart @ each) ** 2).mean()) for each in (table, levelled))
    print(f"harmless pairs were {before:.2f} apart by their words and runs, and are {after:.2f}")
    return levelled


def _compare(wanted: NDArray[np.float32], shipped: Ngrams, texts: Sequence[str]) -> None:
    """Print how far the shipped weights are from those that were trained.

    Raises:
        ValueError: Further than rounding takes them: the two count texts differently.
    """
    loss = np.abs(shipped.logits([words_of(text) for text in texts]) - wanted)
    print(f"whole numbers for words and runs move a logit by {loss.mean():.3f}, at most {loss.max():.2f}")
    if loss.mean() > AGREE:
        raise ValueError("what is shipped counts words and runs in another way than training does")


def _sparse(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> csr_matrix:
    return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape)


def _halved(matrix: csr_matrix) -> csr_matrix:
    """Divide each row by the square root of its sum."""
    sums = np.asarray(matrix.sum(1)).ravel()
    matrix.data /= np.repeat(np.sqrt(np.maximum(sums, 1)), np.diff(matrix.indptr))
    return matrix


def _clipped(table: NDArray[np.float32]) -> NDArray[np.float32]:
    most = np.quantile(np.abs(table), CLIPPED, axis=0)
    return np.clip(table, -most, most)
