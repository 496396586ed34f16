"""Probabilities keep the order of logits and stay where log-odds are finite."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.artifact import Platt
from models.calibration import MAX_LOGIT, Calibration

logits = st.floats(allow_nan=False, width=32)


def one(logit: float, a: float = 1.0, b: float = 0.0) -> float:
    """Calibrate one logit of one label."""
    return float(Calibration([Platt(a, b)]).probabilities(np.array([[logit]], np.float32))[0, 0])


def test_each_label_has_its_own_scale_and_shift() -> None:
    """Columns don't mix: sigmoid(2 * 1 - 2) and sigmoid(0.5 * 4 + 0)."""
    both = Calibration([Platt(2.0, -2.0), Platt(0.5, 0.0)])
    scores = both.probabilities(np.array([[1.0, 4.0]], np.float32))
    np.testing.assert_allclose(scores, [[0.5, 0.880797]], rtol=1e-6)


@given(logits, st.floats(0.01, 100), st.floats(-100, 100))
def test_log_odds_of_a_probability_are_finite(logit: float, a: float, b: float) -> None:
    """Evidence is added in log-odds, so a model may be as sure as it likes and still not be infinite."""
    probability = one(logit, a, b)
    assert abs(np.log(probability / (1 - probability))) < MAX_LOGIT + 0.1


@given(logits, logits)
def test_the_order_of_two_texts_is_kept(first: float, second: float) -> None:
    """Calibration says how sure to be, not which of two is worse."""
    low, high = sorted((first, second))
    assert one(low) <= one(high)


def test_no_rows_stay_no_rows() -> None:
    """The shape of an empty batch survives."""
    empty = np.empty((0, 2), np.float32)
    assert Calibration([Platt(1, 0), Platt(1, 0)]).probabilities(empty).shape == (0, 2)
