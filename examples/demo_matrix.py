"""`make demo-matrix`: a homeserver, a worker and a bridge on this machine; two people talk, and a raid comes.

Everything is real: Synapse, the in-package broker and store, the shipped rules and model.
"""

from __future__ import annotations

import asyncio
import json
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
from tests.synapse import Person, Synapse

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
    room = await ana.make_room(ben, sieve, *raiders, levels={sieve.id: 50})
    mods = await ana.make_room(sieve)
    for person in (ben, *raiders):
        await person.join(room)
    matrix = {"homeserver": server.url, "token": sieve.token, "rooms": [room], "room": mods}
    path = it.packs.parent / "bridge.yaml"
    path.write_text(yaml.safe_dump({"tenant": "demo", "matrix": matrix}))
    it.start("-m", "streams", "bridge", "matrix", "--config", str(path), wait=False, fetch_wait=0.02)
    await until(lambda: '"synced"' in it.log(1), it)
    print("two people talk, and a raid comes\n", flush=True)
    said = 0
    for number in range(max(len(TALK), len(RAID))):
        await (ana, ben)[number % 2].say(room, TALK[number % len(TALK)])
        said += 1
        for raider in raiders:
            await raider.say(room, RAID[number % len(RAID)])
            said += 1
    removed = await asyncio.to_thread(_removals, it, said)
    code = await _tell(ana, room, mods, removed)
    for person in people:
        await person.leave()
    return code


def _removals(it: Deployment, count: int) -> set[str]:
    """Return the ids of messages that the worker wants removed, once all are judged."""
    found = verdicts(it, count, tenant="demo")
    return {each["message_id"] for each in found if each["action"] == "remove"}


async def _tell(ana: Person, room: str, mods: str, removed: set[str]) -> int:
    patience = time.monotonic() + WAIT_S
    while True:
        history = [e for e in await ana.history(room) if e["type"] == "m.room.message"][::-1]
        gone = {e["event_id"]: e["unsigned"]["redacted_because"] for e in history if _redacted(e)}
        if removed <= set(gone) or time.monotonic() > patience:
            break
        await asyncio.sleep(0.3)
    for event in history:
        body = "— removed" if _redacted(event) else event["content"]["body"]
        print(f"  {event['sender'].split(':')[0]:>10}  {body}")
    print("\nthe moderators' room:\n")
    for event in (await ana.history(mods))[::-1]:
        if event["type"] == "m.room.message":
            print("  " + event["content"]["body"].replace("\n", "\n    "))
    waits = [
        e["unsigned"]["redacted_because"]["origin_server_ts"] - e["origin_server_ts"]
        for e in history
        if _redacted(e)
    ]
    if waits:
        print(f"\n{len(waits)} removed, {median(waits):.0f} ms after they were posted (median)")
    left = removed - set(gone)
    print(json.dumps({"messages": len(history), "to_remove": len(removed), "left": len(left)}))
    return 1 if left or not removed else 0


def _redacted(event: dict[str, Any]) -> bool:
    return "redacted_because" in event.get("unsigned", {})


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
