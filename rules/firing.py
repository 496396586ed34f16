"""Which rules fired on a message: what was found, less what is spared, where the conditions hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from rules.armed import Armed
from rules.composites import Facts
from rules.evidence import Allowance, Evidence
from rules.verdict import Hit


class Spared(NamedTuple):
    """A hit that doesn't count, and the allow rule that spared it."""

    hit: Hit
    by: str


class Fired(NamedTuple):
    """The rules that fired on a message, with their hits, by name.

    Attributes:
        live: What counts.
        shadow: What would count, had it been live.
        spared: Hits that don't count.
    """

    live: dict[str, list[Hit]]
    shadow: dict[str, list[Hit]]
    spared: list[Spared]


def fire(evidence: Evidence, facts: Facts, without: Collection[str] = ()) -> Fired:
    """Return the rules that fire, as if those in `without` had not been written."""
    place = evidence.place
    allowed = [one for one in evidence.allowed if one.rule.id not in without and holds(one.rule, facts)]
    found: dict[str, list[Hit]] = {}
    spared: list[Spared] = []
    for hit in evidence.hits:
        by = _sparer(place.by_id[hit.rule], hit, allowed) if allowed else None
        if by is not None:
            spared.append(Spared(hit, by))
        elif hit.rule not in without:
            found.setdefault(hit.rule, []).append(hit)
    asked = [place.by_id[rule] for rule in found]
    asked += [armed for armed in place.lookers if armed.id not in without]
    fired = Fired({}, {}, spared)
    _add((armed for armed in asked if not armed.composite), found, facts, fired)
    composites = [armed for armed in asked if armed.composite]
    if composites:
        _add_composites(composites, found, facts, fired)
    return fired


def holds(armed: Armed, facts: Facts) -> bool:
    """Return whether the rule is still in force and its conditions hold."""
    if facts.now >= armed.expires:
        return False
    answer = armed.check(facts) if armed.check else True
    return armed.rule.unknown if answer is None else answer


def _add(asked: Iterable[Armed], found: Mapping[str, list[Hit]], facts: Facts, fired: Fired) -> None:
    for armed in asked:
        if holds(armed, facts):
            hits = found.get(armed.id) or armed.hits(None, "message")
            (fired.shadow if armed.shadow else fired.live)[armed.id] = hits


def _add_composites(
    composites: Iterable[Armed], found: Mapping[str, list[Hit]], facts: Facts, fired: Fired
) -> None:
    """Add the rules that ask which others fired: they see those that don't ask themselves.

    A rule in shadow sees its like, a final one what an allow-term spared.
    """
    first_hand = set(fired.live)
    dim = first_hand | set(fired.shadow)
    unspared = first_hand | {hit.rule for hit, _ in fired.spared}
    for armed in composites:
        facts.fired = dim if armed.shadow else unspared if armed.final else first_hand
        _add((armed,), found, facts, fired)


def _sparer(armed: Armed, hit: Hit, allowed: Iterable[Allowance]) -> str | None:
    """Return the allow rule that spares a hit; a final rule's is never spared."""
    if armed.final or hit.span is None:
        return None
    return next((one.rule.id for one in allowed if hit.rule in one.rule.spares and one.holds(hit.span)), None)
