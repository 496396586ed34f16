"""What is done about one label: its ladder, what standing and the model's word are worth to it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from rules.logodds import SURE
from rules.schema.values import Points
from rules.verdict import BEHAVIOUR_LABELS, MODEL_LABELS, RULE_LABELS, Action

KNOWN_LABELS = frozenset((*MODEL_LABELS, *RULE_LABELS, *BEHAVIOUR_LABELS))
CARE_LABELS = frozenset({"self_harm"})
CUSTOM = "custom.*"
_CUSTOM_LABEL = re.compile(r"custom\.[a-z0-9_]+")

# Points and what they lead to; of a ladder, highest points first.
Step = tuple[float, Action]
Steps = tuple[Step, ...]


class Trust(StrEnum):
    """Whether an author's standing, or the model's word, moves a label's score."""

    COUNTED = "counted"
    IGNORED = "ignored"


class Maturity(StrEnum):
    """How far a label of the model has earned trust on texts that it never saw; its artifact says so."""

    AUTOMATIC = "automatic"
    ASSIST = "assist"
    EXPERIMENTAL = "experimental"


MODEL_ALONE: Mapping[Maturity, Action] = MappingProxyType(
    {
        Maturity.AUTOMATIC: Action.REMOVE,
        Maturity.ASSIST: Action.FLAG,
        Maturity.EXPERIMENTAL: Action.ALLOW,
    }
)
# From more than so many log-odds of standing on, an author's strikes stand beside the model's word: from
# more than what verdicts by the model alone cost in a day.
BACKING = 0.5
# The labels that the model's word removes for by itself, if they are automatic and a policy says nothing.
MODEL_REMOVES = frozenset({"spam", "scam"})
NO_MATURITY: Mapping[str, Maturity] = MappingProxyType({})


class LabelPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is done about one label.

    Attributes:
        base: Log-odds that a message starts with where no model spoke.
        care: The label is about someone in need: never above flag, never a strike.
        ladder: Points from which each action is taken.
        locked: Steps that no scope may raise or take away, nor the base that leads to them lower.
        queue: Where a human should see it.
        model: Ignored, its word is only shown.
        model_alone: The strictest that the model's word does where neither a rule nor the author's strikes
            stand beside it; None is remove for spam and scam, hold for all others.
        model_from: Points from which it does anything without a rule beside it.
    """

    base: float = -5.0
    trust: Trust = Trust.COUNTED
    care: bool = False
    ladder: dict[Action, Points] = {}
    locked: tuple[Action, ...] = ()
    queue: str | None = None
    priority: str | None = None
    model: Trust = Trust.COUNTED
    model_alone: Action | None = None
    model_from: Points = Points(0)

    def whole(self, label: str) -> LabelPolicy:
        """Return the policy with what is usual for the label where it says nothing."""
        if self.model_alone is not None:
            return self
        usual = Action.REMOVE if label in MODEL_REMOVES else Action.HOLD
        return msgspec.structs.replace(self, model_alone=usual)


class ResolvedLabel(LabelPolicy, frozen=True, kw_only=True):
    """A label's policy in one place, made ready to be asked often.

    Attributes:
        steps: The ladder; steps at "never" are gone.
        maturity: How far the model's word on it is trusted.
        most: The strictest that the model's word does by itself, and with the author's strikes beside it.
        by_model: The steps up to that, from `model_from` on.
        lowest: Points of the lowest of those; infinity where there is none.
        counted: Whether standing moves the score.
    """

    steps: Steps = ()
    maturity: Maturity = Maturity.AUTOMATIC
    most: tuple[Action, Action] = (Action.REMOVE, Action.REMOVE)
    by_model: tuple[Steps, Steps] = ((), ())
    lowest: tuple[float, float] = (math.inf, math.inf)
    counted: bool = True

    def lowered(self, points: float) -> ResolvedLabel:
        """Return the same with each step so much lower, by half of it at most; care is left alone."""
        if self.care or not self.steps:
            return self
        steps = tuple((_lowered(step, points), action) for step, action in self.steps)
        heard = Points(_lowered(self.model_from, points))
        return msgspec.structs.replace(
            self, steps=steps, model_from=heard, **_by_model(steps, self.most, heard)
        )

    def step(self, points: float, most: Action = Action.REMOVE) -> Step | None:
        """Return the highest step that these points reach, up to an action."""
        return next((one for one in self.steps if points >= one[0] and one[1].rank <= most.rank), None)

    def most_beside(self, by_rules: Action) -> Action:
        """Return the strictest that a word of the model that isn't automatic makes of what rules come to."""
        if self.maturity is Maturity.EXPERIMENTAL:
            return max(by_rules, Action.FLAG, key=lambda one: one.rank)
        return by_rules.stricter

    def step_by_model(self, points: float, *, backed: bool) -> Step | None:
        """Return the highest step that the model's word reaches without a rule beside it.

        Args:
            backed: The author's strikes stand beside it.
        """
        return next((one for one in self.by_model[backed] if points >= one[0]), None)


# Holds also where a policy forgets the label: a cry for help is never punished.
CARE_POLICIES = {
    label: LabelPolicy(base=-6.0, trust=Trust.IGNORED, care=True, queue="care") for label in CARE_LABELS
}


class LabelChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a scope changes about a label; what isn't written stays."""

    base: float | None = None
    trust: Trust | None = None
    ladder: dict[Action, Points] = {}
    locked: tuple[Action, ...] = ()
    queue: str | None = None
    priority: str | None = None
    model: Trust | None = None
    model_alone: Action | None = None
    model_from: Points | None = None
    line: int = 0

    def over(self, policy: LabelPolicy, label: str) -> LabelPolicy:
        """Return the policy with the change merged in, ladder step by ladder step.

        What is locked only gets stricter: of a locked step the lower points hold, of two bases that lead
        to one the higher, and the model's word does no less.
        """
        if policy.locked:
            policy = policy.whole(label)
        changed = {
            name: value
            for name in ("base", "trust", "queue", "priority", "model", "model_alone", "model_from")
            if (value := getattr(self, name)) is not None
        }
        ladder = {**policy.ladder, **self.ladder}
        for step in policy.locked:
            if step in policy.ladder:
                ladder[step] = min(policy.ladder[step], ladder[step])
        if policy.locked:
            changed["base"] = max(policy.base, changed.get("base", policy.base))
            if Trust.COUNTED in (policy.model, changed.get("model")):
                changed["model"] = Trust.COUNTED
            said = [one for one in (policy.model_alone, self.model_alone) if one is not None]
            changed["model_alone"] = max(said, key=lambda one: one.rank, default=None)
            changed["model_from"] = min(policy.model_from, changed.get("model_from", policy.model_from))
        locked = tuple(dict.fromkeys((*policy.locked, *self.locked)))
        return msgspec.structs.replace(policy, **changed, ladder=ladder, locked=locked)


class LabelPolicies(NamedTuple):
    """The policies of all labels in one place.

    Attributes:
        quiet: Below this probability the model's word does nothing by itself, of whichever label.
    """

    labels: dict[str, ResolvedLabel]
    other: ResolvedLabel
    quiet: float

    @classmethod
    def of_all(cls, labels: dict[str, ResolvedLabel]) -> LabelPolicies:
        """Return the policies of these labels, that of "custom.*" among them."""
        least = min(policy.lowest[0] for policy in labels.values())
        # A little less, since it is compared with points elsewhere.
        return cls(labels, labels[CUSTOM], min(least / 100.0, 1.0) - SURE)

    def lowered(self, points: float) -> LabelPolicies:
        """Return the policies with every ladder lowered."""
        return LabelPolicies.of_all({label: one.lowered(points) for label, one in self.labels.items()})

    def of(self, label: str) -> ResolvedLabel:
        """Return a label's policy; a custom label without one takes that of "custom.*"."""
        return self.labels.get(label, self.other)


def is_label(name: str) -> bool:
    """Return whether a rule may speak of this label: a known one, or "custom." and a name."""
    return name in KNOWN_LABELS or _CUSTOM_LABEL.fullmatch(name) is not None


def resolve(policy: LabelPolicy, maturity: Maturity, backed: Action) -> ResolvedLabel:
    """Return a label's policy made ready.

    Args:
        backed: The strictest that the model's word does with the author's strikes beside it.
    """
    fields = {name: getattr(policy, name) for name in LabelPolicy.__struct_fields__}
    ladder = [(float(points), action) for action, points in policy.ladder.items() if points < 100]
    ladder.sort(key=lambda step: (step[0], step[1].rank), reverse=True)
    if policy.model is Trust.IGNORED:
        backed = Action.ALLOW
    most = min(policy.model_alone or Action.HOLD, backed, key=lambda one: one.rank), backed
    return ResolvedLabel(
        **fields,
        steps=tuple(ladder),
        maturity=maturity,
        most=most,
        counted=policy.trust is not Trust.IGNORED,
        **_by_model(ladder, most, policy.model_from),
    )


def _lowered(step: float, points: float) -> float:
    return max(step - points, step / 2)


def _by_model(ladder: Iterable[Step], most: tuple[Action, Action], least: float) -> dict[str, Any]:
    """Return the steps that the model's word reaches, and where they begin."""
    alone, backed = (
        tuple((max(points, least), action) for points, action in ladder if action.rank <= one.rank)
        for one in most
    )
    lowest = tuple(steps[-1][0] if steps else math.inf for steps in (alone, backed))
    return {"by_model": (alone, backed), "lowest": lowest}
