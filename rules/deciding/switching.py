"""Lowers what was settled about a message by the switches that act where it was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from rules.deciding.case import Case
from rules.deciding.settling import Candidate, Settled, settle
from rules.switches import Mode, Switch
from rules.verdict import Action

Scores = Mapping[str, float] | None


class Reopen(Protocol):
    """Weighs a message once more, without some rules and with other scores."""

    def __call__(self, *, scores: Scores, without: frozenset[str]) -> Case: ...


def switched(full: Case, acting: Sequence[Switch], reopen: Reopen, scores: Scores) -> Case:
    """Return the case as it stands under these switches.

    What is off counts as if it weren't there. What is flag-only may do anything up to a
    flag: it is weighed twice, without and with it, and the latter asks for a flag at most.
    """
    off, soft = _Turned.by(full, acting, Mode.OFF), _Turned.by(full, acting, Mode.FLAG_ONLY)
    both = off.rules | soft.rules
    quiet = [*off.mutes, *soft.mutes]
    case = base = reopen(scores=_without(scores, quiet), without=both) if both or quiet else full
    asked = list(base.asked)
    if soft:
        case = reopen(scores=_without(scores, off.mutes), without=off.rules)
        asked += [one.lowered(Action.FLAG, soft.name) for one in case.asked if one not in base.asked]
    broad = [one for one in acting if one.rule is None and not one.model]
    asked = [_under(one, broad) for one in asked]
    settled = settle(asked, (case.evidence.place.by_id[name] for name in case.fired.live), case.braked)
    return case._replace(
        asked=asked,
        settled=remembering(settled, full.settled, [*off.names, *soft.names]),
        care=next((one for one in asked if one.care and one.most is not Action.ALLOW), None),
        unheard=frozenset(_reached(case, broad, (Mode.OFF,))),
        unmasked=soft.rules | frozenset(_reached(case, broad, tuple(Mode))),
    )


class _Turned(NamedTuple):
    """What the switches of one mode turn down by name: rules that fired, and the model's words."""

    rules: frozenset[str]
    mutes: list[Switch]
    names: list[str]

    @classmethod
    def by(cls, full: Case, acting: Sequence[Switch], mode: Mode) -> _Turned:
        rules: set[str] = set()
        names = []
        mutes = [one for one in acting if one.mode is mode and one.model]
        for switch in acting:
            if switch.mode is mode and switch.rule is not None:
                turned = [name for name in full.fired.live if _turns(switch, name, full)]
                rules.update(turned)
                names += [switch.name] if turned else []
        return cls(frozenset(rules), mutes, names + [one.name for one in mutes if full.model])

    @property
    def name(self) -> str:
        return self.names[0] if self.names else self.mutes[0].name

    def __bool__(self) -> bool:
        return bool(self.rules or self.mutes)


def _turns(switch: Switch, rule: str, full: Case) -> bool:
    return switch.turns_rule(rule, final=full.evidence.place.by_id[rule].final)


def _without(scores: Scores, mutes: Sequence[Switch]) -> Scores:
    if not scores or not mutes:
        return scores
    return {label: p for label, p in scores.items() if not any(one.mutes(label) for one in mutes)}


def _under(one: Candidate, broad: Sequence[Switch]) -> Candidate:
    """Lower what asks by the broad switches; final rules and help for people in need go on."""
    for switch in broad:
        if not one.final and (switch.label == one.label or (switch.label is None and not one.care)):
            one = one.lowered(switch.mode.most, switch.name)
    return one


def _reached(case: Case, broad: Sequence[Switch], modes: Sequence[Mode]) -> Iterator[str]:
    """Yield the rules that fired and may not do in the background what a broad switch forbids in the open."""
    for name in case.fired.live:
        armed = case.evidence.place.by_id[name]
        careful = any(case.scale.labels.of(label).care for label in armed.rule.labels)
        for switch in broad:
            meant = switch.label in armed.rule.labels or (switch.label is None and not careful)
            if meant and switch.mode in modes and not armed.final:
                yield name


def remembering(settled: Settled, full: Settled, names: Sequence[str]) -> Settled:
    """Say what would have been, were it not for the names that held it back."""
    before = full.would_be or full.action
    if before.rank <= settled.action.rank:
        return settled
    lowered_by = (*full.lowered_by, *settled.lowered_by, *names)
    return settled._replace(would_be=before, lowered_by=tuple(dict.fromkeys(lowered_by)))
