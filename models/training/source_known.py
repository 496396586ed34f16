"""What a label's area owes to telling sources apart, and what it could be if each text's source were known.

Sources differ in how much of them is positive and in what they call so. Most pairs that an area over all of
dev counts are of texts from two sources; the pairs within a source are what a user's own stream is like.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.training.measures import auc
from models.training.rows import LABELS
from models.training.scored import FEW, Scored
from models.training.tables import Cell, Table

# Log-odds by which a source without positives, or without negatives, is moved; and halvings of the search.
FAR, HALVINGS = 12.0, 40
Floats = NDArray[np.float64]


def source_known(found: Scored) -> Table:
    """Return, by label, the areas of the scores, of the source alone, within sources, and with both."""
    sources = np.array([row.source for row in found.rows])
    rows: list[list[Cell]] = []
    for column, label in enumerate(LABELS):
        known = np.array([label in row.labels and label not in row.weak for row in found.rows])
        truth = np.array([row.labels.get(label) == 1 for row in found.rows])[known]
        if min(truth.sum(), (~truth).sum()) >= FEW:
            scores = found.scores[known, column].astype(np.float64)
            rows.append([label, *_areas(truth, np.log(scores / (1 - scores)), sources[known])])
    return Table(
        "What the source tells",
        "Area on dev over all pairs; of knowing nothing of a text but its source; over pairs within a "
        "source (mean weighted by rows); and of the same scores with each source moved to its own share of "
        "positives, as if it were known: about the most that a model reaches which tells as much within "
        "sources. Last, the share of pairs that are of two sources.",
        ["label", "AUC", "source alone", "within sources", "source known", "pairs across"],
        rows,
    )


def _areas(truth: NDArray[np.bool_], logits: Floats, sources: NDArray[np.str_]) -> list[Cell]:
    shares, moved = np.zeros(len(truth)), np.zeros(len(truth))
    within, sizes, pairs = [], [], 0
    for source in np.unique(sources):
        place = np.flatnonzero(sources == source)
        positives = int(truth[place].sum())
        shares[place] = positives / len(place)
        moved[place] = logits[place] + _move(logits[place], positives / len(place))
        pairs += positives * (len(place) - positives)
        if min(positives, len(place) - positives) >= FEW:
            within.append(auc(truth[place], logits[place]))
            sizes.append(len(place))
    across = 1 - pairs / float(truth.sum() * (~truth).sum())
    mean = float(np.average(within, weights=sizes)) if within else None
    return [auc(truth, logits), auc(truth, shares), mean, auc(truth, moved), across]


def _move(logits: Floats, share: float) -> float:
    """Return what makes the mean probability of a source its share of positives."""
    low, high = -FAR, FAR
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if (1 / (1 + np.exp(-logits - middle))).mean() > share else (middle, high)
    return low
