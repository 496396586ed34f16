"""What is written on a Matrix room and not in it, against a real homeserver."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.bridging import messages, start_bridge, verdicts
from tests.deployment import Deployment
from tests.synapse import Place, is_redacted


async def test_names_topics_and_reasons_are_judged(it: Deployment, place: Place) -> None:
    """What is removed is gone from the room's state too, who was put out stays out, the bridge goes on."""
    kim, ana, rooms = place.kim, place.ana, f"/_matrix/client/v3/rooms/{place.channel}"
    levels = {ana.id: 100, place.sieve.id: 100, kim.id: 50}
    await ana.ask("PUT", f"{rooms}/state/m.room.power_levels/", {"users": levels})
    leaver = await place.newcomer("leaver")
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)

    async def put(kind: str, content: dict[str, Any]) -> str:
        return str((await kim.ask("PUT", f"{rooms}/state/{kind}/", content))["event_id"])

    good = await put("m.room.topic", {"topic": "All about lanterns"})
    bad = [
        await put("m.room.name", {"name": "the zzbad room"}),
        await put("m.room.topic", {"topic": "a", "m.topic": {"m.text": [{"body": "this is zzbad"}]}}),
    ]
    await kim.ask("POST", f"{rooms}/kick", {"user_id": leaver.id, "reason": "zzbad"})
    found = {each["message_id"]: each for each in await asyncio.to_thread(verdicts, it, 4)}
    (kick,) = found.keys() - {good, *bad}
    assert {name: each["action"] for name, each in found.items()} == {
        good: "allow", **dict.fromkeys([*bad, kick], "remove"),
    }  # fmt: skip
    assert {each["author"] for each in found.values()} == {kim.id}
    for event in (*bad, kick):
        await place.found(place.channel, lambda e, its=event: e["event_id"] == its and is_redacted(e))
    assert await ana.ask("GET", f"{rooms}/state/m.room.name") == {}
    assert await ana.ask("GET", f"{rooms}/state/m.room.topic") == {}
    assert await ana.ask("GET", f"{rooms}/state/m.room.member/{leaver.id}") == {"membership": "leave"}
    said = {each["id"]: each.get("surface") for each in await asyncio.to_thread(messages, it, 4)}
    assert {said[name] for name in (good, *bad)} == {"title"}
    # A name that nobody minds stays, and so does what the bridge takes away unjudged.
    await put("m.room.name", {"name": "Lanterns"})
    last = await kim.say(place.channel, "zzbad")
    await place.found(place.channel, lambda e: e["event_id"] == last and is_redacted(e))
    assert await ana.ask("GET", f"{rooms}/state/m.room.name") == {"name": "Lanterns"}
    assert len(await asyncio.to_thread(messages, it, 6)) == 6
    assert place.sieve.id not in {each["author"] for each in await asyncio.to_thread(verdicts, it, 6)}
