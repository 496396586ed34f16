"""From a verdict to what is done about it on a platform: by action, label and what the platform can."""

from __future__ import annotations

import msgspec

from rules.message import Message, Surface
from rules.verdict import Action, Verdict
from streams.platforms.deeds import DEFAULT, Deed, Row, plan
from streams.platforms.words import MOST_TEXT, report, warning

ALL = frozenset(Deed)


def verdict(action: Action, label: str | None = None, **more: object) -> Verdict:
    """A verdict as a worker would give it."""
    fixed = {
        "id": "t/0/7", "message_id": "m7", "action": action, "tenant": "lantern", "platform": "irc",
        "channel": "#lobby", "kind": "created", "ruleset": "0f", "judged_at": "2024-05-01T20:00:00.000Z",
        "schema": "mod.verdict.v1", "decided_by": "ladder:spam:remove", "author": "u7", "label": label,
    }  # fmt: skip
    return msgspec.convert(fixed | more, Verdict)


def deeds(found: Verdict, rows: tuple[Row, ...] = DEFAULT, can: frozenset[Deed] = ALL) -> list[Deed]:
    return [task.deed for task in plan(found, rows, can).tasks]


def test_without_a_mapping_each_action_has_its_deeds() -> None:
    """What is removed is deleted, what is held is hidden and asked about."""
    assert deeds(verdict(Action.REMOVE)) == [Deed.DELETE, Deed.WARN]
    assert deeds(verdict(Action.HOLD)) == [Deed.HIDE, Deed.REPORT]
    assert deeds(verdict(Action.FLAG)) == [Deed.REPORT]
    assert deeds(verdict(Action.ALLOW, kind="edited")) == [Deed.UNHIDE, Deed.UNTIMEOUT]


def test_the_row_with_the_label_goes_before_the_one_without() -> None:
    """Whichever stands first."""
    rows = (
        Row(Action.REMOVE, (Deed.DELETE,)),
        Row(Action.REMOVE, (Deed.DELETE, Deed.TIMEOUT), label="scam", timeout_s=60),
    )
    assert deeds(verdict(Action.REMOVE, "scam"), rows) == [Deed.DELETE, Deed.TIMEOUT]
    assert plan(verdict(Action.REMOVE, "scam"), rows, ALL).tasks[1].timeout_s == 60
    assert deeds(verdict(Action.REMOVE, "spam"), rows) == [Deed.DELETE]
    assert deeds(verdict(Action.FLAG, "scam"), rows) == []


def test_what_can_not_be_hidden_stays_and_the_room_is_asked() -> None:
    """It is not deleted: a hold may end in allow."""
    planned = plan(verdict(Action.HOLD), DEFAULT, frozenset({Deed.DELETE, Deed.REPORT}))
    assert [(task.deed, task.visible) for task in planned.tasks] == [(Deed.REPORT, True)]
    assert planned.impossible == ()
    assert "still visible" in report(planned.tasks[0])


def test_what_nothing_stands_in_for_is_impossible() -> None:
    """Said aloud; but there is nothing to bring back where nothing was hidden."""
    planned = plan(verdict(Action.REMOVE), DEFAULT, frozenset({Deed.WARN}))
    assert ([task.deed for task in planned.tasks], planned.impossible) == ([Deed.WARN], (Deed.DELETE,))
    assert plan(verdict(Action.ALLOW, kind="edited"), DEFAULT, frozenset()).impossible == ()


def test_what_the_author_took_away_is_left_alone() -> None:
    """A verdict on a deletion asks for nothing."""
    assert deeds(verdict(Action.ALLOW, kind="deleted")) == []


def test_a_mask_is_done_where_the_message_stays() -> None:
    """Not where it goes anyway."""
    assert Deed.MASK in deeds(verdict(Action.ALLOW, mask=((0, 4),)))
    assert Deed.MASK not in deeds(verdict(Action.REMOVE, mask=((0, 4),)))


def test_a_deed_is_named_by_its_verdict() -> None:
    """The same verdict again is the same deed."""
    assert plan(verdict(Action.REMOVE), DEFAULT, ALL).tasks[0].id == "t/0/7/delete"


def test_a_report_says_who_what_and_why_in_words() -> None:
    """With a long text cut, and in the rule's own words what the author is told."""
    reason = {"rule": "scam/gift-card", "label": "scam", "weight": 4.5, "matched": "gift card"}
    found = verdict(
        Action.HOLD, "scam", reasons=[reason], user_message={"en": "No gift cards.", "de": "Nein."}
    )
    said = Message("m7", text="gift card " * 100)
    text = report(plan(found, DEFAULT, ALL, said).tasks[1])
    assert "u7 in #lobby (scam)" in text
    assert "scam/gift-card found “gift card”" in text
    assert max(map(len, text.splitlines())) <= MOST_TEXT + 2
    title = Message("m7", text="gift card", surface=Surface.TITLE)
    assert "u7 in #lobby, as a title (scam)" in report(plan(found, DEFAULT, ALL, title).tasks[1])
    assert warning(found) == "No gift cards."
    assert warning(found, "de") == "Nein."
    assert "removed" in warning(verdict(Action.REMOVE))
