"""A log judged without a store: behaviour fires on the messages where a worker saw it, and says the same."""

import asyncio
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from rules.message import Author, Message
from streams.judging.diffing import Diff
from streams.judging.offline import Offline
from streams.process.embedded import Store
from tests.rule_folders import loaded
from tests.scenarios.chat import Chat
from tests.scenarios.stage import BEGIN, SECRET, shipped
from tests.scenarios.test_campaigns import pitch

RULES = shipped()
# These ask for a standing, which nobody has here.
ON_STANDING = ("campaign/new-accounts", "campaign/new-voices", "campaign/little-known", "spam/link-drip")


def log_of(chat: Chat, *, timed: bool = True) -> list[bytes]:
    """The chat as lines of JSON, with or without their times."""
    lines = []
    for record in chat.records:
        body = json.loads(record.value or b"")
        if timed:
            body["sent_at"] = datetime.fromtimestamp(record.at, UTC).isoformat()
        lines.append(json.dumps(body).encode())
    return lines


def offline(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """The verdicts on the lines of a log."""
    return [json.loads(answer) for answer in Offline(RULES, secret=SECRET).answer(lines)]


def behaviour(verdict: dict[str, Any]) -> set[tuple[str, str | None]]:
    """The rules on behaviour that fired, and what they saw, but for those that ask for a standing besides."""
    spoken = [*verdict.get("reasons", ()), *verdict.get("shadow", ())]
    fired = {(one["rule"], one.get("seen")) for one in spoken if RULES.armed[one["rule"]].stirring}
    return {(rule, seen) for rule, seen in fired if rule not in ON_STANDING}


def evening() -> Chat:
    """Floods, repeats, invitations, a word in pieces, a campaign, over more than one batch."""
    chat, dice = Chat(), random.Random(5)
    for number in range(40):
        chat.knows(f"bot{number}", age_days=0.1)
    chat.knows("timer", bot=True)
    for number in range(60):
        chat.says("eve", "come and see my wonderful channel", times=3, every=2, channel=dice.choice("abcde"))
        chat.says("flo", *(f"line {number} of {n}" for n in range(dice.randrange(12))), every=0.2)
        chat.says("timer", "follow our house rules please", every=0.5)
        chat.says("ian", f"join discord.gg/abc{number}", every=5)
        chat.says(f"bot{number % 40}", pitch(dice), every=1, id=f"b{number}")
        chat.says("sly", "k", "y", "s", every=1)
        chat.says("ana", f"how is round {number}?", every=2)
    return chat


async def test_it_comes_out_as_from_a_worker(store: Store) -> None:
    """Line by line: which rules on behaviour fired, and what was seen."""
    chat = evening()
    story = await chat.judged(store, RULES, batch=50)
    found = [behaviour(line.verdict) for line in story.lines]
    fired = {rule for one in found for rule, _ in one}
    assert fired >= {
        "flood/same-text", "flood/slow-repeat", "flood/many-messages",
        "spam/many-invites", "spam/cross-posted", "campaign/stolen-accounts",
    }  # fmt: skip
    judged = await asyncio.to_thread(offline, log_of(chat))
    assert [behaviour(verdict) for verdict in judged] == found


def test_a_log_with_times_and_authors() -> None:
    """Verdicts say what was seen, and nothing of it is missing."""
    chat = Chat()
    chat.says("eve", "come and see my wonderful channel", times=5, every=3)
    found = offline(log_of(chat))
    assert [one["action"] for one in found] == ["allow"] * 4 + ["hold"]
    assert found[4]["reasons"][0]["seen"] == "5 times this text in 30 s"
    assert all("behaviour" not in one["missing"] for one in found)


def test_lines_without_times_say_nothing_of_behaviour() -> None:
    """They would all be of one moment: a whole day's chat would be a flood."""
    chat = Chat()
    chat.says("eve", "come and see my wonderful channel", times=30, every=3600)
    found = offline(log_of(chat, timed=False))
    assert {one["action"] for one in found} == {"allow"}
    assert all("behaviour" in one["missing"] for one in found)
    assert "behaviour" in offline([b'{"text": "hello", "sent_at": "2026-01-01T00:00:00Z"}'])[0]["missing"]


@pytest.mark.parametrize(
    "sent_at",
    ["0001-01-01T00:00:00Z", "1960-05-01T00:00:00Z", "2600-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"],
)
@pytest.mark.parametrize("created_at", [None, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
def test_times_that_cannot_be(sent_at: str, created_at: str | None) -> None:
    """They are judged, and their neighbours see what they see without them."""
    author = {"id": "eve"} | ({"created_at": created_at} if created_at else {})
    odd = json.dumps({"text": "see prizes.example/now", "author": author, "sent_at": sent_at}).encode()
    chat = Chat()
    chat.says("ana", "come and see my wonderful channel", times=5, every=3)
    found = offline([odd, *log_of(chat), odd])
    assert [one["action"] for one in found[1:-1]] == ["allow"] * 4 + ["hold"]
    assert all("error" not in one for one in found)
    assert all("error" not in one for one in offline([odd]))


def test_one_message_knows_no_behaviour() -> None:
    """As in `try`."""
    message = Message("m", Author("eve"), "hello", sent_at=datetime.fromtimestamp(BEGIN, UTC))
    assert "behaviour" in Offline(RULES).judge(message, "v", None).missing


@pytest.mark.parametrize("limit", [4, 2])
def test_a_diff_sees_what_a_rule_on_behaviour_changes(limit: int) -> None:
    """Each rule set looks back over the log by itself."""
    rule = "- {{id: flood/same, label: spam, action: hold, behaviour: {{same_text: '> {}', within: 30s}}}}"
    chat = Chat()
    chat.says("eve", "come and see my wonderful channel", times=6, every=3)
    diff = Diff(
        loaded("- {id: spam/other, label: spam, strength: weak, terms: [zzspam]}"), loaded(rule.format(limit))
    )
    diff.take(log_of(chat))
    found = diff.result()
    assert [(one.rule, one.was, one.now, one.count) for one in found.changes] == [
        ("flood/same", "allow", "hold", 6 - limit)
    ]
