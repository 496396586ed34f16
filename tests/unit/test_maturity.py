"""What the model's word does alone, beside a rule and beside strikes, by how far its labels are trusted."""

import math
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decide import decide, judgement_of
from rules.deciding.case import open_case
from rules.explain import explain
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.schema.labels import Maturity
from rules.verdict import Action
from tests.rule_folders import NOW, judged, loaded, problems, said

POLICY = """
labels:
  spam: {base: -4, ladder: {flag: 30, hold: 60, remove: 90}}
  hate: {base: -4, ladder: {flag: 30, hold: 60, remove: 90}}
  threat: {base: -4, ladder: {flag: 30, hold: 60, remove: 90}, model_from: 75}
  self_harm: {base: -4.5, trust: ignored, care: true, ladder: {flag: 20}}
"""
RULES = """
- {id: hate/strong, label: hate, strength: strong, terms: [zzstrong]}
- {id: hate/medium, label: hate, strength: medium, terms: [zzmedium]}
- {id: hate/weak, label: hate, strength: weak, terms: [zzweak]}
- {id: hate/plea, against: [hate], strength: medium, terms: [zzplea]}
- {id: hate/sure, label: hate, strength: strong, action: remove, model: {hate: "> 0.99"}}
"""
SURE, STRUCK = 0.97, Reputation(strikes=5.0, as_of=NOW)
EVERY = {level: dict.fromkeys(("spam", "hate", "threat", "self_harm"), level) for level in Maturity}
BY_MATURITY = {level: loaded(RULES, policy=POLICY, maturity=EVERY[level]) for level in Maturity}


@pytest.mark.parametrize(
    ("level", "label", "alone", "with_strikes"),
    [
        (Maturity.AUTOMATIC, "spam", Action.REMOVE, Action.REMOVE),
        (Maturity.AUTOMATIC, "hate", Action.HOLD, Action.REMOVE),
        (Maturity.ASSIST, "spam", Action.FLAG, Action.FLAG),
        (Maturity.ASSIST, "hate", Action.FLAG, Action.FLAG),
        (Maturity.ASSIST, "self_harm", Action.FLAG, Action.FLAG),
        (Maturity.EXPERIMENTAL, "spam", Action.ALLOW, Action.ALLOW),
        (Maturity.EXPERIMENTAL, "self_harm", Action.ALLOW, Action.ALLOW),
    ],
)
def test_how_far_the_models_word_goes_by_itself(
    level: Maturity, label: str, alone: Action, with_strikes: Action
) -> None:
    """An experimental label is only shown, one that assists flags; alone it removes only spam and scam."""
    rules = BY_MATURITY[level]
    assert judged(rules, "hello", scores={label: SURE}).action is alone
    assert judged(rules, "hello", scores={label: SURE}, reputation=STRUCK).action is with_strikes


def test_without_any_word_of_its_maturity_a_label_is_automatic() -> None:
    """As rules without a model's artifact are tried."""
    rules = loaded(RULES, policy=POLICY)
    assert judged(rules, "hello", scores={"spam": SURE}).decided_by == "ladder:spam:remove"


@pytest.mark.parametrize("level", [Maturity.ASSIST, Maturity.EXPERIMENTAL])
def test_beside_a_rule_what_assists_goes_a_step_further_and_what_is_experimental_flags(
    level: Maturity,
) -> None:
    """A medium hit alone is allowed, a strong one held."""
    rules, sure = BY_MATURITY[level], {"hate": SURE}
    assert judged(rules, "zzmedium").action is Action.ALLOW
    assert judged(rules, "zzmedium", scores=sure).action is Action.FLAG
    assert judged(rules, "zzstrong").action is Action.HOLD
    removes = level is not Maturity.EXPERIMENTAL
    assert judged(rules, "zzstrong", scores=sure).action is (Action.REMOVE if removes else Action.HOLD)
    assert judged(rules, "zzstrong zzmedium").action is Action.REMOVE
    assert judged(rules, "zzstrong zzmedium", scores=sure).action is Action.REMOVE
    assert judged(BY_MATURITY[Maturity.AUTOMATIC], "zzmedium", scores=sure).action is Action.REMOVE


def test_what_is_experimental_talks_no_rule_down() -> None:
    """What assists may, and what speaks for the author is no rule beside the model's word."""
    unlikely = {"hate": 0.0001}
    assert judged(BY_MATURITY[Maturity.EXPERIMENTAL], "zzstrong", scores=unlikely).action is Action.HOLD
    assert judged(BY_MATURITY[Maturity.ASSIST], "zzstrong", scores=unlikely).action is Action.ALLOW
    plea = judged(BY_MATURITY[Maturity.EXPERIMENTAL], "zzplea", scores={"hate": 0.999})
    assert plea.decided_by == "hate/sure"
    assert judged(BY_MATURITY[Maturity.EXPERIMENTAL], "zzplea", scores={"hate": SURE}).action is Action.ALLOW


def test_a_rule_that_asks_the_model_acts_by_itself() -> None:
    """Its author has decided that the label may."""
    settled = judged(BY_MATURITY[Maturity.EXPERIMENTAL], "hello", scores={"hate": 0.995})
    assert (settled.action, settled.decided_by) == (Action.REMOVE, "hate/sure")


def test_of_a_label_that_ignores_the_model_the_rules_speak_alone() -> None:
    """Whatever its maturity; it is shown, and a scope may want it heard."""
    rules = loaded(
        "- {id: profanity/word, label: profanity, weight: 3.4, terms: [zzcoarse]}",
        policy="""
        labels: {profanity: {base: -4, ladder: {flag: 50}, model: ignored}}
        scopes: [{match: {channels: [heard]}, labels: {profanity: {model: counted}}}]
        """,
    )
    sure = {"profanity": SURE}
    assert judged(rules, "zzcoarse", scores=sure) == judged(rules, "zzcoarse", scores={"profanity": 0.01})
    assert judged(rules, "zzcoarse", scores=sure).action is Action.ALLOW
    assert judged(rules, "hello", scores=sure).scores == sure
    assert judged(rules, said("zzcoarse", channel="heard"), scores=sure).action is Action.FLAG


def test_a_label_may_ask_for_more_points_before_the_model_is_heard() -> None:
    """The ladder begins at 30 for rules; the lower steps begin where the model is heard."""
    rules = BY_MATURITY[Maturity.AUTOMATIC]
    assert judged(rules, "hello", scores={"threat": 0.7}).action is Action.ALLOW
    assert judged(rules, "hello", scores={"threat": 0.76}).action is Action.HOLD


def test_policies_say_otherwise_by_maturity_by_label_and_by_scope() -> None:
    """What isn't written stays."""
    rules = loaded(
        RULES,
        policy="""
        model_alone: {experimental: flag}
        labels:
          hate: {base: -4, ladder: {flag: 30, hold: 60, remove: 90}, model_alone: remove}
          spam: {base: -4, ladder: {flag: 30, hold: 60, remove: 90}}
        scopes:
          - match: {channels: [lax]}
            labels: {hate: {model_alone: allow}, spam: {model_alone: allow}}
        """,
        maturity={"hate": Maturity.AUTOMATIC, "spam": Maturity.EXPERIMENTAL},
    )
    assert judged(rules, "hello", scores={"spam": SURE}).action is Action.FLAG
    assert judged(rules, "hello", scores={"hate": SURE}).action is Action.REMOVE
    lax = said("hello", channel="lax")
    assert judged(rules, lax, scores={"spam": SURE}).action is Action.ALLOW
    assert judged(rules, lax, scores={"hate": SURE}).action is Action.ALLOW


def test_a_maturity_or_an_action_that_is_none_is_refused() -> None:
    """With the line it stands on."""
    (wrong,) = problems(RULES, policy="model_alone: {experimentel: flag}\n" + POLICY)
    assert wrong.startswith("policy.yaml:1")
    (wrong,) = problems(RULES, policy="model_alone: {assist: ban}\n" + POLICY)
    assert wrong.startswith("policy.yaml:1")


@pytest.mark.parametrize("change", ["model: ignored", "model_alone: allow", "model_from: 99"])
def test_what_is_locked_a_scope_may_not_hush(change: str) -> None:
    """It is refused, as lower bases and higher steps are."""
    locked = """
labels: {spam: {base: -4, ladder: {flag: 30, hold: 60}, locked: [flag]}}
scopes:
  - match: {channels: [lax]}
    labels: {spam: {CHANGE}}
"""
    (wrong,) = problems(RULES, policy=locked.replace("CHANGE", change))
    assert wrong.startswith("policy.yaml:5")
    assert change.partition(":")[0] in wrong


def test_labels_that_a_policy_leaves_to_others_keep_their_maturity() -> None:
    """And what is usual for them: spam is removed for, wherever its ladder stands."""
    everything = "{base: -4, ladder: {flag: 30, hold: 60, remove: 90}}"
    by_custom = f"labels: {{custom.*: {everything}}}"
    maturity = {"hate": Maturity.EXPERIMENTAL, "spam": Maturity.AUTOMATIC}
    rules = loaded(RULES, policy=by_custom, maturity=maturity)
    assert judged(rules, "hello", scores={"hate": SURE}).action is Action.ALLOW
    assert judged(rules, "hello", scores={"spam": SURE}).action is Action.REMOVE
    scope = f"scopes: [{{match: {{channels: [one]}}, labels: {{spam: {everything}}}}}]"
    rules = loaded(RULES, policy=f"labels: {{hate: {everything}}}\n{scope}", maturity=maturity)
    assert judged(rules, said("hello", channel="one"), scores={"spam": SURE}).action is Action.REMOVE


def test_a_trace_of_strikes_stands_beside_nobody() -> None:
    """Nor does what the model's word alone has cost in a day."""
    rules = BY_MATURITY[Maturity.AUTOMATIC]
    for strikes, action in ((1e-9, Action.HOLD), (0.5, Action.HOLD), (0.6, Action.REMOVE)):
        known = Reputation(strikes=strikes, as_of=NOW)
        assert judged(rules, "hello", scores={"hate": SURE}, reputation=known).action is action, strikes


def test_in_a_raid_the_model_is_heard_from_fewer_points_on() -> None:
    """As ladders are lowered."""
    rules, message = BY_MATURITY[Maturity.AUTOMATIC], said("hello")
    evidence, known = rules.scan(message), {"scores": {"threat": 0.7}, "reputation": None, "now": NOW}
    assert decide(message, evidence, rules, **known).action is Action.ALLOW  # type: ignore[arg-type]
    assert decide(message, evidence, rules, **known, lower=10.0).action is Action.HOLD  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("level", "text", "label", "p", "why"),
    [
        (Maturity.EXPERIMENTAL, "hello", "spam", SURE, "is only shown: the label is experimental"),
        (Maturity.ASSIST, "hello", "spam", SURE, "comes to flag at most: the label is assist"),
        (Maturity.AUTOMATIC, "hello", "hate", SURE, "comes to hold at most: so its policy says"),
        (Maturity.AUTOMATIC, "hello", "threat", 0.7, "counts from 75 points on"),
        (Maturity.ASSIST, "zzmedium", "hate", SURE, "rules come to flag at most: the label is assist"),
        (
            Maturity.EXPERIMENTAL,
            "zzstrong",
            "hate",
            SURE,
            "rules come to hold at most: the label is experimental",
        ),
        (Maturity.AUTOMATIC, "hello", "spam", SURE, None),
    ],
)
def test_the_explanation_says_why_a_step_is_not_taken(
    level: Maturity, text: str, label: str, p: float, why: str | None
) -> None:
    """And its rungs are those that were."""
    rules, message = BY_MATURITY[level], said(text)
    told = explain(message, rules.scan(message), rules, scores={label: p}, reputation=None, now=NOW)
    (story,) = told.labels
    assert story.bound is None if why is None else str(story.bound).endswith(why)
    reached = [rung.action for rung in story.ladder if rung.reached]
    assert (reached[-1] if reached else Action.ALLOW) is told.judgement.action


def test_where_a_low_word_is_not_heard_the_story_starts_at_the_base() -> None:
    """So that its pieces add up."""
    rules, message = BY_MATURITY[Maturity.EXPERIMENTAL], said("zzstrong")
    told = explain(message, rules.scan(message), rules, scores={"hate": 0.0001}, reputation=None, now=NOW)
    (story,) = told.labels
    assert (story.starts_with, story.model) == ("base", 0.0)
    assert story.start + story.pieces[0].points == pytest.approx(story.total, abs=0.11)


@given(
    level=st.sampled_from(Maturity),
    scores=st.dictionaries(
        st.sampled_from(["spam", "hate", "threat", "self_harm"]),
        st.floats(0, 1) | st.just(math.nan),
        min_size=1,
    ),
    reputation=st.builds(Reputation, strikes=st.floats(0, 9), good=st.integers(0, 500), as_of=st.just(NOW)),
    text=st.sampled_from(["hello", "zzplea", "zzmedium", "zzstrong"]),
)
def test_the_short_way_comes_to_what_the_long_one_does(
    level: Maturity, scores: dict[str, float], reputation: Reputation, text: str
) -> None:
    """Nearly every message goes the short way."""
    rules, message = BY_MATURITY[level], said(text)
    evidence = rules.scan(message)
    known = {"scores": scores, "reputation": reputation, "now": NOW}
    short = decide(message, evidence, rules, **known)  # type: ignore[arg-type]
    long = judgement_of(open_case(message, evidence, rules, **known))  # type: ignore[arg-type]
    assert (short.action, short.labels, short.good) == (long.action, long.labels, long.good)
    if text != "zzplea":  # where nothing follows nobody asks what speaks for the author
        assert short.scores == pytest.approx(long.scores)


@given(
    level=st.sampled_from([Maturity.ASSIST, Maturity.EXPERIMENTAL]),
    p=st.floats(0, 0.99),
    text=st.sampled_from(["zzweak", "zzmedium", "zzstrong", "zzmedium zzstrong"]),
)
def test_beside_a_rule_an_untrusted_word_moves_one_step_up(level: Maturity, p: float, text: str) -> None:
    """At most, however sure it is; an experimental one to a flag, and none down."""
    rules: RuleSet = BY_MATURITY[level]
    bare, moved = judged(rules, text).action, judged(rules, text, scores={"hate": p}).action
    assert moved.rank <= bare.rank + 1
    if level is Maturity.EXPERIMENTAL:
        assert moved in (bare, Action.FLAG)
        assert moved.rank >= bare.rank


@given(
    level=st.sampled_from(Maturity),
    most=st.sampled_from(Action),
    p=st.floats(0, 0.99),
    text=st.sampled_from(["hello", "zzplea", "zzweak", "zzmedium"]),
    more=st.sampled_from(["zzweak", "zzmedium", "zzstrong"]),
    strikes=st.floats(0, 3),
)
def test_more_evidence_against_never_makes_it_milder(
    level: Maturity, most: Action, p: float, text: str, more: str, strikes: float
) -> None:
    """Whatever a policy lets the model's word do by itself, with the same word of the model."""
    rules = _with_alone(level, most)
    known = {"scores": {"hate": p}, "reputation": Reputation(strikes=strikes, as_of=NOW)}
    if level is not Maturity.EXPERIMENTAL:  # of which a low word isn't heard beside a rule
        fewer, all_of_it = (judged(rules, one, **known).action for one in (text, f"{text} {more}"))  # type: ignore[arg-type]
        assert fewer.rank <= all_of_it.rank


@cache
def _with_alone(level: Maturity, most: Action) -> RuleSet:
    return loaded(RULES, policy=f"model_alone: {{{level}: {most}}}\n{POLICY}", maturity=EVERY[level])
