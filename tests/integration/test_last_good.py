"""A worker that starts while the packs are broken: it runs the last good ones and says so."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from streams.process.embedded import Broker, Store
from tests.deployment import Deployment, terminate


def said(it: Deployment) -> dict[str, Any]:
    """What /ready says, good or not, once somebody answers."""
    patience = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://{it.http}/ready", timeout=5) as answer:
                found: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            found = json.loads(error.read())
        except OSError:
            assert time.monotonic() < patience
            time.sleep(0.1)
            continue
        if found["partitions"] or time.monotonic() > patience:
            return found
        time.sleep(0.1)


def status(it: Deployment) -> list[dict[str, Any]]:
    return [json.loads(line) for line in it.command("rules", "status", "--json", code=1).splitlines()]


def all_well(it: Deployment) -> str:
    """Return what `rules status` shows once nobody is stale any more; workers tell so a moment later."""
    patience = time.monotonic() + 30
    while True:
        try:
            return it.command("rules", "status")
        except AssertionError:
            assert time.monotonic() < patience
            time.sleep(0.1)


def test_a_start_with_broken_packs_runs_the_last_good_ones(broker: Broker, store: Store, prefix: str) -> None:
    """Moderation goes on over a restart in the wrong minute, and everybody can see with what."""
    with Deployment(broker.address, store.url, prefix) as it:
        first = it.start()
        good = said(it)["ruleset"]
        # The copy is made right after the start, beside the work.
        while good not in it.command("rules", "history"):
            time.sleep(0.2)
        terminate(first)
        it.write_pack("bad.yaml", "rules: [broken")
        it.start(wait=False)
        found = said(it)
        assert found["ruleset"] == good
        assert found["ready"] is False
        assert "bad.yaml:" in found["stale"]
        it.send(20)
        assert not it.command("topics", "describe").startswith("chatsieve:")
        patience = time.monotonic() + 30
        while not (late := [one for one in status(it) if one["worker"] == "w1"]):
            assert time.monotonic() < patience
        assert (late[0]["origin"], late[0]["ruleset"]) == ("last_good", good)
        assert "bad.yaml:" in late[0]["stale"]
        it.write_pack("bad.yaml", it.pack("test/bad", "zzbad"))
        it.wait_until_ready(it.workers[1], it.http)
        assert all_well(it).count("running") == 1
