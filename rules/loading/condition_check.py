"""Says what doesn't make sense about a rule's conditions, each taken by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rules.finding.asked import LONGEST_S
from rules.finding.behaviour import MOST_NEW
from rules.finding.likeness import MOST_ALIKE
from rules.finding.trail import MOST
from rules.loading.lists import is_language
from rules.schema.conditions import (
    BEHAVIOUR_COUNTS,
    AtLeast,
    AuthorCondition,
    Behaviour,
    Condition,
    EmojiCondition,
    LinkCondition,
    ModelBound,
)
from rules.schema.rule import Rule
from rules.schema.values import Bound
from rules.verdict import MODEL_LABELS


class Doubt(NamedTuple):
    """What doesn't make sense, and the key that it should be shown at; a line where the key has many."""

    key: str
    message: str
    line: int = 0


def condition_doubts(rule: Rule) -> Iterator[Doubt]:
    """Yield what doesn't make sense about each condition of a rule, those inside others included."""
    at_least = rule.at_least.of if rule.at_least else ()
    keyed = (("all", rule.all_of), ("any", rule.any_of), ("none", rule.none_of), ("at_least", at_least))
    for key, conditions in keyed:
        for condition in (one for outer in conditions for one in outer.walk()):
            yield from (Doubt(key, message, condition.line) for message in _condition(condition))
    for key in ("author", "behaviour"):
        yield from (Doubt(key, message) for message in _part(getattr(rule, key)))
    yield from (Doubt("model", message) for message in _model(rule.model))
    if rule.at_least is not None:
        yield from (Doubt("at_least", message) for message in _at_least(rule.at_least))
    if rule.unknown and any(one.behaviour for one in rule.conditions):
        yield Doubt("unknown", "doesn't go with behaviour: without a store the rule would fire on everybody")


def link_doubts(links: LinkCondition) -> Iterator[str]:
    """Yield what doesn't make sense about a condition on links."""
    if links.only and links.elsewhere:
        yield "write either except or only"
    if links == LinkCondition():
        yield "is empty; write either except or only, or like, kind or count"


def _condition(condition: Condition) -> Iterator[str]:
    if condition.is_empty:
        yield "the condition is empty; write what must hold"
    for key in ("author", "behaviour", "emoji", "links"):
        yield from (f"{key}: {message}" for message in _part(getattr(condition, key)))
    yield from (f"model: {message}" for message in _model(condition.model))
    for language in condition.language:
        if not is_language(language):
            yield f'language: write codes such as en, de or pt, not "{language}"'
    if condition.at_least is not None:
        yield from (f"at_least: {message}" for message in _at_least(condition.at_least))


def _part(asked: object) -> Iterator[str]:
    match asked:
        case AuthorCondition() if asked == AuthorCondition():
            yield "is empty; write messages, age, roles, trust or strikes"
        case Behaviour():
            yield from _behaviour(asked)
        case EmojiCondition() if asked == EmojiCondition():
            yield "is empty; write count or share"
        case LinkCondition():
            yield from link_doubts(asked)


def _model(asked: dict[str, ModelBound]) -> Iterator[str]:
    for label, bound in asked.items():
        if label not in MODEL_LABELS:
            yield f'the model knows no label "{label}"; it has {", ".join(MODEL_LABELS)}'
        if (bound.precision is None) == (bound.bound is None):
            yield f'{label}: write a probability such as "> 0.8", or precision'
        if bound.precision is not None and not 0.5 <= bound.precision < 1:
            yield f"{label}.precision: write a share from 0.5 to below 1, such as 0.95"


def _behaviour(asked: Behaviour) -> Iterator[str]:
    counts = list(asked.bounds())
    if asked.within is None or not counts:
        yield f"write {', '.join(BEHAVIOUR_COUNTS[:-1])} or {BEHAVIOUR_COUNTS[-1]}, and within"
    elif not 0 < asked.within <= LONGEST_S:
        yield f"within: looks back {LONGEST_S / 3600:g}h at most; write a time of more than 0s up to that"
    for key, bound in counts:
        most = _MOST.get(key, MOST)
        if bound.sign not in (">", ">="):
            yield f'{key}: counts what is too much; write "> {bound.limit:g}"'
        elif not 1 <= bound.limit < most:
            yield f"{key}: {most} messages are looked back at; write a number from 1 to {most - 1}"
        elif key in _MET_ALONE and bound == Bound(">=", 1):
            yield f'{key}: ">= 1" is met by this message alone; write ">= 2" or more'


_MOST = {"alike": MOST_ALIKE, "newcomers": MOST_NEW}
# Of these each message is one, or its author is; a link it needn't have.
_MET_ALONE = ("messages", "same_text", "channels", "alike", "newcomers")


def _at_least(asked: AtLeast) -> Iterator[str]:
    if not 1 < asked.count < len(asked.of):
        yield (
            f"{asked.count} of {len(asked.of)} conditions; one of them is any, each of them is all, "
            "between them is at_least"
        )
