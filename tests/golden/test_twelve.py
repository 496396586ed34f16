"""Twelve wishes of a moderator's first day: each can be written, passes its tests and does what it says."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules import packs
from rules.finding.behaviour import LookedBack
from rules.finding.said import gists
from rules.finding.trail import LAYOUT, stamp
from rules.fold import fold
from rules.message import Author
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.verdict import Action
from tests.rule_folders import judged, said

NOW = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
TRUSTED = Reputation(good=5000, messages=5000, as_of=NOW)


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    """The pack, with a model's promise that hate is right nine times of ten from 0.7 on."""
    return packs.load(Path(__file__).parent / "twelve", promises={"threat": {0.8: 0.5, 0.9: 0.7, 0.99: 0.9}})


def test_the_pack_is_in_order() -> None:
    """Without a model too: what asks for a promise waits."""
    assert packs.check(Path(__file__).parent / "twelve") == []


def test_a_block_list_acts_whatever_model_trust_role_or_allow_term_says(rules: RuleSet) -> None:
    """1: final."""
    judgement = judged(
        rules,
        said("hxxps://steamgifts[.]example/x", roles=("moderator",)),
        scores={"scam": 0.0, "threat": 0.0},
        reputation=TRUSTED,
        braked=("block/stolen-hosts",),
    )
    assert (judgement.action, judgement.decided_by) == (Action.REMOVE, "block/stolen-hosts")


def test_an_allow_term_spares_only_inside_itself_and_only_what_it_names(rules: RuleSet) -> None:
    """2: and buys no immunity for the rest of the message."""
    assert judged(rules, "off to Cockermouth by Lickey End").action is Action.ALLOW
    assert judged(rules, "fuck Cockermouth").action is Action.FLAG


def test_both_in_any_order_within_a_distance_without_the_third(rules: RuleSet) -> None:
    """3: the third counts only near them."""
    assert judged(rules, "gift for free").label == "scam"
    assert judged(rules, "free wrapping paper with each gift").label is None
    far = "gift for free, come and see, and next to it there is a lot of wrapping paper"
    assert judged(rules, far).label == "scam"


def test_what_an_expression_matched_stays_out_of_the_verdict(rules: RuleSet) -> None:
    """4: the span stays, so that it can be starred out."""
    (reason,) = judged(rules, "4000 1234 5678 9010").reasons
    assert (reason.matched, reason.span) == (None, (0, 19))


def test_a_channels_own_links_and_no_others(rules: RuleSet) -> None:
    """5: in its channels only; a file name is no link."""
    assert judged(rules, said("store.example/x", channel="live-1")).action is Action.HOLD
    assert judged(rules, said("store.example/x", channel="hall")).action is Action.ALLOW
    assert judged(rules, said("main.py, a.game.example", channel="live-1")).action is Action.ALLOW


def test_a_threshold_is_a_promise(rules: RuleSet) -> None:
    """6: the number comes from the model that scores; without a model's promise nothing happens."""
    text = said("hello there", lang="de")
    held = judged(rules, text, scores={"threat": 0.7})
    assert (held.action, held.label) == (Action.HOLD, "threat")
    assert (held.queue, held.priority, held.cause) == ("threats", "high", "model/threat")
    assert judged(rules, text, scores={"threat": 0.2}).queue is None
    assert judged(rules, said("hello there", lang="fr"), scores={"threat": 0.55}).action is Action.FLAG
    waiting = packs.load(Path(__file__).parent / "twelve")
    assert judged(waiting, text, scores={"threat": 0.55}).action is Action.FLAG


def test_account_data_that_is_not_known_never_convicts(rules: RuleSet) -> None:
    """7: a composite of another rule, a link and a newcomer."""
    text = "free gift at shop.example"
    assert judged(rules, text, reputation=Reputation(messages=1)).decided_by == "scam/newcomer"
    assert judged(rules, text, reputation=None).action is Action.HOLD
    assert judged(rules, "free gift at game.example", reputation=Reputation()).action is Action.HOLD


def test_what_speaks_for_the_author_only_where_the_game_is_played(rules: RuleSet) -> None:
    """8: in the arena nobody is threatened."""
    scores = {"threat": 0.35}
    assert judged(rules, said("nuke A", channel="arena-2"), scores=scores).action is Action.ALLOW
    assert judged(rules, said("nuke A", channel="hall"), scores=scores).action is Action.FLAG


def test_a_rule_in_shadow_reports_and_ends_by_itself(rules: RuleSet) -> None:
    """9: no reload is needed on the day."""
    (shadow,) = judged(rules, "buy 10 hearts", now=NOW).shadow
    assert (shadow.rule, shadow.action) == ("spam/hearts", Action.REMOVE)
    assert judged(rules, "buy 10 hearts", now=NOW).action is Action.ALLOW
    assert judged(rules, "buy 10 hearts", now=NOW + 13 * 86_400).shadow == ()


def test_behaviour_is_counted_and_where_it_is_unknown_nobody_is_blamed(rules: RuleSet) -> None:
    """10: what the author did is handed in; offline nobody knows."""
    message = said("again and again and again")
    (text,), (letters,) = gists([fold(message.text)])
    entries = [(stamp(NOW - 5 * n, 0), 9 - n, text[:8], 1, n, letters, 0, 0, 0, 0) for n in range(5)]
    seen = LookedBack(entries[0], b"".join(LAYOUT.pack(*one) for one in reversed(entries[1:])))
    assert judged(rules, message).action is Action.ALLOW
    judgement = judged(rules, message, seen=seen)
    assert (judgement.action, judgement.strike) == (Action.HOLD, 0.0)
    assert judgement.reasons[0].seen == "5 times this text in 30 s"


def test_exempt_roles_are_judged_and_reported_not_acted_on(rules: RuleSet) -> None:
    """11: with what would be."""
    judgement = judged(rules, said("4000 1234 5678 9010", roles=("host",)))
    assert (judgement.action, judgement.would_be) == (Action.FLAG, Action.HOLD)
    assert judgement.lowered_by == ("exempt/crew",)


def test_a_message_to_the_user_a_policy_and_stars(rules: RuleSet) -> None:
    """12: only the coarser words, only among children."""
    judgement = judged(rules, said("oh frak", channel="kids-1"))
    assert (judgement.action, judgement.policy, judgement.mask) == (Action.FLAG, "CG-4", ((3, 7),))
    assert judgement.user_message is not None
    assert set(judgement.user_message) == {"en", "es"}
    assert judged(rules, said("oh darn", channel="kids-1")).action is Action.ALLOW
    assert judged(rules, said("oh frak", author=Author("ann"))).action is Action.ALLOW
