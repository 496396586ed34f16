"""Which words moved a model, on a network trained for these tests."""

import pytest

from models import Classifier, words_that_moved

TEXT = "my cat sleeps while I win free coins"


def test_the_words_that_advertise_come_first(classifier: Classifier) -> None:
    """Strongest first: what the score loses most without."""
    moved = words_that_moved(classifier, TEXT, "spam")
    assert moved[0].weight > 0
    assert {moved[0].word, moved[1].word} & {"free", "coins", "win"}


def test_spans_point_into_the_text_that_was_scored(classifier: Classifier) -> None:
    """A word that stands there twice is told apart by its place."""
    twice = "free as a bird, free as a song"
    for each in words_that_moved(classifier, twice, "spam"):
        first, last = each.span
        assert twice[first:last] == each.word


def test_a_text_without_words_has_none_to_show(classifier: Classifier) -> None:
    """Nothing can be left out of nothing."""
    assert words_that_moved(classifier, "  ", "spam") == []


def test_a_label_that_the_model_does_not_know_is_an_error(classifier: Classifier) -> None:
    """Rather than an empty answer, which would read as "no word mattered"."""
    with pytest.raises(ValueError, match="index"):
        words_that_moved(classifier, TEXT, "contraband")
