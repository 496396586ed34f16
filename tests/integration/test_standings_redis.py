"""What the Redis store promises beyond the contract: time-outs, restarts, names that nobody can read."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest
import redis
from redis.crc import key_slot

from rules.finding.trail import SIZE
from rules.message import Kind
from rules.reputation import LEDGER, NEWCOMER
from rules.schema.values import Seconds
from rules.verdict import Action
from streams.errors import ConfigurationError, StoreError
from streams.process.embedded import Store
from streams.store.redis_scripts import IN_TIME, PER_CALL, bucket_of
from streams.store.standings import (
    DAY_S,
    Ask,
    AuthorEffects,
    Decided,
    Effect,
    PartitionId,
    Recall,
    Reversal,
    Standing,
)
from streams.store.standings_redis import RedisStandings

NOON = 20_000 * DAY_S + DAY_S / 2
WEEK_S = 7.0 * DAY_S
HERE = PartitionId("topic-id", 0)
ANA = Ask("acme/chat/ana", ("m1",))


def batch(*authors: str, offset: int = 0) -> list[AuthorEffects]:
    """One good message from each author."""
    effect = Effect(offset, NOON, "m1", Kind.CREATED, Recall("c0ffee", Action.ALLOW, good=True))
    return [AuthorEffects(author, HERE, (effect,)) for author in authors]


def charged(offset: int, message: str, strike: float) -> Effect:
    """A message that costs its author so much, and stands in their trail."""
    recall = Recall("c0ffee", Action.HOLD, strike)
    return Effect(offset, NOON, message, Kind.CREATED, recall, entry=b"x" * SIZE)


@pytest.fixture
async def standings(store: Store, prefix: str) -> AsyncIterator[RedisStandings]:
    """A store with the time-out that it ships with."""
    standings = RedisStandings(store.url, key=b"secret", prefix=prefix)
    yield standings
    await standings.close()


@pytest.fixture
def server() -> Iterator[Store]:
    """A store server that a test may hurt."""
    with Store() as server:
        yield server


class ClusterNode(Store):
    """A server that owns all slots of a cluster, and so takes no call that touches two of them."""

    def _command(self, port: int) -> list[str]:
        return [
            *super()._command(port),
            "--cluster-enabled",
            "yes",
            "--cluster-config-file",
            f"nodes-{port}.conf",
        ]


@contextmanager
def stopped(server: Store) -> Iterator[None]:
    """The server is there and doesn't answer."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


class SlowWay:
    """Leads to a server; each line of an answer takes `pace_s`, each 64 KiB of what is sent `takes_s`."""

    def __init__(self, server: Store) -> None:
        self.pace_s = self.takes_s = 0.0
        self.url = ""
        self._server = server.address.split(":")
        self._serving: set[asyncio.Task[None]] = set()

    def begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def end(self) -> None:
        """Serve nobody any more."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self._server)
        with closing(writer), closing(to_server):
            await asyncio.gather(self._ask(reader, to_server), self._answer(from_server, writer))

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65_536):
            await asyncio.sleep(self.takes_s * len(some) / 65_536)
            writer.write(some)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await asyncio.sleep(self.pace_s)
            writer.write(line)


@asynccontextmanager
async def slow_way_to(server: Store) -> AsyncIterator[SlowWay]:
    """A way to a server that can be made slow."""
    way = SlowWay(server)
    async with await asyncio.start_server(way.begin, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        way.url = f"redis://{host}:{port}"
        yield way
        await way.end()


async def test_the_policy_s_own_length_of_time_will_do(standings: RedisStandings) -> None:
    """A half-life is a kind of float that only we know; once it ended the worker at its first save."""
    await standings.save(batch(ANA.author), Seconds.parse("7d"))
    [standing] = await standings.load([ANA], NOON)
    assert standing.reputation.good == 1


async def test_silence_is_an_error_in_time(server: Store) -> None:
    """Each call has a bound; afterwards the answers belong to the questions again."""
    standings = RedisStandings(server.url, key=b"secret", timeout_s=0.05)
    await standings.save(batch("ana", "bo"), WEEK_S)
    with stopped(server):
        for call in (
            standings.load([Ask("ana")], NOON),
            standings.save(batch("cy"), WEEK_S),
            standings.ping(),
        ):
            with pytest.raises(StoreError, match="no answer from the store within 50 ms"):
                await call
    patient = RedisStandings(server.url, key=b"secret", timeout_s=10)
    found = await patient.load([Ask("bo"), Ask("nobody"), Ask("ana")], NOON)
    assert [standing.reputation.good for standing in found] == [1, 0, 1]
    await patient.close()
    await standings.close()


async def test_of_much_the_store_need_not_be_done_in_one_time_out(server: Store) -> None:
    """While it goes on answering nobody loses patience; a batch may have as many authors as messages."""
    authors = [f"acme/chat/{number}" for number in range(8 * IN_TIME)]
    patient = RedisStandings(server.url, key=b"secret", timeout_s=10)
    await patient.save(batch(*authors), WEEK_S)
    began = time.monotonic()
    await patient.save(batch(*authors, offset=1), WEEK_S)
    took = time.monotonic() - began
    await patient.close()
    hurried = RedisStandings(server.url, key=b"secret", timeout_s=took / 4)
    await hurried.save(batch(*authors, offset=2), WEEK_S)
    found = await hurried.load([Ask(author) for author in authors], NOON)
    assert [one.marks[HERE] for one in found] == [2] * len(authors)
    await hurried.close()


@pytest.mark.parametrize(("thousands", "timeout_s", "most_s"), [(2, 0.4, 0.8), (16, 0.2, 1.6)])
async def test_but_no_longer_than_so_much_should_take(
    server: Store, thousands: int, timeout_s: float, most_s: float
) -> None:
    """A store that is slow, though never silent, holds nobody up for long; what it did counts once."""
    authors = [f"acme/chat/{number}" for number in range(thousands * IN_TIME)]
    async with slow_way_to(server) as way:
        standings = RedisStandings(way.url, key=b"secret", timeout_s=timeout_s)
        await standings.save(batch("ana"), WEEK_S)
        way.pace_s = timeout_s / 2.5
        began = time.monotonic()
        with pytest.raises(StoreError, match=r"only \d+ of \d+ answers from the store within \d+ ms"):
            await standings.save(batch(*authors), WEEK_S)
        assert most_s <= time.monotonic() - began < 1.7 * most_s
        await standings.close()
    patient = RedisStandings(server.url, key=b"secret", timeout_s=10)
    await patient.save(batch(*authors), WEEK_S)
    found = await patient.load([Ask(author) for author in authors], NOON)
    assert [one.reputation.messages for one in found] == [1] * len(authors)
    await patient.close()


async def test_what_takes_long_to_send_is_answered_meanwhile(server: Store) -> None:
    """Of many megabytes the first are done before the last are taken; meanwhile a server isn't silent."""
    recall = Recall("c0ffee" * 400, Action.ALLOW, good=True)
    effect = Effect(0, NOON, "m1", Kind.CREATED, recall)
    authors = [f"acme/chat/{number}" for number in range(8 * IN_TIME)]
    async with slow_way_to(server) as way:
        standings = RedisStandings(way.url, key=b"secret", timeout_s=1.0)
        await standings.save(batch("ana"), WEEK_S)
        way.takes_s = 0.008
        await standings.save([AuthorEffects(author, HERE, (effect,)) for author in authors], WEEK_S)
        await standings.close()


async def test_a_call_that_is_cancelled_leaves_no_answer_behind(server: Store) -> None:
    """The next call doesn't read what was meant for the one before."""
    standings = RedisStandings(server.url, key=b"secret", timeout_s=10)
    await standings.save(batch("ana"), WEEK_S)
    with stopped(server), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await standings.load([Ask("ana")], NOON)
    assert await standings.load([Ask("nobody")], NOON) == [Standing(NEWCOMER)]
    await standings.close()


async def test_a_server_that_is_gone_is_an_error_and_one_that_is_back_is_used(server: Store) -> None:
    """A new server knows neither the scripts nor the connection; nobody has to be told."""
    standings = RedisStandings(server.url, key=b"secret", timeout_s=10)
    await standings.save(batch("ana"), WEEK_S)
    server.kill()
    for _ in range(2):
        with pytest.raises(StoreError):
            await standings.load([Ask("ana")], NOON)
    server.start()
    assert await standings.load([Ask("ana")], NOON) == [Standing(NEWCOMER)]
    await standings.save(batch("ana"), WEEK_S)
    (found,) = await standings.load([Ask("ana")], NOON)
    assert found.reputation.good == 1
    await standings.close()


async def test_scripts_that_were_flushed_are_loaded_again(server: Store) -> None:
    """An operator's SCRIPT FLUSH, or a failover, costs one more round trip."""
    standings = RedisStandings(server.url, key=b"secret", timeout_s=10)
    authors = [f"author {number}" for number in range(200)]
    with redis.Redis.from_url(server.url) as client:
        for offset in range(2):
            client.script_flush()
            await standings.save(batch(*authors, offset=offset), WEEK_S)
            client.script_flush()
            found = await standings.load([Ask(author) for author in authors], NOON)
            assert {standing.marks[HERE] for standing in found} == {offset}
    await standings.close()


async def test_a_refusal_is_an_error(standings: RedisStandings, store: Store, prefix: str) -> None:
    """Somebody else's value under one of our keys, for instance; the message has no name in it."""
    await standings.save(batch(ANA.author), WEEK_S)
    with redis.Redis.from_url(store.url) as client:
        (key,) = client.keys(f"{prefix}*:a:*")
        client.set(key, "not a hash")
    with pytest.raises(StoreError, match="WRONGTYPE"):
        await standings.load([ANA], NOON)
    await standings.ping()


async def test_names_are_not_readable(standings: RedisStandings, store: Store, prefix: str) -> None:
    """Neither author nor message id stands in the store, and another secret finds nobody."""
    await standings.save(batch(ANA.author), WEEK_S)
    with redis.Redis.from_url(store.url) as client:
        everything = [
            part
            for key in client.keys(f"{prefix}*")
            for part in (key, *client.hgetall(key), *client.hvals(key))
        ]
    assert everything
    assert not any(name in part for part in everything for name in (b"ana", b"acme", b"m1"))
    other = RedisStandings(store.url, key=b"another", prefix=prefix)
    assert await other.load([ANA], NOON) == [Standing(NEWCOMER)]
    await other.close()


async def test_what_a_script_touches_lies_in_one_bucket(
    standings: RedisStandings, store: Store, prefix: str
) -> None:
    """An author's keys share what stands in braces, and authors spread over the buckets."""
    await standings.save(batch(*(f"author {number}" for number in range(500))), WEEK_S)
    with redis.Redis.from_url(store.url) as client:
        keys = [key.decode().removeprefix(prefix) for key in client.keys(f"{prefix}*")]
    buckets: dict[str, set[str]] = {}
    for key in keys:
        bucket, _, author, *_ = key.split(":")
        buckets.setdefault(author, set()).add(bucket)
    assert all(len(each) == 1 for each in buckets.values())
    assert {bucket for each in buckets.values() for bucket in each} == {f"{{{n:02x}}}" for n in range(64)}


async def test_what_is_not_seen_again_is_forgotten(
    standings: RedisStandings, store: Store, prefix: str
) -> None:
    """An author after 90 days, messages after two, a trail after an hour; each save begins the time anew."""
    said = Effect(1, NOON, "m2", Kind.CREATED, Recall("c0ffee", Action.ALLOW), entry=b"x" * SIZE)
    await standings.save([*batch(ANA.author), AuthorEffects(ANA.author, HERE, (said,))], WEEK_S)
    with redis.Redis.from_url(store.url) as client:
        (author,), (recalls,) = client.keys(f"{prefix}*:a:*"), client.keys(f"{prefix}*:m:*")
        assert 0 <= 90 * DAY_S - client.ttl(author) < 60
        assert 0 <= 2 * DAY_S - client.ttl(recalls) < 60
        (trail,) = client.keys(f"{prefix}*:w:*")
        assert 0 <= 3660 - client.ttl(trail) < 60
        client.expire(author, 100)
        await standings.save(batch(ANA.author, offset=2), WEEK_S)
        assert client.ttl(author) > 100


async def test_a_scan_finds_nothing_of_who_was_erased(store: Store, prefix: str) -> None:
    """In no key, among thousands of others'; a dump names nobody, erased or not."""
    standings = RedisStandings(store.url, key=b"secret", prefix=prefix, timeout_s=10)
    others = [f"acme/chat/{number}" for number in range(3_000)]
    await standings.save(batch(*others), WEEK_S)
    # So many that some fall off the ledger.
    bad = tuple(charged(n, "m2", float(n)) for n in range(1, LEDGER + 9))
    await standings.save([*batch(ANA.author), AuthorEffects(ANA.author, HERE, bad)], WEEK_S)
    with redis.Redis.from_url(store.url) as client:
        before = set(client.scan_iter(f"{prefix}*", count=1000))
        name = standings.hashed(ANA.author)
        assert await standings.erase(ANA.author) == 4
        after = set(client.scan_iter(f"{prefix}*", count=1000))
        dump = b"".join(client.dump(key) for key in list(before & after)[:500]) + b"".join(before)
    assert {key for key in before if name.encode() in key} == before - after
    assert len(after) == 2 * len(others)
    await standings.close()
    assert b"ana" not in dump
    assert b"acme" not in dump


async def test_user_and_password_come_with_the_url(server: Store) -> None:
    """Without them the store refuses, and says so without showing the password."""
    with redis.Redis.from_url(server.url) as client:
        client.acl_setuser("sieve", enabled=True, passwords=["+hunter2"], categories=["+@all"], keys=["*"])
        client.acl_setuser("default", enabled=False)
    known = RedisStandings(f"redis://sieve:hunter2@{server.address}", key=b"k", timeout_s=10)
    await known.ping()
    await known.close()
    for url in (server.url, f"redis://sieve:hunter3@{server.address}"):
        stranger = RedisStandings(url, key=b"k", timeout_s=10)
        with pytest.raises(StoreError) as caught:
            await stranger.ping()
        assert "hunter" not in str(caught.value)
        await stranger.close()


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", ""])
def test_a_url_that_names_no_store_is_refused_at_once(url: str) -> None:
    """Before anything is judged."""
    with pytest.raises(ConfigurationError, match="the store's URL can't be used"):
        RedisStandings(url, key=b"secret")


@pytest.mark.parametrize("key", [b"", b"x" * 65])
def test_a_key_that_cannot_hash_is_refused_at_once(key: bytes) -> None:
    """An empty one would make the names readable to whoever guesses them."""
    with pytest.raises(ConfigurationError, match="1 to 64 bytes"):
        RedisStandings("redis://localhost", key=key)


async def test_a_cluster_is_asked_bucket_by_bucket(tmp_path: Path) -> None:
    """What lies in several slots can't go in one call there; nothing is lost in finding that out."""
    authors = [f"acme/chat/{number}" for number in range(100)]
    with ClusterNode(folder=tmp_path) as node:
        with redis.Redis.from_url(node.url) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            while client.cluster("info")["cluster_state"] != "ok":
                await asyncio.sleep(0.01)
        standings = RedisStandings(node.url, key=b"secret")
        await standings.save(batch(*authors), WEEK_S)
        found = await standings.load([Ask(author) for author in authors], NOON)
        await standings.close()
    assert [one.reputation.messages for one in found] == [1] * 100


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[list[ClusterNode]]:
    """Three nodes that know each other, each with a third of the slots."""
    with ExitStack() as running:
        nodes = [running.enter_context(ClusterNode(folder=tmp_path / str(number))) for number in range(3)]
        clients = [running.enter_context(redis.Redis.from_url(node.url)) for node in nodes]
        for number, client in enumerate(clients):
            first, last = 16384 * number // 3, 16384 * (number + 1) // 3 - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            client.execute_command("CLUSTER", "MEET", *nodes[0].address.split(":"))
        async with asyncio.timeout(30):
            while any(
                client.cluster("info")["cluster_state"] != "ok"
                or client.cluster("info")["cluster_known_nodes"] != "3"
                for client in clients
            ):
                await asyncio.sleep(0.05)
        yield nodes


async def test_a_cluster_of_three_keeps_what_belongs_together_on_one(cluster: list[ClusterNode]) -> None:
    """Any of its nodes will do as an address; all that a store can do is done there."""
    authors = [f"acme/chat/{number}" for number in range(300)]
    standings = RedisStandings(cluster[1].url, key=b"secret", timeout_s=10)
    await standings.save(batch(*authors), WEEK_S)
    found = await standings.load([Ask(author, ("m1",)) for author in authors], NOON)
    assert [(one.reputation.messages, list(one.recalls)) for one in found] == [(1, ["m1"])] * 300
    assert await standings.numbered([Decided(author, "v", "d") for author in authors]) == [1] * 300
    some = authors[:9]
    # Two of these strikes fall off the ledger, and one of the two is taken back.
    bad = tuple(charged(n, f"b{n}", 1.0) for n in range(LEDGER + 2))
    back = (Reversal(0, NOON, "elsewhere/0/0"),)
    for where, changes in ((PartitionId("elsewhere", 0), bad), (PartitionId("feedback", 0), back)):
        await standings.save([AuthorEffects(author, where, changes) for author in some], WEEK_S)
    found = await standings.load([Ask(author) for author in some], NOON)
    assert [one.reputation.strikes for one in found] == [1.0] * 9
    for node in cluster:
        with redis.Redis.from_url(node.url) as client:
            assert client.dbsize() > 100
    await standings.reset(authors[0])
    await standings.close()
    stranger = RedisStandings(cluster[2].url, key=b"secret", timeout_s=10)
    assert [await stranger.erase(author) for author in some] == [4] + [5] * 8
    found = await stranger.load([Ask(author) for author in authors], NOON)
    assert [one.reputation.messages for one in found] == [0] * 9 + [1] * 291
    await stranger.close()


async def test_a_slot_that_moved_is_found_again(cluster: list[ClusterNode]) -> None:
    """As in a resharding: whoever has it now is asked."""
    standings = RedisStandings(cluster[0].url, key=b"secret", timeout_s=10)
    await standings.save(batch("acme/chat/before"), WEEK_S)
    author = next(
        f"acme/chat/{n}" for n in range(999) if bucket_of(standings.hashed(f"acme/chat/{n}")) == "00"
    )
    slot = key_slot(b"00")
    with ExitStack() as running:
        clients = [running.enter_context(redis.Redis.from_url(node.url)) for node in cluster]
        there = clients[(slot * 3 // 16384 + 1) % 3]
        for client in clients:
            client.execute_command(
                "CLUSTER", "SETSLOT", slot, "NODE", there.execute_command("CLUSTER", "MYID")
            )
    await standings.save(batch(author), WEEK_S)
    [found] = await standings.load([Ask(author)], NOON)
    assert found.reputation.messages == 1
    await standings.close()


async def test_a_node_that_is_gone_is_an_error_in_time(cluster: list[ClusterNode]) -> None:
    """And says so to whoever asks whether the store is there."""
    authors = [f"acme/chat/{number}" for number in range(300)]
    standings = RedisStandings(cluster[0].url, key=b"secret", timeout_s=0.5)
    await standings.save(batch(*authors), WEEK_S)
    with stopped(cluster[2]):
        for call in (standings.ping(), standings.load([Ask(author) for author in authors], NOON)):
            with pytest.raises(StoreError, match="no answer from the store"):
                await call
    found = await standings.load([Ask(author) for author in authors], NOON)
    assert [one.reputation.messages for one in found] == [1] * 300
    await standings.close()


async def test_many_authors_come_back_in_their_order(standings: RedisStandings) -> None:
    """More than go into one call."""
    authors = [f"acme/chat/{number}" for number in range(2 * PER_CALL + 1)]
    for offset in range(2):
        await standings.save(batch(*authors[offset::2], offset=offset), WEEK_S)
    await standings.save(batch(authors[0], offset=5), WEEK_S)
    found = await standings.load([Ask(author) for author in reversed(authors)], NOON)
    assert [one.marks[HERE] for one in reversed(found)] == [
        5,
        *(number % 2 for number in range(1, len(authors))),
    ]
