"""Decides: evidence, a model's scores and standing in, a judgement out; touches only its arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from itertools import chain

from rules.deciding.case import Case, facts_of, open_case
from rules.deciding.handling import is_good, mask_of, priority_of, queue_of, strike_of
from rules.deciding.scoring import untouched
from rules.deciding.settling import NOTHING, Settled
from rules.deciding.switching import remembering, switched
from rules.finding.asked import Asked
from rules.finding.behaviour import QUIET, Lately
from rules.finding.composites import Facts
from rules.finding.evidence import Evidence
from rules.finding.firing import holds
from rules.message import Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.rulings import Ruling
from rules.schema.policy import Visibility
from rules.switches import NONE, Switches
from rules.verdict import ALLOW, Action, Campaign, Hit, Judgement, Reason, Shadow, Silent

MAX_REASONS = 32
MAX_MATCHED = 64
MAX_SILENT = 8

_CLEAN = Judgement(ALLOW, quiet=True)
_CLEAN_AND_GOOD = Judgement(ALLOW, good=True, quiet=True)


def decide(
    message: Message,
    evidence: Evidence,
    rules: RuleSet,
    *,
    scores: Mapping[str, float] | None,
    reputation: Reputation | None,
    now: float,
    braked: Collection[str] = (),
    switches: Switches = NONE,
    seen: Lately | None = None,
    lower: float = 0.0,
    ruling: Ruling | None = None,
) -> Judgement:
    """Return what to do with a message, and why.

    Args:
        evidence: From `rules.scan(message)`.
        scores: The model's probabilities by label; None or empty where no model spoke.
        reputation: The author's standing before this message; None where it isn't known,
            which is not the same as new: no condition on it holds, nor does its opposite.
        now: Epoch seconds, the record's time.
        braked: Causes whose strict actions have reached too many established authors.
        switches: What operators have turned down, as far as it is in force.
        seen: What the author did lately; None where it isn't known or isn't counted, and then no
            condition on it holds.
        lower: Points by which ladders are lowered, since there is a raid on the channel.
        ruling: What a human decided on the same text.
    """
    place = evidence.place
    if evidence.harmless and not place.restless:
        # Most authors are quiet.
        heard = seen.heard(place.stirring) if seen is not None and seen is not QUIET else ()
        stirs = (heard or evidence.waiting) and _stirs(
            heard, evidence, facts_of(message, evidence, rules, scores, reputation, now, seen)
        )
        nothing = None if stirs else _nothing(message, evidence, rules, scores, reputation, now, lower)
        if nothing is not None:
            return nothing if ruling is None else ruling.over(nothing)
    weigh: Callable[..., Case] = partial(
        open_case,
        message,
        evidence,
        rules,
        reputation=reputation,
        now=now,
        braked=braked,
        seen=seen,
        lower=lower,
    )
    case = weigh(scores=scores)
    if ruling is not None and ruling.spares:
        case, weigh = _spared(ruling, case, weigh, scores)
    if switches and (acting := switches.at(message)):
        case = switched(case, acting, weigh, scores)
    judgement = judgement_of(case)
    return judgement if ruling is None else ruling.over(judgement)


def _stirs(heard: Collection[Asked], evidence: Evidence, facts: Facts) -> bool:
    """Return whether a rule fires, or may, by its conditions.

    That is one that waits for what the author did, or has perhaps found something in the text.
    """
    found = (armed for armed in evidence.waiting if not armed.stirring or armed.stirring[0] in heard)
    return any(armed.composite or holds(armed, facts) for armed in chain(evidence.place.roused(heard), found))


def _spared(
    ruling: Ruling, full: Case, weigh: Callable[..., Case], scores: Mapping[str, float] | None
) -> tuple[Case, Callable[..., Case]]:
    """Return the case without what a human spared the text from, and how to weigh it so again."""
    named = (*full.fired.live, *(f"model:{label}" for label in scores or ()))
    spared = frozenset(name for name in named if ruling.covers(name))

    def again(*, scores: Mapping[str, float] | None, without: frozenset[str] = frozenset()) -> Case:
        heard = {label: p for label, p in (scores or {}).items() if f"model:{label}" not in spared}
        return weigh(scores=heard, without=without | spared)

    case = again(scores=scores)
    return case._replace(settled=remembering(case.settled, full.settled, [ruling.name])), again


def _nothing(
    message: Message,
    evidence: Evidence,
    rules: RuleSet,
    scores: Mapping[str, float] | None,
    reputation: Reputation | None,
    now: float,
    lower: float,
) -> Judgement | None:
    """Return the judgement of a message that no rule speaks against and no score, as of most."""
    if not scores:
        return _CLEAN_AND_GOOD if is_good(message, ALLOW) else _CLEAN
    place = evidence.place
    if _wakes(place.watched, scores):
        return None
    quiet = untouched(scores, place.lowered(lower), rules.policy.shift(reputation, now))
    if quiet is None:
        return None
    return Judgement(ALLOW, scores=quiet, good=is_good(message, ALLOW), quiet=True)


def _wakes(watched: Mapping[str, float], scores: Mapping[str, float]) -> bool:
    """The model says what a rule waits for."""
    return any(scores.get(label, -1.0) >= limit for label, limit in watched.items())


def judgement_of(case: Case) -> Judgement:
    """Return what was settled in the terms of a verdict."""
    if case.settled is NOTHING and not case.fired.live:  # as where rules in shadow alone fired
        return Judgement(
            ALLOW,
            scores={one.label: one.score for one in case.scored},
            shadow=tuple(_shadows(case)),
            silent=_silent(case) if case.evidence.foreign else (),
            good=is_good(case.message, ALLOW),
            campaign=_campaign(case) if case.seen is not None else None,
        )
    settled, acted, source = case.settled, case.acted, case.source
    hold = case.policy.hold if settled.action is Action.HOLD else None
    return Judgement(
        action=settled.action,
        label=acted.label if acted else None,
        labels=_reached(case),
        scores={one.label: one.score for one in case.scored},
        reasons=_reasons(case),
        decided_by=_decided_by(settled),
        cause=acted.cause if acted else None,
        strict_causes=settled.strict_causes,
        would_be=settled.would_be,
        lowered_by=settled.lowered_by,
        shadow=tuple(_shadows(case)),
        silent=_silent(case) if case.evidence.foreign else (),
        strike=strike_of(case),
        good=settled.would_be is None and is_good(case.message, settled.action),
        tags=tuple(dict.fromkeys(tag for rule in case.rules() for tag in rule.tags)),
        policy=source.policy if source else None,
        user_message=(source.message or None) if source else None,
        mask=mask_of(case),
        queue=queue_of(case),
        priority=priority_of(case),
        hold_s=float(hold.for_s) if hold else None,
        on_expiry=hold.on_expiry if hold else None,
        campaign=_campaign(case) if case.seen is not None else None,
    )


def _campaign(case: Case) -> Campaign | None:
    """The largest campaign that a rule which fired, live or in shadow, found."""
    assert case.seen is not None
    fired = (case.evidence.place.by_id[name] for name in (*case.fired.live, *case.fired.shadow))
    asked = (one for armed in fired for one in armed.stirring if one.alike)
    found = [campaign for one in asked if (campaign := case.seen.campaign(one)) is not None]
    return max(found, key=lambda one: one.size, default=None)


def _decided_by(settled: Settled) -> str:
    """What settled it; where everything was held back, what held it back."""
    if settled.winner is not None and settled.action is not ALLOW:
        return settled.winner.name
    return settled.lowered_by[-1] if settled.lowered_by else "nothing"


def _reached(case: Case) -> tuple[str, ...]:
    reached = [one for one in case.scored if one.step is not None]
    reached.sort(key=lambda one: (-one.score, one.label))
    return tuple(one.label for one in reached)


def _reasons(case: Case) -> tuple[Reason, ...]:
    """The strongest hits; among them one of the deciding rule, which may have no weight at all."""
    hits = sorted((hit for hit in case.hits() if hit.label), key=lambda hit: -abs(hit.weight))
    kept = hits[:MAX_REASONS]
    if case.source and all(hit.rule != case.source.id for hit in kept):
        kept[-1] = case.fired.live[case.source.id][0]
    return tuple(_reason(hit, case) for hit in kept)


def _reason(hit: Hit, case: Case) -> Reason:
    if hit.span is None:
        return Reason(hit.rule, hit.label, hit.weight, seen=hit.seen)
    return Reason(hit.rule, hit.label, hit.weight, _matched(hit, case), hit.span, hit.view, hit.seen)


def _matched(hit: Hit, case: Case) -> str | None:
    visible = (case.rule(hit.rule).matched or case.policy.matched) is Visibility.SHOWN
    return case.message.text[slice(*hit.span)][:MAX_MATCHED] if visible and hit.span else None


def _shadows(case: Case) -> Iterator[Shadow]:
    """What each rule in shadow asks for: its own action, or the step its evidence would have led to."""
    for name, hits in case.fired.shadow.items():
        rule = case.rule(name)
        label = rule.labels[0]
        scored = case.scale.with_hits(label, case.model.get(label), [*case.hits(), *hits])
        step = scored.step[1] if scored.step else Action.ALLOW
        action = max(step, rule.action or Action.ALLOW, key=lambda action: action.rank)
        yield Shadow(name, label, action, _matched(hits[0], case), hits[0].span, hits[0].seen)


def _silent(case: Case) -> tuple[Silent, ...]:
    """Rules of another language, each once, by the first of their words."""
    ascending = sorted(case.evidence.foreign, key=lambda one: one.span)
    rules = dict.fromkeys((one.rule, one.languages) for one in ascending)
    why = case.evidence.spoken().because
    return tuple(Silent(rule, tuple(sorted(languages)), why) for rule, languages in rules)[:MAX_SILENT]
