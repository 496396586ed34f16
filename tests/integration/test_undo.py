"""`undo` of a rule that went wrong on a live chat: as if it had never been, once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from rules.reputation import strikes_at
from rules.verdict import Verdict
from streams.kafka.records import produce, tail
from streams.process.embedded import Broker, Store
from streams.process.opening import NO_SECRET
from streams.store.standings import Ask, Standing
from streams.store.standings_redis import RedisStandings
from tests.deployment import HALF_LIFE_S, Deployment

MESSAGES, AUTHORS = 1_000, 300
# One of them said so many of these that most of their strikes fell off the ledger.
OFTEN = 100
AUTHOR_OF = [f"u{n % AUTHORS if n >= OFTEN else 0}" for n in range(MESSAGES)]
HOLDS = """
rules:
  - {id: test/held, label: spam, action: hold, why: Made for the tests., terms: [zzheld]}
"""


@pytest.fixture(scope="module")
def it(broker: Broker, store: Store) -> Iterator[Deployment]:
    """A worker that has held a thousand messages of three hundred people, and removed one."""
    with Deployment(broker.address, store.url, "undo-") as deployment:
        deployment.write_pack("holds.yaml", HOLDS)
        deployment.start()
        said = [(author, f"m{n}", f"message {n} is zzheld") for n, author in enumerate(AUTHOR_OF)]
        said += [("u0", "good", "hello"), ("u0", "bad", "this is zzbad")]
        records = [
            (author.encode(), json.dumps({"id": name, "author": author, "text": text}).encode())
            for author, name, text in said
        ]
        with tail(deployment.access, deployment.topics.verdicts, count=len(said), idle_s=60) as verdicts:
            produce(deployment.access, deployment.topics.messages, records)
            assert len(list(verdicts)) == len(said)
        yield deployment


async def standings(store: Store) -> list[Standing]:
    """How all of them stand."""
    redis = RedisStandings(store.url, key=NO_SECRET, prefix="undo-", timeout_s=10)
    try:
        return await redis.load([Ask(f"default/default/u{n}") for n in range(AUTHORS)], time.time())
    finally:
        await redis.close()


def undone(it: Deployment, *more: str) -> dict[str, Any]:
    """What the command says."""
    said = it.command("undo", "--rule", "test/held", "--from", "1h", "--json", *more).splitlines()
    found: dict[str, Any] = json.loads(said[-1])
    return found


async def test_it_is_only_shown_first(it: Deployment, store: Store) -> None:
    """Nothing changes without --yes."""
    shown = undone(it)
    assert (shown["verdicts"], shown["authors"], shown["revised"]) == (MESSAGES, AUTHORS, 0)
    words = it.command("undo", "--rule", "test/held", "--from", "1h")
    assert "1000 messages of 300 authors" in words
    assert "nothing was changed" in words
    deadline = time.monotonic() + 20
    while sum(one.reputation.messages for one in await standings(store)) < MESSAGES + 2:
        assert time.monotonic() < deadline


async def test_all_of_it_is_taken_back_as_if_it_had_never_been(it: Deployment, store: Store) -> None:
    """A thousand revisions, and three hundred standings in which only the other rule's strike is left."""
    done = undone(it, "--yes", "--reason", "hit the giveaway")
    assert (done["verdicts"], done["revised"]) == (MESSAGES, MESSAGES)
    found = await standings(store)
    now = time.time()
    strikes = [strikes_at(one.reputation, now, HALF_LIFE_S) for one in found]
    assert strikes[0] == pytest.approx(1.0, rel=1e-3)
    assert set(strikes[1:]) == {0.0}
    per_author = [AUTHOR_OF.count(f"u{n}") for n in range(AUTHORS)]
    assert [one.reputation.good for one in found] == [per_author[0] + 1, *per_author[1:]]
    assert [one.reputation.messages for one in found] == [per_author[0] + 2, *per_author[1:]]


async def test_a_second_time_changes_nothing(it: Deployment, store: Store) -> None:
    """Each verdict has one revision, whoever decides again."""
    before = await standings(store)
    again = undone(it, "--yes", "--reason", "once more")
    assert (again["verdicts"], again["revised_before"]) == (0, MESSAGES)
    assert "nothing of test/held" in it.command("undo", "--rule", "test/held", "--from", "1h")
    assert [one.reputation for one in await standings(store)] == [one.reputation for one in before]
    with tail(it.access, it.topics.actions, from_beginning=True, idle_s=3) as records:
        found = [msgspec.json.decode(record.value or b"", type=Verdict) for record in records]
    assert len({one.id for one in found if one.revision}) == MESSAGES


def test_what_is_asked_must_make_sense(it: Deployment) -> None:
    """One line says what is wrong."""
    assert "--yes needs a --reason" in it.command("undo", "--rule", "r", "--from", "1h", "--yes", code=2)
    assert "RFC 3339" in it.command("undo", "--rule", "r", "--from", "yesterday", code=2)
