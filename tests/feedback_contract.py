"""What workers promise to humans who decide, on whatever broker `broker` is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Protocol

import msgspec
import pytest

from rules.reputation import strikes_at
from rules.verdict import Verdict
from streams.errors import BrokerError
from streams.feedback.decisions import base_of
from streams.kafka.records import produce, tail
from streams.process.embedded import Store
from streams.process.opening import NO_SECRET
from streams.store.standings import Ask
from streams.store.standings_redis import RedisStandings
from streams.wire.records import record_key
from tests.deployment import HALF_LIFE_S, Deployment, kill, terminate

AUTHORS, EACH = 80, 3
# So many decisions are written at a time, between two of which workers come and go.
SOME = 16


class HasAddress(Protocol):
    address: str


@pytest.fixture
def it(broker: HasAddress, store: Store, prefix: str) -> Iterator[Deployment]:
    """Four partitions and no worker yet."""
    with Deployment(broker.address, store.url, prefix, partitions=4) as deployment:
        yield deployment


def verdicts_on(it: Deployment) -> list[Verdict]:
    """Have everybody say something bad so often, and return what was judged."""
    said = [(f"author-{n}", f"m{n}-{each}") for n in range(AUTHORS) for each in range(EACH)]
    records = [
        (record_key("default", "default", author), json.dumps(body).encode())
        for author, name in said
        for body in [{"id": name, "author": author, "text": f"{name} is zzbad"}]
    ]
    with tail(it.access, it.topics.verdicts, count=len(said), idle_s=60) as found:
        produce(it.access, it.topics.messages, records)
        return [msgspec.json.decode(record.value or b"", type=Verdict) for record in found]


def decision(verdict: Verdict) -> tuple[bytes, bytes]:
    """A moderator overturns a verdict."""
    body = {
        "id": f"f/{verdict.message_id}", "verdict_id": verdict.id, "decision": "overturn",
        "reviewer": "mo", "role": "moderator", "message_id": verdict.message_id,
        "author": verdict.author, "at": "2024-05-01T20:05:00Z",
    }  # fmt: skip
    return record_key("default", "default", verdict.author), json.dumps(body).encode()


def decided(it: Deployment, verdicts: list[Verdict]) -> None:
    """Write decisions; while everything around starts and ends the broker may be slow, and twice is once."""
    patience = time.monotonic() + 30
    while True:
        try:
            produce(it.access, it.topics.feedback, map(decision, verdicts))
        except BrokerError:
            assert time.monotonic() < patience
        else:
            return


def actions(it: Deployment, wanted: set[str]) -> dict[str, set[str]]:
    """The revisions of each verdict by id, read until each wanted one has one and for a while longer."""
    found: dict[str, set[str]] = {}
    with tail(it.access, it.topics.actions, from_beginning=True, idle_s=15) as records:
        for record in records:
            verdict = msgspec.json.decode(record.value or b"", type=Verdict)
            if verdict.revision:
                found.setdefault(base_of(verdict.id), set()).add(verdict.id)
    assert found.keys() == wanted
    return found


async def standings(it: Deployment, store: Store, prefix: str) -> list[Any]:
    """Strikes, good messages and messages of each author."""
    redis = RedisStandings(store.url, key=NO_SECRET, prefix=prefix, timeout_s=10)
    try:
        asks = [Ask(f"default/default/author-{n}") for n in range(AUTHORS)]
        known = [one.reputation for one in await redis.load(asks, time.time())]
    finally:
        await redis.close()
    return [(round(strikes_at(one, time.time(), HALF_LIFE_S), 2), one.good, one.messages) for one in known]


class FeedbackContract:
    """Decisions are followed, each once."""

    async def test_decisions_while_partitions_change_hands(
        self, it: Deployment, store: Store, prefix: str
    ) -> None:
        """One worker is killed, two come, one goes, another comes: none is lost, and none counts twice."""
        it.start()
        # One message of each author stays as it was judged.
        overturned = [verdict for verdict in verdicts_on(it) if not verdict.message_id.endswith("-0")]
        steps = {
            1: lambda: it.start(wait=False),
            3: lambda: kill(it.workers[0]),
            4: lambda: it.start(wait=False),
            6: lambda: terminate(it.workers[1]),
            8: lambda: it.start(wait=False),
        }
        for step, start in enumerate(range(0, len(overturned), SOME)):
            decided(it, overturned[start : start + SOME])
            steps.get(step, lambda: None)()
            time.sleep(1)
        revised = actions(it, {verdict.id for verdict in overturned})
        assert {name: ids for name, ids in revised.items() if ids != {f"{name}#1"}} == {}
        deadline = time.monotonic() + 20
        due = [(1.0, EACH - 1, EACH)] * AUTHORS
        while (found := await standings(it, store, prefix)) != due and time.monotonic() < deadline:
            time.sleep(0.5)
        assert found == due
