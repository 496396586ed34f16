"""Keeps trails in Redis or Valkey: a string each, under chatsieve:{0f}:<kind>:<key>, with a time to live."""

from collections.abc import Sequence
from functools import lru_cache

from streams.store.redis_scripts import Item, Scripts, bucket_of, script
from streams.store.trails import Notes

AT_HAND = 65_536


class RedisTrails:
    """A TrailStore on a Redis-protocol server.

    Args:
        url: redis://, rediss:// (TLS) or unix://, with user and password where the server asks for them.
        prefix: Put before every key.
        timeout_s: Bound on each call, connecting included.

    Raises:
        ConfigurationError: The URL can't be used.
    """

    def __init__(self, url: str, *, prefix: str = "chatsieve:", timeout_s: float = 0.25) -> None:
        self._scripts = Scripts(url, timeout_s=timeout_s)
        self._note = script("note_trails.lua")
        # What is asked in one batch is asked again soon.
        self._place = lru_cache(AT_HAND)(lambda kind, key: _place(prefix, kind, key))

    async def note(self, notes: Sequence[Notes]) -> list[bytes]:
        """See TrailStore."""
        answers = [b""] * len(notes)
        for numbers, replies in await self._scripts.run(self._note, [self._item(one) for one in notes], ()):
            for number, reply in zip(numbers, replies, strict=True):
                answers[number] = reply
        return answers

    async def close(self) -> None:
        """Let the connections go."""
        await self._scripts.close()

    def _item(self, one: Notes) -> Item:
        kind = one.kind
        bucket, keys = self._place(kind.name, one.key)
        return Item(bucket, keys, (kind.size, kind.keep, one.keep_s), one.entries)


def _place(prefix: str, kind: str, key: str) -> tuple[str, tuple[str]]:
    bucket = bucket_of(key)
    return bucket, (f"{prefix}{{{bucket}}}:{kind}:{key}",)
