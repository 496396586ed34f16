"""What people can send into a Matrix room, against a real homeserver: all is judged, nothing ends it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.bridging import messages, start_bridge, until, verdicts
from tests.deployment import Deployment
from tests.synapse import Place, is_redacted


async def test_what_any_client_shows_is_judged(it: Deployment, place: Place) -> None:
    """HTML behind harmless words, file names, stickers, reactions, polls, and what no client should send."""
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    html = {"format": "org.matrix.custom.html", "formatted_body": "this is z<b>z</b>bad"}
    good = await place.kim.say(place.channel, "**hello**", **html | {"formatted_body": "<b>hello</b>"})
    relation = {"rel_type": "m.annotation", "event_id": good, "key": "zzbad"}
    bad = [
        await place.kim.say(place.channel, "hello", **html),
        await place.kim.say(place.channel, "hello zzbad", formatted_body=5, format=[]),
        await place.kim.say(place.channel, "cat", msgtype="m.image", filename="zzbad", url="mxc://x/y"),
        await place.kim.say(place.channel, "hello zzbad", msgtype="m.image"),
        await place.kim.send(place.channel, {"body": "zzbad", "url": "mxc://x/y"}, "m.sticker"),
        await place.kim.send(place.channel, {"m.relates_to": relation}, "m.reaction"),
        await place.kim.send(
            place.channel, {"m.poll": {"question": {"m.text": [{"body": "zzbad?"}]}}}, "m.poll.start"
        ),
    ]
    found = {each["message_id"]: each["action"] for each in await asyncio.to_thread(verdicts, it, 8)}
    assert found == {good: "allow"} | dict.fromkeys(bad, "remove")
    for event in bad:
        await place.found(place.channel, lambda e, its=event: e["event_id"] == its and is_redacted(e))
    (said,) = [each for each in await asyncio.to_thread(messages, it, 8) if each["id"] == good]
    assert said["text"] == "**hello**"


async def test_an_edit_goes_with_its_message(it: Deployment, place: Place) -> None:
    """Clients that know no edits show each as a message of its own."""
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    first = await place.kim.say(place.channel, "hello")
    edits = []
    for text in ("hello again", "zzbad"):
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": first}
        more = {"m.new_content": new, "m.relates_to": relation}
        edits.append(await place.kim.say(place.channel, f"* {text}", **more))
    for event in (first, *edits):
        await place.found(place.channel, lambda e, its=event: e["event_id"] == its and is_redacted(e))


async def test_nothing_that_somebody_sends_ends_it(it: Deployment, place: Place) -> None:
    """What can't be read is passed over, once said aloud if it is encrypted; what comes after is judged."""
    start_bridge(it, "matrix", place.config())
    await place.bridged(it)
    kim, room = place.kim, place.channel
    deep: Any = "x"
    for _ in range(400):
        deep = {"m.text": [deep]}
    for name in ("$" + "x" * 2000, "$../..", "..", "$é", ""):
        relation = {"rel_type": "m.replace", "event_id": name, "m.in_reply_to": {"event_id": name}}
        # Synapse itself refuses some of these; from other homeservers they come.
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{time.monotonic_ns()}"
        await kim.ask("PUT", path, {"msgtype": "m.text", "body": "hello", "m.relates_to": relation})
    path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/deep"
    await kim.ask("PUT", path, deep)
    await kim.say(room, "hello", formatted_body="<a b=" * 12_000)
    await kim.say(room, ">\na\n" * 9_000, formatted_body="<blockquote>")
    for _ in range(2):
        await kim.send(room, {"algorithm": "x", "ciphertext": "y"}, "m.room.encrypted")
    await kim.send(room, {"m.relates_to": 5}, "m.reaction")
    last = await kim.say(room, "zzbad")
    await place.found(room, lambda e: e["event_id"] == last and is_redacted(e))
    log = it.log(len(it.workers) - 1)
    assert log.count("what is encrypted can't be read") == 1
    assert "Error validating" not in log


async def test_rooms_that_it_no_longer_hears_are_said(it: Deployment, place: Place) -> None:
    """Once each: one that was closed for good, and one that it was taken out of."""
    room = await place.ana.make_room(place.sieve, levels={place.sieve.id: 50})
    start_bridge(it, "matrix", place.config(rooms=[place.channel, room]))
    await place.bridged(it)
    rooms = "/_matrix/client/v3/rooms"
    closed = {"body": "closed", "replacement_room": ""}
    await place.ana.ask("PUT", f"{rooms}/{place.channel}/state/m.room.tombstone/", closed)
    await place.ana.ask("POST", f"{rooms}/{room}/kick", {"user_id": place.sieve.id})
    for said in ("names no room that goes on", "the bridge was taken out"):
        await until(lambda its=said: its in it.log(len(it.workers) - 1), it)
