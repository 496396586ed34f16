"""What is known to evade: disguises that no view undoes, each with an example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rules.message import Author, Message
from rules.ruleset import RuleSet


class Gap(NamedTuple):
    """A disguise, a text in it, and what a moderator can do about it."""

    disguise: str
    example: str
    instead: str


GAPS = (
    Gap("letters turned round, left out or written twice", "fcuk you", "list the spelling"),
    Gap("the word from behind", "kcuf you", "list the spelling"),
    Gap("letters that sound alike", "you byatch", "list the spelling"),
    Gap("a digit or sign for a letter that it doesn't look like", "f4ck you", "list the spelling"),
    Gap("a letter of another script that Unicode calls no look-alike", "fцck you", "list the spelling"),
    Gap("a word of another script alone, which it honestly may be", "ѕһіт", "list the spelling"),
    Gap("accents that nobody writes", "fúck you", "`views: [unaccented]`"),
    Gap("a word in halves, with a mere space between them", "fu ck you", "list it as a phrase"),
    Gap("a word that begins with @, which is a mention", "you @sshole", "list the spelling"),
    Gap("some letters starred and the others apart", "you b * t c h", "–"),
    Gap("two words written as one", "sendnudes", "list it without the space"),
    Gap("more letters starred than left, or the first or the last one", "f*** you", "–"),
    Gap("a hyphen for a consonant beside a vowel, deep inside a word", "motherfu-ker", "list the spelling"),
    Gap("letters made of several signs", "you /-\\sshole", "list the spelling"),
)


def table(rules: RuleSet) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| disguise | example | found | instead |"
    yield "|---|---|---|---|"
    for gap in GAPS:
        found = "yes, by now" if is_found(rules, gap) else "no"
        yield f"| {gap.disguise} | {gap.example} | {found} | {gap.instead} |"


def is_found(rules: RuleSet, gap: Gap) -> bool:
    """Return whether a rule finds anything in the example."""
    message = Message("gap", Author("somebody"), gap.example, lang="en")
    return bool(rules.scan(message).hits)
