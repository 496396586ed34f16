"""Runs Lua scripts on Redis or Valkey: a batch is a few script calls on a single server, and on a cluster
some for each bucket it touches; up to a megabyte of them in one round trip to each of its nodes.

What belongs together lies in one of `BUCKETS` buckets, whose number stands in braces in each of its keys,
so that on a cluster all that a script touches lies in one slot.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from hashlib import blake2b, sha1
from pathlib import Path
from typing import Any, NamedTuple

import hiredis
import msgspec
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterCrossSlotError,
    MovedError,
    NoScriptError,
    RedisError,
    ResponseError,
)

from streams.errors import ConfigurationError, StoreError

BUCKETS = 64
# Items in one script call at most: while it runs the server answers nobody else.
PER_CALL = 256
# Answers about so many items may take the time-out together, and all answers so many time-outs.
IN_TIME, MOST_TIMES = 1_024, 8
# What is sent before answers are read: where more is on the way than all buffers hold, neither side goes on.
SENT_BYTES = 1 << 20
# Keys that a scan looks at in one call.
SCANNED = 5_000

Command = tuple[str | int | float | bytes | memoryview, ...]


class Scripts:
    """Runs scripts on a server.

    Args:
        url: redis://, rediss:// (TLS) or unix://, with user and password where the server asks for them.
        timeout_s: The server may be silent no longer than this, connecting included, and take no longer over
            `IN_TIME` items, nor over all of them than `MOST_TIMES` as long.

    Raises:
        ConfigurationError: The URL can't be used.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        try:
            # Nothing is tried again here: the caller knows better when to come back.
            self._pool = _pool(url)
        except ValueError as error:
            raise ConfigurationError(f"the store's URL can't be used: {error}") from error
        self._url = url
        self._timeout_s = timeout_s
        # Of a cluster: its nodes by address, and each bucket's; of a single server none.
        self._nodes: dict[str, ConnectionPool] = {}
        self._homes: dict[str, ConnectionPool] = {}

    async def ping(self) -> None:
        """Return when the server answers, on a cluster every node; raise StoreError when it doesn't."""
        for pool in self._pools():
            await self._exchange(pool, [("PING",)])

    async def close(self) -> None:
        """Let the connections go."""
        for pool in (self._pool, *self._nodes.values()):
            await pool.aclose()

    def _pools(self) -> list[ConnectionPool]:
        """Return where the keys lie."""
        return list(dict.fromkeys(self._homes.values())) or [self._pool]

    async def erase(self, pattern: str) -> int:
        """Remove the keys that a glob matches, which takes a look at every key there is; return how many.

        Raises:
            StoreError: When the server doesn't answer in time, or refuses.
        """
        [info] = await self._exchange(self._pool, [("INFO", "cluster")])
        if b"cluster_enabled:1" in info:
            await self._learn_nodes()
        return sum([await self._erase(pool, pattern) for pool in self._pools()])

    async def _erase(self, pool: ConnectionPool, pattern: str) -> int:
        cursor, gone = b"0", 0
        while True:
            scan: Command = ("SCAN", cursor, "MATCH", pattern, "COUNT", SCANNED)
            [(cursor, keys)] = await self._exchange(pool, [scan])
            # One by one: on a cluster, keys of several slots are no one command's.
            gone += sum(await self._exchange(pool, [("UNLINK", key) for key in keys])) if keys else 0
            if cursor == b"0":
                return gone

    async def run(
        self, script: "Script", items: Sequence["Item"], before: tuple[object, ...]
    ) -> list[tuple[Sequence[int], Any]]:
        """Send all calls in one write; return each call's result with the numbers of its items.

        The script gets msgpack: a list with what is said of each item, behind `before` if there is any.

        Raises:
            StoreError: When the server doesn't answer in time, or refuses.
        """
        if not items:
            return []
        try:
            return await self._call(script, items, before)
        except (ClusterCrossSlotError, MovedError, AskError):
            # A cluster takes together only what lies in one slot, and each slot lies on one node, which
            # may change; calls that went through do no harm twice.
            await self._learn_nodes()
            return await self._call(script, items, before)

    async def _call(
        self, script: "Script", items: Sequence["Item"], before: tuple[object, ...]
    ) -> list[tuple[Sequence[int], Any]]:
        if not self._homes:
            return await self._call_node(self._pool, script, items, _in_calls(range(len(items))), before)
        by_node: dict[ConnectionPool, list[Sequence[int]]] = {}
        for numbers in _in_buckets(items):
            by_node.setdefault(self._homes[items[numbers[0]].bucket], []).append(numbers)
        try:
            answers = await asyncio.gather(
                *(self._call_node(pool, script, items, calls, before) for pool, calls in by_node.items())
            )
        except StoreError:
            # Its node may be gone and another have taken its place.
            self._homes = {}
            raise
        return [answer for some in answers for answer in some]

    async def _call_node(
        self,
        pool: ConnectionPool,
        script: "Script",
        items: Sequence["Item"],
        calls: Sequence[Sequence[int]],
        before: tuple[object, ...],
    ) -> list[tuple[Sequence[int], Any]]:
        commands = [_command(script, [items[number] for number in numbers], before) for numbers in calls]
        times = min(-(-sum(map(len, calls)) // IN_TIME), MOST_TIMES)
        try:
            replies = await self._exchange(pool, commands, times)
        except NoScriptError:
            # A fresh server, or one that was started again; calls that went through do no harm twice.
            await self._exchange(pool, [("SCRIPT", "LOAD", script.text)])
            try:
                replies = await self._exchange(pool, commands, times)
            except NoScriptError as error:
                raise StoreError(f"the store forgets its scripts: {error}") from error
        return list(zip(calls, replies, strict=True))

    async def _learn_nodes(self) -> None:
        """Ask a cluster, by whichever node answers, which of them has which bucket."""
        for pool in (self._pool, *self._nodes.values()):
            try:
                [ranges] = await self._exchange(pool, [("CLUSTER", "SLOTS")])
            except StoreError as error:
                reason = error
                continue
            for number in range(BUCKETS):
                bucket = f"{number:02x}"
                slot = key_slot(bucket.encode())
                host, port = next(
                    (node[0], node[1]) for first, last, node, *_ in ranges if first <= slot <= last
                )
                self._homes[bucket] = self._node(host.decode() or pool.connection_kwargs["host"], port)
            return
        raise reason

    def _node(self, host: str, port: int) -> ConnectionPool:
        address = f"{host}:{port}"
        if address not in self._nodes:
            pool = _pool(self._url)
            pool.connection_kwargs |= {"host": host, "port": port}
            self._nodes[address] = pool
        return self._nodes[address]

    async def _exchange(self, pool: ConnectionPool, commands: Sequence[Command], times: int = 1) -> list[Any]:
        """Send the commands and return their replies; the first error is raised when all are read.

        Args:
            times: How many time-outs all of it may take.

        Raises:
            StoreError: Whatever goes wrong, but for what a caller can mend: scripts and slots.
        """
        replies: list[Any] = []
        now, timeout_s = asyncio.get_running_loop().time, self._timeout_s
        began = now()
        try:
            async with asyncio.timeout(timeout_s) as patience:
                connection = await pool.get_connection()  # type: ignore[no-untyped-call]  # decorated
                try:
                    async for reply in _replies(connection, commands):
                        replies.append(reply)
                        patience.reschedule(min(now(), began + (times - 1) * timeout_s) + timeout_s)
                finally:
                    await pool.release(connection)
            for reply in replies:
                if isinstance(reply, ResponseError):
                    raise reply
        except (NoScriptError, ClusterCrossSlotError, MovedError, AskError):
            raise
        except TimeoutError as error:
            if not replies:
                raise StoreError(f"no answer from the store within {timeout_s * 1000:g} ms") from error
            few, ms = f"only {len(replies)} of {len(commands)} answers", (now() - began) * 1000
            raise StoreError(f"{few} from the store within {ms:.0f} ms") from error
        except (RedisError, OSError) as error:
            raise StoreError(f"the store refuses: {error}") from error
        return replies


def _pool(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(
        url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=None, client_name="chatsieve"
    )


async def _replies(connection: AbstractConnection, commands: Sequence[Command]) -> AsyncIterator[Any]:
    """Send the commands and yield their replies; an error is one too, so that none is left behind.

    Not by a pipeline of redis-py: that spends more on a reply than everything else here together.
    """
    for some in _in_writes(commands):
        await connection.send_packed_command(b"".join(some))
        for _ in some:
            try:
                reply = await connection.read_response()
            except ResponseError as error:
                reply = error
            yield reply


def _in_writes(commands: Sequence[Command]) -> Iterator[list[bytes]]:
    """Yield the commands as they are sent, some at a time."""
    some: list[bytes] = []
    size = 0
    for command in commands:
        # Its type stub asks for a tuple of one.
        some.append(hiredis.pack_command(command))  # type: ignore[arg-type]
        size += len(some[-1])
        if size >= SENT_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


class Item(msgspec.Struct, frozen=True, gc=False):
    """What a script is told of one thing: where it lies, its keys, and what stands in the arguments.

    Attributes:
        said: Goes with the others into ARGV[1]. The scripts' msgpack knows no bytes, so
        raw: these go into an argument of their own for each item, from ARGV[2] on.
    """

    bucket: str
    keys: tuple[str, ...]
    said: object
    raw: bytes | None = None


def _in_calls(numbers: Sequence[int]) -> list[Sequence[int]]:
    """Return calls of so few items that others need not wait long for the server."""
    return [numbers[start : start + PER_CALL] for start in range(0, len(numbers), PER_CALL)]


def _in_buckets(items: Sequence[Item]) -> list[Sequence[int]]:
    buckets: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        buckets.setdefault(item.bucket, []).append(number)
    return [call for numbers in buckets.values() for call in _in_calls(numbers)]


def _command(script: "Script", items: Sequence[Item], before: tuple[object, ...]) -> Command:
    keys = [key for item in items for key in item.keys]
    said = [item.said for item in items]
    raw = [item.raw for item in items if item.raw is not None]
    return ("EVALSHA", script.sha, len(keys), *keys, PACK.encode((*before, said) if before else said), *raw)


class Script(NamedTuple):
    """A Lua script and the name that a server gives it."""

    text: str
    sha: str


def script(name: str) -> Script:
    """Read a script that lies beside this file."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def bucket_of(digits: str) -> str:
    """Return the bucket of what is named by a hash: two hexadecimal digits of the hash pick it."""
    return f"{int(digits[:2], 16) % BUCKETS:02x}"


def hashed(key: bytes, size: int, name: str) -> str:
    """Return a name's keyed hash of so many bytes, in hexadecimal digits."""
    return blake2b(name.encode("utf-8", "surrogatepass"), key=key, digest_size=size).hexdigest()


PACK = msgspec.msgpack.Encoder()
