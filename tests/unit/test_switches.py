"""What a switch turns down, what goes on all the same, and what the verdict says of it."""

from __future__ import annotations

import pytest

from rules.reputation import Reputation
from rules.switches import Mode, Switch, Switches
from rules.verdict import Action, Judgement
from tests.rule_folders import NOW, judged, loaded, said

RULES = """
- {id: scam/lure, label: scam, strength: strong, terms: [claim your prize], mask: true, tags: [lure]}
- {id: scam/talk, label: scam, strength: medium, terms: [gift card]}
- {id: spam/ad, label: spam, action: remove, terms: [buy followers], queue: ads}
- {id: block/hosts, label: scam, action: remove, final: true, domains: [evil.example]}
- {id: care/sad, label: self_harm, strength: strong, terms: [end it all]}
- {id: exempt/staff, author: {roles: [moderator]}, at_most: flag}
"""
LURE = "claim your prize with a gift card"  # 94 points: remove
LINK = "see http://evil.example/x"


def switch(mode: str = "off", name: str = "s1", **what: object) -> Switch:
    """Return a switch that somebody turned, in force for an hour."""
    return Switch(id=name, mode=Mode(mode), author="ana", reason="too much", until=NOW + 3600, **what)  # type: ignore[arg-type]


def decided(text: str, *switches: Switch, place: str = "general", **known: object) -> Judgement:
    message = said(text, channel=place, roles=known.pop("roles", ()))
    return judged(loaded(RULES), message, switches=Switches(switches), **known)  # type: ignore[arg-type]


# -- broad switches: by place and by label


@pytest.mark.parametrize(("mode", "left"), [("off", Action.ALLOW), ("flag_only", Action.FLAG)])
@pytest.mark.parametrize("what", [{}, {"tenant": "default"}, {"channel": "gen*"}, {"label": "scam"}])
def test_a_broad_switch_lowers_what_it_covers(mode: str, left: Action, what: dict[str, str]) -> None:
    """The verdict says what would have been, and which switch held it back."""
    judgement = decided(LURE, switch(mode, **what))
    assert judgement.action is left
    assert judgement.would_be is Action.REMOVE
    assert judgement.lowered_by == ("switch:s1",)
    assert judgement.mask == ()


@pytest.mark.parametrize(
    "what", [{"tenant": "other"}, {"channel": "kids-*"}, {"label": "spam"}, {"rule": "spam/*"}]
)
def test_elsewhere_it_does_nothing(what: dict[str, str]) -> None:
    """A switch for one place, label or rule leaves the others exactly as they are."""
    assert decided(LURE, switch(**what)) == decided(LURE)


@pytest.mark.parametrize("what", [{}, {"channel": "general"}, {"label": "scam"}, {"rule": "block/*"}])
def test_final_rules_act_under_a_broad_switch(what: dict[str, str]) -> None:
    """Whoever silences a noisy channel must not open it to known phishing hosts."""
    judgement = decided(LINK, switch(**what))
    assert judgement.action is Action.REMOVE
    assert judgement.decided_by == "block/hosts"


@pytest.mark.parametrize(("mode", "left"), [("off", Action.ALLOW), ("flag_only", Action.FLAG)])
def test_a_switch_that_names_a_final_rule_stops_it(mode: str, left: Action) -> None:
    """By its full name, which nobody types by accident."""
    judgement = decided(LINK, switch(mode, rule="block/hosts"))
    assert judgement.action is left
    assert judgement.would_be is Action.REMOVE
    assert judgement.lowered_by == ("switch:s1",)


def test_help_for_people_in_need_goes_on() -> None:
    """A place that is off still sends care its way; only a switch that names the label or rule ends that."""
    assert decided("end it all", switch()).queue == "care"
    assert decided("end it all", switch(label="self_harm")).queue is None
    assert decided("end it all", switch(rule="care/sad")).queue is None


def test_what_is_off_neither_tags_nor_queues() -> None:
    """Flag-only keeps both: a human still looks."""
    assert decided("buy followers", switch()).queue is None
    assert decided("buy followers", switch("flag_only")).queue == "ads"
    assert decided(LURE, switch()).tags == ()


# -- by rule


def test_a_rule_that_is_off_counts_as_if_not_written() -> None:
    """What else was found still counts, and its own evidence doesn't."""
    judgement = decided(LURE, switch(rule="scam/lure"))
    assert judgement.action is Action.ALLOW
    assert judgement.scores["scam"] == pytest.approx(0.1419, abs=1e-3)
    assert [reason.rule for reason in judgement.reasons] == ["scam/talk"]
    assert (judgement.would_be, judgement.lowered_by) == (Action.REMOVE, ("switch:s1",))


def test_a_rule_that_may_only_flag_flags() -> None:
    """Its evidence is shown; it brings nobody past a flag and nothing of theirs under stars."""
    judgement = decided(LURE, switch("flag_only", rule="scam/lure"))
    assert judgement.action is Action.FLAG
    assert judgement.would_be is Action.REMOVE
    assert {reason.rule for reason in judgement.reasons} == {"scam/lure", "scam/talk"}
    assert judgement.mask == ()


def test_what_holds_without_the_rule_goes_on() -> None:
    """Two reasons to remove, one of them switched: removed by the other, and nothing was lowered."""
    judgement = decided("buy followers, claim your prize", switch(rule="scam/lure"))
    assert judgement.action is Action.REMOVE
    assert judgement.decided_by == "spam/ad"
    assert judgement.lowered_by == ()


def test_a_flag_that_only_a_switched_rule_asks_for_stays_a_flag() -> None:
    """Flag-only never makes a flag of less."""
    assert decided("gift card", switch("flag_only", rule="scam/talk")) == decided("gift card")


# -- by model


def test_a_model_that_is_off_is_not_heard() -> None:
    """Labels start from the policy's base, as where no model is installed."""
    judgement = decided("hello", switch(model=True), scores={"scam": 0.97})
    assert judgement.action is Action.ALLOW
    assert (judgement.would_be, judgement.lowered_by) == (Action.REMOVE, ("switch:s1",))
    assert judgement.scores == {}


def test_a_model_that_may_only_flag_flags_and_rules_go_on() -> None:
    """Between the model alone and rules alone the stricter holds."""
    flagging = switch("flag_only", model=True)
    assert decided("hello", flagging, scores={"scam": 0.97}).action is Action.FLAG
    assert decided("buy followers", flagging, scores={"scam": 0.97}).action is Action.REMOVE


def test_a_model_can_be_off_for_one_label() -> None:
    """What it says of the others counts."""
    off = switch(model=True, label="scam")
    assert decided("hello", off, scores={"scam": 0.97, "spam": 0.01}).action is Action.ALLOW
    assert decided("hello", off, scores={"scam": 0.97, "spam": 0.97}).label == "spam"


# -- with other things that lower


def test_switches_and_exemptions_meet() -> None:
    """The milder counts and both are named."""
    judgement = decided(LURE, switch(), roles=("moderator",))
    assert judgement.action is Action.ALLOW
    assert set(judgement.lowered_by) == {"exempt/staff", "switch:s1"}


def test_what_a_switch_holds_back_costs_nobody_a_strike_and_feeds_no_brake() -> None:
    """An incident of ours is not the author's."""
    judgement = decided(LURE, switch(), reputation=Reputation(as_of=NOW))
    assert judgement.strike == 0
    assert not judgement.good
    assert judgement.strict_causes == ()
    assert judgement.decided_by == "switch:s1"


def test_no_switch_makes_anything_stricter() -> None:
    """Whatever is turned, in whatever combination."""
    every = [
        switch(mode, name=f"{mode}{number}", **what)
        for mode in Mode
        for number, what in enumerate(
            [{}, {"label": "scam"}, {"rule": "scam/lure"}, {"rule": "spam/*"}, {"model": True}]
        )
    ]
    for text in (LURE, LINK, "buy followers", "gift card", "hello", "end it all"):
        for scores in (None, {"scam": 0.7, "spam": 0.95}):
            plain = decided(text, scores=scores).action.rank
            for one in every:
                for other in every:
                    assert decided(text, one, other, scores=scores).action.rank <= plain
