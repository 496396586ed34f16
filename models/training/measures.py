"""Figures: areas under the curve with their intervals, calibration, shares with exact bounds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Z95 = 1.959964


def auc(truth: NDArray[np.bool_], scores: Floats) -> float:
    """Return the chance that a positive scores above a negative; NaN where one kind is absent."""
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return math.nan
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    # Equal scores share their ranks: a tie is half a win.
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    counts = np.diff(np.r_[starts, len(ranked)])
    ranks[order] = np.repeat(starts + (counts + 1) / 2, counts)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auc_interval(area: float, positives: int, negatives: int) -> tuple[float, float]:
    """Return the 95 % interval of an area (Hanley and McNeil, 1982)."""
    if math.isnan(area):
        return math.nan, math.nan
    first, second = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (first - area**2) + (negatives - 1) * (second - area**2)
    half = Z95 * math.sqrt(max(spread, 0) / (positives * negatives))
    return max(0.0, area - half), min(1.0, area + half)


def share_interval(hits: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson); all of [0, 1] where there is nothing to count."""
    if not total:
        return 0.0, 1.0
    share, z2 = hits / total, Z95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def calibration_error(truth: NDArray[np.bool_], scores: Floats, bins: int = 15) -> float:
    """Return the expected calibration error over bins of equal size."""
    order = np.argsort(scores, kind="stable")
    groups = np.array_split(order, bins)
    gaps = [abs(truth[g].mean() - scores[g].mean()) * len(g) for g in groups if len(g)]
    return float(sum(gaps) / len(truth))
