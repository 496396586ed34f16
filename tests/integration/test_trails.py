"""What every store of trails promises: these tests run on memory and on Valkey."""

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis

from streams.errors import StoreError
from streams.process.embedded import Store
from streams.store.redis_scripts import PER_CALL
from streams.store.trails import STAMP, Kind, MemoryTrails, Note, TrailStore
from streams.store.trails_redis import RedisTrails

KIND = Kind("t", STAMP.size + 3, 4, 60)
OTHER = Kind("u", STAMP.size + 3, 4, 60)


class ClusterNode(Store):
    """A server that owns all slots of a cluster."""

    def _command(self, port: int) -> list[str]:
        alone = ("--cluster-enabled", "yes", "--cluster-config-file", f"nodes-{port}.conf")
        return [*super()._command(port), *alone]


@pytest.fixture(params=["memory", "redis"])
async def trails(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[TrailStore]:
    """An empty store of trails."""
    if request.param == "memory":
        yield MemoryTrails()
        return
    server: Store = request.getfixturevalue("store")
    on_server = RedisTrails(server.url, prefix=prefix, timeout_s=10)
    yield on_server
    await on_server.close()


def entry(offset: int, *, at: float | None = None, partition: int = 7) -> bytes:
    """What is noted of a record; a second lies between two unless it is said."""
    return STAMP.pack(offset if at is None else at, partition, offset) + b"abc"


def notes(*entries: bytes, key: str = "0a1b", kind: Kind = KIND) -> list[Note]:
    """Entries for one trail."""
    return [(kind, key, one) for one in entries]


async def stands(trails: TrailStore, key: str = "0a1b", kind: Kind = KIND) -> list[int]:
    """The offsets in a trail, in its order."""
    (answer,) = await trails.note([(kind, key, b"")])
    return [STAMP.unpack_from(answer, start)[2] for start in range(0, len(answer), kind.size)]


async def test_the_answer_is_what_stood_there_before(trails: TrailStore) -> None:
    """What was noted in the same breath before it is in it, itself isn't."""
    assert await trails.note(notes(entry(1), entry(2))) == [b"", entry(1)]
    assert await trails.note(notes(entry(3))) == [entry(1) + entry(2)]
    assert await stands(trails) == [1, 2, 3]


async def test_a_record_is_noted_once(trails: TrailStore) -> None:
    """However often, and with whatever neighbours, it comes again; one of another partition is another."""
    await trails.note(notes(entry(1), entry(2)))
    await trails.note(notes(entry(2), entry(3), entry(2, partition=8)))
    assert await stands(trails) == [1, 2, 3, 2]


async def test_bytes_that_look_like_a_record_are_none(trails: TrailStore) -> None:
    """A record is looked for where records stand, not across their borders."""
    odd = struct.pack(">d", 5.0) + entry(2)[8:20][::-1] + b"abc"
    await trails.note(notes(b"\0" * 11 + entry(2)[8:20], odd))
    await trails.note(notes(entry(2)))
    assert len(await stands(trails)) == 3


async def test_the_last_ones_are_kept(trails: TrailStore) -> None:
    """A full trail lets its first entry go; what is older than that isn't taken any more."""
    await trails.note(notes(*map(entry, range(6))))
    assert await stands(trails) == [2, 3, 4, 5]
    await trails.note(notes(entry(1), entry(6)))
    assert await stands(trails) == [3, 4, 5, 6]


async def test_cuts_change_nothing(trails: TrailStore) -> None:
    """One by one or all together."""
    await trails.note(notes(*map(entry, range(9))))
    for offset in range(9):
        await trails.note(notes(entry(offset), key="0a1c"))
    assert await stands(trails) == await stands(trails, "0a1c")


async def test_trails_lie_apart(trails: TrailStore) -> None:
    """By key and by kind; answers come in the order of the questions, more than fit into one call."""
    asked = [(KIND, f"{number * 217:04x}", entry(number)) for number in range(300)]
    await trails.note(asked)
    answers = await trails.note(asked)
    assert answers == [entry(number) for number in range(300)]
    assert await stands(trails, "0001", OTHER) == []


async def test_who_only_notes_is_told_nothing(trails: TrailStore) -> None:
    """But it stands there for the others, and a trail's kind is the same for both."""
    untold = KIND._replace(told=False)
    await trails.note(notes(entry(1)))
    assert await trails.note([*notes(entry(2), kind=untold), *notes(entry(3))]) == [b"", entry(1) + entry(2)]
    assert await stands(trails) == [1, 2, 3]


async def test_nothing_is_asked(trails: TrailStore) -> None:
    """Nothing comes back."""
    assert await trails.note([]) == []


async def test_every_key_ends(store: Store, prefix: str) -> None:
    """A trail has a time to live, which each note sets anew, and none is made by a question."""
    trails = RedisTrails(store.url, prefix=prefix, timeout_s=10)
    await trails.note([*notes(entry(1)), (KIND, "ffff", b"")])
    await trails.close()
    with redis.Redis.from_url(store.url) as server:
        keys = list(server.scan_iter(f"{prefix}*"))
        assert [key.decode() for key in keys] == [f"{prefix}{{0a}}:t:0a1b"]
        assert 0 < server.ttl(keys[0]) <= 60


async def test_on_a_cluster(tmp_path: Path) -> None:
    """A node that takes no call which touches two slots gets one or more for each bucket."""
    busy = [(KIND, "0a1b", entry(number)) for number in range(2 * PER_CALL + 1)]
    with ClusterNode(folder=tmp_path) as node, redis.Redis.from_url(node.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while client.cluster("info")["cluster_state"] != "ok":
            await asyncio.sleep(0.01)
        trails = RedisTrails(node.url, timeout_s=10)
        asked = [(KIND, f"{number * 217:04x}", entry(number)) for number in range(300)]
        await trails.note(asked)
        answers = await trails.note(asked)
        client.config_resetstat()
        await trails.note(busy)
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] == 3
        await trails.close()
    assert answers == [entry(number) for number in range(300)]


async def test_a_store_that_is_away_says_so() -> None:
    """The caller can tell it from an empty trail."""
    trails = RedisTrails("redis://127.0.0.1:1", timeout_s=1)
    with pytest.raises(StoreError):
        await trails.note(notes(entry(1)))
    await trails.close()
