"""The desk: what is judged is seen at once, saved once and in order, and waits while the store is away."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import pytest
import redis
from structlog.testing import capture_logs

from rules.message import Kind
from rules.reputation import NEWCOMER, strikes_at
from rules.verdict import Action
from streams.metrics import Metrics
from streams.process.embedded import Store
from streams.store import desk as desk_module
from streams.store.desk import Desk
from streams.store.standings import DAY_S, Ask, AuthorEffects, Effect, PartitionId, Recall, StandingStore
from streams.store.standings_redis import RedisStandings

NOON = 20_000 * DAY_S + DAY_S / 2
WEEK_S = 7.0 * DAY_S
HERE = PartitionId("topic-id", 0)
THERE = PartitionId("topic-id", 1)
PATIENCE_S = 15.0


def strikes(author: str, *offsets: int, partition: PartitionId = HERE) -> list[AuthorEffects]:
    """A batch: one author's messages at these offsets, each of which costs a strike."""
    effects = tuple(
        Effect(offset, NOON, f"m{offset}", Kind.CREATED, Recall("c0ffee", Action.REMOVE, 1.0))
        for offset in offsets
    )
    return [AuthorEffects(author, partition, effects)]


def desk_on(
    standings: StandingStore,
    *,
    metrics: Metrics | None = None,
    max_effects: int = 1000,
    max_age_s: float = 900,
) -> Desk:
    """A desk under a policy in which strikes halve in a week."""
    return Desk(
        standings,
        metrics=metrics or Metrics(),
        half_life=lambda: WEEK_S,
        max_effects=max_effects,
        max_age_s=max_age_s,
    )


def metric(metrics: Metrics, name: str) -> float | None:
    """What Prometheus would read."""
    return metrics.registry.get_sample_value(f"chatsieve_{name}")


@asynccontextmanager
async def at_work(desk: Desk) -> AsyncIterator[None]:
    """The desk saves what is confirmed."""
    task = asyncio.create_task(desk.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


class Done:
    """Batches by name, in the order in which they were done."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._changed = asyncio.Event()

    def mark(self, name: str) -> None:
        self.names.append(name)
        self._changed.set()

    async def wait_for(self, number: int) -> list[str]:
        """Return the names when there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.names) < number:
                self._changed.clear()
                await self._changed.wait()
        return self.names


async def counted(standings: StandingStore, *authors: str) -> list[float]:
    """The strikes of each author, as the store has them."""
    found = await standings.load([Ask(author) for author in authors], NOON)
    return [strikes_at(each.reputation, NOON, WEEK_S) for each in found]


@pytest.fixture
async def done() -> Done:
    return Done()


@pytest.fixture
def server() -> Iterator[Store]:
    """A store server that a test may hurt."""
    with Store() as server:
        yield server


@pytest.fixture
async def valkey(server: Store) -> AsyncIterator[RedisStandings]:
    """Standings on that server."""
    standings = RedisStandings(server.url, key=b"secret", timeout_s=0.3)
    yield standings
    await standings.close()


@contextmanager
def silent(server: Store) -> Iterator[None]:
    """The server is there and doesn't answer; what it was asked it does later."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


# -- with the store there


async def test_a_batch_sees_what_the_one_before_it_did(standings: StandingStore) -> None:
    """Before it is confirmed and before it is saved: strikes, marks and what is remembered of messages."""
    desk = desk_on(standings)
    desk.note(strikes("ana", 1, 2))
    ana, bo = await desk.load([Ask("ana", ("m2",)), Ask("bo")], NOON)
    assert ana is not None
    assert bo is not None
    assert (strikes_at(ana.reputation, NOON, WEEK_S), ana.marks) == (2.0, {HERE: 2})
    assert ana.recalls["m2"].action is Action.REMOVE
    assert bo.reputation == NEWCOMER


async def test_it_sees_what_is_saved_and_what_waits_together(standings: StandingStore, done: Done) -> None:
    """And nothing of it twice."""
    desk = desk_on(standings)
    async with at_work(desk):
        first, second = strikes("ana", 1), strikes("ana", 2)
        desk.note(first)
        desk.note(second)
        desk.confirmed(first, partial(done.mark, "first"))
        await done.wait_for(1)
        (ana,) = await desk.load([Ask("ana")], NOON)
    assert ana is not None
    assert strikes_at(ana.reputation, NOON, WEEK_S) == 2.0
    assert desk.pending == 1


async def test_nothing_is_saved_before_it_is_confirmed(standings: StandingStore, done: Done) -> None:
    """A verdict that Kafka may not have must not have an effect."""
    desk = desk_on(standings)
    async with at_work(desk):
        desk.note(strikes("ana", 1))
        desk.note(strikes("bo", 2))
        desk.confirmed(strikes("bo", 2), partial(done.mark, "bo"))
        await done.wait_for(1)
    assert await counted(standings, "ana", "bo") == [0.0, 1.0]
    assert desk.pending == 1


async def test_a_batch_is_done_when_it_is_in_the_store(store: Store, prefix: str, done: Done) -> None:
    """Not when it is sent: the watermark moves with it."""
    standings = RedisStandings(store.url, key=b"secret", prefix=prefix, timeout_s=10)
    desk = desk_on(standings)
    seen = []

    def look_and_mark() -> None:
        with redis.Redis.from_url(store.url) as client:
            seen.append(len(list(client.scan_iter(f"{prefix}*:a:*"))))
        done.mark("looked")

    look_and_mark()
    desk.note(strikes("ana", 1))
    desk.confirmed(strikes("ana", 1), look_and_mark)
    async with at_work(desk):
        await done.wait_for(2)
    await standings.close()
    assert seen == [0, 1]


async def test_a_batch_without_effects_is_done_in_its_turn(standings: StandingStore, done: Done) -> None:
    """All of it was repeated or unreadable; the watermark moves over it, and not before what lies below."""
    desk = desk_on(standings)
    desk.note(strikes("ana", 1))
    desk.confirmed(strikes("ana", 1), partial(done.mark, "first"))
    desk.confirmed([], partial(done.mark, "nothing"))
    async with at_work(desk):
        assert await done.wait_for(2) == ["first", "nothing"]
    assert await counted(standings, "ana") == [1.0]


async def test_batches_are_saved_in_the_order_they_were_confirmed(
    standings: StandingStore, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many saves it takes: out of order, a mark would hide the earlier ones."""
    monkeypatch.setattr(desk_module, "SAVE_EFFECTS", 5)
    desk = desk_on(standings)
    batches = [strikes("ana", offset, offset + 1) for offset in range(0, 40, 2)]
    for number, batch in enumerate(batches):
        desk.note(batch)
        desk.confirmed(batch, partial(done.mark, str(number)))
    async with at_work(desk):
        assert await done.wait_for(20) == [str(number) for number in range(20)]
    assert await counted(standings, "ana") == [40.0]
    assert desk.pending == 0


async def test_a_lost_partition_is_forgotten(standings: StandingStore, done: Done) -> None:
    """Its next owner judges it again; what else is in the batch is saved, and the batch is done."""
    desk = desk_on(standings)
    batch = strikes("ana", 1) + strikes("ana", 1, 2, partition=THERE)
    desk.note(batch)
    desk.confirmed(batch, partial(done.mark, "both"))
    desk.drop({0})
    assert desk.pending == 2
    async with at_work(desk):
        await done.wait_for(1)
    (ana,) = await standings.load([Ask("ana")], NOON)
    assert ana.marks == {THERE: 2}
    assert desk.pending == 0


# -- with the store away


@pytest.mark.timed
async def test_a_store_that_is_silent_is_waited_for_once(server: Store, valkey: RedisStandings) -> None:
    """Afterwards standings are unknown at once, until a probe finds it back."""
    metrics = Metrics()
    desk = desk_on(valkey, metrics=metrics)
    with silent(server):
        assert await desk.load([Ask("ana"), Ask("bo")], NOON) == [None, None]
        assert desk.away
        started = time.monotonic()
        for _ in range(100):
            assert await desk.load([Ask("ana")], NOON) == [None]
        assert time.monotonic() - started < 0.3
    assert metric(metrics, "store_up") == 0
    assert metric(metrics, "store_errors_total") == 1


async def test_unknown_is_not_what_waits(server: Store, valkey: RedisStandings) -> None:
    """An author with a pending strike and no standing isn't somebody with one strike."""
    desk = desk_on(valkey)
    desk.note(strikes("ana", 1))
    server.kill()
    assert await desk.load([Ask("ana")], NOON) == [None]


async def test_effects_wait_for_the_store_and_are_applied_once(
    server: Store, valkey: RedisStandings, done: Done
) -> None:
    """Those of before and those of meanwhile, in order; then standings are known again."""
    metrics = Metrics()
    desk = desk_on(valkey, metrics=metrics)
    async with at_work(desk):
        server.kill()
        for offset in (1, 2, 3):
            desk.note(strikes("ana", offset))
            desk.confirmed(strikes("ana", offset), partial(done.mark, str(offset)))
        assert await desk.load([Ask("ana")], NOON) == [None]
        assert (desk.pending, done.names) == (3, [])
        server.start()
        assert await done.wait_for(3) == ["1", "2", "3"]
        assert not desk.away
        (ana,) = await desk.load([Ask("ana")], NOON)
    assert ana is not None
    assert (strikes_at(ana.reputation, NOON, WEEK_S), ana.marks) == (3.0, {HERE: 3})
    assert metric(metrics, "store_up") == 1


async def test_a_save_whose_answer_was_lost_counts_once(
    server: Store, valkey: RedisStandings, done: Done
) -> None:
    """The server had the request and carries it out when it wakes up; it is sent again all the same."""
    await valkey.save(strikes("bo", 0), WEEK_S)  # so that the server has the script, and the first send is it
    desk = desk_on(valkey)
    async with at_work(desk):
        with silent(server):
            desk.note(strikes("ana", 1))
            desk.confirmed(strikes("ana", 1), partial(done.mark, "ana"))
            async with asyncio.timeout(PATIENCE_S):
                while not desk.away:
                    await asyncio.sleep(0.01)
            assert done.names == []
        await done.wait_for(1)
    assert await counted(valkey, "ana") == [1.0]


async def test_beyond_the_count_the_oldest_are_given_up_aloud(
    server: Store, valkey: RedisStandings, done: Done
) -> None:
    """Their watermarks move on; what fits still waits, and is saved."""
    metrics = Metrics()
    desk = desk_on(valkey, metrics=metrics, max_effects=3)
    server.kill()
    for author in ("ana", "bo", "cy"):
        desk.note(strikes(author, 1, 2))
        desk.confirmed(strikes(author, 1, 2), partial(done.mark, author))
    with capture_logs() as said:
        async with at_work(desk):
            assert await done.wait_for(2) == ["ana", "bo"]
            assert desk.pending == 2
            server.start()
            await done.wait_for(3)
    assert await counted(valkey, "ana", "bo", "cy") == [0.0, 0.0, 2.0]
    assert metric(metrics, "effects_lost_total") == 4
    (aloud,) = [each for each in said if each["event"] == "effects_given_up"]
    assert (aloud["log_level"], aloud["effects"], aloud["waiting"]) == ("critical", 4, 2)


async def test_beyond_the_age_the_oldest_are_given_up(
    server: Store, valkey: RedisStandings, done: Done
) -> None:
    """The watermark waits for minutes at most; a store that is gone must not stop commits for ever."""
    metrics = Metrics()
    desk = desk_on(valkey, metrics=metrics, max_age_s=0.1)
    server.kill()
    desk.note(strikes("ana", 1))
    desk.confirmed(strikes("ana", 1), partial(done.mark, "ana"))
    async with at_work(desk):
        await done.wait_for(1)
    assert desk.pending == 0
    assert metric(metrics, "effects_lost_total") == 1


async def test_a_lost_partition_is_forgotten_while_the_store_is_away(
    server: Store, valkey: RedisStandings, done: Done
) -> None:
    """Nothing of it reaches the store later, where it could hide what its next owner says."""
    desk = desk_on(valkey)
    async with at_work(desk):
        server.kill()
        for partition in (HERE, THERE):
            batch = strikes("ana", 7, partition=partition)
            desk.note(batch)
            desk.confirmed(batch, partial(done.mark, str(partition.partition)))
        assert await desk.load([Ask("ana")], NOON) == [None]
        desk.drop({0})
        server.start()
        assert await done.wait_for(2) == ["0", "1"]
    (ana,) = await valkey.load([Ask("ana")], NOON)
    assert ana.marks == {THERE: 7}
