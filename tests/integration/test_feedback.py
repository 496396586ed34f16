"""Human decisions through a worker: revised, given back, spared, once, and held over a restart."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from rules.reputation import strikes_at
from rules.verdict import Verdict
from streams.control.rulings import is_ruling
from streams.judging.verdicts import evidence_of
from streams.kafka.records import produce, tail
from streams.process.embedded import Broker, Store
from streams.process.opening import NO_SECRET
from streams.store.standings import Ask
from streams.store.standings_redis import RedisStandings
from tests.deployment import HALF_LIFE_S, Deployment, terminate

LONG_S = 20.0
TEXT = "the streamer is zzbad at this"


@pytest.fixture(scope="module")
def it(broker: Broker, store: Store) -> Iterator[Deployment]:
    """One worker."""
    with Deployment(broker.address, store.url, "feedback-") as deployment:
        deployment.start()
        yield deployment


def say(it: Deployment, author: str, text: str, name: str, channel: str = "lobby") -> Verdict:
    """Say something, and return the verdict on it."""
    value = {"id": name, "author": author, "text": text, "channel": channel}
    with tail(it.access, it.topics.verdicts, idle_s=LONG_S) as records:
        produce(it.access, it.topics.messages, [(author.encode(), json.dumps(value).encode())])
        found = (msgspec.json.decode(record.value or b"", type=Verdict) for record in records)
        return next(verdict for verdict in found if verdict.message_id == name)


def decide(it: Deployment, verdict: Verdict, decision: str, name: str, **more: Any) -> list[Verdict]:
    """Write a decision twice and return what comes of it on mod.actions until nothing more does."""
    said = {
        "id": name, "verdict_id": verdict.id, "decision": decision, "reviewer": "mo", "role": "moderator",
        "message_id": verdict.message_id, "channel": verdict.channel, "author": verdict.author,
        "text_hash": verdict.text_hash, "at": "2024-05-01T20:05:00Z", "evidence": evidence_of(verdict),
    }  # fmt: skip
    value = json.dumps(said | more).encode()
    with tail(it.access, it.topics.actions, idle_s=4) as records:
        produce(it.access, it.topics.feedback, [(b"k", value), (b"k", value)])
        return [msgspec.json.decode(record.value or b"", type=Verdict) for record in records]


async def strikes(it: Deployment, store: Store, author: str) -> float:
    """What the store says now."""
    standings = RedisStandings(store.url, key=NO_SECRET, prefix="feedback-", timeout_s=10)
    try:
        [standing] = await standings.load([Ask(f"default/default/{author}")], time.time())
    finally:
        await standings.close()
    return strikes_at(standing.reputation, time.time(), HALF_LIFE_S)


async def test_an_overturn_is_followed_once(it: Deployment, store: Store) -> None:
    """A revision that lets the message be seen again, and the strike given back."""
    verdict = say(it, "ana", TEXT, "m1")
    assert (verdict.action, verdict.standing.after.strikes if verdict.standing else 0) == ("remove", 1.0)
    revisions = decide(it, verdict, "overturn", "f1")
    assert {one.id for one in revisions} == {f"{verdict.id}#1"}
    assert {(one.action, one.supersedes, one.message_id) for one in revisions} == {
        ("allow", verdict.id, "m1")
    }
    assert await strikes(it, store, "ana") == 0.0


def test_the_same_text_is_spared_where_the_decision_holds(it: Deployment) -> None:
    """Whoever says it; elsewhere, or with something else beside it, it is judged as ever."""
    spared = say(it, "bo", TEXT.upper(), "m2")
    assert (spared.action, spared.decided_by, spared.would_be) == ("allow", "human:f1", "remove")
    assert say(it, "bo", TEXT, "m3", channel="elsewhere").action == "remove"
    assert say(it, "bo", TEXT + " zzbad", "m4").action == "remove"


def test_a_worker_that_starts_again_knows_what_was_decided(it: Deployment) -> None:
    """Before it judges anything."""
    terminate(it.workers[-1])
    it.start()
    assert say(it, "cy", TEXT, "m5").decided_by == "human:f1"


def test_what_cannot_be_followed_is_a_dead_letter_and_may_be_driven_again(it: Deployment) -> None:
    """Onto the topic that it came from."""
    verdict = say(it, "di", "zzbad", "m6")
    with tail(it.access, it.topics.deadletters, idle_s=LONG_S, count=2) as records:
        assert decide(it, verdict, "overturn", "f2", role="user") == []
        found = [dict(record.headers)["chatsieve_reason"] for record in records]
    assert found == [b"not_allowed"] * 2
    with tail(it.access, it.topics.feedback, idle_s=4) as records:
        it.command("topics", "redrive")
        assert len(list(records)) == 2


def test_a_ruling_that_ended_is_taken_off_the_topic(it: Deployment) -> None:
    """A worker that starts a day after its end doesn't judge by it, and the topic doesn't grow for ever."""
    verdict = say(it, "ed", "zzbad and zzbad", "m7")
    decide(it, verdict, "overturn", "f3", expires_at="2024-05-02T00:00:00Z")
    terminate(it.workers[-1])
    it.start()
    with tail(it.access, it.topics.control, from_beginning=True, idle_s=10) as records:
        values: dict[bytes | None, bytes | None] = {}
        for record in records:
            if is_ruling(record.key):
                values[record.key] = record.value
            if len(values) == 2 and None in values.values():
                break
    assert [value is None for value in values.values()] == [False, True], "f1 is for good"
