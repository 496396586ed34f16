"""The bridge to IRC, against a real server: what is said there is judged, and what can be done is done."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from statistics import median
from typing import Any

import pytest

from streams.kafka.records import tail
from tests.bridging import LONG_S, example_texts, said_deeds, start_bridge, until, verdicts
from tests.deployment import Deployment, kill
from tests.ngircd import Ngircd, Place


@pytest.fixture
async def place(ngircd: Ngircd, prefix: str) -> AsyncIterator[Place]:
    """A fresh channel."""
    one = Place(ngircd, prefix[5:11])
    await one.make()
    yield one
    await one.close()


async def test_what_is_said_is_judged_with_who_and_where(it: Deployment, place: Place) -> None:
    """In its order, with roles; talk in the room is not judged."""
    start_bridge(it, "irc", place.config())
    await place.bridged(it)
    place.operator.say(place.room, "this is zzbad, isn't it")
    place.operator.say(place.channel, "hello from the operator")
    kim = await place.person("Kim")
    for number in range(5):
        kim.say(place.channel, f"hello {number} ünïcode")
    await asyncio.to_thread(verdicts, it, 6)
    with tail(it.access, it.topics.messages, from_beginning=True, count=6, idle_s=LONG_S) as records:
        said = [json.loads(record.value or b"") for record in records]
    kims = [each for each in said if each["author"]["id"] == "kim"]
    assert [each["text"] for each in kims] == [f"hello {number} ünïcode" for number in range(5)]
    assert {(each["tenant"], each["platform"], each["channel"]) for each in said} == {
        ("lantern", "irc", place.channel)
    }
    (operator,) = [each for each in said if each["author"]["id"] != "kim"]
    assert operator["author"]["roles"] == ["operator"]


async def test_a_removed_message_costs_its_author_the_floor_for_a_while(it: Deployment, place: Place) -> None:
    """A ban that ends by itself, a warning, and a word on the topic that IRC can't delete."""
    rows = [{"action": "remove", "do": ["delete", "timeout", "warn"], "timeout_s": 2}]
    start_bridge(it, "irc", place.config() | {"deeds": rows})
    await place.bridged(it)
    kim = await place.person("Kim")
    kim.say(place.channel, "this is zzbad")
    await kim.until(lambda line: "NOTICE Kim" in line and "removed" in line)
    await place.operator.until(lambda line: f"MODE {place.channel} +b kim!*@*" in line)
    await place.operator.until(lambda line: f"MODE {place.channel} -b kim!*@*" in line)
    outcomes = {each["deed"]: each["outcome"] for each in await asyncio.to_thread(said_deeds, it, 3)}
    assert outcomes == {"delete": "impossible", "timeout": "done", "warn": "done"}


async def test_the_room_is_asked_and_answers(it: Deployment, place: Place) -> None:
    """A held message stays, since IRC can't hide; why, and what was decided, go to where they belong."""
    start_bridge(it, "irc", place.config())
    await place.bridged(it)
    kim = await place.person("Kim")
    kim.say(place.channel, "come to zzheld")
    asked = await place.operator.until(lambda line: place.room in line and "still visible" in line)
    await place.operator.until(lambda line: "come to zzheld" in line and place.room in line)
    found = re.search(r"\[([0-9a-f]{6})\]", asked)
    assert found
    place.operator.say(place.room, f"!why {found[1]}")
    await place.operator.until(lambda line: "settled by test/held" in line)
    place.operator.say(place.room, f"!not-spam {found[1]} a joke")
    await place.operator.until(lambda line: f"[{found[1]}] Noted" in line)
    with tail(it.access, it.topics.feedback, from_beginning=True, count=1, idle_s=LONG_S) as records:
        feedback = json.loads(next(records).value or b"")
    assert (feedback["decision"], feedback["reviewer"]) == ("overturn", place.operator.nick)
    assert (feedback["author"], feedback["reason"]) == ("kim", "a joke")


async def test_without_the_right_to_it_a_deed_is_impossible_and_says_how_to_mend_it(
    it: Deployment, place: Place
) -> None:
    """The bridge is no operator."""
    config = place.config() | {"deeds": [{"action": "remove", "do": ["timeout"]}]}
    start_bridge(it, "irc", config)
    await place.bridged(it)
    place.operator.send(f"MODE {place.channel} -o {config['irc']['nick']}")
    await asyncio.sleep(0.3)
    kim = await place.person("Kim")
    kim.say(place.channel, "this is zzbad")
    (outcome,) = await asyncio.to_thread(said_deeds, it, 1)
    assert outcome["outcome"] == "impossible"
    assert f"/mode {place.channel} +o" in outcome["reason"]


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        ({"password": "another"}, 2, "irc.password"),
        ({"port": 1}, 1, "no IRC server lets us in at 127.0.0.1:1"),
        ({"channels": ["#closed"]}, 2, "can't join #closed: it is invite-only"),
        ({"chanels": []}, 2, "in section irc: Object contains unknown field `chanels`"),
    ],
)
async def test_what_keeps_it_out_is_said_in_one_line(
    idle: Deployment, place: Place, wrong: dict[str, Any], code: int, says: str
) -> None:
    """With what to do."""
    owner = await place.person("own" + place.room[2:], "#closed")
    owner.send("MODE #closed +i")
    await owner.until(lambda line: "MODE #closed +i" in line)
    bridge = start_bridge(idle, "irc", place.config(**wrong))
    assert await asyncio.to_thread(bridge.wait, 40) == code
    assert says in idle.log(0).strip().splitlines()[-1]


async def test_five_hundred_messages_across_kills(it: Deployment, place: Place) -> None:
    """Of the example chat, by ten people: each is judged, each removal is followed by a warning, none by two.

    Bridge and worker are killed in the middle; people fall silent until the bridge is back, since IRC keeps
    nothing for those who are away.
    """
    texts = example_texts(500)
    rows = [{"action": "remove", "do": ["warn"]}]
    config = place.config() | {"deeds": rows}
    bridge = start_bridge(it, "irc", config)
    await place.bridged(it)
    people = [await place.person(f"p{number}") for number in range(10)]
    at: dict[str, float] = {}
    for number, text in enumerate(texts):
        bad = " zzbad" if number % 10 == 0 else ""
        person = people[number % 10] if not bad else people[number // 10 % 10]
        at[f"{person.nick} {text}{bad}"] = time.monotonic()
        person.say(place.channel, f"{text}{bad}")
        await asyncio.sleep(0.01)
        if number == 200:
            await asyncio.to_thread(verdicts, it, 201)
            kill(bridge)
            bridge = start_bridge(it, "irc", config)
            await place.bridged(it, 2)
        if number == 350:
            kill(it.workers[0])
            await asyncio.to_thread(it.start, fetch_wait=0.02)
    found = await asyncio.to_thread(verdicts, it, 500)
    assert len({each["message_id"] for each in found}) == 500
    removed = [each for each in found if each["action"] == "remove"]
    assert len(removed) >= 50
    due = Counter(each["author"] for each in removed)

    def warned() -> Counter[str]:
        return Counter({p.nick: sum(f"NOTICE {p.nick}" in line for _, line in p.lines) for p in people})

    await until(lambda: warned() >= due, it)
    await asyncio.sleep(1.0)
    assert warned() == due


@pytest.mark.timed
async def test_a_removal_is_enforced_within_two_seconds_at_the_median(it: Deployment, place: Place) -> None:
    """From posting to the warning, measured by the one who wrote it."""
    start_bridge(it, "irc", place.config() | {"deeds": [{"action": "remove", "do": ["warn"]}]})
    await place.bridged(it)
    kim = await place.person("Kim")
    waits = []
    for number in range(20):
        before = len([1 for _, line in kim.lines if "NOTICE Kim" in line])
        began = time.monotonic()
        kim.say(place.channel, f"this is zzbad {number}")
        await until(lambda before=before: len([1 for _, x in kim.lines if "NOTICE Kim" in x]) > before, it)
        waits.append(time.monotonic() - began)
    assert median(waits) < 2.0, waits
