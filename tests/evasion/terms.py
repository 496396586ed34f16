"""How many terms of the shipped lists are still found after each attack."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from rules.finding.keywords import Found, KeywordIndex, Term
from rules.fold import Folded, fold
from rules.ruleset import RuleSet
from tests.evasion.attacks import ATTACKS, FROM_LETTERS, WITHOUT_GAPS, Attack

SENTENCES = ("yesterday {} was all they wrote", "and then: {}, again", "{} they said")
SEED = 4


class Row(NamedTuple):
    """An attack, how many terms were tried, and how many of them were still found."""

    attack: str
    tried: int
    kept: int

    @property
    def retained(self) -> float:
        return self.kept / max(1, self.tried)


def table(rules: RuleSet, each: int) -> Iterator[str]:
    """Yield the lines of the table; every `each`-th term is tried."""
    yield "| attack | strength | terms | retained |"
    yield "|---|---|---:|---:|"
    for row in measured(rules, each):
        yield f"| {row.attack} | {ATTACKS[row.attack][0]} | {row.tried} | {row.retained:.1%} |"


def measured(rules: RuleSet, each: int) -> Iterator[Row]:
    """Yield the rows of the table."""
    searches = [parts for armed in rules.armed.values() for parts in armed.terms if parts.single]
    terms = sorted({part for parts in searches for part in parts.together})
    # Every term by itself, so that a hit of another term doesn't count for it.
    index = KeywordIndex.build(Term(term, number) for number, term in enumerate(terms))
    for name, (_, attack) in ATTACKS.items():
        rng = random.Random(SEED)
        tried = kept = 0
        for number, term in list(enumerate(terms))[::each]:
            plain = fold(term.strip("*").replace("\\*", "*")).text
            if sum(map(str.isalpha, plain)) < FROM_LETTERS or any(one in "*&~" for one in plain):
                continue
            frame = rng.choice(SENTENCES)
            attacked = _attacked(name, attack, plain, rng)
            if attacked == plain or not _finds(index, number, frame.format(plain), rules):
                continue
            tried += 1
            kept += _finds(index, number, frame.format(attacked), rules)
        yield Row(name, tried, kept)


def found(index: KeywordIndex, folded: Folded, rules: RuleSet) -> list[Found]:
    """Return what is found in any view."""
    signs = rules._patterns.sift(folded)[1]
    return [*index.find(folded), *(index.find_disguised(folded, signs) if signs else ())]


def _attacked(name: str, attack: Attack, plain: str, rng: random.Random) -> str:
    if name == "upside-down" and " " in plain:
        return plain
    if name in WITHOUT_GAPS:
        return attack(plain.replace(" ", ""), rng)
    return " ".join(attack(word, rng) for word in plain.split(" "))


def _finds(index: KeywordIndex, number: int, text: str, rules: RuleSet) -> bool:
    return any(each.owner == number for each in found(index, fold(text), rules))
