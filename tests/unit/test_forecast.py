"""A forecast says what a rule would hit besides what it is written for, before it hits somebody."""

import sys

import pytest

from rules.errors import RuleError
from rules.forecast import Vocabulary, Word, costs, in_traffic, in_vocabulary
from rules.vocabularies import vocabularies
from tests.rule_folders import loaded, said

RULES = loaded("""
- {id: profanity/infix, label: profanity, strength: medium, terms: ["*cock*", arse]}
- {id: profanity/shadow, label: profanity, strength: medium, terms: [willy], status: shadow}
- {id: profanity/pair, label: profanity, strength: medium, all: [{rule: profanity/infix}]}
- {id: game/plea, against: profanity, strength: weak, terms: [peacock]}
- {id: allow/towns, allow: [cockermouth], spares: [profanity/*]}
""")
ENGLISH = Vocabulary(
    "en words", "en", [Word("peacock", 0.001), Word("cocktail", 0.01), Word("arse", 0.1), Word("hello", 0.1)]
)


def test_words_that_hold_a_term_are_told_from_the_term_itself() -> None:
    """The first are mistakes, the second is what the rule is for; the share is that of messages."""
    (infix,) = in_vocabulary(RULES, ENGLISH)
    assert (infix.rule, infix.number, infix.meant, infix.of) == ("profanity/infix", 2, 1, 4)
    assert infix.examples == ("cocktail", "peacock")
    assert infix.share == pytest.approx(0.0842, abs=0.001)


def test_a_name_or_a_place_is_never_what_a_rule_is_for() -> None:
    """Also where it is a term, letter by letter; what is allowed is left out."""
    names = Vocabulary("en names", "en", [Word("Willy"), Word("Hancock"), Word("Cockermouth"), Word("Ann")])
    found = {one.rule: one.examples for one in in_vocabulary(RULES, names)}
    assert found == {"profanity/infix": ("Hancock",), "profanity/shadow": ("Willy",)}


def test_a_sample_of_traffic_says_what_would_be_hit_and_how_often() -> None:
    """Shares are those of messages, and scopes count."""
    found = in_traffic(RULES, [said("a peacock"), said("nice cocktail"), said("hello"), said("hello again")])
    assert [(one.rule, one.number, one.share) for one in found] == [
        ("profanity/infix", 2, 0.5), ("profanity/pair", 2, 0.5),
    ]  # fmt: skip
    assert found[0].examples == ("cock",)


def test_each_rule_has_a_cost() -> None:
    """Microseconds a message, with what it looks for."""
    found = {cost.rule: cost for cost in costs(RULES, ["hello there, peacock"] * 5, rounds=1)}
    assert found.keys() == RULES.armed.keys()
    assert (found["profanity/infix"].terms, found["profanity/infix"].patterns) == (2, 0)
    assert all(cost.micros >= 0 for cost in found.values())


def test_without_the_packages_one_line_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are large, and nothing but a forecast needs them."""
    monkeypatch.setitem(sys.modules, "wordfreq", None)
    with pytest.raises(RuleError, match=r"wordfreq: pip install -r requirements/check\.txt"):
        next(vocabularies(["en"]))


def test_with_them_there_are_words_names_and_places_of_a_language() -> None:
    """The words with how frequent they are."""
    pytest.importorskip("wordfreq")
    pytest.importorskip("faker")
    found = {vocabulary.name: vocabulary for vocabulary in vocabularies(["de"])}
    assert found.keys() == {"de words", "de names", "de places"}
    words = {word.text: word.share for word in found["de words"].words}
    assert words["und"] > words["fahrrad"] > 0
    assert Word("Hannah") in found["de names"].words
