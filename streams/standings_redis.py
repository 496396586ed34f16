"""Keeps standings in Redis or Valkey: a batch is one script call on a single server, and one per touched
bucket on a cluster, all in one round trip.

An author's key is hashed with a secret, and the hash picks one of 64 buckets, whose number stands in
braces in every key of that author, so that on a cluster all that a script touches lies in one slot:

    chatsieve:{0f}:a:<author>          standing and marks, kept for 90 days after the last message
    chatsieve:{0f}:m:<author>:<day>    what is remembered of the messages of one UTC day, kept for 48 hours

What the fields are is said in the scripts.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from hashlib import blake2b, sha1
from pathlib import Path
from typing import Any, NamedTuple

import hiredis
import msgspec
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterCrossSlotError, NoScriptError, RedisError, ResponseError

from rules.reputation import Reputation
from rules.verdict import Action
from streams.errors import ConfigurationError, StoreError
from streams.standings import DAY_S, Ask, AuthorEffects, Effect, PartitionId, Recall, Standing, day

BUCKETS = 64
KEEP_AUTHOR_S = 90 * DAY_S
KEEP_RECALLS_S = 2 * DAY_S

# Authors in one script call at most: while it runs the server answers nobody else.
PER_CALL = 256
# Hashes kept at hand, because what a batch loads it saves soon after.
AT_HAND = 65_536

Command = tuple[str | int | float | bytes | memoryview, ...]


class RedisStandings:
    """A StandingStore on a Redis-protocol server.

    Args:
        url: redis://, rediss:// (TLS) or unix://, with user and password where the server asks for them.
        key: Secret that authors and message ids are hashed with, 1 to 64 bytes. With another
            key every author is a newcomer.
        prefix: Put before every key.
        timeout_s: Bound on each call, connecting included.

    Raises:
        ConfigurationError: The URL or the key can't be used.
    """

    def __init__(self, url: str, *, key: bytes, prefix: str = "chatsieve:", timeout_s: float = 0.25) -> None:
        if not 1 <= len(key) <= 64:
            raise ConfigurationError("the key that authors are hashed with needs 1 to 64 bytes")
        try:
            # Nothing is tried again here: the caller knows better when to come back.
            self._pool = ConnectionPool.from_url(
                url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=None, client_name="chatsieve"
            )
        except ValueError as error:
            raise ConfigurationError(f"the store's URL can't be used: {error}") from error
        self._timeout_s = timeout_s
        self._by_bucket = False
        self._load = script("load_standings.lua")
        self._save = script("save_standings.lua")
        self._place = lru_cache(AT_HAND)(lambda author: place(prefix, hashed(key, 16, author)))
        self._message_start = blake2b(key=key, digest_size=8)
        self._message = lru_cache(AT_HAND)(self._message_hash)

    async def load(self, asks: Sequence[Ask], now: float) -> list[Standing]:
        """See StandingStore."""
        today = day(now)
        questions = []
        for ask in asks:
            place = self._place(ask.author)
            days = (f"{place.recalls}{today}", f"{place.recalls}{today - 1}") if ask.messages else ()
            messages = [self._message(message) for message in ask.messages]
            questions.append(Item(place.bucket, (place.standing, *days), messages))
        answers: list[Answer | None] = [None] * len(asks)
        for numbers, reply in await self._run(self._load, questions, ()):
            for number, answer in zip(numbers, ANSWERS.decode(reply), strict=True):
                answers[number] = answer
        return [answer.standing(ask.messages) for ask, answer in zip(asks, answers, strict=True) if answer]

    async def save(self, batch: Sequence[AuthorEffects], half_life_s: float) -> None:
        """See StandingStore."""
        changes = []
        for each in batch:
            place, days = self._place(each.author), days_of(each.effects)
            effects = [self._packed(effect, days) for effect in each.effects]
            keys = (place.standing, *(f"{place.recalls}{one}" for one in days))
            changes.append(Item(place.bucket, keys, (mark_field(each.partition), len(days), effects)))
        # A plain float: msgpack knows no subclasses of it, such as a length of time from the policy.
        await self._run(self._save, changes, (float(half_life_s), KEEP_AUTHOR_S, KEEP_RECALLS_S))

    async def ping(self) -> None:
        """See StandingStore."""
        async with self._connection() as connection:
            await exchange(connection, [("PING",)])

    async def close(self) -> None:
        """See StandingStore."""
        await self._pool.aclose()

    def _message_hash(self, message: str) -> str:
        state = self._message_start.copy()
        state.update(message.encode("utf-8", "surrogatepass"))
        return state.hexdigest()

    def _packed(self, effect: Effect, days: Mapping[int, int]) -> tuple[object, ...]:
        today, recall = day(effect.at), effect.recall
        return (
            effect.offset, effect.at, effect.kind, self._message(effect.message),
            days[today], days[today - 1],
            recall.strike, recall.good, effect.counts, recall.action, recall.content_hash,
        )  # fmt: skip

    async def _run(
        self, script: "Script", items: Sequence["Item"], before: tuple[object, ...]
    ) -> list[tuple[Sequence[int], Any]]:
        """Send all calls in one write; return each call's result with the numbers of its items."""
        if not items:
            return []
        try:
            return await self._call(script, items, before)
        except ClusterCrossSlotError:
            # A cluster takes together only what lies in one slot; calls that went through do no harm twice.
            self._by_bucket = True
            return await self._call(script, items, before)

    async def _call(
        self, script: "Script", items: Sequence["Item"], before: tuple[object, ...]
    ) -> list[tuple[Sequence[int], Any]]:
        calls = _in_buckets(items) if self._by_bucket else _in_order(len(items))
        commands = [_command(script, [items[number] for number in numbers], before) for numbers in calls]
        async with self._connection() as connection:
            try:
                replies = await exchange(connection, commands)
            except NoScriptError:
                # A fresh server, or one that was started again; calls that went through do no harm twice.
                await exchange(connection, [("SCRIPT", "LOAD", script.text)])
                replies = await exchange(connection, commands)
        return list(zip(calls, replies, strict=True))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AbstractConnection]:
        """Lend a connection for one call; whatever goes wrong comes out as StoreError."""
        try:
            async with asyncio.timeout(self._timeout_s):
                connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]  # decorated
                try:
                    yield connection
                finally:
                    await self._pool.release(connection)
        except ClusterCrossSlotError:
            raise
        except TimeoutError as error:
            raise StoreError(f"no answer from the store within {self._timeout_s * 1000:g} ms") from error
        except (RedisError, OSError) as error:
            raise StoreError(f"the store refuses: {error}") from error


async def exchange(connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
    """Send the commands in one write and return their replies; the first error is raised when all are read.

    Not by a pipeline of redis-py: that spends more on a reply than everything else here together.
    """
    # Its type stub asks for a tuple of one.
    packed = [hiredis.pack_command(command) for command in commands]  # type: ignore[arg-type]
    await connection.send_packed_command(b"".join(packed))
    replies, errors = [], []
    for _ in commands:
        try:
            replies.append(await connection.read_response())
        except ResponseError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return replies


class Item(NamedTuple):
    """What a script is told of an author: where it lies, its keys, and what stands in the argument."""

    bucket: str
    keys: tuple[str, ...]
    said: object


def _in_order(count: int) -> list[Sequence[int]]:
    """Return calls of so many items at most that others need not wait long for the server."""
    return [range(start, min(start + PER_CALL, count)) for start in range(0, count, PER_CALL)]


def _in_buckets(items: Sequence[Item]) -> list[Sequence[int]]:
    calls: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        calls.setdefault(item.bucket, []).append(number)
    return list(calls.values())


def _command(script: "Script", items: Sequence[Item], before: tuple[object, ...]) -> Command:
    keys = [key for item in items for key in item.keys]
    said = [item.said for item in items]
    return ("EVALSHA", script.sha, len(keys), *keys, PACK.encode((*before, said) if before else said))


class Place(NamedTuple):
    """Where an author lives: the bucket, the key of the standing, the beginning of the keys of recalls."""

    bucket: str
    standing: str
    recalls: str


class Answer(msgspec.Struct):
    """What load_standings.lua says of an author."""

    t: float
    s: float = 0.0
    g: int = 0
    n: int = 0
    f: float | None = None
    m: dict[str, int] = {}
    r: list[str] = []

    def standing(self, messages: Sequence[str]) -> Standing:
        return Standing(
            Reputation(self.s, self.g, self.n, self.f, self.t),
            {partition_of(field): mark for field, mark in self.m.items()},
            {message: recall(text) for message, text in zip(messages, self.r, strict=False) if text},
        )


class Script(NamedTuple):
    """A Lua script and the name that a server gives it."""

    text: str
    sha: str


def script(name: str) -> Script:
    """Read a script that lies beside this file."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


def hashed(key: bytes, size: int, name: str) -> str:
    return blake2b(name.encode("utf-8", "surrogatepass"), key=key, digest_size=size).hexdigest()


def place(prefix: str, author: str) -> Place:
    bucket = f"{int(author[:2], 16) % BUCKETS:02x}"
    return Place(bucket, f"{prefix}{{{bucket}}}:a:{author}", f"{prefix}{{{bucket}}}:m:{author}:")


def days_of(effects: Iterable[Effect]) -> Mapping[int, int]:
    """Return the days whose recalls the effects read or write, each with its number from 1."""
    return _numbered(frozenset(day(effect.at) for effect in effects))


@lru_cache(4096)
def _numbered(days: frozenset[int]) -> Mapping[int, int]:
    return {one: number for number, one in enumerate(sorted(days | {one - 1 for one in days}), start=1)}


@lru_cache(4096)
def mark_field(partition: PartitionId) -> str:
    return f"{partition.topic_id}/{partition.partition}"


@lru_cache(4096)
def partition_of(field: str) -> PartitionId:
    topic_id, _, number = field.rpartition("/")
    return PartitionId(topic_id, int(number))


def recall(text: str) -> Recall:
    strike, good, action, content_hash = text.split(" ", 3)
    return Recall(content_hash, ACTIONS[action], float(strike), good == "1")


ACTIONS = {action.value: action for action in Action}
PACK = msgspec.msgpack.Encoder()
ANSWERS = msgspec.msgpack.Decoder(list[Answer])
