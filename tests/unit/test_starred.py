"""Letters behind stars: filled in from words that the model knows, and left alone elsewhere."""

import pytest

from models.starred import Starred

WORDS = [
    "more", "shit", "stupid", "kill", "retard", "muie", "where", "whore", "loathe", "causa",
    "astazi", "refuse", "сука", "chết",
]  # fmt: skip


@pytest.fixture(scope="module")
def starred() -> Starred:
    return Starred(WORDS)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("st*pid", "stupid"),
        ("you St#p_d!", "you stupid!"),
        ("s**t happens", "shit happens"),
        ("ret-rd", "retard"),
        ("с*ка", "сука"),
        ("k*ll, k*ll", "kill, kill"),
    ],
)
def test_a_word_with_a_letter_hidden_is_read_whole(starred: Starred, typed: str, read: str) -> None:
    """Whichever sign stands for it, and whatever stands beside the word."""
    assert starred.filled(typed) == read


def test_the_likeliest_word_that_fits_is_taken(starred: Starred) -> None:
    """A coarse word has no precedence over a harmless one: "wh*re" is "where" where that is said more."""
    assert starred.filled("m**e wh*re") == "more where"


@pytest.mark.parametrize(
    "typed",
    [
        "T_T", "k.ll", "st.pid", "lo.the", "C-USA", "asta-i", "re-use", "i.e. shit.", "c**t", "*shit*",
        "st*pid_name", "st*pid.com", "@st*pid", "#st*pid", "2*3", "", "stupid", "k*x*l", "a*b*c*d*e",
    ],
)  # fmt: skip
def test_other_signs_are_left_as_they_are(starred: Starred, typed: str) -> None:
    """Faces, clitics, abbreviations, compounds, emphasis, names and hosts hold signs of their own."""
    assert starred.filled(typed) == typed


def test_a_text_of_stars_takes_no_longer_than_others(starred: Starred) -> None:
    """Only so many words are looked up; what is behind them stays."""
    assert starred.filled("st*pid " * 1000).count("*") == 1000 - 64
