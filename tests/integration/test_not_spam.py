"""A moderator says "not spam" on a real IRC network and a real homeserver, with a worker and a store."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import ngircd as irc
from tests import synapse as matrix
from tests.bridging import LONG_S, Member, start_bridge, until, verdicts
from tests.deployment import Deployment

BAD = "this is zzbad, or is it"

Place = irc.Place | matrix.Place


@pytest.fixture(params=["irc", "matrix"])
async def place(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[Place]:
    """Channels of our own on a real server."""
    async with (
        irc.Place(request.getfixturevalue("ngircd"), prefix[5:11])
        if request.param == "irc"
        else matrix.Place(request.getfixturevalue("synapse"), prefix[5:13])
    ) as one:
        yield one


async def test_not_spam_takes_back_all_that_can_be_taken_back(it: Deployment, place: Place) -> None:
    """The floor, the strike, the rule on that text in that channel; elsewhere the rule acts as before."""
    rows = [{"action": "remove", "do": list(place.deeds), "timeout_s": 600}]
    start_bridge(it, place.kind, place.config() | {"deeds": rows})
    await place.bridged(it)
    kim, lee = await place.newcomer("Kari"), await place.newcomer("Lee")
    await kim.say(place.channel, BAD)
    report = await place.report("remove: ")
    await eventually(lambda: place.is_silenced(kim))
    assert await place.is_gone(BAD) == ("delete" in place.deeds)
    (removed,) = await asyncio.to_thread(verdicts, it, 1)
    assert standing(it, place, kim)["by_label"] == {"spam": pytest.approx(1, rel=1e-2)}

    await place.not_spam(report)
    await eventually(lambda: place.is_silenced(kim), is_so=False)
    found = await asyncio.to_thread(verdicts, it, 2)
    (revised,) = [each for each in found if each["id"] != removed["id"]]
    assert (revised["action"], revised["supersedes"]) == ("allow", removed["id"])
    assert (revised["id"], revised["revision"]) == (f"{removed['id']}#1", 1)
    await until(lambda: standing(it, place, kim)["ledger"][0].get("reversed"), it)
    assert (standing(it, place, kim)["strikes"], standing(it, place, kim)["by_label"]) == (0, {})

    await lee.say(place.channel, BAD)
    await lee.say(place.other, BAD)
    found = await asyncio.to_thread(verdicts, it, 4)
    lees = {each["channel"]: each for each in found if each["author"] == lee.id}
    same, elsewhere = lees[place.channel], lees[place.other]
    assert (same["action"], same["would_be"]) == ("allow", "remove")
    assert any(name.startswith("human:") for name in same["lowered_by"])
    assert elsewhere["action"] == "remove"
    assert [entry["verdict"] for entry in standing(it, place, lee)["ledger"]] == [elsewhere["id"]]


async def eventually(asked: Any, *, is_so: bool = True) -> None:
    """Return when it is so."""
    patience = time.monotonic() + LONG_S
    while await asked() is not is_so:
        assert time.monotonic() < patience
        await asyncio.sleep(0.1)


def standing(it: Deployment, place: Place, member: Member) -> dict[str, Any]:
    """What `reputation show` says."""
    command = ("reputation", "show", member.id, "--tenant", "lantern", "--platform", place.kind, "--json")
    said = it.command(*command).splitlines()
    found: dict[str, Any] = json.loads(next(line for line in said if line.startswith('{"author"')))
    return found
