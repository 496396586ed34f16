"""Keeps what the teacher's encoder said of texts, in shards, so that teaching can stop and go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.training.e5 import E5
from models.training.rows import Row, number

SHARD, BATCH = 2048, 24
# Texts are cut here before the encoder reads them, and so are they for whoever learns from it.
LONGEST = 240


class Vectors:
    """The encoder's vectors of many texts.

    Attributes:
        rows: By `number(cut(text))`, the row of `matrix`.
        matrix: float16 (n, width).
    """

    def __init__(self, numbers: NDArray[np.uint64], matrix: NDArray[np.float16]) -> None:
        """Take numbers of texts and their vectors, in the same order."""
        self.rows = dict(zip(numbers.tolist(), range(len(numbers)), strict=True))
        self.matrix = matrix

    @classmethod
    def load(cls, folder: Path) -> Vectors:
        """Return all vectors in a folder."""
        shards = [np.load(path) for path in sorted(folder.glob("*.npz"))]
        if not shards:
            raise FileNotFoundError(f"{folder}: no vectors there: make teach")
        return cls(
            np.concatenate([shard["numbers"] for shard in shards]),
            np.concatenate([shard["matrix"] for shard in shards]),
        )

    def row(self, text: str) -> int:
        """Return which row of `matrix` belongs to a text, -1 where none does."""
        return self.rows.get(number(cut(text)), -1)


def batched(texts: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """Yield `texts` in slices of `size`."""
    for first in range(0, len(texts), size):
        yield texts[first : first + size]


def cut(text: str) -> str:
    """Return as much of a text as the encoder reads."""
    if len(text) <= LONGEST:
        return text
    return text[: text.rfind(" ", LONGEST - 40, LONGEST) if " " in text[LONGEST - 40 : LONGEST] else LONGEST]


def in_turn(rows: Sequence[Row]) -> list[str]:
    """Return the texts of rows so that any beginning of them is balanced.

    Sources take turns, and within a source its kinds of labels, the rare ones as often as the rest.
    """
    kinds: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for row in rows:
        positive = tuple(sorted(label for label, value in row.labels.items() if value))
        kinds.setdefault((row.source, row.lang, positive), []).append(cut(row.text))
    turns: list[tuple[float, int, str]] = []
    share: dict[str, int] = {}
    for source, _, _ in kinds:
        share[source] = share.get(source, 0) + 1
    for (source, _, positive), texts in kinds.items():
        texts.sort(key=number)
        # A source of many kinds gets more turns than one of a single kind, but not by their number.
        weight = share[source] ** (0.6 if positive else 0.8)
        turns += [(turn * weight, number(text), text) for turn, text in enumerate(texts)]
    return list(dict.fromkeys(text for _, _, text in sorted(turns)))


def teach(texts: Sequence[str], folder: Path, most: int) -> None:
    """Embed the first `most` of `texts` that aren't in the folder yet, shard by shard."""
    folder.mkdir(parents=True, exist_ok=True)
    known = Vectors.load(folder).rows if any(folder.glob("*.npz")) else {}
    waiting = [text for text in texts[:most] if number(text) not in known]
    encoder = E5.load()
    first = len(list(folder.glob("*.npz")))
    with tqdm(total=len(waiting), desc="teaching", unit="text", mininterval=10) as bar:
        for shard, members in enumerate(batched(waiting, SHARD), first):
            ordered = sorted(members, key=len)
            parts = []
            for texts_at_once in batched(ordered, BATCH):
                parts.append(encoder.embed(texts_at_once))
                bar.update(len(texts_at_once))
            numbers = np.array([number(text) for text in ordered], np.uint64)
            whole = folder / f"{shard:05d}.npz"
            np.savez(whole.with_suffix(".part.npz"), numbers=numbers, matrix=np.concatenate(parts))
            whole.with_suffix(".part.npz").rename(whole)
