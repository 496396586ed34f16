"""Turns a network's logits into probabilities that mean what they say: Platt scaling per label."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.artifact import Platt

# Keeps probabilities inside (0, 1) in float32, so that whoever adds up evidence in
# log-odds can take their logit.
MAX_LOGIT = 12.0


class Calibration:
    """The calibration of all labels, applied to whole batches."""

    def __init__(self, platts: Sequence[Platt]) -> None:
        """Take one Platt per label, in the order of the network's outputs."""
        self._a = np.array([platt.a for platt in platts])
        self._b = np.array([platt.b for platt in platts])

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return calibrated probabilities in (0, 1) for logits of shape (n, labels).

        A label's order is kept: of two texts, the one with the higher logit has no
        lower probability.
        """
        calibrated = np.clip(logits * self._a + self._b, -MAX_LOGIT, MAX_LOGIT)
        odds = np.exp(calibrated)
        return np.asarray(odds / (1.0 + odds), np.float32)
