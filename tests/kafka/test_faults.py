"""Faults in the middle of the work: nothing lost, no effect counted twice, each record accounted for.

`make test-kafka` runs each once; `make chaos` runs each as often as --rounds says, with more messages.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
import redis
from aiokafka import AIOKafkaConsumer
from kafka.admin import KafkaAdminClient

from rules.verdict import Verdict
from streams.kafka.topics import ensure
from streams.process.embedded import Store
from tests.deployment import Deployment, kill, terminate
from tests.kafka.apache_kafka import ApacheKafka

pytestmark = pytest.mark.chaos
TIMEOUT_S = 0.25
FAULTY = str(Path(__file__).with_name("faulty_worker.py"))


@pytest.fixture
def messages(request: pytest.FixtureRequest) -> int:
    """How many messages a round has."""
    return 20_000 if request.config.getoption("--rounds") > 1 else 6_000


@contextmanager
def report(name: str, messages: int) -> Iterator[list[str]]:
    """Print what a round found, for whoever runs `make chaos`."""
    started, notes = time.monotonic(), list[str]()
    yield notes
    print(f"{name}: {messages} messages, {', '.join(notes)}, {time.monotonic() - started:.0f} s")


async def balance(deployment: Deployment, notes: list[str]) -> None:
    books = await deployment.books()
    notes.append(
        f"lost {len(books.lost)}, effects wrong for {len(books.wrong)} authors, repeated {books.repeated}"
    )
    assert not books.lost, f"without a verdict: {books.lost[:5]}"
    assert not books.wrong, f"(is, should be): {dict(list(books.wrong.items())[:5])}"


async def test_a_killed_worker_loses_nothing(
    kafka: ApacheKafka, store: Store, prefix: str, messages: int
) -> None:
    """kill -9 of one of two workers in the middle: the other one goes on from the last watermark."""
    with (
        report("kill -9 of one of two", messages) as notes,
        Deployment(kafka.address, store.url, prefix) as it,
    ):
        first = it.start()
        it.start()
        it.send(messages // 2)
        kill(first)
        it.send(messages - messages // 2, start=messages // 2)
        await balance(it, notes)


async def test_a_worker_that_is_asked_to_stop_drains_first(
    kafka: ApacheKafka, store: Store, prefix: str, messages: int
) -> None:
    """SIGTERM ends with code 0, and nothing is judged twice."""
    with report("SIGTERM", messages) as notes, Deployment(kafka.address, store.url, prefix) as it:
        first = it.start()
        it.send(messages // 2)
        assert terminate(first) == 0
        it.start()
        it.send(messages - messages // 2, start=messages // 2)
        await balance(it, notes)
        assert "repeated 0" in notes[-1]


async def test_an_exception_ends_the_process_and_costs_nothing(
    kafka: ApacheKafka, store: Store, prefix: str, messages: int
) -> None:
    """It is raised while the batch before is in flight; the next process judges from the watermark."""
    with report("an exception", messages) as notes, Deployment(kafka.address, store.url, prefix) as it:
        faulty = it.start(FAULTY, "raise", "3", batch_messages=500)
        it.send(messages)
        assert faulty.wait(30) == 1
        it.start()
        await balance(it, notes)


async def test_a_rebalance_does_not_wait_for_a_slow_batch(
    kafka: ApacheKafka, store: Store, prefix: str, messages: int
) -> None:
    """What the slow worker judged of partitions that it lost moves nothing: their new owner judges it."""
    with (
        report("a rebalance with a slow batch", messages) as notes,
        Deployment(kafka.address, store.url, prefix) as it,
    ):
        it.start(FAULTY, "slow", "2", "12", batch_messages=500)
        it.send(messages)
        it.start(wait=False)
        await balance(it, notes)
        assert "in_flight_abandoned" in it.log(0)


async def test_a_topic_made_anew_is_read_from_its_beginning(
    kafka: ApacheKafka, store: Store, prefix: str, messages: int
) -> None:
    """The same offsets under another topic UUID are other records, with verdicts and effects of their own."""
    with report("a topic made anew", messages) as notes, Deployment(kafka.address, store.url, prefix) as it:
        it.start()
        it.send(messages // 4)
        assert not (await it.books()).lost
        admin = KafkaAdminClient(bootstrap_servers=kafka.address)
        admin.delete_topics([it.topics.messages])
        while it.topics.messages in admin.list_topics():
            await asyncio.sleep(0.1)
        admin.close()
        ensure(it.access, it.topics, 4)
        it.send(messages // 2, start=messages, incarnation="-again")
        await balance(it, notes)


async def test_a_store_that_is_away_delays_effects_and_no_verdicts(
    kafka: ApacheKafka, prefix: str, messages: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Verdicts say that the standing was missing; on return each effect is applied once."""
    away_s = 20.0 if request.config.getoption("--rounds") > 1 else 4.0
    with (
        report(f"the store killed for {away_s:g} s", messages) as notes,
        Store(folder=tmp_path, appendonly=True) as store,
        Deployment(kafka.address, store.url, prefix) as it,
    ):
        it.start(store_timeout=0.25)
        it.send(messages // 3)
        store.kill()
        gone = time.monotonic()
        it.send(messages // 3, start=messages // 3)
        found = await it.verdicts(2 * (messages // 3))
        notes.append(f"answered {time.monotonic() - gone:.1f} s after the store went")
        assert len(found) == 2 * (messages // 3)
        assert any("standing" in verdicts[0].missing for verdicts in found.values())
        await asyncio.sleep(max(0.0, gone + away_s - time.monotonic()))
        store.start()
        it.send(messages // 3, start=2 * (messages // 3))
        await balance(it, notes)


async def test_a_store_killed_under_load_makes_no_verdict_late(
    kafka: ApacheKafka, prefix: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each comes within a second of the store's time-out, stamped while it is away; the effects follow."""
    long = request.config.getoption("--rounds") > 1
    rate, away_s = 2_000, 30.0 if long else 6.0
    with (
        report(f"the store killed for {away_s:g} s under {rate} a second", rate * int(away_s + 20)) as notes,
        Store(folder=tmp_path, appendonly=True) as store,
        Deployment(kafka.address, store.url, prefix) as it,
    ):
        durable(store)
        it.start(store_timeout=TIMEOUT_S)
        sending = asyncio.create_task(asyncio.to_thread(pace, it, rate, away_s + 20))
        await asyncio.sleep(10)
        store.kill()
        gone = time.time()
        await asyncio.sleep(away_s)
        back = time.time()
        store.start()
        durable(store)
        await sending
        await balance(it, notes)
        waits, unstamped = await told(it, gone, back)
        slowest = max(wait for wait, when in waits if -1.0 < when < away_s)
        usual = max(wait for wait, when in waits if not -1.0 < when < away_s)
        notes.append(
            f"the slowest verdict took {slowest:.2f} s while it was away, {usual:.2f} s before and after;"
            f" {unstamped} unstamped"
        )
        # On a machine that is busy with other things all verdicts are slow, whatever the store does.
        assert slowest < max(TIMEOUT_S + 1.0, usual), notes[-1]
        assert unstamped == 0


def durable(store: Store) -> None:
    """Have each change on disk before it is answered."""
    with redis.Redis.from_url(store.url) as client:
        client.config_set("appendfsync", "always")


def pace(it: Deployment, rate: int, seconds: float) -> None:
    """Send so many a second, in steps."""
    began, step = time.monotonic(), rate // 4
    for number in range(int(4 * seconds)):
        it.send(step, start=number * step)
        time.sleep(max(0.0, began + (number + 1) / 4 - time.monotonic()))


async def told(it: Deployment, gone: float, back: float) -> tuple[list[tuple[float, float]], int]:
    """Return how many seconds each verdict came after its message, and when; and how many lack the stamp.

    Those judged from a while after the store went until its return say that the standing was missing.
    """
    reader = AIOKafkaConsumer(
        it.topics.messages, it.topics.verdicts,
        bootstrap_servers=it.access.brokers[0], auto_offset_reset="earliest", group_id=None,
    )  # fmt: skip
    said: dict[tuple[int, int], float] = {}
    verdicts: list[tuple[float, Verdict]] = []
    await reader.start()
    try:
        while len(verdicts) < len(it.sent):
            for tp, records in (await reader.getmany(timeout_ms=1_000)).items():
                for record in records:
                    if tp.topic == it.topics.messages:
                        said[record.partition, record.offset] = record.timestamp / 1000
                    else:
                        found = msgspec.json.decode(record.value, type=Verdict)
                        verdicts.append((record.timestamp / 1000, found))
    finally:
        await reader.stop()
    waits, unstamped = [], 0
    for at, verdict in verdicts:
        assert verdict.source is not None
        sent = said[verdict.source.partition, verdict.source.offset]
        waits.append((at - sent, sent - gone))
        if gone + TIMEOUT_S + 1.0 < datetime.fromisoformat(verdict.judged_at).timestamp() < back:
            unstamped += "standing" not in verdict.missing
    return waits, unstamped
