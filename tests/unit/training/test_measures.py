"""The figures that cards and bars are made of."""

import numpy as np
import pytest

from models.artifact import Maturity
from models.training.measures import auc, auc_interval, calibration_error, share_interval
from models.training.promises import earned, platts, thresholds
from models.training.rows import LABELS, Row
from models.training.scored import Scored
from models.training.source_known import source_known

TOXIC = LABELS.index("toxic")
# Four of five texts of one source are toxic, and one of five of the other.
SOURCES = [("fierce", 1)] * 80 + [("fierce", 0)] * 20 + [("mild", 1)] * 20 + [("mild", 0)] * 80


def scored(positives: list[float], negatives: list[float]) -> Scored:
    """Return rows that people called toxic or not, with these scores."""
    rows = [Row("", labels={"toxic": 1})] * len(positives) + [Row("", labels={"toxic": 0})] * len(negatives)
    scores = np.zeros((len(rows), len(LABELS)), np.float32)
    scores[:, TOXIC] = [*positives, *negatives]
    return Scored(rows, scores)


def test_the_area_counts_pairs_in_the_right_order() -> None:
    """Three of four pairs are; a tie is half a win."""
    truth = np.array([True, True, False, False])
    assert auc(truth, np.array([0.9, 0.4, 0.5, 0.1])) == 0.75
    assert auc(truth, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5


def test_an_area_of_one_kind_alone_is_none() -> None:
    """Rather than a half, which would pull a mean down."""
    assert np.isnan(auc(np.array([True]), np.array([0.5])))


def test_intervals_narrow_with_more_rows() -> None:
    """And hold the figure itself."""
    low, high = auc_interval(0.9, 20, 20)
    narrow_low, narrow_high = auc_interval(0.9, 2000, 2000)
    assert low < narrow_low < 0.9 < narrow_high < high


def test_no_hits_among_few_rows_promise_little() -> None:
    """Nothing in thirty may still be one in ten."""
    assert share_interval(0, 30)[1] > 0.1
    assert share_interval(0, 30_000)[1] < 0.001


def test_calibrated_scores_have_no_error() -> None:
    """Of texts scored 0.3, three in ten are positive."""
    truth = np.arange(3000) % 10 < 3
    assert calibration_error(truth, np.full(3000, 0.3)) == pytest.approx(0, abs=0.02)
    assert calibration_error(truth, np.full(3000, 0.8)) == pytest.approx(0.5, abs=0.02)


def test_calibration_makes_logits_mean_what_they_say() -> None:
    """Logits that are twice too sure are halved."""
    random = np.random.default_rng(7)
    logits = random.normal(size=8000) * 4
    rows = [
        Row("", labels={"toxic": int(u < 1 / (1 + np.exp(-x / 2)))})
        for x, u in zip(logits, random.random(8000), strict=True)
    ]
    columns = np.tile(logits[:, None], len(LABELS)).astype(np.float32)
    assert platts(columns, rows)["toxic"].a == pytest.approx(0.5, abs=0.05)


def test_a_threshold_is_promised_only_where_the_rows_support_it() -> None:
    """A hundred clean negatives don't show that one in a thousand is flagged; ten thousand do."""
    positives = [0.95] * 200
    assert 0.9 not in thresholds(scored(positives, [0.1] * 100)).get("toxic", {})
    assert thresholds(scored(positives, [0.1] * 20_000))["toxic"][0.9] <= 0.95


def test_a_stricter_promise_never_asks_for_less() -> None:
    """Probabilities rise with the precision they promise."""
    random = np.random.default_rng(7)
    found = scored(list(random.beta(6, 2, 2000)), list(random.beta(1, 12, 40_000)))
    levels = thresholds(found)["toxic"]
    assert list(levels.values()) == [levels[promise] for promise in sorted(levels)] == sorted(levels.values())


def test_the_source_alone_may_look_like_knowledge() -> None:
    """Here scores tell two sources apart and nothing within them; known sources would add nothing."""
    rows = [Row("", labels={"toxic": label}, source=source) for source, label in SOURCES]
    scores = np.full((len(rows), len(LABELS)), 0.2, np.float32)
    scores[[row.source == "fierce" for row in rows], TOXIC] = 0.8
    ((label, area, alone, within, known, across),) = source_known(Scored(rows, scores)).rows
    assert label == "toxic"
    assert area == alone == known == pytest.approx(0.8)
    assert within == 0.5
    assert across == pytest.approx(0.68)


def test_scores_that_tell_within_sources_gain_by_knowing_which_it_is() -> None:
    """The same score means more in a source where more is positive."""
    rows = [Row("", labels={"toxic": label}, source=source) for source, label in SOURCES]
    scores = np.full((len(rows), len(LABELS)), 0.3, np.float32)
    scores[[row.source == "mild" for row in rows], TOXIC] += 0.3
    scores[[row.labels["toxic"] == 1 for row in rows], TOXIC] += 0.1
    ((_, area, _, within, known, _),) = source_known(Scored(rows, scores)).rows
    assert within == 1.0
    assert area < known


def test_maturity_is_earned_on_sources_left_out() -> None:
    """Three good sources make a label automatic, two fair ones assist, none experimental."""
    areas = {"spam": {"a": 0.95, "b": 0.92, "c": 0.91}, "toxic": {"a": 0.8, "b": 0.78}, "hate": {"a": 0.99}}
    maturity = earned(areas)
    assert maturity["spam"] is Maturity.AUTOMATIC
    assert maturity["toxic"] is Maturity.ASSIST
    assert maturity["hate"] is maturity["terrorism"] is Maturity.EXPERIMENTAL
