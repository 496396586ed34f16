"""Takes a decision apart for a person: what each piece added in points, and what would be without it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from rules.decide import decide
from rules.deciding.case import Case, open_case
from rules.deciding.scoring import Scored
from rules.deciding.sources import base_source, standing_source, step_source, weight_source
from rules.finding.evidence import Evidence, Span, Unheeded
from rules.logodds import points_of
from rules.message import Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.schema.labels import BACKING, Trust
from rules.schema.policy import Visibility
from rules.switches import NONE, Switches
from rules.verdict import Action, Hit, Judgement


class Piece(msgspec.Struct, frozen=True):
    """One step from a label's start to its score.

    Attributes:
        name: The rule, "standing", or "bound" where the policy's bound on evidence cut in.
        points: What it added, to a tenth; below 0 it took away.
        total: Points reached with it; start + all pieces so far, exactly.
        why: The rule's own words.
        matched: The typed text, None where nothing or where it is hidden.
        view: Which reading of the text it was found in.
        source: Where the number comes from: the rule's strength or weight, the standing, the policy's bound.
    """

    name: str
    points: float
    total: float
    why: str | None = None
    matched: str | None = None
    span: Span | None = None
    view: str | None = None
    source: str | None = None


class Rung(msgspec.Struct, frozen=True):
    """One step of a ladder; `source` says which scope of the policy set it."""

    points: float
    action: Action
    reached: bool
    source: str


class LabelStory(msgspec.Struct, frozen=True):
    """How a label came by its points.

    Attributes:
        start: Points before any evidence; `starts_with` says whose: "model" or "base".
        model: The model's points; None where it didn't speak.
        start_source: Which scope of the policy set the base; None where the model spoke.
        uncounted: Hits that another one overlaps, which counts more.
        ladder: From the lowest step up; empty where nothing follows from the label.
        bound: Why a step isn't taken though there are points enough; None where all are.
        total: Points in the end; the start plus all pieces, exactly.
    """

    label: str
    starts_with: str
    start_source: str | None
    start: float
    pieces: tuple[Piece, ...]
    total: float
    ladder: tuple[Rung, ...]
    uncounted: tuple[str, ...] = ()
    bound: str | None = None
    model: float | None = None


class Without(msgspec.Struct, frozen=True):
    """What would have come, had one rule not been written.

    Attributes:
        points: Of the rule's label; None where it wouldn't have been scored, or the rule has no label.
    """

    rule: str
    action: Action
    points: float | None


class Exempt(msgspec.Struct, frozen=True):
    """A hit that didn't count, and the allow rule that spared it."""

    rule: str
    by: str
    matched: str | None
    span: Span | None


class Foreign(msgspec.Struct, frozen=True):
    """Words of a rule's list that didn't count, the languages that they belong to, and why not."""

    rule: str
    matched: str | None
    span: Span
    languages: tuple[str, ...]
    why: str


class Explanation(msgspec.Struct, frozen=True):
    """A judgement and how it came about.

    Attributes:
        labels: Highest points first.
        without: For each rule that fired and for each that spared something.
        foreign: Words that didn't count, by the order of the text.
    """

    judgement: Judgement
    labels: tuple[LabelStory, ...]
    without: tuple[Without, ...]
    spared: tuple[Exempt, ...] = ()
    foreign: tuple[Foreign, ...] = ()


def explain(
    message: Message,
    evidence: Evidence,
    rules: RuleSet,
    *,
    scores: Mapping[str, float] | None,
    reputation: Reputation | None,
    now: float,
    braked: Collection[str] = (),
    switches: Switches = NONE,
) -> Explanation:
    """Return what `decide` returns for the same arguments, and how it came about."""

    def case_without(*names: str) -> Case:
        return open_case(
            message, evidence, rules,
            scores=scores, reputation=reputation, now=now, braked=braked, without=names,
        )  # fmt: skip

    case = case_without()
    named = dict.fromkeys((*case.fired.live, *(by for _, by in case.fired.spared)))
    foreign = sorted(evidence.foreign, key=lambda one: one.span)
    stories = sorted((_story(one, case) for one in case.scored), key=lambda story: -story.total)
    return Explanation(
        judgement=decide(
            message,
            evidence,
            rules,
            scores=scores,
            reputation=reputation,
            now=now,
            braked=braked,
            switches=switches,
        ),
        labels=tuple(stories),
        without=tuple(_without(name, case, case_without(name)) for name in named),
        spared=tuple(Exempt(hit.rule, by, _matched(hit, case), hit.span) for hit, by in case.fired.spared),
        foreign=tuple(_foreign(one, case) for one in foreign),
    )


def _foreign(one: Unheeded, case: Case) -> Foreign:
    matched, why = _text_at(one.span, one.rule, case), case.evidence.spoken().because
    return Foreign(one.rule, matched, one.span, tuple(sorted(one.languages)), why)


def _story(scored: Scored, case: Case) -> LabelStory:
    start = _tenths(scored.start)
    place = (case.policy, case.message.tenant, case.message.channel, scored.label)
    pieces = tuple(_pieces(scored, case))
    counted = set(scored.evidence.counted) if scored.evidence else set()
    label_hits = (hit for hit in case.hits() if hit.label == scored.label and hit.weight)
    total = pieces[-1].total if pieces else start
    by_model = scored.model is not None and scored.start != scored.policy.base
    taken = scored.step[1] if scored.step else Action.ALLOW
    return LabelStory(
        label=scored.label,
        starts_with="model" if by_model else "base",
        start_source=None if by_model else base_source(*place),
        start=start,
        pieces=pieces,
        total=total,
        ladder=tuple(
            Rung(points, action, action.rank <= taken.rank, step_source(*place, action))
            for points, action in reversed(scored.policy.steps)
        ),
        uncounted=tuple(dict.fromkeys(hit.rule for hit in label_hits if hit not in counted)),
        bound=_bound(scored, taken),
        model=None if scored.model is None else round(100.0 * scored.model, 1),
    )


def _bound(scored: Scored, taken: Action) -> str | None:
    """Say what keeps the model's word from a step that the points would reach."""
    policy, points = scored.policy, 100.0 * scored.score
    reached = policy.step(points)
    if scored.model is None or reached is None or reached[1] is taken:
        return None
    if policy.model is Trust.IGNORED:
        return "the model's word is only shown: the policy ignores it"
    if scored.evidence and scored.evidence.against:
        return f"with the model's word the rules come to {taken} at most: the label is {policy.maturity}"
    most, by_maturity = policy.most[scored.shift > BACKING], policy.most[1]
    if points < policy.model_from and most is not Action.ALLOW:
        return f"without a rule beside it the model's word counts from {policy.model_from:g} points on"
    what = "is only shown" if most is Action.ALLOW else f"comes to {most} at most"
    why = f"the label is {policy.maturity}" if most is by_maturity else "so its policy says"
    return f"without a rule beside it the model's word {what}: {why}"


class _Push(NamedTuple):
    name: str
    log_odds: float
    hit: Hit | None


def _pieces(scored: Scored, case: Case) -> Iterator[Piece]:
    """Walk from the start to the score; points are differences of rounded totals, so sums are exact."""
    place = scored.start
    for push in _pushes(scored):
        before = _tenths(place)
        place += push.log_odds
        total = _tenths(place)
        rule = case.rule(push.hit.rule) if push.hit else None
        yield Piece(
            name=push.name,
            points=round(total - before, 1),
            total=total,
            why=rule.why if rule else None,
            matched=_matched(push.hit, case) if push.hit else None,
            span=push.hit.span if push.hit else None,
            view=push.hit.view if push.hit and push.hit.span else None,
            source=_source(push, case),
        )


def _source(push: _Push, case: Case) -> str:
    if push.hit is not None:
        return weight_source(case.rule(push.hit.rule), push.hit.weight)
    if push.name == "standing":
        return standing_source(case)
    return f"max_evidence {case.policy.max_evidence:g}"


def _pushes(scored: Scored) -> Iterator[_Push]:
    if scored.evidence:
        summed = 0.0
        for hit in _favourable_last(scored.evidence.counted):
            summed += hit.weight
            yield _Push(hit.rule, hit.weight, hit)
        if abs(summed - scored.evidence.total) > 1e-9:
            yield _Push("bound", scored.evidence.total - summed, None)
    if scored.shift:
        yield _Push("standing", scored.shift, None)


def _favourable_last(hits: Iterable[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: hit.weight < 0)


def _without(name: str, case: Case, other: Case) -> Without:
    labels = {one.label: one.score for one in other.scored}
    own = case.evidence.place.by_id[name].rule.labels
    points = next((round(100.0 * labels[label], 1) for label in own if label in labels), None)
    return Without(name, other.settled.action, points)


def _matched(hit: Hit, case: Case) -> str | None:
    return _text_at(hit.span, hit.rule, case) if hit.span else None


def _text_at(span: Span, rule: str, case: Case) -> str | None:
    visible = (case.rule(rule).matched or case.policy.matched) is Visibility.SHOWN
    return case.message.text[slice(*span)] if visible else None


def _tenths(log_odds: float) -> float:
    return round(points_of(log_odds), 1)
