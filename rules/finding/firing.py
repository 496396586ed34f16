"""Which rules fired on a message: what was found, less what is spared, where the conditions hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec

from rules.finding.armed import Armed
from rules.finding.composites import Facts
from rules.finding.evidence import Allowance, Evidence
from rules.finding.seen import lies_in
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


def fire(evidence: Evidence, facts: Facts, without: Collection[str] = (), *, everyone: bool = False) -> Fired:
    """Return the rules that fire, as if those in `without` had not been written.

    A rule that isn't rolled out to the author yet is in shadow for them, unless it is to be for `everyone`.
    """
    return _Firing(evidence, facts, without, everyone).fired


def holds(armed: Armed, facts: Facts) -> bool:
    """Return whether the rule is still in force, its conditions hold, and it acts in this language."""
    if facts.now >= armed.expires:
        return False
    answer = armed.check(facts) if armed.check else True
    if answer is None:
        answer = armed.rule.unknown
    return answer and (not armed.languages or facts.lang in armed.languages)


class _Firing:
    """One message's rules, as they fire: first those that look for themselves, then composites."""

    def __init__(self, evidence: Evidence, facts: Facts, without: Collection[str], everyone: bool) -> None:
        self._place = place = evidence.place
        self._facts = facts
        self._without = without
        self._everyone = everyone
        self._found: dict[str, list[Hit]] = {}
        self.fired = Fired({}, {}, [])
        self._copied = self._spared_copies(evidence)
        # Nearly nobody does what rules on behaviour wait for, and there are many of these.
        self._heard = heard = facts.seen.heard(place.stirring) if facts.seen is not None else ()
        self._sift(evidence)
        composites = {}
        for armed in (*(place.by_id[rule] for rule in self._found), *place.awake(heard)):
            if not self._is_heard(armed):
                continue
            if armed.composite:
                composites[armed.id] = armed
            else:
                self._add(armed)
        composites.update(self._woken())
        if composites:
            self._add_composites([composites[name] for name in sorted(composites)])

    def _sift(self, evidence: Evidence) -> None:
        """Sort the hits by their rules, those that an allow rule spares apart."""
        allowed = [
            one for one in evidence.allowed if self._is_asked(one.rule) and self._is_rolled_out(one.rule)
        ]
        for hit in evidence.hits_where(lambda armed: self._is_heard(armed) and self._is_asked(armed)):
            armed = self._place.by_id[hit.rule]
            if hit.rule in self._without or not self._lies_right(armed, hit):
                continue
            by = _sparer(armed, hit, allowed) if allowed else None
            by = by or self._copied.get(hit.rule)
            if by is None:
                self._found.setdefault(hit.rule, []).append(hit)
            else:
                self.fired.spared.append(Spared(hit, by))

    def _is_heard(self, armed: Armed) -> bool:
        """Return whether the author may have done what a rule waits for that has found something."""
        return not armed.waits or armed.stirring[0] in self._heard

    def _add(self, armed: Armed) -> None:
        if not self._is_asked(armed):
            return
        hits = self._found.get(armed.id)
        if not hits:
            hits = armed.hits(None, "message", self._said_of(armed))
        elif armed.stirring:
            # What was found in the text and what the author did are one rule's evidence: the first hit tells.
            hits = [msgspec.structs.replace(hits[0], seen=self._said_of(armed)), *hits[1:]]
        by = self._copied.get(armed.id)
        if by is not None and armed.id not in self._found:
            self.fired.spared.extend(Spared(hit, by) for hit in hits)
        elif not armed.shadow and self._is_rolled_out(armed):
            self.fired.live[armed.id] = hits
        elif armed.rule.labels:  # without one there is nothing to report
            self.fired.shadow[armed.id] = hits

    def _said_of(self, armed: Armed) -> str | None:
        """Say what the author did that the rule is about."""
        seen = self._facts.seen
        return "; ".join(map(seen.told, armed.stirring)) if seen and armed.stirring else None

    def _lies_right(self, armed: Armed, hit: Hit) -> bool:
        parts = armed.rule.parts
        return not parts or lies_in(hit, self._facts.message) in parts

    def _is_rolled_out(self, armed: Armed) -> bool:
        return self._everyone or armed.is_rolled_out_to(self._facts.message.author_key)

    def _spared_copies(self, evidence: Evidence) -> dict[str, str]:
        """Return the rules that are spared because the message is an exact copy, each with who spares it."""
        if not self._place.copiers:
            return {}
        text = " ".join(evidence.folded.text.split())
        return {
            name: one.id
            for one in self._place.copiers
            if text in one.copies and self._is_asked(one) and self._is_rolled_out(one)
            for name in one.spares
            if name in self._place.by_id and not self._place.by_id[name].final
        }

    def _is_asked(self, armed: Armed) -> bool:
        return armed.id not in self._without and holds(armed, self._facts)

    def _woken(self) -> dict[str, Armed]:
        """Return the composites that wait for one of the rules that were found."""
        fired = self.fired
        found = (*fired.live, *fired.shadow, *(hit.rule for hit, _ in fired.spared))
        return {armed.id: armed for name in found for armed in self._place.woken.get(name, ())}

    def _add_composites(self, composites: Iterable[Armed]) -> None:
        """Add rules that ask which others fired: they see those that don't ask themselves.

        A rule in shadow sees its like, a final one what an allow rule spared.
        """
        live = set(self.fired.live)
        dim = live | set(self.fired.shadow)
        spared = {hit.rule: self._place.by_id[hit.rule] for hit, _ in self.fired.spared}
        unspared = live | {name for name, one in spared.items() if not one.shadow and self._is_asked(one)}
        for armed in composites:
            self._facts.fired = dim if armed.shadow else unspared if armed.final else live
            self._add(armed)


def _sparer(armed: Armed, hit: Hit, allowed: Iterable[Allowance]) -> str | None:
    """Return the allow rule that spares a hit; a final rule's is never spared."""
    if armed.final or hit.span is None:
        return None
    return next((one.rule.id for one in allowed if hit.rule in one.rule.spares and one.holds(hit.span)), None)
