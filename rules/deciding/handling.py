"""What follows from what was settled: the strike, the queue, what is starred out."""

from __future__ import annotations

from collections.abc import Iterable

from rules.deciding.case import Case
from rules.finding.evidence import Span
from rules.message import CREATED, EntityType, Message
from rules.verdict import ALLOW, Action, Hit


def strike_of(case: Case) -> float:
    """Return what this costs the author: nothing for care, for what was quoted, for bots and relays."""
    acted = case.acted
    if acted is None or case.care or not moves_standing(case.message):
        return 0.0
    if _only_quoted(case.message, acted.hits):
        return 0.0
    usual = case.policy.reputation.strikes.get(case.settled.action, 0.0)
    own = case.source.strike if case.source else None
    if own is None:
        return usual
    # Only the action that is taken counts, so a rule's own strike goes with the rule's own action.
    return own if case.settled.action is acted.action else min(own, usual)


def is_good(message: Message, action: Action) -> bool:
    """Return whether the message counts as a good one."""
    return action is ALLOW and message.kind is CREATED and moves_standing(message)


def moves_standing(message: Message) -> bool:
    """Return whether the message says something about its author: a bot's and a relay's don't."""
    author = message.author
    return author is not None and not author.bot and not author.relay


def queue_of(case: Case) -> str | None:
    """Return where a human should see it: care first, then what the rules say, then the label's policy."""
    asked = case.care or case.acted
    by_policy = case.scale.labels.of(asked.label).queue if asked else None
    if case.care:
        own = case.care.rule.rule.queue if case.care.rule else None
        return own or by_policy
    own = case.source.queue if case.source else None
    return own or next((rule.queue for rule in case.rules() if rule.queue), by_policy)


def priority_of(case: Case) -> str | None:
    """Return how soon: what the deciding rule says, else another that fired, else the label's policy."""
    asked = case.care or case.acted
    by_policy = case.scale.labels.of(asked.label).priority if asked else None
    own = case.source.priority if case.source else None
    return own or next((rule.priority for rule in case.rules() if rule.priority), by_policy)


def mask_of(case: Case) -> tuple[Span, ...]:
    """Return the spans to star out, ascending; those that touch are one."""
    masking = {rule.id for rule in case.rules() if rule.mask} - case.unmasked
    merged: list[Span] = []
    for start, end in sorted({hit.span for hit in case.hits() if hit.span and hit.rule in masking}):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _only_quoted(message: Message, hits: Iterable[Hit]) -> bool:
    quotes = [entity.span for entity in message.entities if entity.type is EntityType.QUOTE]
    spans = [hit.span for hit in hits]
    return bool(quotes and spans) and all(span is not None and _inside(span, quotes) for span in spans)


def _inside(span: Span, outer: Iterable[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in outer)
