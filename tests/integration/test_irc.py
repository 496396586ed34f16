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
from tests.ngircd import Ngircd, Place, Wire

LONG_WARNING = """
rules:
  - id: test/long
    label: spam
    action: remove
    strength: strong
    why: Made for the tests.
    message: {{ru: "{words}"}}
    terms: [zzlong]
"""


@pytest.fixture
async def place(ngircd: Ngircd, prefix: str) -> AsyncIterator[Place]:
    """A fresh channel."""
    async with Place(ngircd, prefix[5:11]) as one:
        yield one


async def test_what_is_said_is_judged_with_who_and_where(it: Deployment, place: Place) -> None:
    """In its order, with roles; talk in the room is not judged."""
    start_bridge(it, "irc", place.config(bots=["Kim"]))
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
    assert {each["author"]["bot"] for each in kims} == {True}
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
    """The bridge is no operator: said in the log after joining, and on the topic."""
    config = place.config() | {"deeds": [{"action": "remove", "do": ["timeout"]}]}
    start_bridge(it, "irc", config)
    await place.bridged(it)
    place.operator.send(f"MODE {place.channel} -o {config['irc']['nick']}")
    await until(lambda: f"/mode {place.channel} +o" in it.log(len(it.workers) - 1), it)
    kim = await place.person("Kim")
    kim.say(place.channel, "this is zzbad")
    (outcome,) = await asyncio.to_thread(said_deeds, it, 1)
    assert outcome["outcome"] == "impossible"
    assert f"/mode {place.channel} +o" in outcome["reason"]


async def test_the_pace_counts_lines(it: Deployment, place: Place) -> None:
    """Of reports, bans and warnings; a crowd that comes in costs none, and a report stays together."""
    rows = [{"action": "remove", "do": ["timeout", "warn"]}, {"action": "hold", "do": ["report"]}]
    async with Wire(place.server.port) as wire:
        config = place.config(port=wire.port) | {"deeds": rows, "pace": {"per_s": 5, "burst": 3}}
        start_bridge(it, "irc", config)
        await place.bridged(it)
        before = len(wire.sent)
        people = [await place.person(f"raid{number}") for number in range(6)]
        for person in people[:3]:
            person.say(place.channel, "this is zzbad")
        for person in people[3:]:
            person.say(place.channel, f"zzheld {'that boss took us all night, but we got him, ' * 6}")
        await until(lambda: len(wire.sent) >= before + 12, it)
        await asyncio.sleep(0.5)
        said = wire.sent[before:]
    verbs = Counter(line.partition(" ")[0] for _, line in said)
    assert verbs == {"MODE": 3, "NOTICE": 3, "PRIVMSG": 6}
    for first, (begin, _) in enumerate(said):
        for last, (end, _) in enumerate(said[first:], first + 1):
            assert last - first <= 3 + 5 * (end - begin) + 1, said
    reports = [line for _, line in said if line.startswith("PRIVMSG")]
    assert ["[" in line for line in reports] == [True, False] * 3


async def test_a_moderators_question_is_answered_before_what_waits(it: Deployment, place: Place) -> None:
    """After the report that is being said."""
    async with Wire(place.server.port) as wire:
        config = place.config(port=wire.port) | {"pace": {"per_s": 2, "burst": 1}}
        start_bridge(it, "irc", config)
        await place.bridged(it)
        people = [await place.person(f"raid{number}") for number in range(7)]
        for person in people:
            person.say(place.channel, "come to zzheld")
        report = await place.report("come to zzheld")
        await asyncio.to_thread(verdicts, it, len(people))
        asked = time.monotonic()
        place.operator.say(place.room, f"!why {report}")
        await until(lambda: len([line for _, line in wire.sent if "[" in line]) == len(people), it)
        said = [line for at, line in wire.sent if at > asked and place.room in line]
    (answer,) = [number for number, line in enumerate(said) if f"PRIVMSG {place.room} :· test/held" in line]
    assert answer <= 2, said
    assert len(said) > 5


async def test_a_long_line_is_cut_at_what_the_network_takes(idle: Deployment, place: Place) -> None:
    """In bytes, whatever the script: ngircd throws out who sends a longer one."""
    words = [f"правило{number}" for number in range(100)]
    idle.write_pack("long.yaml", LONG_WARNING.format(words=" ".join(words)))
    await asyncio.to_thread(idle.start, fetch_wait=0.02)
    start_bridge(idle, "irc", place.config() | {"deeds": [{"action": "remove", "do": ["warn"]}]})
    await place.bridged(idle)
    kim = await place.person("Kim")
    kim.say(place.channel, "this is zzlong")
    await kim.until(lambda line: words[-1] in line)
    heard = [line for _, line in kim.lines if "NOTICE Kim" in line]
    assert " ".join(line.partition(" :")[2] for line in heard).split() == words
    assert max(len(line.encode()) for line in heard) <= 510


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        ({"password": "another"}, 2, "irc.password"),
        ({"password": None}, 2, "irc.password"),
        ({"port": 1}, 1, "no IRC server lets us in at 127.0.0.1:1: are irc.host, irc.port and irc.tls right"),
        ({"host": "nowhere.invalid"}, 1, "no IRC server lets us in at nowhere.invalid"),
        ({"nick": "not a nick"}, 2, "`$.nick`"),
        ({"channels": ["no-sign"]}, 2, "`$.channels[0]`"),
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


@pytest.mark.timed
async def test_five_hundred_messages_across_kills(it: Deployment, place: Place) -> None:
    """Of the example chat, by ten people: each is judged, each removal is followed by a warning, none by two.

    At the median within two seconds, as the one who wrote it sees it. Bridge and worker are killed in the
    middle; people fall silent until the bridge is back, since IRC keeps nothing for those who are away.
    """
    texts = example_texts(500)
    rows = [{"action": "remove", "do": ["warn"]}]
    config = place.config() | {"deeds": rows}
    bridge = start_bridge(it, "irc", config)
    await place.bridged(it)
    people = [await place.person(f"p{number}") for number in range(10)]
    posted: dict[str, list[float]] = {person.nick: [] for person in people}
    for number, text in enumerate(texts):
        bad = " zzbad" if number % 10 == 0 else ""
        person = people[number % 10] if not bad else people[number // 10 % 10]
        if bad:
            posted[person.nick].append(time.monotonic())
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

    def warned() -> dict[str, list[float]]:
        return {p.nick: [at for at, line in p.lines if f"NOTICE {p.nick}" in line] for p in people}

    def counted() -> Counter[str]:
        return Counter({nick: len(at) for nick, at in warned().items()})

    await until(lambda: counted() >= due, it)
    await asyncio.sleep(1.0)
    assert counted() == due
    told = warned()
    waits = [later - before for nick in told for before, later in zip(posted[nick], told[nick], strict=True)]
    print(f"from posting to the warning: {median(waits):.2f} s at the median, {max(waits):.2f} s at most")
    assert median(waits) < 2.0, waits
