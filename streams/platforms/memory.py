"""What a bridge must not forget when it is killed, in Redis: how far it was, what it did, who wrote what.

chatsieve:bridge:<name>:cursor          up to where the platform was heard
chatsieve:bridge:<name>:offsets         by topic UUID and partition, the next record to act on
chatsieve:bridge:<name>:done:<id>       a deed that was done, for eight days
chatsieve:bridge:<name>:first:<id>      by message and deed, the verdict that asked first, for eight days
chatsieve:bridge:<name>:said:<id>       author and channel of a message, for eight days
chatsieve:bridge:<name>:gone:<id>       a message that was taken away by us, for a day
chatsieve:bridge:<name>:report:<id>     the verdict behind a report, for eight days
chatsieve:bridge:<name>:later           what a platform has put off, by when it is due
chatsieve:bridge:<name>:silenced:<who>  the verdict of an author's last time-out in a channel, for eight days
chatsieve:bridge:<name>:holds           verdicts that hold something, by when they expire
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from rules.verdict import Verdict
from streams.errors import ConfigurationError, StoreError
from streams.feedback.decisions import base_of

DAY_S = 86_400
# A day longer than verdicts lie on their topic.
KEEP_S = 8 * DAY_S
# Stands for a deed that was done; for another it says why it wasn't.
DONE = b"1"


class Said(NamedTuple):
    """Who wrote a message, and where."""

    author: str | None
    channel: str


class Memory:
    """One bridge's memory.

    Args:
        url: redis://, rediss:// or unix://.
        prefix: Put before every key.

    Raises:
        StoreError: From each method, when the store doesn't answer in time or refuses.
    """

    def __init__(self, url: str, name: str, *, prefix: str, timeout_s: float) -> None:
        try:
            self._redis: Any = Redis.from_url(
                url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, protocol=2
            )
        except ValueError as error:
            raise ConfigurationError(f"the store's URL can't be used: {error}") from error
        self._at = f"{prefix}bridge:{name}:"

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.aclose()

    async def cursor(self) -> str | None:
        """Return up to where the platform was heard."""
        async with self._asked():
            found = await self._redis.get(self._at + "cursor")
        return found.decode() if found is not None else None

    async def set_cursor(self, cursor: str) -> None:
        """Note up to where."""
        async with self._asked():
            await self._redis.set(self._at + "cursor", cursor)

    async def offsets(self) -> dict[str, int]:
        """Return the next records to act on, by "topic-uuid/partition"."""
        async with self._asked():
            found = await self._redis.hgetall(self._at + "offsets")
        return {name.decode(): int(value) for name, value in found.items()}

    async def set_offsets(self, offsets: Mapping[str, int]) -> None:
        """Note the next records to act on."""
        if offsets:
            async with self._asked():
                await self._redis.hset(self._at + "offsets", mapping=dict(offsets))

    async def came_of(self, task: str) -> str | None:
        """Return what was noted of a deed: "" where it was done, else why not; None where it wasn't tried."""
        async with self._asked():
            found = await self._redis.get(f"{self._at}done:{task}")
        return None if found is None else "" if found == DONE else str(found.decode())

    async def claim(self, task: str) -> bool:
        """Note a deed as done; False where one was noted before."""
        async with self._asked():
            return bool(await self._redis.set(f"{self._at}done:{task}", DONE, nx=True, ex=KEEP_S))

    async def note(self, task: str, why_not: str | None) -> None:
        """Note a deed as done, or why it isn't."""
        said = DONE if why_not is None else why_not.encode("utf-8", "replace")
        async with self._asked():
            await self._redis.set(f"{self._at}done:{task}", said, ex=KEEP_S)

    async def is_copy(self, verdict: Verdict, what: str) -> bool:
        """Return whether the message came twice, and its other verdict has asked for the same before.

        Edits and revisions ask anew.
        """
        if verdict.kind != "created" or verdict.revision:
            return False
        key = f"{self._at}first:{verdict.message_id}/{what}"
        async with self._asked():
            if await self._redis.set(key, verdict.id, nx=True, ex=KEEP_S):
                return False
            return bool(await self._redis.get(key) != verdict.id.encode())

    async def remember(self, said: Mapping[str, Said]) -> None:
        """Note who wrote which messages."""
        if not said:
            return
        async with self._asked(), self._redis.pipeline(transaction=False) as pipe:
            for message, who in said.items():
                pipe.set(f"{self._at}said:{message}", msgspec.json.encode(who), ex=KEEP_S)
            await pipe.execute()

    async def recall(self, messages: Sequence[str]) -> list[Said | None]:
        """Return who wrote each message."""
        if not messages:
            return []
        async with self._asked():
            found = await self._redis.mget([f"{self._at}said:{message}" for message in messages])
        return [msgspec.json.decode(each, type=Said) if each is not None else None for each in found]

    async def note_gone(self, message: str) -> None:
        """Note that we are about to take a message away."""
        async with self._asked():
            await self._redis.set(f"{self._at}gone:{message}", b"1", ex=DAY_S)

    async def forget_gone(self, message: str) -> None:
        """Note that a message is back."""
        async with self._asked():
            await self._redis.delete(f"{self._at}gone:{message}")

    async def gone(self, messages: Sequence[str]) -> set[str]:
        """Return which of these messages we took away."""
        if not messages:
            return set()
        async with self._asked():
            found = await self._redis.mget([f"{self._at}gone:{message}" for message in messages])
        return {message for message, each in zip(messages, found, strict=True) if each is not None}

    async def set_report(self, report: str, verdict: Verdict) -> None:
        """Note which verdict a report is about."""
        async with self._asked():
            await self._redis.set(f"{self._at}report:{report}", msgspec.json.encode(verdict), ex=KEEP_S)

    async def report(self, report: str) -> Verdict | None:
        """Return the verdict that a report is about."""
        async with self._asked():
            found = await self._redis.get(f"{self._at}report:{report}")
        return msgspec.json.decode(found, type=Verdict) if found is not None else None

    async def set_hold(self, verdict: Verdict, until: float) -> None:
        """Note that a message is held, until an epoch second."""
        async with self._asked():
            await self._redis.set(
                f"{self._at}hold:{verdict.message_id}", msgspec.json.encode(verdict), ex=KEEP_S
            )
            await self._redis.zadd(self._at + "holds", {verdict.message_id: until})

    async def end_hold(self, message: str) -> bool:
        """Note that a message is held no more; False where it wasn't."""
        async with self._asked():
            return bool(await self._redis.zrem(self._at + "holds", message))

    async def set_silenced(self, verdict: Verdict) -> None:
        """Note that a verdict has cost its author the floor."""
        async with self._asked():
            await self._redis.set(self._silenced(verdict), _base(verdict), ex=KEEP_S)

    async def is_silenced(self, verdict: Verdict) -> bool:
        """Return whether it was this verdict, and no later one, that took the floor from its author."""
        async with self._asked():
            return bool(await self._redis.get(self._silenced(verdict)) == _base(verdict))

    async def end_silenced(self, verdict: Verdict) -> None:
        """Note that its author has the floor again."""
        async with self._asked():
            await self._redis.delete(self._silenced(verdict))

    def _silenced(self, verdict: Verdict) -> str:
        return f"{self._at}silenced:{verdict.channel}/{verdict.author}"

    async def set_later(self, what: str, at: float) -> None:
        """Note what is to be done at an epoch second."""
        async with self._asked():
            await self._redis.zadd(self._at + "later", {what: at})

    async def later(self, now: float) -> list[str]:
        """Return what is due."""
        async with self._asked():
            found = await self._redis.zrangebyscore(self._at + "later", "-inf", now, start=0, num=100)
        return [what.decode() for what in found]

    async def end_later(self, what: str) -> None:
        """Note that something was done."""
        async with self._asked():
            await self._redis.zrem(self._at + "later", what)

    async def due(self, now: float) -> list[Verdict]:
        """Return the verdicts whose holds have expired."""
        async with self._asked():
            names = await self._redis.zrangebyscore(self._at + "holds", "-inf", now, start=0, num=100)
            found = await self._redis.mget([f"{self._at}hold:{n.decode()}" for n in names]) if names else []
            missing = [n for n, each in zip(names, found, strict=True) if each is None]
            if missing:
                await self._redis.zrem(self._at + "holds", *missing)
        return [msgspec.json.decode(each, type=Verdict) for each in found if each is not None]

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise StoreError(
                f"the store of the bridge's memory doesn't answer: is CHATSIEVE_STORE its address? ({error})"
            ) from error


def _base(verdict: Verdict) -> bytes:
    return base_of(verdict.id).encode()
