"""What a human decided on a text: automation doesn't override it, and goes on with everything else."""

from datetime import UTC, datetime

import msgspec
import pytest

from rules.decide import decide
from rules.message import Message
from rules.reputation import Reputation
from rules.rulings import Ruling
from rules.switches import Mode, Switch, Switches
from rules.verdict import Action, Judgement
from streams.control.rulings import KEEP_S, MOST, Rulings, TextRuling, read_ruling
from tests.rule_folders import NOW, loaded, said

RULES = loaded("""
- {id: scam/lure, label: scam, action: remove, strength: weak, terms: [zzlure]}
- {id: scam/new, label: scam, action: hold, all: [{has: link}, {author: {messages: "< 3"}}]}
- {id: scam/block, label: scam, action: remove, final: true, terms: [zzblock]}
- {id: self_harm/cry, label: self_harm, strength: strong, terms: [zzcry]}
""")
SPARED = Ruling("f1", Action.ALLOW, frozenset({"scam/lure", "model:spam"}))
REMOVED = Ruling("f2", Action.REMOVE)


def judged(text: str, ruling: Ruling | None, **known: object) -> Judgement:
    """Decide on a text that a human has decided on."""
    message = said(text)
    given = {"scores": None, "reputation": Reputation(messages=9), "now": NOW} | known
    return decide(message, RULES.scan(message), RULES, ruling=ruling, **given)  # type: ignore[arg-type]


def test_a_spared_text_is_allowed_and_costs_nothing() -> None:
    """The verdict says what would have been, and whose word it was."""
    found = judged("zzlure", SPARED)
    assert (found.action, found.strike, found.would_be) == (Action.ALLOW, 0.0, Action.REMOVE)
    assert (found.decided_by, found.lowered_by) == ("human:f1", ("human:f1",))


def test_it_is_spared_from_the_same_evidence_only() -> None:
    """What the human hadn't seen, such as another rule, counts as ever."""
    found = judged("zzlure https://new.example", SPARED, reputation=Reputation())
    assert (found.action, found.decided_by) == (Action.HOLD, "scam/new")
    assert [reason.rule for reason in found.reasons] == ["scam/new"]


def test_without_a_word_on_the_evidence_it_is_spared_from_all() -> None:
    """Also from final rules: only a human outranks them."""
    found = judged("zzlure zzblock", msgspec.structs.replace(SPARED, evidence=frozenset()))
    assert (found.action, found.would_be) == (Action.ALLOW, Action.REMOVE)


@pytest.mark.parametrize(("label", "action"), [("spam", Action.ALLOW), ("scam", Action.REMOVE)])
def test_the_models_word_is_evidence_like_any_other(label: str, action: Action) -> None:
    """It is spared from the label that was spoken of."""
    assert judged("hello", SPARED, scores={label: 0.99}).action is action


def test_switches_act_on_what_a_human_left() -> None:
    """Both say so."""
    switch = Switch(id="s", mode=Mode.FLAG_ONLY, author="a", reason="r", until=NOW + 9)
    found = judged("zzlure https://new.example", SPARED, reputation=Reputation(), switches=Switches([switch]))
    assert found.action is Action.FLAG
    assert set(found.lowered_by) == {"human:f1", "switch:s"}


def test_a_removal_settles_what_automation_is_in_doubt_about() -> None:
    """It costs what it would have cost."""
    found = judged("https://new.example", REMOVED, reputation=Reputation())
    assert (found.action, found.decided_by, found.strike) == (Action.REMOVE, "human:f2", 0.5)
    assert found.hold_s is None


def test_where_nothing_speaks_against_a_text_a_removal_holds_for_its_author_alone() -> None:
    """One "gg" that was out of place takes the word from nobody else; a cry for help is nobody's offence."""
    assert judged("gg", REMOVED).action is Action.ALLOW
    own = judged("gg", msgspec.structs.replace(REMOVED, own=True))
    assert (own.action, own.strike, own.quiet) == (Action.REMOVE, 0.0, False)
    assert judged("zzcry", REMOVED).action is Action.FLAG


def ruling(name: str, minute: int = 0, **more: object) -> TextRuling:
    """A channel's moderator decided on a text, so many minutes past."""
    at = datetime(2024, 5, 1, 20, minute, tzinfo=UTC)
    given = {"verdict_id": "v", "action": Action.ALLOW, "text_hash": "t", "tenant": "acme", "at": at}
    given |= {"platform": "irc", "channel": "lobby"} | more
    return TextRuling(id=name, **given)  # type: ignore[arg-type]


def found(rulings: Rulings, channel: str = "lobby", author: str = "nobody", now: float = NOW) -> str | None:
    """The id of the ruling that holds there."""
    message = Message("m", text="x", tenant="acme", platform="irc", channel=channel)
    one = rulings.on(message, "t", now, lambda: author)
    return one.id + ("!" if one.own else "") if one else None


def test_a_moderator_speaks_for_the_channel_and_staff_for_the_tenant() -> None:
    """And staff's word goes before a moderator's."""
    rulings = Rulings()
    rulings.take([ruling("mod", 5)])
    assert (found(rulings), found(rulings, "other")) == ("mod", None)
    rulings.take([ruling("staff", platform=None, channel=None, author="ana")])
    assert (found(rulings), found(rulings, "other", "ana")) == ("staff", "staff!")


def test_the_later_word_counts_whatever_comes_last() -> None:
    """The topic is read again and again, from its beginning."""
    rulings = Rulings()
    for one in (ruling("early", 1), ruling("late", 2), ruling("early", 1)):
        rulings.take([one])
    assert (found(rulings), len(rulings)) == ("late", 1)


def test_a_ruling_ends_when_it_was_said_to() -> None:
    """By the record's time."""
    rulings = Rulings()
    rulings.take([ruling("short", expires_at=datetime(2024, 5, 2, tzinfo=UTC))])
    ends = datetime(2024, 5, 2, tzinfo=UTC).timestamp()
    assert (found(rulings, now=ends - 1), found(rulings, now=ends)) == ("short", None)


def test_the_oldest_are_forgotten_beyond_a_bound() -> None:
    """Memory is bounded."""
    rulings = Rulings()
    rulings.take([ruling("first")])
    rulings.take([ruling(str(n), text_hash=f"t{n}") for n in range(MOST)])
    assert (len(rulings), found(rulings)) == (MOST, None)


def test_what_ended_a_day_ago_can_be_taken_off_the_topic() -> None:
    """Not sooner, for messages may be judged late; and once."""
    rulings, short = Rulings(), ruling("short", expires_at=datetime(2024, 5, 2, tzinfo=UTC))
    for_good = ruling("good", text_hash="u")
    rulings.take([short, for_good])
    ends = datetime(2024, 5, 2, tzinfo=UTC).timestamp()
    assert rulings.sweep(ends + KEEP_S - 1) == []
    assert rulings.sweep(ends + KEEP_S) == [short.key]
    assert (rulings.sweep(ends + KEEP_S), len(rulings)) == ([], 1)


def test_what_was_overruled_can_be_taken_off_the_topic() -> None:
    """In whatever order the two come; said again, a ruling doesn't overrule itself."""
    early, late = ruling("early", 1), ruling("late", 2)
    for order in ((early, late, late), (late, early, early)):
        rulings = Rulings()
        rulings.take(order)
        assert rulings.sweep(NOW) == [early.key]
        assert found(rulings) == "late"


def test_what_was_taken_off_the_topic_is_forgotten() -> None:
    """Though the topic still has it until it is compacted; what was decided since stays."""
    rulings, early, late = Rulings(), ruling("early", 1), ruling("late", 2)
    rulings.take([early])
    rulings.take([], {early.key})
    rulings.take([early], {early.key})
    assert (found(rulings), rulings.sweep(NOW)) == (None, [])
    rulings.take([early, late], {early.key})
    assert (found(rulings), rulings.sweep(NOW)) == ("late", [])


def test_it_comes_back_from_the_wire() -> None:
    """Each decision under a key of its own, so that what ends takes no other with it."""
    one = ruling("a", evidence=("scam/lure",))
    assert read_ruling(msgspec.json.encode(one)) == one
    assert one.key == ruling("a", 3).key
    assert len({one.key, ruling("b").key, ruling("a", channel=None, platform=None).key}) == 3
