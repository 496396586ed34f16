"""The bridge to Matrix, against a real homeserver: what is said is judged, what is removed is redacted."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from statistics import median
from typing import Any

import pytest

from streams.kafka.records import tail
from tests.bridging import LONG_S, example_texts, said_deeds, start_bridge, verdicts
from tests.deployment import Deployment, kill
from tests.synapse import Place, Synapse, is_redacted


async def test_what_is_said_edited_and_taken_back_is_judged(it: Deployment, place: Place) -> None:
    """With who, where, and what they are there; what the bridge itself does is not judged."""
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    first = await place.kim.say(place.channel, "hello ünïcode")
    new = {"msgtype": "m.text", "body": "hello again"}
    edit = {"rel_type": "m.replace", "event_id": first}
    await place.kim.say(place.channel, "* hello again", **{"m.new_content": new, "m.relates_to": edit})
    await place.ana.say(place.channel, "look", **{"m.mentions": {"user_ids": [place.kim.id]}})
    await place.kim.ask(
        "PUT", f"/_matrix/client/v3/rooms/{place.channel}/redact/{first}/r{time.monotonic_ns()}", {}
    )
    await asyncio.to_thread(verdicts, it, 4)
    with tail(it.access, it.topics.messages, from_beginning=True, count=4, idle_s=LONG_S) as records:
        said = [json.loads(record.value or b"") for record in records]
    kims = [(each["id"], each["kind"], each["text"]) for each in said if each["author"]["id"] == place.kim.id]
    assert kims == [
        (first, "created", "hello ünïcode"),
        (first, "edited", "hello again"),
        (first, "deleted", ""),
    ]
    (ana,) = [each for each in said if each["author"]["id"] == place.ana.id]
    assert (ana["author"]["roles"], ana["mentions"]) == (["admin"], [place.kim.id])
    assert {(each["tenant"], each["platform"], each["channel"]) for each in said} == {
        ("lantern", "matrix", place.channel)
    }


async def test_what_others_quote_or_make_up_is_read_for_what_it_is(it: Deployment, place: Place) -> None:
    """An answer quotes; an edit of somebody else's message is no edit of it; odd fields keep nothing out."""
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    anas = await place.ana.say(place.channel, "hello")
    forged = {"rel_type": "m.replace", "event_id": anas}
    new = {"msgtype": "m.text", "body": "this is zzbad"}
    edit = await place.kim.say(
        place.channel, "* this is zzbad", **{"m.new_content": new, "m.relates_to": forged}
    )
    answer = {"m.relates_to": {"m.in_reply_to": {"event_id": anas}}}
    quoting = await place.kim.say(place.channel, f"> <{place.ana.id}> hello\n\nhi", **answer)
    for odd in (
        {"m.relates_to": "x", "url": 5},
        {"m.relates_to": {"m.in_reply_to": {"event_id": 5}}, "m.new_content": "x"},
        {"m.relates_to": {"rel_type": "m.replace", "event_id": anas}, "m.new_content": ["x"]},
    ):
        await place.kim.say(place.channel, "odd zzbad", **odd)
    found = {each["message_id"]: each["action"] for each in await asyncio.to_thread(verdicts, it, 6)}
    assert (found[anas], found[edit]) == ("allow", "remove")
    assert sorted(found.values()) == ["allow", "allow", *["remove"] * 4]
    with tail(it.access, it.topics.messages, from_beginning=True, count=6, idle_s=LONG_S) as records:
        said = {each["id"]: each for each in (json.loads(record.value or b"") for record in records)}
    first_line = len(f"> <{place.ana.id}> hello")
    assert said[quoting]["entities"] == [{"type": "quote", "span": [0, first_line]}]
    assert said[quoting]["reply_to"] == anas


async def test_a_bot_is_judged_and_not_counted(it: Deployment, place: Place) -> None:
    """Those that the file names."""
    start_bridge(it, "matrix", place.config(bots=[place.kim.id]))
    await place.bridged(it)
    for person in (place.kim, place.ana):
        await person.say(place.channel, "this is zzbad")
    found = {each["author"]: each for each in await asyncio.to_thread(verdicts, it, 2)}
    assert {each["action"] for each in found.values()} == {"remove"}
    strikes = {author: each["standing"]["after"]["strikes"] for author, each in found.items()}
    assert strikes[place.kim.id] == 0 < strikes[place.ana.id]


async def test_a_homeserver_that_asks_for_patience_gets_it(
    it: Deployment, slow_synapse: Synapse, prefix: str
) -> None:
    """More deeds than it takes at once, of many authors: all are done in the end, none twice."""
    async with Place(slow_synapse, prefix[5:13]) as place:
        people = [place.kim, *[await place.newcomer(f"p{number}") for number in range(3)]]
        config = place.config() | {"deeds": [{"action": "remove", "do": ["delete", "report"]}]}
        start_bridge(it, "matrix", config)
        await place.bridged(it)
        said = [await person.say(place.channel, "this is zzbad") for person in people for _ in range(2)]
        outcomes = await asyncio.to_thread(said_deeds, it, 2 * len(said))
        assert {each["outcome"] for each in outcomes} == {"done"}
        history = await place.ana.history(place.channel)
        redactions = [e["redacts"] for e in history if e["type"] == "m.room.redaction"]
        assert sorted(redactions) == sorted(said)
        reports = [
            e for e in await place.ana.history(place.mods)
            if e["sender"] == place.sieve.id and e["type"] == "m.room.message"
        ]  # fmt: skip
        assert len(reports) == len(said)


async def test_the_room_is_asked_and_a_reaction_answers(it: Deployment, place: Place) -> None:
    """A held message stays, since Matrix can't hide; a reaction takes it away, with the moderator's name."""
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    held = await place.kim.say(place.channel, "come to zzheld")
    report = await place.found(place.mods, lambda e: "still visible" in e["content"].get("body", ""))
    assert "come to zzheld" in report["content"]["body"]

    def reaction(key: str) -> dict[str, Any]:
        return {"m.relates_to": {"rel_type": "m.annotation", "event_id": report["event_id"], "key": key}}

    await place.ana.send(place.mods, reaction("❓"), "m.reaction")
    await place.found(
        place.mods, lambda e: "settled by test/held" in e["content"].get("body", "") and e != report
    )
    await place.ana.send(place.mods, reaction("🗑️"), "m.reaction")
    await place.found(place.channel, lambda e: e["event_id"] == held and is_redacted(e))
    with tail(it.access, it.topics.feedback, from_beginning=True, count=1, idle_s=LONG_S) as records:
        feedback = json.loads(next(records).value or b"")
    assert (feedback["decision"], feedback["reviewer"]) == ("remove", place.ana.id)
    assert (feedback["author"], feedback["message_id"]) == (place.kim.id, held)


async def test_who_is_timed_out_can_not_write_for_a_while(it: Deployment, place: Place) -> None:
    """By the power level, which comes back."""
    rows = [{"action": "remove", "do": ["delete", "timeout"], "timeout_s": 3}]
    ana, kim = place.ana, place.kim
    await ana.ask(
        "PUT", f"/_matrix/client/v3/rooms/{place.channel}/state/m.room.power_levels/",
        {"users": {ana.id: 100, place.sieve.id: 60}, "redact": 50, "state_default": 50},
    )  # fmt: skip
    start_bridge(it, "matrix", place.config() | {"deeds": rows})
    await place.bridged(it)
    await kim.say(place.channel, "this is zzbad")
    path = f"/_matrix/client/v3/rooms/{place.channel}/state/m.room.power_levels"
    await place.found(place.channel, lambda e: kim.id in e["content"].get("users", {}))
    body = {"msgtype": "m.text", "body": "let me speak"}
    refused = await kim.ask("PUT", f"/_matrix/client/v3/rooms/{place.channel}/send/m.room.message/x", body)
    assert refused["errcode"] == "M_FORBIDDEN"
    patience = time.monotonic() + LONG_S
    while kim.id in (await ana.ask("GET", path))["users"]:
        assert time.monotonic() < patience
        await asyncio.sleep(0.2)


async def test_who_has_power_keeps_it(it: Deployment, place: Place) -> None:
    """A moderator is not silenced, and is what they were when the time-out would have ended."""
    kim, levels = place.kim, {place.ana.id: 100, place.sieve.id: 100, place.kim.id: 50}
    path = f"/_matrix/client/v3/rooms/{place.channel}/state/m.room.power_levels"
    await place.ana.ask("PUT", f"{path}/", {"users": levels, "redact": 50, "state_default": 50})
    rows = [{"action": "remove", "do": ["timeout"], "timeout_s": 0.1}]
    start_bridge(it, "matrix", place.config() | {"deeds": rows})
    await place.bridged(it)
    await kim.say(place.channel, "this is zzbad")
    (outcome,) = await asyncio.to_thread(said_deeds, it, 1)
    assert outcome["outcome"] == "impossible"
    assert "silences no moderators" in outcome["reason"]
    await asyncio.sleep(2)
    assert (await place.ana.ask("GET", path))["users"] == levels


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        ({"token": "syt_wrong"}, 2, "matrix.token"),
        (
            {"homeserver": "http://127.0.0.1:1"},
            1,
            "no homeserver answers at http://127.0.0.1:1: is matrix.homeserver right",
        ),
        ({"homeserver": "matrix.org"}, 2, "`$.homeserver`"),
        ({"room": "!nowhere:test.invalid"}, 2, "can't join !nowhere:test.invalid"),
        ({"rooms": ["!nowhere:test.invalid"]}, 2, "can't join !nowhere:test.invalid"),
    ],
)
async def test_what_keeps_it_out_is_said_in_one_line(
    idle: Deployment, place: Place, wrong: dict[str, Any], code: int, says: str
) -> None:
    """With what to do."""
    bridge = start_bridge(idle, "matrix", place.config(**wrong))
    assert await asyncio.to_thread(bridge.wait, 60) == code
    assert says in idle.log(0).strip().splitlines()[-1]


async def test_without_the_right_to_delete_it_says_so_at_the_start(idle: Deployment, place: Place) -> None:
    """Not at the first removal."""
    room = await place.ana.make_room(place.sieve)
    bridge = start_bridge(idle, "matrix", place.config(rooms=[room]))
    assert await asyncio.to_thread(bridge.wait, 60) == 2
    assert f"give {place.sieve.id} the power level 50" in idle.log(0).strip().splitlines()[-1]


async def test_without_the_right_to_silence_a_deed_is_impossible_and_says_how_to_mend_it(
    it: Deployment, place: Place
) -> None:
    """In a room as people make it, where who may delete may not change power levels."""
    room = await place.ana.make_room(place.sieve, levels={place.sieve.id: 50})
    rows = [{"action": "remove", "do": ["timeout"]}]
    start_bridge(it, "matrix", place.config(rooms=[room]) | {"deeds": rows})
    await place.bridged(it)
    assert f"give {place.sieve.id} the level 100 (it has 50)" in it.log(len(it.workers) - 1)
    await place.ana.say(room, "this is zzbad")
    (outcome,) = await asyncio.to_thread(said_deeds, it, 1)
    assert outcome["outcome"] == "impossible"
    assert f"give {place.sieve.id} the level 100 (it has 50)" in outcome["reason"]


@pytest.mark.timed
async def test_five_hundred_messages_across_kills(it: Deployment, place: Place) -> None:
    """By two people who don't wait: each is judged, each removal is redacted, none twice.

    At the median within two seconds of posting, by the homeserver's clock.
    """
    texts = example_texts(500)
    config = place.config() | {"deeds": [{"action": "remove", "do": ["delete", "warn"]}]}
    bridge = start_bridge(it, "matrix", config)
    await place.bridged(it)
    said = []
    for number, text in enumerate(texts):
        person = place.kim if number % 2 else place.ana
        said.append(await person.say(place.channel, text + (" zzbad" if number % 10 == 0 else "")))
        if number == 200:
            kill(bridge)
        if number == 260:
            bridge = start_bridge(it, "matrix", config)
        if number == 350:
            kill(it.workers[0])
            await asyncio.to_thread(it.start, fetch_wait=0.02)
    found = await asyncio.to_thread(verdicts, it, 500, {"created"})
    assert {each["message_id"] for each in found} == set(said)
    removed = {each["message_id"] for each in found if each["action"] == "remove"}
    assert len(removed) >= 50
    patience = time.monotonic() + LONG_S
    while True:
        history = await place.ana.history(place.channel)
        redactions = Counter(
            e["content"].get("redacts") or e.get("redacts")
            for e in history
            if e["type"] == "m.room.redaction"
        )
        warnings = [e for e in history if e["sender"] == place.sieve.id and e["type"] == "m.room.message"]
        if set(redactions) >= removed and len(warnings) >= len(removed):
            break
        assert time.monotonic() < patience, (len(redactions), len(warnings), len(removed))
        await asyncio.sleep(0.5)
    await asyncio.sleep(1.0)
    assert set(redactions) == removed
    assert max(redactions.values()) == 1
    assert len(warnings) == len(removed)
    waits = [
        (event["unsigned"]["redacted_because"]["origin_server_ts"] - event["origin_server_ts"]) / 1000
        for event in history
        if event["event_id"] in removed
    ]
    assert len(waits) == len(removed)
    print(f"from posting to the redaction: {median(waits):.2f} s at the median, {max(waits):.2f} s at most")
    assert median(waits) < 2.0, waits
