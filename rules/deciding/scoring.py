"""The score of each label: where it starts, what the evidence adds, what standing adds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rules.deciding.weighing import Weighed, by_label, weigh
from rules.logodds import SURE, drawn_in, logit, sigmoid
from rules.schema.labels import BACKING, LabelPolicies, Maturity, ResolvedLabel, Step, Trust
from rules.verdict import Action, Hit

# So many points below a step the exact sum decides.
_MARGIN = 1e-6


class Scored(NamedTuple):
    """How a label came by its score.

    Attributes:
        model: The model's probability; None where none spoke.
        evidence: None where there is none.
        shift: Log-odds that standing added.
        step: Points and action of the highest step reached.
    """

    label: str
    policy: ResolvedLabel
    model: float | None
    evidence: Weighed | None
    shift: float
    score: float
    step: tuple[float, Action] | None

    @property
    def start(self) -> float:
        """Log-odds that it starts with: the model's, or the policy's base."""
        return _start(self.policy, self.model, self.evidence)


class Scale(NamedTuple):
    """What scores are made with: the labels' policies of the place, the bound, the author's shift."""

    labels: LabelPolicies
    max_evidence: float
    shift: float

    def label(self, label: str, model: float | None, evidence: Weighed | None) -> Scored:
        """Return the score of a label; `model` is its probability.

        Without a rule beside it the model's word reaches what the label's maturity lets it. Beside one it
        counts in full if the label is automatic, takes what the rules come to a step further at most if it
        assists, and makes no more than a flag if it is experimental. Evidence never makes less of it.
        """
        policy = self.labels.of(label)
        shift = self.shift if policy.counted else 0.0
        backed = shift > BACKING
        if evidence is None and model is not None:  # as most
            score = _moved(drawn_in(model), math.exp(shift)) if shift else drawn_in(model)
            if 100.0 * score < policy.lowest[backed] - _MARGIN:
                return Scored(label, policy, model, None, shift, score, None)
        added = (evidence.total if evidence else 0.0) + shift
        score = sigmoid(_start(policy, model, evidence) + added)
        points = 100.0 * score
        against = evidence is not None and evidence.against
        if model is None or (against and policy.maturity is Maturity.AUTOMATIC):
            return Scored(label, policy, model, evidence, shift, score, policy.step(points))
        step = policy.step_by_model(points, backed=backed)
        if against:
            by_rules = policy.step(100.0 * sigmoid(policy.base + added))
            most = policy.most_beside(by_rules[1] if by_rules else Action.ALLOW)
            step = max(step, policy.step(points, most), key=_strictness)
        return Scored(label, policy, model, evidence, shift, score, step)

    def all(self, hits: Iterable[Hit], model: Mapping[str, float]) -> list[Scored]:
        """Return the score of each label that has a model's word or evidence against it."""
        weighed = {label: weigh(found, self.max_evidence) for label, found in by_label(hits).items()}
        evidence = {label: one for label, one in weighed.items() if one.counted}
        against = {label for label, one in evidence.items() if any(hit.weight > 0 for hit in one.counted)}
        labels = [*model, *(label for label in evidence if label in against and label not in model)]
        return [self.label(label, model.get(label), evidence.get(label)) for label in labels]

    def with_hits(self, label: str, model: float | None, hits: Iterable[Hit]) -> Scored:
        """Return the score of a label with these hits, of which those of other labels don't matter."""
        weighed = weigh([hit for hit in hits if hit.label == label], self.max_evidence)
        return self.label(label, model, weighed)


def _start(policy: ResolvedLabel, model: float | None, evidence: Weighed | None) -> float:
    """Return the log-odds that a label starts with; what isn't trusted doesn't talk rules down."""
    if model is None:
        return policy.base
    if evidence and evidence.against:
        if policy.model is Trust.IGNORED:
            return policy.base
        if policy.maturity is Maturity.EXPERIMENTAL:
            return max(policy.base, logit(model))
    return logit(model)


def untouched(model: Mapping[str, float], labels: LabelPolicies, shift: float) -> Mapping[str, float] | None:
    """Return the scores where a model alone spoke and no step is reached, else None.

    Nearly every message comes this way, so odds are multiplied instead of log-odds added,
    which spares a logarithm and an exponential a label; where standing adds nothing, the model's
    own word is the score.
    """
    by_label, other, quiet = labels
    if not shift and all(SURE <= probability < quiet for probability in model.values()):  # as most
        return model
    if not shift and all(SURE <= probability <= 1.0 - SURE for probability in model.values()):
        for label, probability in model.items():
            if 100.0 * probability >= by_label.get(label, other).lowest[0] - _MARGIN:
                return None
        return model
    odds, backed = math.exp(shift), shift > BACKING
    scores = {}
    for label, probability in model.items():
        policy = by_label.get(label, other)
        score = drawn_in(probability)
        if policy.counted:
            score = _moved(score, odds)
        if 100.0 * score >= policy.lowest[backed and policy.counted] - _MARGIN:
            return None
        scores[label] = score
    return scores


def _strictness(step: Step | None) -> int:
    return step[1].rank if step else 0


def _moved(probability: float, odds: float) -> float:
    """Return a probability whose odds are so many times as high."""
    return probability * odds / (1.0 - probability + probability * odds)
