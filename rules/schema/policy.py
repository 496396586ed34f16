"""What scores are worth: ladders, bases, what standing adds, and how place changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import reduce

import msgspec

from rules.reputation import Reputation, strikes_at, trust
from rules.schema.labels import (
    CARE_POLICIES,
    CUSTOM,
    MODEL_ALONE,
    NO_MATURITY,
    LabelChange,
    LabelPolicies,
    LabelPolicy,
    Maturity,
    resolve,
)
from rules.schema.values import Points, Seconds
from rules.verdict import Action


class Strength(StrEnum):
    """How much a rule's word weighs; the policy holds the numbers."""

    WEAK = "weak"
    MEDIUM = "medium"
    STRONG = "strong"


class Visibility(StrEnum):
    """Whether verdicts show the text that a rule matched."""

    SHOWN = "shown"
    HIDDEN = "hidden"


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
        labels = {**CARE_POLICIES, CUSTOM: LabelPolicy(), **self.labels}
        for scope in scopes:
            for label, change in scope.labels.items():
                labels[label] = change.over(labels.get(label, labels[CUSTOM]), label)
        labels |= {label: labels[CUSTOM] for label in maturity if label not in labels}
        trusted = {**MODEL_ALONE, **self.model_alone}
        resolved = {
            label: resolve(
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


def matches(globs: Sequence[str], name: str) -> bool:
    """Return whether one of the globs matches; no globs match everything."""
    return not globs or any(fnmatchcase(name, glob) for glob in globs)
