"""Earlier students, whose mean is better than each of them; the next one is taught to say the same."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.network import Network
from models.training.rows import LABELS, MAX_TOKENS

AT_ONCE = 8192


class Mentors:
    """Shipped networks over the same pieces.

    Attributes:
        of_rows: Their mean logits for the rows of the training, (rows, labels).
    """

    def __init__(self, folder: Path, rows: list[list[int]]) -> None:
        """Ask the networks in a folder about all rows, once: their word is kept there."""
        models = [path.read_bytes() for path in sorted(folder.glob("*.onnx"))]
        self._networks = [Network(model, MAX_TOKENS, 1) for model in models]
        kept = folder / f"opinions-{_mark(models, rows):08x}.npy"
        if not kept.exists():
            np.save(kept, self.logits(rows))
        self.of_rows: NDArray[np.float32] = np.load(kept)

    def logits(self, pieces: list[list[int]]) -> NDArray[np.float32]:
        """Return their mean logits, (n, labels)."""
        found = np.zeros((len(pieces), len(LABELS)), np.float32)
        for first in range(0, len(pieces), AT_ONCE):
            part = pieces[first : first + AT_ONCE]
            found[first : first + AT_ONCE] = np.mean([one.logits(part) for one in self._networks], axis=0)
        return found


def _mark(models: Sequence[bytes], rows: Sequence[Sequence[int]]) -> int:
    """Return a number that changes with the networks and with the rows."""
    mark = zlib.crc32(np.fromiter(chain.from_iterable(rows), np.uint32).tobytes())
    for model in models:
        mark = zlib.crc32(model, mark)
    return mark
