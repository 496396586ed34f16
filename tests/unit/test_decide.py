"""What is done with a message, by what, and what holds it back."""

import pytest

from rules.explain import explain
from rules.message import Author, Entity, EntityType, Kind
from rules.reputation import Reputation
from rules.verdict import Action, Judgement, Shadow
from tests.rule_folders import NOW, POLICY, judged, loaded, said

# Base -4 and these: weak 5 points, medium 14, strong 62, strong and medium 94.
RULES = """
- {id: scam/lure, label: scam, strength: strong, terms: [claim your prize], why: A lure.}
- {id: scam/talk, label: scam, strength: medium, terms: [your prize, gift card]}
- {id: scam/word, label: scam, strength: weak, terms: [prize]}
- {id: spam/ad, label: spam, strength: strong, terms: [buy followers]}
- {id: game/talk, against: [scam], strength: medium, terms: [boss fight]}
- {id: block/hosts, label: scam, action: remove, final: true, domains: [evil.example]}
- {id: privacy/phone, label: privacy, action: hold, terms: [my phone is], matched: hidden}
- {id: exempt/staff, author: {roles: [moderator]}, at_most: flag}
"""


def decided(text: str, **known: object) -> Judgement:
    """Judge a text by the rules above."""
    return judged(loaded(RULES), text, **known)  # type: ignore[arg-type]


# -- scores and ladders


def test_nothing_found_is_allowed_and_good() -> None:
    """No score, no reason; the author gets the credit."""
    assert decided("hello there") == Judgement(Action.ALLOW, good=True, quiet=True)


def test_evidence_adds_up_and_the_ladder_settles() -> None:
    """A strong hit of 4.5 on a base of -4 is 62 points: hold, by the ladder, because of that rule."""
    judgement = decided("claim your prize")
    assert judgement.action is Action.HOLD
    assert judgement.decided_by == "ladder:scam:hold"
    assert judgement.cause == "scam/lure"
    assert judgement.label == "scam"
    assert judgement.labels == ("scam",)
    assert judgement.scores == {"scam": pytest.approx(0.6225, abs=1e-4)}
    assert judgement.strict_causes == ("scam/lure",)


def test_of_overlapping_hits_only_the_strongest_counts() -> None:
    """The same stretch of text is no evidence twice, but each hit is a reason to show."""
    judgement = decided("claim your prize")
    assert [(reason.rule, reason.weight) for reason in judgement.reasons] == [
        ("scam/lure", 4.5), ("scam/talk", 2.2), ("scam/word", 1.0),
    ]  # fmt: skip


def test_hits_beside_each_other_add_up() -> None:
    """Strong and medium are 94 points: remove."""
    judgement = decided("claim your prize with a gift card")
    assert judgement.action is Action.REMOVE
    assert judgement.scores["scam"] == pytest.approx(0.937, abs=1e-3)


def test_a_plea_alone_says_nothing() -> None:
    """With nothing to plead against there is no score and no reason; a model's word it does answer."""
    assert decided("boss fight") == Judgement(Action.ALLOW, good=True, quiet=True)
    answered = decided("boss fight", scores={"scam": 0.6225})
    assert answered.scores["scam"] == pytest.approx(0.1545, abs=1e-4)


def test_evidence_against_is_taken_off() -> None:
    """Where the game is played, its talk isn't a threat."""
    judgement = decided("claim your prize after the boss fight")
    assert judgement.action is Action.ALLOW
    assert judgement.scores["scam"] == pytest.approx(0.1545, abs=1e-4)
    assert ("game/talk", -2.2) in [(reason.rule, reason.weight) for reason in judgement.reasons]


def test_evidence_is_bounded() -> None:
    """However often something is said, the sum stays within the policy's bound."""
    judgement = decided("claim your prize " * 40)
    assert judgement.scores["scam"] == pytest.approx(0.982, abs=1e-3)
    assert len(judgement.reasons) == 32


def test_a_model_replaces_the_base() -> None:
    """Its logit is where the label starts; evidence is added to it."""
    alone = decided("hello", scores={"scam": 0.5, "spam": 0.01})
    assert alone.scores == {"scam": pytest.approx(0.5), "spam": pytest.approx(0.01)}
    assert alone.decided_by == "ladder:scam:flag"
    assert alone.cause == "model:scam"
    assert decided("gift card", scores={"scam": 0.5}).scores["scam"] == pytest.approx(0.9002, abs=1e-4)


def test_a_model_that_is_sure_of_nothing_wrong_changes_nothing() -> None:
    """Its scores are in the verdict all the same."""
    judgement = decided("hello", scores={"scam": 0.02, "toxic": float("nan"), "hate": 0.0, "insult": 1.0})
    assert judgement.action is Action.ALLOW
    assert judgement.good
    assert judgement.scores == pytest.approx({"scam": 0.02, "toxic": 0, "hate": 0, "insult": 1}, abs=1e-5)


def test_standing_moves_a_score_but_not_that_of_labels_that_ignore_it() -> None:
    """Scams come from stolen accounts."""
    trusted = Reputation(good=5000, as_of=NOW)
    troubled = Reputation(strikes=9, as_of=NOW)
    assert decided("buy followers", reputation=trusted).scores["spam"] < 0.4
    assert decided("buy followers", reputation=troubled).scores["spam"] > 0.8
    assert decided("claim your prize", reputation=trusted) == decided("claim your prize")


def test_an_unknown_author_is_scored_like_a_newcomer_and_not_blamed() -> None:
    """Nobody is held because the store is down."""
    assert decided("buy followers") == decided("buy followers", reputation=Reputation())


# -- rules that act


def test_a_rule_with_an_action_asks_for_at_least_that() -> None:
    """It doesn't argue: it adds no evidence, and its reason has no weight."""
    judgement = decided("my phone is 555 0100")
    assert judgement.action is Action.HOLD
    assert judgement.decided_by == judgement.cause == "privacy/phone"
    assert judgement.label == "privacy"
    assert judgement.scores == {}
    assert judgement.hold_s == 86_400
    assert judgement.on_expiry is Action.ALLOW


def test_the_strictest_wins_and_of_equals_the_rule() -> None:
    """A ladder that asks for the same comes second."""
    assert decided("claim your prize, my phone is 1").decided_by == "privacy/phone"
    assert decided("claim your prize with a gift card, my phone is 1").decided_by == "ladder:scam:remove"


def test_an_exempt_role_is_judged_and_reported_but_not_acted_on() -> None:
    """The verdict says what would have been, and what held it back."""
    judgement = judged(loaded(RULES), said("claim your prize", roles=("moderator",)))
    assert judgement.action is Action.FLAG
    assert judgement.would_be is Action.HOLD
    assert judgement.lowered_by == ("exempt/staff",)
    assert judgement.decided_by == "ladder:scam:hold"
    assert judgement.strike == 0
    assert judgement.strict_causes == ()


def test_at_most_allow_lets_it_pass_and_says_so() -> None:
    """Nothing settled the action but the exemption."""
    rules = loaded(RULES + "- {id: exempt/bots, author: {roles: [bot]}, at_most: allow}")
    judgement = judged(rules, said("claim your prize", roles=("bot", "moderator")))
    assert judgement.action is Action.ALLOW
    assert judgement.decided_by == "exempt/bots"
    assert judgement.would_be is Action.HOLD
    assert judgement.label is None
    assert judgement.cause is None


def test_an_exemption_with_nothing_to_hold_back_leaves_no_trace() -> None:
    """A moderator's honest message looks like anybody's."""
    assert judged(loaded(RULES), said("hello", roles=("moderator",))) == Judgement(
        Action.ALLOW, good=True, quiet=True
    )


def test_a_final_rule_acts_whoever_speaks() -> None:
    """Moderators' accounts get stolen too: neither role, trust, brake, model nor counter-evidence helps."""
    rules = loaded(RULES)
    judgement = judged(
        rules,
        said("boss fight at https://evil.example", roles=("moderator",)),
        scores={"scam": 0.0},
        reputation=Reputation(good=9000, as_of=NOW),
        braked=("block/hosts",),
    )
    assert judgement.action is Action.REMOVE
    assert judgement.decided_by == "block/hosts"
    assert judgement.would_be is None
    assert judgement.lowered_by == ()
    assert judgement.strict_causes == ()


def test_an_allow_term_never_spares_a_final_rule() -> None:
    """Nor what a final composite is made of."""
    rules = loaded("""
        - {id: scam/word, label: scam, strength: strong, terms: [prize]}
        - {id: block/word, label: scam, action: hold, final: true, terms: [prize]}
        - id: block/more
          label: scam
          action: remove
          final: true
          all: [{rule: scam/word}, {length: "> 40"}]
        - {id: allow/phrase, allow: [prize giving day], spares: ["scam/*", "block/*"]}
    """)
    short = judged(rules, "prize giving day")
    assert (short.action, short.scores) == (Action.HOLD, {})
    assert judged(rules, "prize giving day, and more words than forty letters").action is Action.REMOVE


def test_an_allow_term_spares_only_what_lies_inside_it() -> None:
    """And only of the rules that it names; it buys no immunity for the rest of the message."""
    rules = loaded("""
        - {id: scam/word, label: scam, strength: strong, terms: [prize]}
        - {id: spam/word, label: spam, strength: strong, terms: [prize]}
        - {id: allow/phrase, allow: [nobel prize], spares: ["scam/*"]}
    """)
    assert judged(rules, "the nobel prize").scores.keys() == {"spam"}
    assert judged(rules, "the nobel prize is a prize").scores.keys() == {"scam", "spam"}


# -- brakes


def test_a_brake_lowers_a_strict_action_one_step() -> None:
    """Remove becomes hold, hold becomes flag; the verdict says why."""
    rules = loaded(RULES)
    held = judged(rules, "claim your prize", braked=("scam/lure",))
    assert (held.action, held.would_be) == (Action.FLAG, Action.HOLD)
    assert held.lowered_by == ("brake:scam/lure",)
    removed = judged(rules, "claim your prize with a gift card", braked=("scam/lure",))
    assert (removed.action, removed.would_be) == (Action.HOLD, Action.REMOVE)
    assert removed.strict_causes == ("scam/lure",)


def test_a_brake_on_the_models_word_is_one_too() -> None:
    """By label, so that a bad threshold doesn't silence the rules."""
    scores = {"scam": 0.95}
    assert decided("hello", scores=scores, braked=("model:scam",)).lowered_by == ("brake:model:scam",)
    assert decided("hello", scores=scores, braked=("model:spam",)).action is Action.REMOVE


def test_what_another_rule_asks_for_is_not_braked() -> None:
    """The strictest of what is left wins."""
    judgement = decided("claim your prize, my phone is 1", braked=("scam/lure",))
    assert (judgement.action, judgement.decided_by) == (Action.HOLD, "privacy/phone")
    assert judgement.would_be is None


def test_brake_and_exemption_add_up() -> None:
    """First the brake, then the exemption."""
    text = "claim your prize with a gift card"
    judgement = judged(loaded(RULES), said(text, roles=("moderator",)), braked=("scam/lure",))
    assert (judgement.action, judgement.would_be) == (Action.FLAG, Action.REMOVE)
    assert judgement.lowered_by == ("brake:scam/lure", "exempt/staff")


# -- care


CARE = """
- {id: self_harm/cry, label: self_harm, strength: strong, terms: [end it all], message: {en: Talk to us.}}
- {id: profanity/word, label: profanity, strength: strong, terms: [damn]}
- {id: scam/lure, label: scam, strength: strong, terms: [claim your prize]}
"""


def test_a_cry_for_help_is_seen_by_a_human_and_never_punished() -> None:
    """At most flagged, without a strike, in the queue of those who help, with help lines."""
    judgement = judged(loaded(CARE), "I will end it all", scores={"self_harm": 0.9999})
    assert judgement.action is Action.FLAG
    assert judgement.strike == 0
    assert judgement.queue == "care"
    assert judgement.user_message == {"en": "Talk to us."}


def test_a_cry_for_help_costs_nothing_whatever_else_is_in_it() -> None:
    """Somebody in need swears, or pastes a scam; care comes first."""
    judgement = judged(loaded(CARE), "damn, claim your prize, I will end it all")
    assert judgement.action is Action.HOLD
    assert judgement.strike == 0
    assert judgement.queue == "care"


# -- shadow and days


SHADOW = """
- {id: spam/viewbot, label: spam, action: remove, terms: [cheap viewers], status: shadow, expires: 2027-03-01}
- {id: spam/tried, label: spam, strength: strong, terms: [viewers], status: shadow}
"""
MARCH_2027 = 1_803_859_200.0


def test_a_rule_in_shadow_reports_and_decides_nothing() -> None:
    """What it asks for: its action, or the step that its evidence would lead to."""
    judgement = judged(loaded(SHADOW), "cheap viewers", now=MARCH_2027 - 1)
    assert judgement.action is Action.ALLOW
    assert judgement.scores == {}
    assert judgement.reasons == ()
    assert judgement.good
    assert judgement.shadow == (
        Shadow("spam/viewbot", "spam", Action.REMOVE, "cheap viewers", (0, 13)),
        Shadow("spam/tried", "spam", Action.HOLD, "viewers", (6, 13)),
    )


def test_a_rule_ends_by_itself_on_its_day() -> None:
    """Midnight UTC; no reload is needed."""
    judgement = judged(loaded(SHADOW), "cheap viewers", now=MARCH_2027)
    assert [shadow.rule for shadow in judgement.shadow] == ["spam/tried"]
    live = loaded("- {id: spam/a, label: spam, action: hold, terms: [viewers], expires: 2027-03-01}")
    assert judged(live, "viewers", now=MARCH_2027 - 1).action is Action.HOLD
    assert judged(live, "viewers", now=MARCH_2027) == Judgement(Action.ALLOW, good=True)


# -- what follows


def test_strikes_follow_the_action_that_was_taken() -> None:
    """By policy, unless the rule says otherwise; what was braked costs what the milder action costs."""
    rules = loaded(RULES + "- {id: scam/dear, label: scam, action: remove, strike: 3, terms: [dear]}")
    assert judged(rules, "claim your prize").strike == 0.5
    assert judged(rules, "claim your prize with a gift card").strike == 1
    assert judged(rules, "dear").strike == 3
    assert judged(rules, "dear", braked=("scam/dear",)).strike == 0.5
    assert judged(rules, "hello").strike == 0


@pytest.mark.parametrize(
    "author", [None, Author("ann", bot=True), Author("ann", relay=True)], ids=["nobody", "bot", "relay"]
)
def test_bots_and_relays_are_judged_but_not_counted(author: Author | None) -> None:
    """They speak for others."""
    rules = loaded(RULES)
    held = judged(rules, said("claim your prize", author=author))
    assert (held.action, held.strike) == (Action.HOLD, 0)
    assert not judged(rules, said("hello", author=author)).good


def test_only_a_new_message_is_a_good_one() -> None:
    """An edit earns nothing twice."""
    assert not judged(loaded(RULES), said("hello", kind=Kind.EDITED)).good
    assert not judged(loaded(RULES), said("claim your prize")).good


def test_what_was_only_quoted_costs_no_strike() -> None:
    """Who reports what was said to them isn't punished for it."""
    rules = loaded(RULES)
    quoted = (Entity(EntityType.QUOTE, (0, 16)),)
    assert judged(rules, said("claim your prize he wrote", entities=quoted)).strike == 0
    assert judged(rules, said("claim your prize, claim your prize", entities=quoted)).strike == 1


DRESSED = """
- id: profanity/kids
  label: profanity
  action: flag
  terms: [frak, frak you]
  mask: true
  policy: CG-4
  tags: [kids, words]
  queue: words
  priority: high
  message: {en: Keep it clean., es: "Cuida el lenguaje."}
- {id: spam/ad, label: spam, strength: weak, terms: [viewers], tags: [ads, words], queue: ads}
"""


def test_a_rule_dresses_the_verdict_that_it_settles() -> None:
    """Message, policy, queue, priority; the tags of all rules that fired; the stars."""
    judgement = judged(loaded(DRESSED), "frak you, frak viewers")
    assert judgement.user_message == {"en": "Keep it clean.", "es": "Cuida el lenguaje."}
    assert judgement.policy == "CG-4"
    assert judgement.queue == "words"
    assert judgement.priority == "high"
    assert judgement.tags == ("kids", "words", "ads")
    assert judgement.mask == ((0, 8), (10, 14))


def test_a_rule_with_a_queue_is_seen_by_a_human_even_where_nothing_is_done() -> None:
    """That is what a queue is for."""
    judgement = judged(loaded(DRESSED), "viewers")
    assert judgement.action is Action.ALLOW
    assert judgement.queue == "ads"
    assert judgement.user_message is None


def test_a_rule_or_the_policy_keeps_matched_text_out_of_the_verdict() -> None:
    """And what is shown is short."""
    (phone,) = decided("my phone is 555").reasons
    assert (phone.matched, phone.span) == (None, (0, 11))
    hidden = loaded(RULES, policy=POLICY.rstrip() + "\n    matched: hidden\n")
    assert {reason.matched for reason in judged(hidden, "claim your prize").reasons} == {None}
    long = loaded("- {id: scam/a, label: scam, strength: weak, terms: [a & z]}")
    (reason,) = judged(long, "a" + " b" * 100 + " z").reasons
    assert reason.matched is not None
    assert len(reason.matched) == 64


def test_the_rule_that_decided_is_among_the_reasons() -> None:
    """Also where thirty-two weightier hits crowd it out."""
    judgement = decided("gift card " * 40 + "my phone is 1 https://evil.example")
    assert judgement.decided_by == "block/hosts"
    assert len(judgement.reasons) == 32
    assert judgement.reasons[-1].rule == "block/hosts"


# -- explained


def test_an_explanation_takes_the_points_apart_and_they_add_up() -> None:
    """From the base over each piece to the score, to a tenth of a point."""
    rules = loaded(RULES)
    message = said("claim your prize with a gift card after the boss fight")
    told = explain(message, rules.scan(message), rules, scores=None, reputation=None, now=NOW)
    (scam,) = told.labels
    assert (scam.starts_with, scam.start) == ("base", 1.8)
    assert [(piece.name, piece.points, piece.total) for piece in scam.pieces] == [
        ("scam/lure", 60.4, 62.2), ("scam/talk", 31.5, 93.7), ("game/talk", -31.5, 62.2),
    ]  # fmt: skip
    assert scam.total == 62.2
    assert [(rung.action, rung.reached) for rung in scam.ladder] == [
        (Action.FLAG, True), (Action.HOLD, True), (Action.REMOVE, False),
    ]  # fmt: skip
    assert scam.uncounted == ("scam/talk", "scam/word")
    assert scam.pieces[0].why == "A lure."
    assert scam.pieces[0].matched == "claim your prize"


def test_an_explanation_says_what_would_be_without_each_rule() -> None:
    """The counterfactual that a moderator asks for."""
    rules = loaded(RULES)
    message = said("claim your prize with a gift card", roles=("moderator",))
    told = explain(message, rules.scan(message), rules, scores=None, reputation=None, now=NOW)
    assert [(one.rule, one.action, one.points) for one in told.without] == [
        ("scam/lure", Action.FLAG, 59.9),
        ("scam/talk", Action.FLAG, 62.2),
        ("scam/word", Action.FLAG, 93.7),
        ("exempt/staff", Action.REMOVE, None),
    ]


def test_an_explanation_decides_like_decide() -> None:
    """And names what the bound, standing and allow-terms did."""
    rules = loaded(RULES + "- {id: allow/nobel, allow: [nobel prize], spares: ['scam/*']}")
    message = said("claim your prize " * 3 + "buy followers nobel prize")
    known = {"scores": {"spam": 0.2}, "reputation": Reputation(strikes=9, as_of=NOW), "now": NOW}
    evidence = rules.scan(message)
    told = explain(message, evidence, rules, **known)  # type: ignore[arg-type]
    assert told.judgement == judged(rules, message, **known)  # type: ignore[arg-type]
    stories = {story.label: story for story in told.labels}
    assert stories["scam"].pieces[-1].name == "bound"
    assert stories["spam"].starts_with == "model"
    assert stories["spam"].pieces[-1].name == "standing"
    assert [(one.rule, one.by, one.matched) for one in told.spared] == [("scam/word", "allow/nobel", "prize")]
