"""From draft to expired: what a rule does at each step, for whom, and what may lower it."""

import pytest

from rules import packs
from rules.explain import explain
from rules.message import Author, Entity, EntityType
from rules.reputation import Reputation
from rules.verdict import Action
from tests.rule_folders import NOW, POLICY, judged, loaded, problems, said, write

AUTHORS = [f"author-{number}" for number in range(1000)]


def acted_on(rollout: str, rule: str = "spam/a") -> set[str]:
    """Return the authors for whom a rule acts; for the others it is in shadow."""
    rules = loaded(f"- {{id: {rule}, label: spam, action: hold, terms: [viewers], rollout: {rollout}}}")
    acted = set()
    for author in AUTHORS:
        judgement = judged(rules, said("viewers", author=Author(author)))
        assert (judgement.action is Action.HOLD) is not bool(judgement.shadow)
        if judgement.action is Action.HOLD:
            acted.add(author)
    return acted


def test_a_rollout_reaches_its_share_of_authors_and_the_same_ones_each_time() -> None:
    """By a hash of the author: nobody is in today and out tomorrow, and more is only ever more."""
    tenth, quarter = acted_on("10%"), acted_on("25%")
    assert 70 < len(tenth) < 130
    assert 200 < len(quarter) < 300
    assert tenth < quarter
    assert acted_on("100%") == set(AUTHORS)


def test_each_rule_begins_with_other_authors() -> None:
    """So that it isn't always the same people who try what is new."""
    both = acted_on("25%") & acted_on("25%", "spam/b")
    assert 30 < len(both) < 110


def test_a_rule_in_rollout_is_in_shadow_for_the_others_and_its_own_tests_run_all_the_same() -> None:
    """They would otherwise hang on the name of the test's author."""
    rules = loaded("""
        - {id: spam/a, label: spam, action: remove, terms: [viewers], rollout: 0.1%, hit: [cheap viewers]}
    """)
    judgement = judged(rules, "cheap viewers")
    assert judgement.action is Action.ALLOW
    (shadow,) = judgement.shadow
    assert (shadow.rule, shadow.action, shadow.matched) == ("spam/a", Action.REMOVE, "viewers")


def test_what_nobody_signed_is_outside_of_every_rollout() -> None:
    """A message without an author."""
    rules = loaded("- {id: spam/a, label: spam, action: hold, terms: [viewers], rollout: 99%}")
    assert judged(rules, said("viewers", author=None)).action is Action.ALLOW


def test_an_exemption_and_an_allow_rule_can_be_rolled_out_too() -> None:
    """Outside of it they are as good as not written."""
    rules = loaded("""
        - {id: spam/a, label: spam, action: hold, terms: [viewers]}
        - {id: exempt/all, all: [{length: "> 0"}], at_most: flag, rollout: 50%}
    """)
    actions = {judged(rules, said("viewers", author=Author(author))).action for author in AUTHORS[:50]}
    assert actions == {Action.FLAG, Action.HOLD}


@pytest.mark.parametrize("status", ["draft", "expired"])
def test_a_draft_and_an_expired_rule_do_nothing(status: str) -> None:
    """They are read and checked; whoever asks for one of them is told that there is none."""
    rule = f"- {{id: spam/a, label: spam, action: hold, terms: [viewers], status: {status}}}"
    assert judged(loaded(rule), "viewers").action is Action.ALLOW
    asking = "\n- {id: spam/b, label: spam, strength: weak, all: [{rule: spam/a}]}"
    assert "names no rule" in "".join(problems(rule + asking))


def test_what_is_in_shadow_shows_what_it_found_unless_it_is_hidden() -> None:
    """A trial without samples tells nothing."""
    rules = loaded("""
        - {id: spam/a, label: spam, action: hold, terms: [viewers], status: shadow}
        - {id: spam/b, label: spam, action: hold, terms: [cheap], status: shadow, matched: hidden}
        - {id: spam/c, label: spam, action: hold, all: [{length: "> 3"}], status: shadow}
    """)
    shown = {shadow.rule: (shadow.matched, shadow.span) for shadow in judged(rules, "cheap viewers").shadow}
    assert shown == {"spam/a": ("viewers", (6, 13)), "spam/b": (None, (0, 5)), "spam/c": (None, None)}


# -- parts, exact copies


def test_a_rule_can_look_only_at_what_was_said_and_not_at_what_was_quoted() -> None:
    """As the platform marked it; a hit that reaches beyond a quotation is said."""
    rules = loaded("""
        - id: spam/a
          label: spam
          action: hold
          terms: [viewers, cheap viewers]
          parts: said
          hit: [cheap viewers]
          miss: [{text: he wrote cheap viewers, entities: [{type: quote, text: cheap viewers}]}]
        - {id: spam/code, label: spam, action: flag, terms: [viewers], parts: [code, quoted]}
    """)
    quoted = (Entity(EntityType.QUOTE, (6, 13)),)
    assert judged(rules, said("cheap viewers", entities=quoted)).action is Action.HOLD
    code = (Entity(EntityType.CODE, (0, 13)),)
    assert judged(rules, said("cheap viewers", entities=code)).action is Action.FLAG


COPYPASTA = """
- {id: spam/a, label: spam, strength: strong, terms: [viewers]}
- {id: spam/long, label: spam, action: flag, all: [{length: "> 30"}]}
- {id: spam/more, label: spam, action: flag, all: [{rule: spam/a}]}
- {id: scam/other, label: scam, action: hold, terms: [gold]}
- {id: block/gold, label: scam, action: remove, final: true, terms: [pure gold]}
- id: allow/pasta
  allow: whole-message
  copies: ["I bought viewers, and  all I got was this *lousy* chat.", viewers of pure gold]
  spares: ["spam/*", "block/*"]
  spared: ["i bought VIEWERS, and all I got was this *lousy* chat."]
  kept: ["I bought viewers, and all I got was this *lousy* chat. Buy viewers now!"]
"""


def test_an_exact_copy_of_a_whole_message_is_spared_and_nothing_else() -> None:
    """Spaces and case don't matter; a word more, and nothing is spared."""
    rules = loaded(COPYPASTA)
    spared = judged(rules, "I bought viewers, and all I got was this *lousy* chat.")
    assert (spared.action, spared.scores, spared.good) == (Action.ALLOW, {}, True)
    assert judged(rules, "I bought viewers, and all I got was this *lousy* chat. x").label == "spam"


def test_a_copy_spares_only_the_rules_that_are_named_and_never_a_final_one() -> None:
    """Whoever wants a scam through would paste it."""
    rules = loaded(COPYPASTA)
    judgement = judged(rules, "viewers of pure gold")
    assert (judgement.action, judgement.decided_by) == (Action.REMOVE, "block/gold")
    assert judgement.scores.keys() == set()


# -- what a place may change


LOCKED = POLICY.replace("remove: 90}}", "remove: 90}, locked: [remove]}", 1)


def test_a_locked_step_only_gets_stricter() -> None:
    """A scope may lower it, not raise it or take it away, nor take the ground from under it."""
    rule = "- {id: scam/a, label: scam, strength: weak, terms: [x]}"
    scope = "    scopes:\n      - match: {channels: [lax]}\n        labels: {scam: {%s}}\n"
    stricter = loaded(rule, policy=LOCKED + scope % "ladder: {flag: 40, hold: 70, remove: 80}")
    lax = stricter.policy.resolve("t", "lax").of("scam")
    assert lax.steps == ((80, Action.REMOVE), (70, Action.HOLD), (40, Action.FLAG))
    assert stricter.policy.resolve("t", "other").of("scam").steps[0] == (90, Action.REMOVE)
    for change in ("ladder: {remove: 95}", "ladder: {remove: never}", "base: -6"):
        (problem,) = problems(rule, policy=LOCKED + scope % change)
        assert problem.startswith("policy.yaml:1")
        assert "locked" in problem


def test_what_a_scope_locks_holds_for_the_scopes_behind_it() -> None:
    """The later one has the last word on what is free."""
    rule = "- {id: spam/a, label: spam, strength: weak, terms: [x]}"
    scopes = """    scopes:
      - match: {tenants: [school]}
        labels: {spam: {ladder: {flag: 10}, locked: [flag]}}
      - match: {channels: [fun]}
        labels: {spam: {ladder: {flag: %s}}}
"""
    assert "spam: flag is locked at 10 points" in "".join(problems(rule, policy=POLICY + scopes % 30))
    rules = loaded(rule, policy=POLICY + scopes % 5)
    assert rules.policy.resolve("school", "fun").of("spam").steps[-1] == (5, Action.FLAG)


def test_a_locked_step_that_is_not_there_is_named() -> None:
    """It would promise what nothing keeps."""
    policy = POLICY.replace("ladder: {flag: 60}}", "ladder: {flag: 60}, locked: [hold]}", 1)
    assert "profanity: locked: there is no step hold" in "".join(problems("- {id: a/b}", policy=policy))


# -- promises


def test_of_the_models_promises_the_weakest_that_is_enough_counts(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """A precision that nobody promised is not guessed at."""
    rule = "- {id: model/spam, model: {spam: {precision: 0.95}}, action: hold}"
    folder = write(tmp_path / "packs", rule)
    kept = packs.load(folder, promises={"spam": {0.9: 0.5, 0.97: 0.6, 0.99: 0.8}})
    assert judged(kept, "x", scores={"spam": 0.61}).decided_by == "model/spam"
    assert judged(kept, "x", scores={"spam": 0.55}).decided_by != "model/spam"
    weaker = packs.load(folder, promises={"spam": {0.9: 0.5}, "scam": {0.99: 0.5}})
    assert judged(weaker, "x", scores={"spam": 0.58}).decided_by != "model/spam"


PROMISED = """
labels:
  spam: {base: -4, ladder: {flag: 30, hold: {precision: 0.8}, remove: 99}}
scopes:
  - match: {channels: [fun]}
    labels: {spam: {ladder: {hold: {precision: 0.95}}}}
"""
RULE = "- {id: spam/a, label: spam, strength: weak, terms: [viewers]}"
PROMISES = {"spam": {0.8: 0.55, 0.9: 0.7, 0.97: 0.985}}


def test_a_step_of_a_ladder_may_ask_for_a_promise(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """It stands where the weakest promise that is enough begins, in a scope too, and moves with the model."""
    folder = write(tmp_path / "packs", RULE, policy=PROMISED)
    rules = packs.load(folder, promises=PROMISES)
    assert judged(rules, "x", scores={"spam": 0.56}).decided_by == "ladder:spam:hold"
    assert judged(rules, "x", scores={"spam": 0.54}).decided_by == "ladder:spam:flag"
    assert rules.policy.resolve("any", "fun").of("spam").ladder[Action.HOLD] == pytest.approx(98.5)
    moved = packs.load(folder, rules, promises=PROMISES | {"spam": {0.97: 0.6}})
    assert moved.policy.resolve("any", "any").of("spam").ladder[Action.HOLD] == pytest.approx(60)


@pytest.mark.parametrize(
    ("promises", "said"),
    [
        (None, "policy.yaml:3: spam.ladder: asks for a precision of 0.8; no model promises any: name the"),
        ({"spam": {0.9: 0.7}}, "policy.yaml:6: spam.ladder: asks for a precision of 0.95; its best promise"),
    ],
)
def test_a_promise_that_nobody_gives_is_refused(tmp_path, promises, said: str) -> None:  # type: ignore[no-untyped-def]
    """In a ladder at once; there is nothing that such a step could wait for."""
    found = packs.inspect(write(tmp_path / "packs", RULE, policy=PROMISED), promises=promises)
    assert said in "\n".join(map(str, found.problems))


@pytest.mark.parametrize("written", ["high", "95", "0.2", "[0.9]"])
def test_a_precision_that_is_none_is_named(written: str) -> None:
    """With the line, and what to write."""
    policy = PROMISED.replace("precision: 0.8", f"precision: {written}")
    assert "policy.yaml:3: spam.ladder: precision: write a share from 0.5" in "".join(
        problems(RULE, policy=policy)
    )


def test_check_refuses_what_the_named_model_does_not_promise(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Without a model a rule waits, which is advice; with one it would wait for good."""
    rule = "- {id: model/spam, model: {spam: {precision: 0.99}}, action: hold}"
    folder = write(tmp_path / "packs", rule)
    assert packs.inspect(folder).problems == []
    (found,) = packs.inspect(folder, promises=PROMISES).problems
    assert str(found) == (
        "test.yaml:2: model/spam: model: spam: asks for a precision of 0.99; its best promise is 0.97"
    )


def test_a_rule_on_the_model_is_asked_only_where_the_model_says_enough() -> None:
    """Most messages hit nothing, and shall cost nothing."""
    rules = loaded("""
        - {id: model/spam, model: {spam: "> 0.8"}, action: hold}
        - {id: model/sure, all: [{model: {scam: ">= 0.5"}}, {length: "> 3"}], label: scam, action: flag}
    """)
    place = rules.place(said("x"))
    assert not place.restless
    assert place.watched == {"spam": 0.8, "scam": 0.5}
    assert judged(rules, "hello", scores={"scam": 0.5}).decided_by in ("model/sure", "ladder:scam:flag")
    assert judged(rules, "hello", reputation=Reputation(), now=NOW).action is Action.ALLOW


# -- where numbers come from


def test_an_explanation_names_the_source_of_each_number() -> None:
    """Which scope of the policy set a step, which strength a rule has and where, what standing said."""
    scopes = """    scopes:
      - match: {channels: ["kids-*"]}
        labels: {spam: {ladder: {flag: 15}, base: -3}}
      - match: {tenants: [school]}
        labels: {spam: {ladder: {hold: 50}}}
"""
    rules = loaded(
        """
        - {id: spam/a, label: spam, strength: medium, terms: [viewers], scope: {channels: ["kids-*"]}}
        - {id: spam/b, label: spam, weight: 0.5, terms: [cheap]}
        """,
        policy=POLICY + scopes,
    )
    message = said("cheap viewers", tenant="school", channel="kids-1")
    known = Reputation(strikes=2, as_of=NOW)
    told = explain(message, rules.scan(message), rules, scores=None, reputation=known, now=NOW)
    (spam,) = told.labels
    assert spam.start_source == "policy.yaml:12 for channels kids-*"
    assert [(rung.action, rung.source) for rung in spam.ladder] == [
        (Action.FLAG, "policy.yaml:12 for channels kids-*"),
        (Action.HOLD, "policy.yaml:14 for tenants school"),
        (Action.REMOVE, "policy.yaml"),
    ]
    assert [(piece.name, piece.source) for piece in spam.pieces] == [
        ("spam/a", "medium (+2.2), in channels kids-*"),
        ("spam/b", "weight +0.5"),
        ("standing", "strikes 2, trust 0, at most 1 either way"),
    ]
    assert [piece.view for piece in spam.pieces] == ["plain", "plain", None]
    (told_by_model,) = explain(
        message, rules.scan(message), rules, scores={"spam": 0.2}, reputation=None, now=NOW
    ).labels
    assert (told_by_model.starts_with, told_by_model.start_source) == ("model", None)
