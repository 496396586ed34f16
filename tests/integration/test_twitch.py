"""The bridge to Twitch, against a server that speaks as Twitch's documentation says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streams.kafka.records import tail
from tests.bridging import LONG_S, judged, said_deeds, start_bridge, until, verdicts
from tests.deployment import Deployment
from tests.twitch import LANTERN, SCOPES, SIEVE, Twitch

REPORTS = [{"action": "remove", "do": ["report"]}]
ROWS = [{"action": "remove", "do": ["delete", "timeout", "warn"], "timeout_s": 60}]


@pytest.fixture
async def twitch() -> AsyncIterator[Twitch]:
    """A Twitch of our own."""
    one = Twitch()
    await one.start()
    yield one
    await one.stop()


def config(twitch: Twitch, **more: Any) -> dict[str, Any]:
    return {"tenant": "lantern", "deeds": ROWS, "twitch": twitch.config(**more)}


async def bridged(it: Deployment, twitch: Twitch) -> None:
    await asyncio.wait_for(twitch.entered.wait(), LONG_S)
    await until(lambda: '"joined"' in it.log(len(it.workers) - 1), it)


async def test_what_is_said_is_judged_with_what_the_tags_tell(it: Deployment, twitch: Twitch) -> None:
    """Also after the connection broke; a deletion by somebody else is told."""
    start_bridge(it, "twitch", config(twitch, relays=["KIM"]))
    await bridged(it, twitch)
    first = twitch.say("Kappa hello Kappa", badges="moderator/1,subscriber/12", emotes="25:0-4,12-16")
    twitch.clear(first)
    await asyncio.to_thread(verdicts, it, 2)
    twitch.drop()
    await asyncio.wait_for(twitch.entered.wait(), LONG_S)
    twitch.say("back again", **{"reply-parent-msg-id": first})
    await asyncio.to_thread(verdicts, it, 3)
    with tail(it.access, it.topics.messages, from_beginning=True, count=3, idle_s=LONG_S) as records:
        said = {(each["id"], each["kind"]): each for each in (json.loads(r.value or b"") for r in records)}
    message = said[first, "created"]
    assert message["author"] == {
        "id": "id-kim", "name": "Kim", "roles": ["moderator", "subscriber"],
        "created_at": "2019-03-02T10:00:00Z", "bot": False, "relay": True,
    }  # fmt: skip
    assert twitch.ages_asked == ["id-kim"]
    assert [each["span"] for each in message["entities"]] == [[0, 5], [12, 17]]
    assert (message["channel"], message["platform"]) == ("lantern", "twitch")
    assert said[first, "deleted"]["author"]["id"] == "id-kim"
    assert said["msg-2", "created"]["reply_to"] == first


async def test_what_is_decided_is_asked_of_the_api_once(it: Deployment, twitch: Twitch) -> None:
    """A refusal that passes is tried again; our own deletion comes back and is not judged."""
    twitch.answers += [429, 503]
    start_bridge(it, "twitch", config(twitch))
    await bridged(it, twitch)
    name = twitch.say("this is zzbad")
    await until(lambda: len(twitch.calls) >= 3, it)
    where = {"broadcaster_id": LANTERN, "moderator_id": SIEVE}
    delete, timeout, warn = twitch.calls
    assert delete == ("DELETE", "chat", where | {"message_id": name}, None)
    assert timeout[:2] == ("POST", "bans")
    assert (timeout[3]["data"]["user_id"], timeout[3]["data"]["duration"]) == ("id-kim", 60)
    assert warn[:2] == ("POST", "warnings")
    twitch.say("hello")
    found = await asyncio.to_thread(verdicts, it, 2)
    assert {each["kind"] for each in found} == {"created"}
    assert len(twitch.calls) == 3


async def test_a_moderators_time_out_tells_what_it_took_away(it: Deployment, twitch: Twitch) -> None:
    """Each message once, of that author only; clearing the whole channel speaks of nobody."""
    start_bridge(it, "twitch", config(twitch))
    await bridged(it, twitch)
    first, second = twitch.say("hello"), twitch.say("how are you")
    twitch.say("fine", "eve")
    twitch.clear(first)
    twitch.purge("kim", 600)
    twitch.purge("kim")
    twitch.purge(None)
    third = twitch.say("let me speak")
    twitch.purge("kim")
    twitch.say("bye", "eve")
    found = await asyncio.to_thread(verdicts, it, 8)
    deleted = [each for each in found if each["kind"] == "deleted"]
    assert sorted(each["message_id"] for each in deleted) == [first, second, third]
    assert {each["author"] for each in deleted} == {"id-kim"}


async def test_its_own_time_out_is_not_told_as_deletions(it: Deployment, twitch: Twitch) -> None:
    """A moderator's ban after it is, of what the bridge hasn't deleted itself."""
    start_bridge(it, "twitch", config(twitch))
    await bridged(it, twitch)
    hello = twitch.say("hello")
    await asyncio.to_thread(verdicts, it, 1)
    twitch.say("this is zzbad")
    await until(lambda: len(twitch.calls) >= 3, it)
    twitch.say("hello", "eve")
    found = await asyncio.to_thread(verdicts, it, 3)
    assert {each["kind"] for each in found} == {"created"}
    twitch.purge("kim")
    found = await asyncio.to_thread(verdicts, it, 4)
    assert [each["message_id"] for each in found if each["kind"] == "deleted"] == [hello]


async def test_the_room_is_asked_and_its_moderators_answer(it: Deployment, twitch: Twitch) -> None:
    """In reply to the report; nobody else's word counts, and what is said there is not judged."""
    start_bridge(it, "twitch", config(twitch, room="lantern_mods") | {"deeds": REPORTS})
    await bridged(it, twitch)
    name = twitch.say("this is zzbad")
    await until(lambda: twitch.room, it)
    report = twitch.room[0]
    assert report["message"].startswith("remove: id-kim in lantern (spam) · test/bad")
    reply = {"channel": "lantern_mods", "reply-parent-msg-id": report["id"]}
    twitch.say("@sieve !remove", "eve", **reply)
    twitch.say("@sieve !why", "ana", badges="moderator/1", **reply)
    await until(lambda: len(twitch.room) > 1 and "settled by" in twitch.room[1]["message"], it)
    assert not twitch.calls
    twitch.say("@sieve !remove spam bot", "ana", badges="moderator/1", **reply)
    await until(lambda: len(twitch.room) > 2 and twitch.room[2]["message"].endswith("Removed."), it)
    ((method, what, query, _),) = twitch.calls
    assert (method, what, query["message_id"]) == ("DELETE", "chat", name)
    with tail(it.access, it.topics.feedback, from_beginning=True, count=1, idle_s=LONG_S) as records:
        feedback = json.loads(next(records).value or b"")
    assert (feedback["reviewer"], feedback["reason"]) == ("Ana", "spam bot")


async def test_an_order_that_waits_for_the_api_keeps_nobody_waiting(it: Deployment, twitch: Twitch) -> None:
    """What is said meanwhile is judged: the deed is tried again after 1, 2, 4 and 8 seconds."""
    start_bridge(it, "twitch", config(twitch, room="lantern_mods") | {"deeds": REPORTS})
    await bridged(it, twitch)
    twitch.say("this is zzbad")
    await until(lambda: twitch.room, it)
    twitch.answers += [503] * 4
    reply = {"channel": "lantern_mods", "reply-parent-msg-id": twitch.room[0]["id"]}
    twitch.say("@sieve !remove", "ana", badges="moderator/1", **reply)
    await until(lambda: len(twitch.answers) < 4, it)
    hello = twitch.say("hello", "eve")
    await asyncio.to_thread(judged, it, hello)
    assert twitch.answers, "the order was done before what came later was judged"
    await until(lambda: twitch.room[-1]["message"].endswith("Removed."), it)


async def test_an_order_that_fails_says_so_and_may_be_given_again(it: Deployment, twitch: Twitch) -> None:
    """When what was in its way is mended."""
    start_bridge(it, "twitch", config(twitch, room="lantern_mods") | {"deeds": REPORTS})
    await bridged(it, twitch)
    twitch.say("this is zzbad")
    await until(lambda: twitch.room, it)
    twitch.moderator = False
    remove = {"channel": "lantern_mods", "reply-parent-msg-id": twitch.room[0]["id"]}
    twitch.say("@sieve !remove", "ana", badges="moderator/1", **remove)
    await until(lambda: len(twitch.room) > 1, it)
    assert "it isn't removed: chat: 403 no; is sieve a moderator there?" in twitch.room[1]["message"]
    twitch.moderator = True
    twitch.say("@sieve !remove", "ana", badges="moderator/1", **remove)
    await until(lambda: len(twitch.room) > 2 and twitch.room[2]["message"].endswith("Removed."), it)
    assert [call[1] for call in twitch.calls] == ["chat"]
    outcomes = await asyncio.to_thread(said_deeds, it, 3)
    assert [(each["deed"], each["outcome"]) for each in outcomes[1:]] == [
        ("delete", "impossible"),
        ("delete", "done"),
    ]


async def test_not_spam_ends_the_time_out(it: Deployment, twitch: Twitch) -> None:
    """Of the verdict that is spoken of."""
    rows = [{"action": "remove", "do": ["timeout", "report"]}]
    start_bridge(it, "twitch", config(twitch, room="lantern_mods") | {"deeds": rows})
    await bridged(it, twitch)
    twitch.say("this is zzbad")
    await until(lambda: twitch.room, it)
    reply = {"channel": "lantern_mods", "reply-parent-msg-id": twitch.room[0]["id"]}
    twitch.say("@sieve !notspam", "ana", badges="moderator/1", **reply)
    await until(lambda: len(twitch.room) > 1 and "may write again" in twitch.room[1]["message"], it)
    assert [call[:2] for call in twitch.calls] == [("POST", "bans"), ("DELETE", "bans")]
    assert twitch.calls[1][2]["user_id"] == "id-kim"


async def test_who_is_no_moderator_is_told_how_to_mend_it(it: Deployment, twitch: Twitch) -> None:
    """In the log at the start, and on the topic of deeds."""
    twitch.moderator = False
    start_bridge(it, "twitch", config(twitch))
    await bridged(it, twitch)
    twitch.say("this is zzbad")
    outcomes = await asyncio.to_thread(said_deeds, it, 3)
    assert {each["outcome"] for each in outcomes} == {"impossible"}
    assert "sieve is no moderator of lantern: type /mod sieve there" in it.log(len(it.workers) - 1)
    assert "is sieve a moderator there?" in outcomes[0]["reason"]


async def test_a_token_that_has_run_out_ends_the_bridge_and_says_so(it: Deployment, twitch: Twitch) -> None:
    """With what to do; deletions that were not done then are done with the next token."""
    bridge = start_bridge(it, "twitch", config(twitch))
    await bridged(it, twitch)
    twitch.answers += [401]
    name = twitch.say("this is zzbad")
    assert await asyncio.to_thread(bridge.wait, 60) == 2
    assert "twitch.token: Twitch refuses it" in it.log(len(it.workers) - 1).strip().splitlines()[-1]
    start_bridge(it, "twitch", config(twitch))
    await until(lambda: twitch.calls, it)
    assert (twitch.calls[0][0], twitch.calls[0][2]["message_id"]) == ("DELETE", name)


@pytest.mark.parametrize(
    ("wrong", "scopes", "code", "says"),
    [
        ({"token": "old"}, None, 2, "twitch.token: Twitch refuses it"),
        ({}, ["chat:read"], 2, "twitch.token lacks moderator:manage:banned_users"),
        ({"channels": ["nobody"]}, None, 2, "there is no 'nobody' on Twitch"),
        ({"room": "lantern_mods"}, SCOPES[:-1], 2, "twitch.token lacks user:write:chat"),
        ({"can": ["hide"]}, None, 2, "Twitch knows no hide"),
        ({"identity": "http://127.0.0.1:1"}, None, 1, "Twitch doesn't answer"),
        ({"port": 1}, None, 1, "Twitch's chat at 127.0.0.1:1 doesn't let us in"),
    ],
)
async def test_what_keeps_it_out_is_said_in_one_line(
    idle: Deployment, twitch: Twitch, wrong: dict[str, Any], scopes: list[str] | None, code: int, says: str
) -> None:
    """With what to do."""
    twitch.scopes = scopes or twitch.scopes
    bridge = start_bridge(idle, "twitch", config(twitch, **wrong))
    assert await asyncio.to_thread(bridge.wait, 60) == code
    assert says in idle.log(0).strip().splitlines()[-1]
