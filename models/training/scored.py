"""Rows with the probabilities that an artifact gives them, and the figures that follow from both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.training.measures import auc, auc_interval, calibration_error
from models.training.rows import LABELS, Row
from models.training.tables import Cell, Table, interval

Score = Callable[[Sequence[str]], NDArray[np.float32]]
BATCH = 2048
# Fewer of a kind than this say nothing.
FEW = 10


class Scored(msgspec.Struct):
    """Rows and their scores, (n, labels)."""

    rows: Sequence[Row]
    scores: NDArray[np.float32]

    def part(self, chosen: Callable[[Row], bool]) -> Scored:
        """Return some of the rows."""
        places = [place for place, row in enumerate(self.rows) if chosen(row)]
        return Scored([self.rows[place] for place in places], self.scores[places])

    def known(self, label: str, *, weak: bool = False) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Return truth and scores of a label where people gave it, or also where a source implies it."""
        places = [
            place
            for place, row in enumerate(self.rows)
            if label in row.labels and (weak or label not in row.weak)
        ]
        truth = np.array([self.rows[place].labels[label] == 1 for place in places], bool)
        return truth, self.scores[places, LABELS.index(label)]


def scored(rows: Sequence[Row], score: Score) -> Scored:
    """Score rows, shortest first, so that a batch holds texts of like length."""
    order = sorted(range(len(rows)), key=lambda place: len(rows[place].text))
    scores = np.zeros((len(rows), len(LABELS)), np.float32)
    for first in range(0, len(rows), BATCH):
        places = order[first : first + BATCH]
        scores[places] = score([rows[place].text for place in places])
    return Scored(rows, scores)


def by_label(found: Scored, held: Scored) -> Table:
    """Return the area of each label, and its calibration on rows that it wasn't fitted to."""
    rows: list[list[Cell]] = []
    for label in LABELS:
        truth, scores = found.known(label)
        area = auc(truth, scores)
        positives, negatives = int(truth.sum()), int((~truth).sum())
        told = held.known(label)
        error = calibration_error(*told) if told[0].sum() >= FEW and not told[0].all() else None
        rows.append([label, positives, negatives, area, _between(area, positives, negatives), error])
    return Table(
        "Labels",
        "Area under the curve on dev, labels given by people only; expected calibration error (ECE) on the "
        "half of dev that nothing was fitted to.",
        ["label", "positives", "negatives", "AUC", "95 %", "ECE"],
        rows,
    )


def by_group(found: Scored, group: Callable[[Row], str], title: str, note: str, least: int = 0) -> Table:
    """Return the area of each label in each group of rows that has enough of both kinds."""
    rows: list[list[Cell]] = []
    for name in sorted({group(row) for row in found.rows}):
        part = found.part(lambda row, name=name: group(row) == name)  # type: ignore[misc]  # bound at once
        if len(part.rows) < least:
            continue
        for label in LABELS:
            truth, scores = part.known(label)
            positives, negatives = int(truth.sum()), int((~truth).sum())
            if min(positives, negatives) >= FEW:
                area = auc(truth, scores)
                rows.append([name, label, positives, negatives, area, _between(area, positives, negatives)])
    return Table(title, note, [title.lower(), "label", "positives", "negatives", "AUC", "95 %"], rows)


def _between(area: float, positives: int, negatives: int) -> str:
    return interval(*auc_interval(area, positives, negatives))
