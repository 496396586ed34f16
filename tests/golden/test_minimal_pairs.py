"""Innocent words that are a letter, a mark or a border away from a listed one: none may be hit."""

import tomllib
import unicodedata
from functools import cache
from pathlib import Path

import pytest

from rules.ruleset import RuleSet
from tests.rule_folders import loaded, said

LANGUAGES = tomllib.loads((Path(__file__).parent / "minimal_pairs.toml").read_text())
PAIRS = {
    lang: [tuple(line.split(": ")) for line in told["pairs"].strip().split("\n")]
    for lang, told in LANGUAGES.items()
}
CASES = [(lang, bad, innocent) for lang, pairs in PAIRS.items() for bad, innocent in pairs]


@cache
def list_of(lang: str) -> RuleSet:
    """Return a rule set of one list, all bad halves of a language."""
    rule = "- {id: profanity/pairs, label: profanity, strength: weak, list: lists/pairs.txt}"
    return loaded(rule, pairs=f"# lang: {lang}\n" + "\n".join(bad for bad, _ in PAIRS[lang]) + "\n")


def hits(lang: str, text: str) -> list[str]:
    """Return what the list finds in a text."""
    found = list_of(lang).scan(said(text, lang=lang)).hits
    return [text[slice(*hit.span)] for hit in found if hit.span]


def test_there_are_twenty_pairs_of_each_language() -> None:
    """Each different from the others."""
    assert {lang: len(set(pairs)) for lang, pairs in PAIRS.items()} == dict.fromkeys(LANGUAGES, 20)
    assert set(LANGUAGES) == {"es", "pt", "de", "sv", "tr", "vi", "th", "hi", "ar", "zh", "ja"}


@pytest.mark.parametrize(("lang", "bad", "innocent"), CASES)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_innocent_half_is_not_hit(lang: str, bad: str, innocent: str, form: str) -> None:
    """In no sentence, whether its marks are typed with their letters or behind them."""
    for sentence in LANGUAGES[lang]["sentences"]:
        assert hits(lang, unicodedata.normalize(form, sentence.format(innocent))) == []


@pytest.mark.parametrize(("lang", "bad", "innocent"), CASES)
def test_the_listed_half_is(lang: str, bad: str, innocent: str) -> None:
    """As a word by itself, where the language has spaces or not."""
    assert bad in hits(lang, f"{bad}!")
