"""Forms of listed words are found, and no innocent word that looks like one."""

import tomllib
from functools import cache
from pathlib import Path

import pytest

from rules.ruleset import RuleSet
from tests.rule_folders import loaded, said

TOLD = {
    lang: {kind: words.split() for kind, words in told.items()}
    for lang, told in tomllib.loads((Path(__file__).parent / "inflected.toml").read_text()).items()
}


@cache
def list_of(lang: str, strength: str) -> RuleSet:
    """Return a rule set of one list, all words of a language."""
    header = f"# lang: {lang}\n# inflect: true\n"
    rule = f"- {{id: profanity/forms, label: profanity, strength: {strength}, list: lists/forms.txt}}"
    return loaded(rule, forms=header + "\n".join(TOLD[lang]["words"]) + "\n")


def hits(lang: str, text: str, strength: str = "weak") -> list[str]:
    """Return what the list finds in a text."""
    found = list_of(lang, strength).scan(said(text, lang=lang)).hits
    return [text[slice(*hit.span)] for hit in found if hit.span]


def cases(kind: str) -> list[tuple[str, str]]:
    """Return every word of this kind with its language."""
    return [(lang, word) for lang, told in TOLD.items() for word in told[kind]]


def test_there_are_ten_of_each_kind() -> None:
    """In each language."""
    assert {(len(set(words)), kind) for told in TOLD.values() for kind, words in told.items()} == {
        (10, "words"),
        (10, "forms"),
        (10, "innocent"),
    }
    assert set(TOLD) == {"tr", "ru", "ar", "ko", "fi", "de", "es"}


@pytest.mark.parametrize(("lang", "word"), cases("forms"))
def test_a_form_of_a_listed_word_is_found_as_a_whole(lang: str, word: str) -> None:
    """With its endings, alone and among others."""
    assert hits(lang, word) == [word]
    assert hits(lang, word, "strong") == [word]
    assert hits(lang, f"1, {word.upper() if lang != 'tr' else word}! 2")


@pytest.mark.parametrize(("lang", "word"), cases("words"))
def test_a_listed_word_is_found_as_it_is(lang: str, word: str) -> None:
    """Once."""
    assert hits(lang, f"{word}, {word}") == [word, word]


@pytest.mark.parametrize(("lang", "word"), cases("innocent"))
def test_an_innocent_word_that_looks_like_one_is_not(lang: str, word: str) -> None:
    """Whatever stands in it."""
    assert hits(lang, f"{word} {word}.") == []


def test_without_the_header_a_word_is_found_as_it_is_listed() -> None:
    """Lists that name their forms themselves go on as before."""
    rule = "- {id: profanity/forms, label: profanity, strength: weak, list: lists/forms.txt}"
    rules = loaded(rule, forms="# lang: tr\nsalak\n")
    assert len(rules.scan(said("salak salaklar", lang="tr")).hits) == 1
