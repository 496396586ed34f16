"""What a classifier promises of its scores, on a network trained for these tests."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import Classifier
from models.network import MOST_CELLS
from models.ngrams import words_of

SPAM, THREAT = 0, 1
FRIENDLY = "the weather here is lovely and the bread smells great "
MEAN = "i will find you and you will be sorry"
MIXED = [FRIENDLY * repeats + MEAN * threats for repeats in range(12) for threats in range(3)]


def in_batches(classifier: Classifier, texts: Sequence[str], cuts: set[int]) -> NDArray[np.float32]:
    """Score texts in batches that end at `cuts`."""
    ends = [0, *sorted(cuts), len(texts)]
    return np.concatenate([classifier.score(texts[a:b]) for a, b in pairwise(ends)])


def test_scores_are_probabilities_for_each_text_and_label(classifier: Classifier) -> None:
    """One row a text, one column a label, and never quite 0 or 1, so that log-odds stay finite."""
    scores = classifier.score(["free coins", "", "hello " * 500])
    assert scores.shape == (3, len(classifier.labels))
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()


def test_no_texts_give_no_rows(classifier: Classifier) -> None:
    """An empty batch is answered without asking the network."""
    assert classifier.score([]).shape == (0, len(classifier.labels))


def test_what_was_learned_is_found_again(classifier: Classifier) -> None:
    """Each label's own sentence scores above both others: columns and rows are in order."""
    spam, threat, harmless = classifier.score(["click for free coins now", MEAN, FRIENDLY])
    assert spam[SPAM] > max(threat[SPAM], harmless[SPAM])
    assert threat[THREAT] > max(spam[THREAT], harmless[THREAT])


@given(st.sets(st.integers(1, len(MIXED) - 1)))
@settings(deadline=None, max_examples=40)
def test_a_text_scores_the_same_however_a_batch_is_cut(classifier: Classifier, cuts: set[int]) -> None:
    """Neighbours, their lengths and their number don't reach into a score."""
    alone = np.concatenate([classifier.score([text]) for text in MIXED])
    np.testing.assert_allclose(in_batches(classifier, MIXED, cuts), alone, atol=1e-5)


@given(st.permutations(range(len(MIXED))))
@settings(deadline=None, max_examples=40)
def test_rows_follow_the_order_of_the_texts(classifier: Classifier, order: list[int]) -> None:
    """Texts are grouped by length inside; nothing of that is seen outside."""
    shuffled = classifier.score([MIXED[index] for index in order])
    np.testing.assert_allclose(shuffled, classifier.score(MIXED)[order], atol=1e-5)


@given(st.lists(st.text(st.characters(codec=None)), max_size=5))
@example(["lone \ud83d surrogate", "NUL \0 inside", " \t\n", "привет 你好 🙂"])
@settings(deadline=None, max_examples=60)
def test_any_text_has_a_score(classifier: Classifier, texts: list[str]) -> None:
    """Lone surrogates, NUL and scripts that were never trained on are scored, not refused."""
    assert classifier.score(texts).shape == (len(texts), 2)


@pytest.mark.parametrize(("before", "after"), [(0, 12), (6, 6), (12, 0)])
def test_a_threat_is_found_at_beginning_middle_and_end(
    classifier: Classifier, before: int, after: int
) -> None:
    """Three parts of a long text are read, and the worst of them counts."""
    padded = FRIENDLY * before + MEAN + " " + FRIENDLY * after
    found, friendly = classifier.score([padded, FRIENDLY * 12])[:, THREAT]
    assert found > 2 * friendly


def test_the_three_parts_alone_give_the_score_of_a_long_text(classifier: Classifier) -> None:
    """The highest of the parts for each label, not their mean."""
    pieces, words = classifier._tokenizer.pieces([FRIENDLY * 9 + MEAN])[0], words_of(FRIENDLY * 9 + MEAN)
    starts = [0, (len(pieces) - 24) // 2, len(pieces) - 24]
    share = len(words) / len(pieces)
    said = [words[int(start * share) : math.ceil((start + 24) * share)] for start in starts]
    logits = classifier._network.logits([pieces[start : start + 24] for start in starts])
    expected = classifier._calibration.probabilities((logits + classifier._ngrams.logits(said)).max(axis=0))
    np.testing.assert_allclose(classifier.score([FRIENDLY * 9 + MEAN])[0], expected, atol=1e-6)


def test_a_book_is_read_at_its_ends_too(classifier: Classifier) -> None:
    """Past 20,000 code points not everything is cut into pieces, and the last words still count."""
    book = FRIENDLY * 2000
    ends, friendly = classifier.score([book + MEAN, book])[:, THREAT]
    assert ends > 2 * friendly


def test_a_large_batch_scores_like_small_ones(classifier: Classifier) -> None:
    """More rows than may go through the graph at once are cut into groups of bounded size."""
    many = MIXED * 80
    assert len(many) * 8 > MOST_CELLS
    np.testing.assert_allclose(classifier.score(many), np.tile(classifier.score(MIXED), (80, 1)), atol=1e-5)


def test_threads_may_share_a_classifier(classifier: Classifier) -> None:
    """The worker scores off the event loop; two batches may overlap."""
    alone = classifier.score(MIXED)
    with ThreadPoolExecutor(4) as pool:
        for scores in pool.map(classifier.score, [MIXED] * 16):
            np.testing.assert_allclose(scores, alone, atol=1e-5)
