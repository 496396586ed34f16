"""`reputation` as an operator meets it: on a store that a worker fills."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from streams.kafka.records import tail
from streams.process.embedded import Broker, Store
from tests.deployment import Deployment


@pytest.fixture(scope="module")
def it(broker: Broker, store: Store) -> Iterator[Deployment]:
    """A worker that has judged twenty messages of two authors, some of them bad."""
    with Deployment(broker.address, store.url, "reputation-") as deployment:
        deployment.start()
        deployment.send(20, authors=2)
        yield deployment


def shown(it: Deployment, user: str) -> dict[str, Any]:
    """What `show --json` says."""
    said = it.command("reputation", "show", user, "--json").splitlines()
    found: dict[str, Any] = json.loads(next(line for line in said if line.startswith('{"author"')))
    return found


async def test_show_says_why(it: Deployment) -> None:
    """Strikes by label, and the verdicts that they come from, by their ids."""
    await it.books()
    found = shown(it, "author-0")
    verdicts = await it.verdicts(20)
    [first, second] = found["ledger"]
    assert first["verdict"] in verdicts
    assert first["label"] == second["label"] == "spam"
    assert found["by_label"] == {"spam": pytest.approx(2, rel=1e-2)}
    assert "spam 2" in it.command("reputation", "show", "author-0")
    assert shown(it, "author-1")["ledger"] == []


def test_a_reset_is_a_clean_slate(it: Deployment) -> None:
    """For one author."""
    assert "default/default/author-0 is a newcomer" in it.command("reputation", "reset", "author-0")
    assert (shown(it, "author-0")["messages"], shown(it, "author-1")["messages"]) == (0, 10)


def test_erasure_leaves_no_key_and_is_told(it: Deployment, store: Store) -> None:
    """On mod.control, by the keyed hash that stood in the keys, and by no name."""
    said = it.command("reputation", "erase", "author-1")
    name = next(line for line in said.splitlines() if "keys removed" in line).split()[-1]
    with redis.Redis.from_url(store.url) as client:
        assert list(client.scan_iter(f"*{name}*")) == []
    with tail(it.access, it.topics.control, from_beginning=True, idle_s=5) as records:
        event = next(r for r in records if r.key == f"erased/{name}".encode())
    told = json.loads(event.value or b"")
    assert (told["event"], told["author"]) == ("author_erased", name)
    assert b"author-1" not in (event.value or b"")
    assert shown(it, "author-1")["messages"] == 0


def test_a_log_and_a_table_are_learned_once(it: Deployment, tmp_path: Path) -> None:
    """A second run changes nothing; a line that teaches nothing ends it with 1."""
    log, table = tmp_path / "old.jsonl", tmp_path / "known.csv"
    said = {"id": "m1", "author": "old", "text": "hello", "sent_at": "2024-05-01T20:00:00Z"}
    log.write_text(json.dumps(said) + "\n" + json.dumps(said | {"id": "m2", "text": "zzbad"}) + "\n")
    table.write_text("author,good,first_seen,strikes\nold,40,2024-05-01T20:00:00Z,0\n")
    for file in (log, table):
        assert "1 authors learned, 0 known" in it.command("reputation", "learn", str(file))
        assert "0 authors learned, 1 known" in it.command("reputation", "learn", str(file))
    found = shown(it, "old")
    assert (found["good"], found["messages"], found["first_seen"]) == (41, 42, "2024-05-01T20:00:00.000Z")
    log.write_text("{}\n")
    assert "old.jsonl:1: no message" in it.command("reputation", "learn", str(log), code=1)
