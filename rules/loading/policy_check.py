"""Says what is unsound about a policy, so that it is refused before it judges anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rules.loading.lists import is_language
from rules.logodds import points_of
from rules.schema.labels import (
    CARE_LABELS,
    CUSTOM,
    LabelChange,
    LabelPolicies,
    ResolvedLabel,
    Trust,
    is_label,
)
from rules.schema.policy import Policy, Strength
from rules.verdict import Action

Keys = tuple[str | int, ...]


class Unsound(NamedTuple):
    """Something wrong with a policy: the keys and list positions that lead to it, and a sentence."""

    keys: Keys
    message: str


def unsound(policy: Policy) -> Iterator[Unsound]:
    """Yield everything that is unsound about a policy."""
    yield from _numbers(policy)
    yield from _labels(policy.merged(()), policy.labels, ("labels",), policy.max_shift)
    yield from _languages(policy.languages, ())
    for index, scope in enumerate(policy.scopes):
        if not (scope.labels or scope.languages):
            yield Unsound(("scopes", index), "scopes: changes nothing; write labels or languages")
        yield from _languages(scope.languages, ("scopes", index))
        place = ("scopes", index, "labels")
        yield from _loosened(policy, index)
        yield from _labels(policy.merged([scope]), scope.labels, place, policy.max_shift)


def _numbers(policy: Policy) -> Iterator[Unsound]:
    for keys, value in _above_zero(policy):
        if value <= 0:
            yield Unsound(keys, f"{'.'.join(map(str, keys))}: must be above 0")
    if policy.max_shift < 0:
        yield Unsound(("max_shift",), "max_shift: must not be below 0")
    if policy.hold.on_expiry not in (Action.ALLOW, Action.REMOVE):
        yield Unsound(("hold", "on_expiry"), "hold.on_expiry: write allow or remove")
    for action, strikes in policy.reputation.strikes.items():
        if strikes < 0 or (strikes and action is Action.ALLOW):
            yield Unsound(
                ("reputation", "strikes", action), f"reputation.strikes.{action}: must not be {strikes:g}"
            )

    if policy.reputation.model_alone_a_day < 0:
        yield Unsound(
            ("reputation", "model_alone_a_day"), "reputation.model_alone_a_day: must not be below 0"
        )
    for label in policy.reputation.half_lives:
        if not is_label(label):
            yield Unsound(("reputation", "half_lives", label), f'half_lives: unknown label "{label}"')


def _languages(codes: Iterable[str], place: Keys) -> Iterator[Unsound]:
    for code in codes:
        if not is_language(code):
            message = f'languages: write codes such as en, de or pt, not "{code}"'
            yield Unsound((*place, "languages"), message)


def _above_zero(policy: Policy) -> Iterator[tuple[Keys, float]]:
    for strength in Strength:
        yield ("strengths", strength), policy.strengths.get(strength, 0)
    for name in ("half_life_s", "good_for_half_trust", "strikes_per_shift"):
        yield ("reputation", name.removesuffix("_s")), getattr(policy.reputation, name)
    for label, half_life in policy.reputation.half_lives.items():
        yield ("reputation", "half_lives", label), half_life
    yield ("max_evidence",), policy.max_evidence
    yield ("brake", "authors"), policy.brake.authors
    yield ("brake", "within"), policy.brake.within_s
    yield ("hold", "for"), policy.hold.for_s


def _labels(
    policies: LabelPolicies, labels: Iterable[str], place: Keys, max_shift: float
) -> Iterator[Unsound]:
    for label in labels:
        if label != CUSTOM and not is_label(label):
            yield Unsound((*place, label), f'unknown label "{label}"; use a known one or custom.{label}')
        for message in _label(label, policies.of(label), max_shift):
            yield Unsound((*place, label), f"{label}: {message}")


def _loosened(policy: Policy, index: int) -> Iterator[Unsound]:
    """Yield what a scope would loosen though the policy, or a scope before it, has locked it."""
    before = policy.merged(policy.scopes[:index])
    for label, change in policy.scopes[index].labels.items():
        locked = before.of(label)
        place = ("scopes", index, "labels", label)
        for step in locked.locked:
            written, kept = change.ladder.get(step), locked.ladder.get(step)
            if written is not None and kept is not None and written > kept:
                message = f"{label}: {step} is locked at {kept:g} points; write as many or fewer"
                yield Unsound((*place, "ladder", step), message)
        if locked.locked and change.base is not None and change.base < locked.base:
            message = f"{label}: its steps are locked; the base may not fall below {locked.base:g}"
            yield Unsound((*place, "base"), message)
        for key in _hushed(change, locked) if locked.locked else ():
            yield Unsound(
                (*place, key), f"{label}: its steps are locked; {key} may not let the model do less"
            )


def _hushed(change: LabelChange, locked: ResolvedLabel) -> Iterator[str]:
    """Yield the keys by which a change would let the model's word do less."""
    if change.model is Trust.IGNORED and locked.model is not Trust.IGNORED:
        yield "model"
    if change.model_alone is not None and change.model_alone.rank < (locked.model_alone or Action.HOLD).rank:
        yield "model_alone"
    if change.model_from is not None and change.model_from > locked.model_from:
        yield "model_from"


def _label(label: str, policy: ResolvedLabel, max_shift: float) -> Iterator[str]:
    ranks = [action.rank for _, action in policy.steps]
    points = [points for points, _ in policy.steps]
    for step in policy.locked:
        if step not in policy.ladder:
            yield f"locked: there is no step {step} on the ladder"
    if Action.ALLOW in policy.ladder:
        yield "allow is no step of a ladder; take it out"
    if ranks != sorted(ranks, reverse=True) or len(set(points)) < len(points):
        yield "the ladder must rise from flag over hold to remove"
    if label in CARE_LABELS and not policy.care:
        yield "is about someone in need; write care: true"
    if policy.care and any(rank > Action.FLAG.rank for rank in ranks):
        yield "care never goes above flag; take hold and remove out"
    standing = 0.0 if policy.trust is Trust.IGNORED else max_shift
    start = points_of(policy.base + standing)
    if points and start >= points[-1]:
        yield (
            f"a message without evidence can reach {start:.1f} points, and {policy.steps[-1][1]} begins"
            f" at {points[-1]:g}; lower the base or raise the step"
        )
