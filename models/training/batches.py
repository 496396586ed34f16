"""Texts of similar length together, in an order that differs by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SIZE, POOL = 512, 40


def batches(pieces: Sequence[Sequence[int]], seed: int | None) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Yield which rows a batch holds and their padded pieces; without a seed, shortest first.

    Rows are sorted by length within pools of shuffled rows: little padding, and batches still differ.
    """
    lengths = np.array([len(row) for row in pieces])
    if seed is None:
        groups = _cut(np.argsort(lengths, kind="stable"), SIZE)
    else:
        order = np.random.default_rng(seed)
        pools = _cut(order.permutation(len(pieces)), SIZE * POOL)
        groups = [group for pool in pools for group in _cut(pool[np.argsort(lengths[pool])], SIZE)]
        order.shuffle(groups)  # type: ignore[arg-type]  # a list of arrays is shuffled as a list
    for group in groups:
        yield group, padded([pieces[index] for index in group])


def steps(rows: int) -> int:
    """Return how many batches an epoch of so many rows may have."""
    return -(-rows // SIZE)


def _cut(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [order[first : first + size] for first in range(0, len(order), size)]


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return rows of pieces, padded with 0 to the longest."""
    lengths = np.array([len(row) for row in rows])
    ids = np.zeros((len(rows), lengths.max()), np.int64)
    ids[np.arange(lengths.max()) < lengths[:, None]] = np.concatenate(rows)
    return torch.from_numpy(ids)
