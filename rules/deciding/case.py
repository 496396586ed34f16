"""A message on the table: which rules fired, how each label scored, what was settled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from rules.deciding.scoring import Scale, Scored
from rules.deciding.settling import NOTHING, Candidate, Settled, candidates, settle
from rules.finding.behaviour import Lately
from rules.finding.composites import Facts
from rules.finding.evidence import Evidence
from rules.finding.firing import Fired, fire
from rules.message import Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.schema.policy import Policy
from rules.schema.rule import Rule
from rules.verdict import Action, Hit


class Case(NamedTuple):
    """What is known and what was settled about a message.

    Attributes:
        model: The model's probabilities by label; empty where no model spoke.
        care: What asked for somebody to look after the author; None where nothing did.
        asked: Everything that asked for an action.
        braked: Causes whose strict actions are lowered a step.
        unheard: Rules that fired and that a switch keeps from tagging and queueing.
        unmasked: Rules that fired and whose hits a switch keeps from being starred out.
    """

    message: Message
    evidence: Evidence
    policy: Policy
    model: Mapping[str, float]
    fired: Fired
    scale: Scale
    scored: list[Scored]
    settled: Settled
    care: Candidate | None
    asked: Sequence[Candidate] = ()
    braked: Collection[str] = ()
    unheard: frozenset[str] = frozenset()
    unmasked: frozenset[str] = frozenset()
    reputation: Reputation | None = None
    now: float = 0.0
    seen: Lately | None = None

    @property
    def acted(self) -> Candidate | None:
        """What the action was taken from; None where the message is allowed."""
        return None if self.settled.action is Action.ALLOW else self.settled.winner

    @property
    def source(self) -> Rule | None:
        """The rule behind the action, if one is."""
        acted = self.acted
        return acted.rule.rule if acted and acted.rule else None

    def rule(self, name: str) -> Rule:
        """Return a rule that acts where the message was said."""
        return self.evidence.place.by_id[name].rule

    def rules(self) -> Iterator[Rule]:
        """Yield the rules that fired and count."""
        return (self.rule(name) for name in self.fired.live if name not in self.unheard)

    def hits(self) -> Iterator[Hit]:
        """Yield the hits that count."""
        return (hit for hits in self.fired.live.values() for hit in hits)


def facts_of(
    message: Message,
    evidence: Evidence,
    rules: RuleSet,
    scores: Mapping[str, float] | None,
    reputation: Reputation | None,
    now: float,
    seen: Lately | None,
) -> Facts:
    """Return what conditions look at."""
    return Facts(
        message, reputation, now, rules.policy.reputation, evidence.links, scores, evidence.spoken, seen
    )


def open_case(
    message: Message,
    evidence: Evidence,
    rules: RuleSet,
    *,
    scores: Mapping[str, float] | None,
    reputation: Reputation | None,
    now: float,
    braked: Collection[str] = (),
    without: Collection[str] = (),
    seen: Lately | None = None,
    lower: float = 0.0,
) -> Case:
    """Weigh everything, as if the rules named in `without` had not been written."""
    policy, place, model = rules.policy, evidence.place, scores or {}
    facts = facts_of(message, evidence, rules, model, reputation, now, seen)
    fired = fire(evidence, facts, without)
    labels = place.lowered(lower)
    scale = Scale(labels, policy.max_evidence, policy.shift(reputation, now))
    if not (fired.live or model):
        return Case(
            message, evidence, policy, model, fired, scale, [], NOTHING, None,
            braked=braked, reputation=reputation, now=now, seen=seen,
        )  # fmt: skip
    scored = scale.all((hit for hits in fired.live.values() for hit in hits), model)
    asked = list(candidates(scored, fired.live, place.by_id, labels))
    settled = settle(asked, (place.by_id[name] for name in fired.live), braked)
    care = next((one for one in asked if one.care), None)
    return Case(
        message, evidence, policy, model, fired, scale, scored, settled, care, asked, braked,
        reputation=reputation, now=now, seen=seen,
    )  # fmt: skip
