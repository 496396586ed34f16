"""Slips of the keyboard: undone in words that the model knows well, and nowhere else."""

import pytest

from models.slips import MENDED, Slips

WORDS = ["that", "what", "does", "idiot", "idiots", "stupid", "worker", "nigger", "nigeria", "дурак", "rats"]


@pytest.fixture(scope="module")
def slips() -> Slips:
    return Slips(WORDS)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("you stpuid one", "you stupid one"),
        ("stuupid", "stupid"),
        ("stuid", "stupid"),
        ("taht ddoes", "that does"),
        ("дурка", "дурак"),
    ],
)
def test_a_slip_in_a_word_is_undone(slips: Slips, typed: str, read: str) -> None:
    """Two letters swapped, one typed twice, one missing."""
    assert slips.mended(typed) == read


@pytest.mark.parametrize(
    "typed",
    [
        "niger",
        "Stpuid",
        "idiot",
        "idit",
        "arts",
        "stupi",
        "stpuid!",
        "@stpuid",
        "",
        " stupid  that\n",
        "whta-ever",
    ],
)
def test_other_words_are_left_as_they_are(slips: Slips, typed: str) -> None:
    """Countries, names, short words with a letter less, words with signs beside them, and space as it is."""
    assert slips.mended(typed) == typed


def test_what_is_a_word_is_no_slip_of_another() -> None:
    """However much likelier the other is."""
    assert Slips(["where", "idiots", "idoits"]).mended("idoits") == "idoits"


def test_words_that_are_rare_are_not_mended() -> None:
    """Of them, slips are more often words that the pieces don't know."""
    many = [
        f"{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}{'uvwxyzabcd'[n // 100 % 10]}{'qrst'[n // 1000]}"
        for n in range(MENDED)
    ]
    assert Slips([*many, "stupid"]).mended("stpuid") == "stpuid"
