"""Says where the numbers of a decision come from: which scope of the policy, which strength of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rules.deciding.case import Case
from rules.schema.labels import CUSTOM, LabelPolicy
from rules.schema.policy import Policy, PolicyScope
from rules.schema.rule import Rule
from rules.verdict import Action

POLICY = "policy.yaml"


def base_source(policy: Policy, tenant: str, channel: str, label: str) -> str:
    """Return where a label's base was set."""
    return _last(policy, tenant, channel, label, lambda one: one.base)


def step_source(policy: Policy, tenant: str, channel: str, label: str, action: Action) -> str:
    """Return where a step of a label's ladder was set."""
    return _last(policy, tenant, channel, label, lambda one: one.ladder.get(action))


def weight_source(rule: Rule, weight: float) -> str:
    """Return what a hit's weight was written as, and where the rule acts if not everywhere."""
    text = f"{rule.strength.value} ({weight:+g})" if rule.strength else f"weight {weight:+g}"
    where = _where(rule)
    return f"{text}, {where}" if where else text


def standing_source(case: Case) -> str:
    """Return what the author's standing says, as far as it is known."""
    known = case.reputation
    if known is None:
        return "not known"
    terms = case.policy.reputation
    strikes, trust = terms.strikes_at(known, case.now), terms.trust(known, case.now)
    return f"strikes {strikes:.2g}, trust {trust:.2g}, at most {case.policy.max_shift:g} either way"


def _last(
    policy: Policy, tenant: str, channel: str, label: str, read: Callable[[LabelPolicy], float | None]
) -> str:
    source = POLICY
    for before, after, scope in _merges(policy, tenant, channel, label):
        if read(after) != read(before):
            source = f"{POLICY}:{scope.line} for {_covers(scope)}"
    return source


def _merges(
    policy: Policy, tenant: str, channel: str, label: str
) -> Iterator[tuple[LabelPolicy, LabelPolicy, PolicyScope]]:
    """Yield a label's policy before and after each scope that changes it at a place."""
    before = policy.merged(())
    one: LabelPolicy = before.labels.get(label, before.labels[CUSTOM])
    for scope in policy.scopes:
        change = scope.labels.get(label)
        if change is not None and scope.match.covers(tenant, channel):
            after = change.over(one, label)
            yield one, after, scope
            one = after


def _covers(scope: PolicyScope) -> str:
    named = (("tenants", scope.match.tenants), ("channels", scope.match.channels))
    return " and ".join(f"{key} {', '.join(globs)}" for key, globs in named if globs) or "all"


def _where(rule: Rule) -> str:
    scope = rule.scope
    named = (
        ("in tenants", scope.tenants),
        ("in channels", scope.channels),
        ("on surfaces", scope.surfaces),
        ("in languages", scope.languages),
    )
    return " ".join(f"{key} {', '.join(values)}" for key, values in named if values)
