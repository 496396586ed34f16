"""Says what doesn't make sense about a single rule, key by key, before it is made ready."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from rules.loading.condition_check import Doubt, condition_doubts, link_doubts
from rules.loading.lists import is_language
from rules.schema.labels import CARE_LABELS, is_label
from rules.schema.rule import WHOLE_MESSAGE, Rule, Status
from rules.verdict import Action

_ID = re.compile(r"[a-z0-9_.-]+/[a-z0-9_.-]+")
# What an allow rule can't say: it has no voice of its own.
_NOT_WITH_ALLOW = (
    "label", "strength", "weight", "terms", "list", "regex", "domains", "links", "against", "action",
    "at_most", "final", "mask", "strike", "message", "queue", "hit", "miss", "parts", "budget", "views",
)  # fmt: skip


def doubts(rule: Rule, written: Collection[str]) -> Iterator[Doubt]:
    """Yield everything that doesn't make sense about a rule, taken by itself; `written` are its keys."""
    if not _ID.fullmatch(rule.id):
        yield Doubt("id", f'"{rule.id}": write theme/name in small letters, digits, - and _')
    yield from _labels(rule)
    yield from _idle_keys(rule)
    yield from _allow(rule, written) if rule.allow or rule.spares else _voice(rule)
    yield from _final(rule)
    yield from _care(rule)
    yield from condition_doubts(rule)
    if rule.links is not None:
        yield from (Doubt("links", message) for message in link_doubts(rule.links))


def _labels(rule: Rule) -> Iterator[Doubt]:
    for key, labels in (("label", (rule.label,)), ("against", rule.against)):
        for label in labels:
            if label is not None and not is_label(label):
                yield Doubt(key, f'unknown label "{label}"; use a known one or custom.{label}')
    if rule.label and rule.against:
        yield Doubt("against", "a rule speaks for one label or against some; take label or against out")
    if rule.strength is not None and rule.weight is not None:
        yield Doubt("weight", "write strength or weight, not both")
    if rule.weight is not None and rule.weight <= 0:
        yield Doubt("weight", "must be above 0; evidence in somebody's favour has against:")
    if rule.against and rule.strength is None and rule.weight is None:
        yield Doubt("against", "needs a strength")


def _voice(rule: Rule) -> Iterator[Doubt]:
    weighed = rule.strength is not None or rule.weight is not None
    if weighed and not rule.labels:
        yield Doubt("strength" if rule.strength else "weight", "needs a label that it is evidence for")
    if rule.action is not None and not rule.speaks_for:
        yield Doubt("action", "needs a label that says what it is for")
    if rule.action is Action.ALLOW:
        yield Doubt("action", "allow is the least anyway; at_most: allow holds other rules back")
    if rule.at_most is Action.REMOVE:
        yield Doubt("at_most", "remove is the most anyway; take it out")
    if rule.action and rule.at_most and rule.action.rank > rule.at_most.rank:
        yield Doubt("at_most", f"is milder than the rule's own action: {rule.action}")
    if not (weighed or rule.action or rule.at_most or rule.tags or rule.queue or rule.mask):
        yield Doubt("id", "the rule does nothing; give it a strength, action, at_most, tags, queue or mask")
    if not rule.searches and not any(rule.conditions):
        yield Doubt("id", "the rule would fire on everything; give it terms, a list, … or conditions")
    if rule.status is Status.SHADOW and not rule.labels:
        yield Doubt("status", "in shadow a rule needs a label to report")
    if rule.strike is not None and rule.strike < 0:
        yield Doubt("strike", "must not be below 0")
    for key, tests in (("spared", rule.spared), ("kept", rule.kept)):
        if tests:
            yield Doubt(key, "is for rules with allow; others have hit and miss")


def _idle_keys(rule: Rule) -> Iterator[Doubt]:
    if rule.within is not None and not (rule.terms or rule.word_list):
        yield Doubt("within", "is for the parts of A & B terms; there are none")
    if rule.severity is not None and not rule.word_list:
        yield Doubt("severity", "is for lists; there is none")
    if rule.view != "plain" and not rule.regex:
        yield Doubt("view", "is for regex; there is none")
    if rule.views and not (rule.terms or rule.word_list):
        yield Doubt("views", "is for terms and lists; there are none")
    if rule.mask and not rule.searches:
        yield Doubt("mask", "there is nothing to star out; give it terms, a list, …")
    if rule.parts and not rule.searches:
        yield Doubt("parts", "there is nothing to be found in them; give it terms, a list, …")
    if rule.unknown and not any(rule.conditions):
        yield Doubt("unknown", "is for rules with conditions; there are none")
    if rule.copies and not rule.spares_whole:
        yield Doubt("copies", f"is for allow: {WHOLE_MESSAGE}")
    if rule.budget is not None and min(rule.budget.authors, rule.budget.within_s) <= 0:
        yield Doubt("budget", "authors and within must be above 0")
    if rule.budget is not None and not rule.allow and not (rule.action or rule.strength or rule.weight):
        yield Doubt("budget", "counts whom the rule holds or removes; it asks for neither")
    for language in rule.scope.languages:
        if not is_language(language):
            yield Doubt("scope", f'languages: write codes such as en, de or pt, not "{language}"')
    for language in rule.message:
        if not is_language(language):
            yield Doubt("message", f'write codes such as en, de or pt, not "{language}"')


def _allow(rule: Rule, written: Collection[str]) -> Iterator[Doubt]:
    if not rule.spares:
        yield Doubt("allow", "needs spares: the rules whose hits inside these terms don't count")
    if not rule.allow:
        yield Doubt("spares", "needs allow: the terms inside which hits don't count")
    if rule.status is Status.SHADOW:
        yield Doubt("status", "an allow rule is live or a draft; what it would spare can't be shown yet")
    if rule.spares_whole and len(rule.allow) > 1:
        yield Doubt("allow", f"{WHOLE_MESSAGE} stands alone; make the terms a rule of their own")
    if rule.spares_whole and not rule.copies:
        yield Doubt("allow", f"{WHOLE_MESSAGE} needs copies: the texts of which an exact copy is spared")
    for key in _NOT_WITH_ALLOW:
        if key in written:
            yield Doubt(key, "doesn't go with allow; make it a rule of its own")


def _final(rule: Rule) -> Iterator[Doubt]:
    if not rule.final:
        return
    if rule.action is None and not rule.spares:
        yield Doubt("final", "needs an action that nothing makes milder")
    if rule.at_most is not None:
        yield Doubt("at_most", "doesn't go with final")
    if rule.budget is not None:
        yield Doubt("budget", "doesn't go with final; no brake lowers it")
    if any(condition.author and condition.author.on_standing for condition in rule.conditions):
        yield Doubt("final", "doesn't go with conditions on standing (messages, trust, strikes)")
    if any(condition.model or condition.behaviour for condition in rule.conditions):
        yield Doubt("final", "doesn't go with conditions on the model or on behaviour")


def _care(rule: Rule) -> Iterator[Doubt]:
    label = rule.speaks_for
    if label not in CARE_LABELS:
        return
    if rule.action is not None and rule.action.strict:
        yield Doubt("action", f"{label} is about someone in need; flag is the most")
    if rule.strike:
        yield Doubt("strike", f"{label} is about someone in need; it never costs a strike")
