"""What an artifact may promise: calibration, thresholds by precision, and how far to trust a label."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.artifact import Maturity, Platt
from models.training.measures import share_interval
from models.training.rows import LABELS, Row, number
from models.training.scored import Scored

PREVALENCE = 0.01
PRECISIONS = (0.5, 0.8, 0.9, 0.95, 0.99)
# A threshold that finds next to nothing helps nobody.
LEAST_FOUND = 0.02
# Evidence that a label needs on sources left out of training: how many, and from which mean area.
EARNS = {Maturity.AUTOMATIC: (3, 0.90), Maturity.ASSIST: (2, 0.75)}


def calibrates(row: Row) -> bool:
    """Return whether a dev row is of the half that promises are fitted to; the other half tests them."""
    return number(row.text) % 2 == 0


def platts(logits: NDArray[np.float32], rows: list[Row]) -> dict[str, Platt]:
    """Fit each label's calibration to what people said; to weak labels where too few of them did."""
    found = Scored(rows, logits)
    return {label: _platt(*_enough(found, label)) for label in LABELS}


def _enough(found: Scored, label: str) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    truth, logits = found.known(label)
    if min(truth.sum(), (~truth).sum()) >= 50:
        return truth, logits
    return found.known(label, weak=True)


def _platt(truth: NDArray[np.bool_], logits: NDArray[np.float32]) -> Platt:
    """Fit sigmoid(a * logit + b) by Newton's method, with Platt's own smoothing of the targets."""
    positives, negatives = truth.sum(), (~truth).sum()
    if not positives or not negatives:
        return Platt(1.0, 0.0)
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    x = np.stack([logits.astype(float), np.ones(len(logits))], 1)
    weights = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        gradient = x.T @ (p - target) + 1e-3 * (weights - [1, 0])
        curve = (x * (p * (1 - p) + 1e-9)[:, None]).T @ x + 1e-3 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        weights = weights - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-6:
            break
    return Platt(float(max(weights[0], 0.05)), float(weights[1]))


def thresholds(found: Scored) -> dict[str, dict[float, float]]:
    """Return, by label and promised precision, the least probability from which it holds.

    Precision is that of a stream in which one message in a hundred is positive, worked out from the lower
    95 % bound of the share of positives found and the upper bound of the share of negatives. Negatives count
    whoever said so: most messages are like those that nobody had to label.
    """
    promised: dict[str, dict[float, float]] = {}
    for label in LABELS:
        positive_truth, positive_scores = found.known(label)
        truth, scores = found.known(label, weak=True)
        levels = _levels(np.sort(positive_scores[positive_truth]), np.sort(scores[~truth]))
        if levels:
            promised[label] = levels
    return promised


def _levels(positives: NDArray[np.float32], negatives: NDArray[np.float32]) -> dict[float, float]:
    if len(positives) < 20 or len(negatives) < 100:
        return {}
    levels: dict[float, float] = {}
    for probability in np.unique(np.round(np.concatenate([positives, np.arange(0.02, 1.0, 0.02)]), 4)):
        found = len(positives) - int(np.searchsorted(positives, probability))
        wrong = len(negatives) - int(np.searchsorted(negatives, probability))
        hit, false = share_interval(found, len(positives))[0], share_interval(wrong, len(negatives))[1]
        if hit < LEAST_FOUND:
            break
        precision = hit * PREVALENCE / (hit * PREVALENCE + false * (1 - PREVALENCE))
        for promise in PRECISIONS:
            if precision >= promise and promise not in levels:
                levels[promise] = float(probability)
    return levels


def earned(left_out: Mapping[str, Mapping[str, float]]) -> dict[str, Maturity]:
    """Return each label's maturity, given its area on every source that was left out of training."""
    return {label: _earned(list(left_out.get(label, {}).values())) for label in LABELS}


def _earned(areas: list[float]) -> Maturity:
    for maturity, (sources, area) in EARNS.items():
        if len(areas) >= sources and float(np.mean(areas)) >= area:
            return maturity
    return Maturity.EXPERIMENTAL
