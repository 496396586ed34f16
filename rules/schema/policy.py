"""What scores are worth: ladders, bases, what standing adds, and how place changes them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import reduce
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from rules.logodds import SURE
from rules.reputation import Reputation, strikes_at, trust
from rules.schema.values import Points, Seconds
from rules.verdict import BEHAVIOUR_LABELS, MODEL_LABELS, RULE_LABELS, Action

KNOWN_LABELS = frozenset((*MODEL_LABELS, *RULE_LABELS, *BEHAVIOUR_LABELS))
CARE_LABELS = frozenset({"self_harm"})
CUSTOM = "custom.*"
_CUSTOM_LABEL = re.compile(r"custom\.[a-z0-9_]+")

# Points and what they lead to; of a ladder, highest points first.
Step = tuple[float, Action]
Steps = tuple[Step, ...]


class Strength(StrEnum):
    """How much a rule's word weighs; the policy holds the numbers."""

    WEAK = "weak"
    MEDIUM = "medium"
    STRONG = "strong"


class Visibility(StrEnum):
    """Whether verdicts show the text that a rule matched."""

    SHOWN = "shown"
    HIDDEN = "hidden"


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


class Established(msgspec.Struct, frozen=True, kw_only=True):
    """When an author is no longer a newcomer: this many good messages."""

    good: int = 20


class ReputationPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How standing comes and goes, and what it is worth.

    Attributes:
        half_life_s: After this time half of an author's strikes are left.
        half_lives: By label, where it takes another time than `half_life`.
        good_for_half_trust: Good messages that give half of all trust.
        strikes_per_shift: Strikes that raise a score by one log-odds.
        strikes: What each action costs; an action that isn't named costs nothing.
        model_alone_a_day: What verdicts by the model alone may cost an author in a UTC day, in strikes.
    """

    half_life_s: Seconds = msgspec.field(default=Seconds(7 * 86_400), name="half_life")
    half_lives: dict[str, Seconds] = {}
    good_for_half_trust: float = 50.0
    strikes_per_shift: float = 1.0
    established: Established = Established()
    strikes: dict[Action, float] = msgspec.field(
        default_factory=lambda: {Action.HOLD: 0.5, Action.REMOVE: 1.0}
    )
    model_alone_a_day: float = 0.5

    def is_established(self, reputation: Reputation) -> bool:
        """Return whether the author has earned enough good messages to count for a brake."""
        return reputation.good >= self.established.good

    def trust(self, reputation: Reputation, now: float) -> float:
        """Return trust in [0, 1) at `now`."""
        return trust(reputation.good, self.strikes_at(reputation, now), self.good_for_half_trust)

    def strikes_at(self, reputation: Reputation, now: float) -> float:
        """Return the strikes that are left at `now`."""
        if not (reputation.strikes or reputation.ledger):  # most authors
            return 0.0
        return strikes_at(reputation, now, self.half_life_s, self.half_lives)


class Brake(msgspec.Struct, frozen=True, kw_only=True):
    """Strict actions of one cause reach at most so many established authors within a window."""

    authors: int = 25
    within_s: Seconds = msgspec.field(default=Seconds(600), name="within")


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """How long a message is held for a human, and what becomes of it then."""

    for_s: Seconds = msgspec.field(default=Seconds(86_400), name="for")
    on_expiry: Action = Action.ALLOW


class Raid(msgspec.Struct, frozen=True, kw_only=True):
    """What follows where a rule of the label `raid` fires: in that channel ladders are lowered for a while.

    Attributes:
        lower: Points by which each step is lowered, by half of it at most.
        lasts_s: So long after the rule fired last.
    """

    lower: Points = Points(10)
    lasts_s: Seconds = msgspec.field(default=Seconds(300), name="lasts")


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
_CARE_POLICIES = {
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


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Where a scope applies; globs, and what isn't named applies everywhere."""

    tenants: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def covers(self, tenant: str, channel: str) -> bool:
        return matches(self.tenants, tenant) and matches(self.channels, channel)


class PolicyScope(msgspec.Struct, frozen=True, kw_only=True):
    """Changes for some tenants or channels; of two scopes that match, the later one has the last word.

    Attributes:
        languages: Those that are spoken there; words of lists in others don't count.
        labels: What changes about each label.
    """

    match: Match
    languages: tuple[str, ...] = ()
    labels: dict[str, LabelChange] = {}
    line: int = 0


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


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers that rules and scores are judged by.

    Attributes:
        strengths: Log-odds of each strength.
        max_evidence: Bound on the sum of rule evidence for a label, log-odds.
        max_shift: What standing can add or take, log-odds.
        model_alone: By a label's maturity, the strictest that the model's word does without a rule beside it;
            what isn't written is as in MODEL_ALONE.
        matched: Whether verdicts show matched text, where the rule doesn't say.
        reputation: How standing comes and goes, and what it is worth.
        brake: How many established authors the strict actions of one cause may reach.
        hold: How long a message is held, and what becomes of it then.
        raid: What a raid on a channel does to its ladders.
        languages: Those that are spoken in all places for which no scope says otherwise.
        labels: By label; "custom.*" stands for every custom label without an entry.
        scopes: What tenants and channels change, the last word being the last one's.
    """

    strengths: dict[Strength, float] = msgspec.field(
        default_factory=lambda: {Strength.WEAK: 1.0, Strength.MEDIUM: 2.2, Strength.STRONG: 4.5}
    )
    max_evidence: float = 8.0
    max_shift: float = 1.0
    model_alone: dict[Maturity, Action] = {}
    matched: Visibility = Visibility.SHOWN
    reputation: ReputationPolicy = ReputationPolicy()
    brake: Brake = Brake()
    hold: Hold = Hold()
    raid: Raid = Raid()
    languages: tuple[str, ...] = ()
    labels: dict[str, LabelPolicy] = {}
    scopes: tuple[PolicyScope, ...] = ()

    def resolve(self, tenant: str, channel: str) -> LabelPolicies:
        """Return the labels' policies at a place: the base, with each matching scope over it."""
        return self.merged(scope for scope in self.scopes if scope.match.covers(tenant, channel))

    def merged(
        self, scopes: Iterable[PolicyScope], maturity: Mapping[str, Maturity] = NO_MATURITY
    ) -> LabelPolicies:
        """Return the labels' policies with these scopes over the base, in their order.

        Args:
            maturity: Of the labels of the model that scores; one that isn't named is taken for automatic.
        """
        labels = {**_CARE_POLICIES, CUSTOM: LabelPolicy(), **self.labels}
        for scope in scopes:
            for label, change in scope.labels.items():
                labels[label] = change.over(labels.get(label, labels[CUSTOM]), label)
        labels |= {label: labels[CUSTOM] for label in maturity if label not in labels}
        trusted = {**MODEL_ALONE, **self.model_alone}
        resolved = {
            label: _resolve(
                policy.whole(label), said := maturity.get(label, Maturity.AUTOMATIC), trusted[said]
            )
            for label, policy in labels.items()
        }
        return LabelPolicies.of_all(resolved)

    def spoken_in(self, scopes: Iterable[PolicyScope]) -> frozenset[str]:
        """Return the languages of a place that these scopes match, in order; empty where none are set."""
        return frozenset(reduce(lambda said, scope: scope.languages or said, scopes, self.languages))

    def shift(self, reputation: Reputation | None, now: float) -> float:
        """Return what standing adds to a score in log-odds; 0 for a newcomer and for unknown."""
        if reputation is None or not (reputation.strikes or reputation.ledger or reputation.good):
            return 0.0
        rules = self.reputation
        strikes = rules.strikes_at(reputation, now)
        trusted = trust(reputation.good, strikes, rules.good_for_half_trust)
        shift = strikes / rules.strikes_per_shift - self.max_shift * trusted
        return max(-self.max_shift, min(self.max_shift, shift))


def is_label(name: str) -> bool:
    """Return whether a rule may speak of this label: a known one, or "custom." and a name."""
    return name in KNOWN_LABELS or _CUSTOM_LABEL.fullmatch(name) is not None


def matches(globs: Sequence[str], name: str) -> bool:
    """Return whether one of the globs matches; no globs match everything."""
    return not globs or any(fnmatchcase(name, glob) for glob in globs)


def _resolve(policy: LabelPolicy, maturity: Maturity, backed: Action) -> ResolvedLabel:
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
