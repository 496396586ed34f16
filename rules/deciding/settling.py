"""Settles what to do: everything that asks for an action, the strictest of it, and what lowers it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from rules.deciding.scoring import Scored
from rules.finding.armed import Armed
from rules.schema.labels import LabelPolicies
from rules.verdict import Action, Hit


class Candidate(NamedTuple):
    """Something that asks for an action.

    Attributes:
        name: The ladder step ("ladder:scam:remove") or the rule.
        rule: The rule behind it, also of a ladder step; None where no rule is.
        cause: The name of that rule, or "model:<label>".
        of_rule: The rule itself asks, not a ladder.
        final: Nothing lowers it.
        care: It is about someone in need.
        hits: The evidence behind it.
        most: What a switch leaves of it at most.
        switch: Which one; None where none does.
    """

    action: Action
    name: str
    label: str
    score: float
    rule: Armed | None
    cause: str
    of_rule: bool
    final: bool
    care: bool
    hits: tuple[Hit, ...]
    most: Action = Action.REMOVE
    switch: str | None = None

    def lowered(self, most: Action, switch: str) -> Candidate:
        """Return the same, held back by a switch unless another holds it back as far."""
        return self._replace(most=most, switch=switch) if most.rank < self.most.rank else self


class Settled(NamedTuple):
    """What was settled.

    Attributes:
        winner: What the action is taken from; None where nothing asked for one.
        would_be: The action that was held back, if one was.
        lowered_by: What held it back.
        strict_causes: Causes of the holds and removals that a brake counts.
    """

    action: Action
    winner: Candidate | None
    would_be: Action | None = None
    lowered_by: tuple[str, ...] = ()
    strict_causes: tuple[str, ...] = ()


NOTHING = Settled(Action.ALLOW, None)


def candidates(
    scored: Iterable[Scored],
    fired: Mapping[str, list[Hit]],
    rules: Mapping[str, Armed],
    labels: LabelPolicies,
) -> Iterator[Candidate]:
    """Yield what asks for an action: ladder steps that were reached, rules that fired with one."""
    scores = {}
    for one in scored:
        scores[one.label] = one.score
        if one.step is not None:
            yield _of_ladder(one, one.step[1], rules)
    for name, hits in fired.items():
        rule = rules[name].rule
        label = rule.speaks_for
        if rule.action is not None and label is not None:
            yield _of_rule(rules[name], rule.action, label, scores.get(label, 0.0), hits, labels)


def settle(asked: Collection[Candidate], fired: Iterable[Armed], braked: Collection[str]) -> Settled:
    """Return the strictest action that is left when brakes and exemptions have lowered what they may.

    Of equally strict ones a final rule goes before other rules, these before ladders, and
    then the higher score.
    """
    if not asked:
        return NOTHING
    cap = min((one for one in fired if one.rule.at_most), key=_mildest, default=None)
    foremost = max(asked, key=_precedence)
    winner = max(asked, key=lambda one: (_lowered(one, cap, braked).rank, *_precedence(one)))
    action = _lowered(winner, cap, braked)
    strict = (one for one in asked if not one.final and one.most.strict and _capped(one.action, cap).strict)
    return Settled(
        action,
        winner,
        foremost.action if foremost.action.rank > action.rank else None,
        tuple(dict.fromkeys(_lowering(asked, action, cap, braked))),
        tuple(dict.fromkeys(one.cause for one in strict)),
    )


def _of_ladder(scored: Scored, action: Action, rules: Mapping[str, Armed]) -> Candidate:
    hits = tuple(hit for hit in scored.evidence.counted if hit.weight > 0) if scored.evidence else ()
    rule = rules[hits[0].rule] if hits else None
    return Candidate(
        action=_careful(action, scored.policy.care),
        name=f"ladder:{scored.label}:{action}",
        label=scored.label,
        score=scored.score,
        rule=rule,
        cause=rule.id if rule else f"model:{scored.label}",
        of_rule=False,
        final=False,
        care=scored.policy.care,
        hits=hits,
    )


def _of_rule(
    armed: Armed, action: Action, label: str, score: float, hits: Iterable[Hit], labels: LabelPolicies
) -> Candidate:
    care = labels.of(label).care
    return Candidate(
        action=_careful(action, care),
        name=armed.id,
        label=label,
        score=score,
        rule=armed,
        cause=armed.id,
        of_rule=True,
        final=armed.final,
        care=care,
        hits=tuple(hits),
    )


def _careful(action: Action, care: bool) -> Action:
    return Action.FLAG if care and action.strict else action


def _precedence(one: Candidate) -> tuple[int, bool, bool, float, str]:
    return one.action.rank, one.final, one.of_rule, one.score, one.name


def _mildest(armed: Armed) -> tuple[int, str]:
    return (armed.rule.at_most or Action.REMOVE).rank, armed.id


def _lowered(one: Candidate, cap: Armed | None, braked: Collection[str]) -> Action:
    action = one.action if one.final else _capped(_braked(one, braked), cap)
    return one.most if one.most.rank < action.rank else action


def _braked(one: Candidate, braked: Collection[str]) -> Action:
    return one.action.milder if one.action.strict and one.cause in braked else one.action


def _capped(action: Action, cap: Armed | None) -> Action:
    most = cap.rule.at_most if cap else None
    return most if most is not None and action.rank > most.rank else action


def _lowering(
    asked: Iterable[Candidate], action: Action, cap: Armed | None, braked: Collection[str]
) -> Iterator[str]:
    """Yield the names of what lowered each that asked for more than it came to."""
    for one in asked:
        if one.action.rank <= action.rank:
            continue
        if one.switch is not None and one.most.rank < one.action.rank:
            yield one.switch
        if one.final:
            continue
        after_brake = _braked(one, braked)
        if after_brake is not one.action:
            yield f"brake:{one.cause}"
        if cap is not None and _capped(after_brake, cap) is not after_brake:
            yield cap.id
