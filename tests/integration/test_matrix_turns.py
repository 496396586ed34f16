"""The bridge to Matrix when much is to be done at once, against a real homeserver: who goes first."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.bridging import said_deeds, start_bridge
from tests.deployment import Deployment, kill
from tests.synapse import Place, Synapse, is_redacted


async def test_a_moderators_word_goes_before_what_waits(
    it: Deployment, slow_synapse: Synapse, prefix: str
) -> None:
    """On a homeserver that takes three things a second, while a raid is cleared away."""
    async with Place(slow_synapse, prefix[5:13]) as place:
        config = place.config() | {
            "deeds": [
                {"action": "remove", "do": ["delete", "report"]},
                {"action": "hold", "do": ["report"]},
            ]
        }
        start_bridge(it, "matrix", config)
        await place.bridged(it)
        people = [await place.newcomer(f"p{number}") for number in range(8)]
        held = await place.kim.say(place.channel, "come to zzheld")
        report = await place.report("come to zzheld")
        for _ in range(3):
            await asyncio.gather(*(person.say(place.channel, "this is zzbad") for person in people))
        await place.found(place.channel, lambda e: e["type"] == "m.room.redaction")
        await place.react(report, "🗑️")
        answer = await place.found(place.mods, lambda e: "] Removed." in e["content"].get("body", ""))
        await place.found(place.channel, lambda e: e["event_id"] == held and is_redacted(e))
        said = await place.ana.history(place.mods)
        (asked,) = [e["origin_server_ts"] for e in said if e["type"] == "m.reaction"]
        written = [
            e
            for e in [*said, *await place.ana.history(place.channel)]
            if e["sender"] == place.sieve.id
            and asked < e["origin_server_ts"] < answer["origin_server_ts"]
            and e["event_id"] != answer["event_id"]
        ]
        (gone,) = [e for e in written if held in (e.get("redacts"), e["content"].get("redacts"))]
        before = [e for e in written if e["origin_server_ts"] < gone["origin_server_ts"]]
        assert len(before) <= 3
        assert len(written) <= 6
        # Everything else is done all the same.
        outcomes = await asyncio.to_thread(said_deeds, it, 50)
        assert {each["outcome"] for each in outcomes} == {"done"}


async def test_what_a_moderator_asks_for_is_not_lost_with_a_bridge(it: Deployment, prefix: str) -> None:
    """Killed while it waits to do it: the next one hears it again, does it, and answers once."""
    with Synapse(messages={"per_second": 1, "burst_count": 3}) as server:
        async with Place(server, prefix[5:13]) as place:
            config = place.config() | {
                "deeds": [
                    {"action": "remove", "do": ["delete", "report"]},
                    {"action": "hold", "do": ["report"]},
                ]
            }
            bridge = start_bridge(it, "matrix", config)
            await place.bridged(it)
            held = await place.kim.say(place.channel, "come to zzheld")
            report = await place.report("come to zzheld")
            await asyncio.gather(
                *(person.say(place.channel, "zzbad") for person in (place.kim, place.ana) for _ in range(3))
            )
            await place.found(place.channel, lambda e: e["type"] == "m.room.redaction")
            await place.react(report, "🗑️")
            await asyncio.sleep(0.3)
            kill(bridge)
            answered = [e for e in await place.ana.history(place.mods) if "] Removed." in str(e["content"])]
            assert answered == []
            start_bridge(it, "matrix", config)
            await place.found(place.mods, lambda e: "] Removed." in e["content"].get("body", ""))
            outcomes = await asyncio.to_thread(said_deeds, it, 14)
            assert {each["outcome"] for each in outcomes} == {"done"}
            said = await place.ana.history(place.channel)
            gone = [e.get("redacts") or e["content"].get("redacts") for e in said if "redact" in e["type"]]
            assert len(gone) == len(set(gone)) == 7
            assert held in gone
            reports = [e["content"].get("body", "") for e in await place.ana.history(place.mods)]
            assert len([body for body in reports if "] Removed." in body]) == 1


async def test_all_who_are_timed_out_at_once_are_silent(it: Deployment, place: Place) -> None:
    """The power levels are one event, which each time-out writes anew."""
    people = [await place.newcomer(f"p{number}") for number in range(6)]
    rows = [{"action": "remove", "do": ["timeout"], "timeout_s": 600}]
    start_bridge(it, "matrix", place.config() | {"deeds": rows})
    await place.bridged(it)
    await asyncio.gather(*(person.say(place.channel, "this is zzbad") for person in people))
    outcomes: list[dict[str, Any]] = await asyncio.to_thread(said_deeds, it, len(people))
    assert {each["outcome"] for each in outcomes} == {"done"}
    assert all([await place.is_silenced(person) for person in people])
