"""`make demo-matrix`: a homeserver, a worker and a bridge on this machine; two people talk, and a raid comes.

Everything is real: Synapse, the in-package broker and store, the shipped rules and model.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from streams.process.embedded import Broker, Store
from streams.settings import Settings
from tests.bridging import until, verdicts
from tests.deployment import Deployment
from tests.synapse import Person, Synapse, is_redacted

MODEL = Path(__file__).parents[1] / "models" / "artifacts" / "chat-compact"
TALK = [
    "hey, did you see the match last night?",
    "yes! that last round was unreal",
    "same time tomorrow? call me: +1 202-555-0143",
    "I'm in, bring snacks",
]
RAID = [
    "FREE NITRO for everybody, just send the gift card code",
    "get free steam gift cards at steamcommunnity.com/gift",
    "you are all idiots, kill yourselves",
    "double your bitcoin in one hour, send 0.1 BTC and get 0.2 back",
]
RAIDERS = 4
WAIT_S = 60.0


async def main() -> int:
    """Play it; return 0 when all that was to be removed is gone."""
    print("starting a homeserver, a broker, a store and a worker …", flush=True)
    with (
        Broker() as broker,
        Store() as store,
        Synapse() as server,
        Deployment(broker.address, store.url, "demo-") as it,
    ):
        it.start(packs=Settings().packs, model=MODEL, fetch_wait=0.02, log="error")
        return await _play(it, server)


async def _play(it: Deployment, server: Synapse) -> int:
    ana, ben, sieve = [await server.person(name) for name in ("ana", "ben", "sieve")]
    raiders = [await server.person(f"raider{number}") for number in range(1, RAIDERS + 1)]
    people = [ana, ben, sieve, *raiders]
    room = await ana.make_room(ben, sieve, *raiders, levels={sieve.id: 50}, alias="lantern")
    mods = await ana.make_room(sieve)
    for person in (ben, *raiders):
        await person.join(room)
    matrix = {
        "homeserver": server.url,
        "token": sieve.token,
        "rooms": ["#lantern:test.invalid"],
        "room": mods,
    }
    path = it.packs.parent / "bridge.yaml"
    path.write_text(yaml.safe_dump({"tenant": "demo", "matrix": matrix}))
    it.start("-m", "streams", "bridge", "matrix", "--config", str(path), wait=False, fetch_wait=0.02)
    await until(lambda: '"synced"' in it.log(1), it)
    print("two people talk, and a raid comes\n", flush=True)
    said: dict[str, str] = {}
    for talk, raid in zip(TALK, RAID, strict=True):
        said[await (ana if len(said) % 2 else ben).say(room, talk)] = talk
        for raider in raiders:
            said[await raider.say(room, raid)] = raid
    removed, held = await asyncio.to_thread(_decided, it, len(said))
    code = await _tell(ana, room, mods, said, removed, held)
    for person in people:
        await person.leave()
    return code


def _decided(it: Deployment, count: int) -> tuple[set[str], set[str]]:
    """Return the ids of messages that the worker wants removed and held, once all are judged."""
    found = verdicts(it, count, tenant="demo")
    removed, held = (
        {each["message_id"] for each in found if each["action"] == action} for action in ("remove", "hold")
    )
    return removed, held


async def _tell(
    ana: Person, room: str, mods: str, said: dict[str, str], removed: set[str], held: set[str]
) -> int:
    patience = time.monotonic() + WAIT_S
    while True:
        history = await _messages(ana, room)
        gone = {event["event_id"] for event in history if is_redacted(event)}
        reports = await _messages(ana, mods)
        asked = [event for event in reports if event["content"]["body"].startswith("hold")]
        if (removed <= gone and len(asked) == len(held)) or time.monotonic() > patience:
            break
        await asyncio.sleep(0.3)
    print("the room:\n")
    for event in history:
        text = event["content"].get("body") or f"[removed] {said[event['event_id']]}"
        print(f"  {event['sender'].split(':')[0]:>10}  {text}{' [held]' * (event['event_id'] in held)}")
    print(
        "\nthe moderators' room, where a reaction or a word in reply decides about what is held or flagged:\n"
    )
    for event in reports:
        print("  " + event["content"]["body"].replace("\n", "\n    ") + "\n")
    waits = [
        event["unsigned"]["redacted_because"]["origin_server_ts"] - event["origin_server_ts"]
        for event in history
        if is_redacted(event)
    ]
    left = removed - gone
    print(
        f"{len(said)} messages: {len(gone)} removed, {median(waits or [0]):.0f} ms after they were posted"
        f" (median); {len(held)} held and still visible, since Matrix can't hide them; {len(left)} left that"
        " should be gone"
    )
    return 1 if left or not removed else 0


async def _messages(person: Person, room: str) -> list[dict[str, Any]]:
    return [event for event in await person.history(room) if event["type"] == "m.room.message"][::-1]


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
