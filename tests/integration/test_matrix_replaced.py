"""Matrix rooms that are replaced by others, against a real homeserver: the bridge goes along."""

from __future__ import annotations

import asyncio
import time

from tests.bridging import LONG_S, messages, said_deeds, start_bridge, until
from tests.deployment import Deployment, kill
from tests.synapse import Person, Place, is_redacted

ROOMS = "/_matrix/client/v3/rooms"


async def upgrade(person: Person, room: str, version: str = "11") -> str:
    """Replace a room, and return the new one."""
    made = await person.ask("POST", f"{ROOMS}/{room}/upgrade", {"new_version": version})
    return str(made["replacement_room"])


async def invite(by: Person, room: str, *people: Person) -> None:
    """Invite people to a room."""
    for person in people:
        await by.ask("POST", f"{ROOMS}/{room}/invite", {"user_id": person.id})


async def test_a_room_is_followed_once_the_bridge_may(it: Deployment, place: Place) -> None:
    """Said once until it is invited; the new one is judged under the old name, also after a restart."""
    ana, kim, old = place.ana, place.kim, place.channel
    bridge = start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    held = await kim.say(old, "come to zzheld")
    report = await place.report("come to zzheld")
    new = await upgrade(ana, old)
    await until(lambda: f"can't join {new}" in it.log(len(it.workers) - 1), it)
    assert f"invite {place.sieve.id} to it" in it.log(len(it.workers) - 1)
    # What is said before it may come is heard as well, however much that is.
    early = [await ana.say(new, f"zzbad before {number}") for number in range(20)]
    await invite(ana, new, place.sieve, kim)
    await kim.join(new)
    await until(lambda: '"room_followed"' in it.log(len(it.workers) - 1), it)
    said = await kim.say(new, "this is zzbad")
    for event in (*early, said):
        await place.found(new, lambda e, its=event: e["event_id"] == its and is_redacted(e))
    assert it.log(len(it.workers) - 1).count('"room_replaced"') == 1
    # What was said in the old room is still taken away there.
    await place.react(report, "🗑️")
    await place.found(old, lambda e: e["event_id"] == held and is_redacted(e))
    kill(bridge)
    missed = await kim.say(new, "zzbad again")
    start_bridge(it, "matrix", place.config())
    await place.found(new, lambda e: e["event_id"] == missed and is_redacted(e))
    heard = {each["id"]: each["channel"] for each in await asyncio.to_thread(messages, it, 23)}
    assert heard == dict.fromkeys((held, *early, said, missed), old)


async def test_a_public_room_and_that_of_the_moderators_are_followed_at_once(
    it: Deployment, place: Place
) -> None:
    """And on from there; reports go to where the moderators are."""
    ana, kim = place.ana, place.kim
    for room in (place.channel, place.mods):
        path = f"{ROOMS}/{room}/state/m.room.join_rules/"
        await ana.ask("PUT", path, {"join_rule": "public"})
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    second = await upgrade(ana, place.channel)
    third = await upgrade(ana, second, "12")
    first = await ana.say(third, "zzbad at once")
    place.mods = await upgrade(ana, place.mods)
    await until(lambda: it.log(len(it.workers) - 1).count('"room_followed"') == 3, it)
    await place.found(third, lambda e: e["event_id"] == first and is_redacted(e))
    await kim.join(third)
    held = await kim.say(third, "come to zzheld")
    await place.react(await place.report("come to zzheld"), "🗑️")
    await place.found(third, lambda e: e["event_id"] == held and is_redacted(e))
    await place.found(place.mods, lambda e: "] Removed." in e["content"].get("body", ""))


async def test_a_room_that_was_replaced_while_the_bridge_was_away_is_heard_whole(
    it: Deployment, place: Place
) -> None:
    """By its old name in the file, whenever the bridge is let in."""
    bridge = start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    kill(bridge)
    new = await upgrade(place.ana, place.channel)
    said = [await place.ana.say(new, f"zzbad {number}") for number in range(15)]
    start_bridge(it, "matrix", place.config())
    await until(lambda: f"can't join {new}" in it.log(len(it.workers) - 1), it)
    await place.bridged(it)
    await invite(place.ana, new, place.sieve)
    for event in said:
        await place.found(new, lambda e, its=event: e["event_id"] == its and is_redacted(e))


async def test_a_room_that_knows_nothing_of_it_is_not_followed(it: Deployment, place: Place) -> None:
    """Else whoever may close a room could have the bridge moderate any other; nor into the moderators'."""
    other = await place.kim.make_room(place.sieve)
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    for room, successor in ((place.channel, other), (place.other, place.mods)):
        path = f"{ROOMS}/{room}/state/m.room.tombstone/"
        await place.ana.ask("PUT", path, {"body": "moved", "replacement_room": successor})
    await until(lambda: f"{other} doesn't say that it replaces it" in it.log(len(it.workers) - 1), it)
    said = await place.kim.say(place.channel, "zzbad here")
    await place.kim.say(other, "zzbad there")
    await place.ana.say(place.mods, "zzbad among moderators")
    await place.found(place.channel, lambda e: e["event_id"] == said and is_redacted(e))
    assert [each["id"] for each in await asyncio.to_thread(messages, it, 1)] == [said]
    members = await place.kim.ask("GET", f"{ROOMS}/{other}/joined_members")
    assert list(members["joined"]) == [place.kim.id]
    assert '"room_followed"' not in it.log(len(it.workers) - 1)


async def test_who_is_silent_when_a_room_is_replaced_is_not_so_for_good(it: Deployment, place: Place) -> None:
    """The homeserver takes power levels along."""
    rows = [{"action": "remove", "do": ["timeout"], "timeout_s": 8}]
    start_bridge(it, "matrix", place.config() | {"deeds": rows})
    await place.bridged(it)
    await place.kim.say(place.channel, "this is zzbad")
    await asyncio.to_thread(said_deeds, it, 1)
    new = await upgrade(place.ana, place.channel)
    await invite(place.ana, new, place.sieve)
    path = f"{ROOMS}/{new}/state/m.room.power_levels"
    assert (await place.ana.ask("GET", path))["users"][place.kim.id] == -1
    patience = time.monotonic() + LONG_S
    while place.kim.id in (await place.ana.ask("GET", path))["users"]:
        assert time.monotonic() < patience
        await asyncio.sleep(0.2)
