"""What holds for every message, standing and score: final is final, unknown convicts nobody."""

import math
from itertools import pairwise

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st

from rules.decide import decide, judgement_of
from rules.deciding.case import open_case
from rules.deciding.settling import NOTHING, Settled
from rules.deciding.weighing import weigh
from rules.explain import explain
from rules.message import Author, Entity, EntityType, Message, Surface
from rules.reputation import NEWCOMER, Reputation
from rules.verdict import Action, Hit, Judgement
from tests.rule_folders import NOW, loaded

RULES = loaded("""
- {id: scam/strong, label: scam, strength: strong, terms: [claim your prize]}
- {id: scam/medium, label: scam, strength: medium, terms: ["gift & card"], within: 3 words}
- {id: scam/weak, label: scam, strength: weak, terms: [prize, card]}
- {id: spam/strong, label: spam, strength: strong, terms: [buy followers]}
- {id: game/talk, against: [scam, spam], strength: strong, terms: [boss fight]}
- {id: scam/composite, label: scam, action: hold, all: [{rule: "scam/*"}, {has: link}]}
- {id: block/hosts, label: scam, action: remove, final: true, domains: [evil.example]}
- {id: block/words, label: spam, action: hold, final: true, terms: [blockedword]}
- {id: self_harm/cry, label: self_harm, strength: strong, terms: [end it all]}
- {id: spam/watched, label: spam, status: shadow, expires: 2099-01-01, strength: strong, terms: [hello]}
- {id: allow/all, allow: [claim your prize card, blockedword blockedword], spares: ["*"]}
- {id: exempt/staff, author: {roles: [moderator]}, at_most: flag}
- {id: exempt/bots, author: {roles: [bot]}, at_most: allow}
""")
NEWCOMERS = loaded("""
- {id: scam/new, label: scam, action: remove, all: [{author: {messages: "< 3"}}]}
- {id: scam/young, label: scam, action: remove, none: [{author: {age: "> 2d"}}]}
- {id: scam/untrusted, label: scam, action: remove, any: [{author: {trust: "< 0.5"}}]}
- {id: scam/struck, label: scam, action: remove, none: [{author: {strikes: "< 1"}}]}
""")

SNIPPETS = (
    "claim your prize", "gift", "card", "prize", "buy followers", "boss fight", "end it all", "blockedword",
    "claim your prize card", "https://evil.example/x", "shop.example", "hello", "ＰＲＩＺＥ", "\u200b", "🎉",
)  # fmt: skip
texts = st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=8), max_size=12).map(" ".join)
authors = st.none() | st.builds(
    Author,
    id=st.just("ann"),
    roles=st.lists(st.sampled_from(["moderator", "bot", "vip"]), max_size=2).map(tuple),
    bot=st.booleans(),
)
entities = st.lists(
    st.builds(
        Entity,
        type=st.sampled_from(EntityType),
        span=st.tuples(st.integers(0, 20), st.integers(0, 60)).map(lambda ends: (min(ends), max(ends))),
    ),
    max_size=2,
).map(tuple)
messages = st.builds(
    Message,
    id=st.just("m"),
    author=authors,
    text=texts,
    surface=st.sampled_from(Surface),
    entities=entities,
)
reputations = st.none() | st.builds(
    Reputation,
    strikes=st.floats(0, 1e6),
    good=st.integers(-5, 10**6),
    messages=st.integers(0, 10**6),
    as_of=st.floats(0, 2 * NOW),
)
scores = st.none() | st.dictionaries(
    st.sampled_from(["scam", "spam", "toxic", "self_harm"]), st.floats(0, 1) | st.just(math.nan), max_size=4
)
causes = st.sets(st.sampled_from([*RULES.rules, "model:scam", "model:spam"])).map(tuple)
known = st.fixed_dictionaries({"scores": scores, "reputation": reputations, "braked": causes})


def judge(message: Message, given_known: dict[str, object]) -> Judgement:
    """Scan and decide."""
    return decide(message, RULES.scan(message), RULES, now=NOW, **given_known)  # type: ignore[arg-type]


@given(messages, known)
def test_nothing_makes_a_final_rules_action_milder(
    message: Message, what_is_known: dict[str, object]
) -> None:
    """No text around it, standing, score, role, allow-term or brake."""
    judgement = judge(message, what_is_known)
    hits = {hit.rule for hit in RULES.scan(message).hits}
    if "block/hosts" in hits:
        assert judgement.action is Action.REMOVE
    if "block/words" in hits:
        assert judgement.action.strict


@given(messages, known)
def test_an_exemption_holds_for_all_that_is_not_final(
    message: Message, what_is_known: dict[str, object]
) -> None:
    """`at_most` is the most, and what it held back is said."""
    judgement = judge(message, what_is_known)
    final = {"block/hosts", "block/words"} & {hit.rule for hit in RULES.scan(message).hits}
    roles = message.author.roles if message.author else ()
    if not final and "bot" in roles:
        assert judgement.action is Action.ALLOW
    elif not final and "moderator" in roles:
        assert judgement.action.rank <= Action.FLAG.rank
    if judgement.would_be is not None:
        assert judgement.would_be.rank > judgement.action.rank
        assert judgement.lowered_by


@given(messages, known)
def test_a_judgement_is_sound(message: Message, what_is_known: dict[str, object]) -> None:
    """Scores are probabilities, spans lie in the text, only what was done costs a strike."""
    judgement = judge(message, what_is_known)
    assert all(0 < score < 1 for score in judgement.scores.values())
    assert all(0 <= a < b <= len(message.text) for r in judgement.reasons if r.span for a, b in [r.span])
    assert (judgement.action is Action.ALLOW) >= judgement.good
    assert (judgement.cause is None) == (judgement.action is Action.ALLOW)
    assert (judgement.hold_s is not None) == (judgement.action is Action.HOLD)
    assert not judgement.strike or judgement.action.strict
    if judgement.label == "self_harm":
        assert (judgement.action, judgement.strike) == (Action.FLAG, 0)


@given(messages, known, st.booleans())
def test_what_comes_to_nothing_is_told_in_short_as_at_length(
    message: Message, what_is_known: dict[str, object], simple: bool
) -> None:
    """Whatever rules in shadow would have it be."""
    if simple:
        message = msgspec.structs.replace(message, text="hello hello", entities=())
    case = open_case(message, RULES.scan(message), RULES, now=NOW, **what_is_known)  # type: ignore[arg-type]
    in_short = case.settled is NOTHING and not case.fired.live
    event(f"{in_short}, shadow: {bool(case.fired.shadow)}")
    assert case.scored == case.scale.all(case.hits(), case.model)
    assert judgement_of(case._replace(settled=Settled(*case.settled))) == judgement_of(case)


@given(messages, known)
def test_the_same_is_decided_twice_and_explained_alike(
    message: Message, what_is_known: dict[str, object]
) -> None:
    """Deciding touches nothing but its arguments, and pieces add up to a tenth of a point."""
    judgement = judge(message, what_is_known)
    assert judge(message, what_is_known) == judgement
    told = explain(message, RULES.scan(message), RULES, now=NOW, **what_is_known)  # type: ignore[arg-type]
    assert told.judgement.action is judgement.action
    for story in told.labels:
        assert round(story.start + sum(piece.points for piece in story.pieces), 1) == story.total
        score = 100 * judgement.scores[story.label]
        # Where nothing follows a verdict leaves out what speaks in one's favour; an explanation doesn't.
        assert abs(story.total - score) < 0.051 or (judgement.quiet and story.total < score)


@given(texts)
def test_newcomers_conditions_fire_on_nobody_who_is_not_known(text: str) -> None:
    """Neither a condition nor its opposite: the store may be away, an account's age may be missing."""
    message = Message("m", Author("ann"), text)
    evidence = NEWCOMERS.scan(message)
    judgement = decide(message, evidence, NEWCOMERS, scores=None, reputation=None, now=NOW)
    assert judgement.action is Action.ALLOW
    told = decide(message, evidence, NEWCOMERS, scores=None, reputation=NEWCOMER, now=NOW)
    assert {reason.rule for reason in told.reasons} == {"scam/new", "scam/untrusted"}


@given(messages, scores)
def test_an_unknown_author_is_treated_no_worse_than_a_newcomer(
    message: Message, model: dict[str, float] | None
) -> None:
    """Not knowing somebody is no evidence."""
    evidence = RULES.scan(message)
    unknown = decide(message, evidence, RULES, scores=model, reputation=None, now=NOW)
    newcomer = decide(message, evidence, RULES, scores=model, reputation=NEWCOMER, now=NOW)
    assert unknown.action.rank <= newcomer.action.rank


spans = st.tuples(st.integers(0, 30), st.integers(1, 10)).map(lambda place: (place[0], sum(place)))
hits = st.builds(
    Hit,
    rule=st.sampled_from(["a/a", "a/b", "a/c"]),
    label=st.just("scam"),
    weight=st.sampled_from([-4.5, -2.2, -1.0, 0.0, 1.0, 2.2, 4.5]),
    span=st.none() | spans,
)


@given(st.lists(hits, max_size=12), hits, st.sampled_from([2.0, 8.0, 100.0]))
def test_more_evidence_never_counts_for_less(found: list[Hit], more: Hit, bound: float) -> None:
    """A further hit moves the sum its own way or not at all, however hits overlap."""
    before = weigh(found, bound).total
    after = weigh([*found, more], bound).total
    assert (after - before) * more.weight >= -1e-9
    assert abs(after) <= bound


@given(st.lists(hits, max_size=12))
def test_no_stretch_of_text_counts_twice(found: list[Hit]) -> None:
    """Of one sign, the hits that count don't overlap, and together they weigh as much as the strongest."""
    counted = weigh(found, 1000.0).counted
    for sign in (1, -1):
        places = sorted(hit.span for hit in counted if hit.span and hit.weight * sign > 0)
        assert all(left[1] <= right[0] for left, right in pairwise(places))
        strongest = max((hit.weight * sign for hit in found), default=0)
        assert (
            sum(hit.weight * sign for hit in counted if hit.weight * sign > 0) >= min(strongest, 1000) - 1e-9
        )


@given(messages, st.sampled_from(["scam", "spam"]), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_model_score_is_never_a_milder_action(
    message: Message, label: str, one: float, other: float
) -> None:
    """The score of a label rises with the model's; what is said in favour is heard once something follows."""
    evidence = RULES.scan(message)
    low, high = (
        decide(message, evidence, RULES, scores={label: model}, reputation=None, now=NOW)
        for model in sorted((one, other))
    )
    if low.quiet is high.quiet:
        assert low.scores[label] <= high.scores[label] + 1e-12
    assert low.action.rank <= high.action.rank
