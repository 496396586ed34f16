"""Keeps trails in Redis or Valkey: a string each, under chatsieve:{0f}:<kind>:<key>, with a time to live."""

from collections.abc import Sequence

from streams.store.redis_scripts import BUCKETS, Item, Scripts, script
from streams.store.trails import Note


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
        # By the first two digits of a key, its bucket and how it begins.
        buckets = {f"{number:02x}": f"{number % BUCKETS:02x}" for number in range(256)}
        self._places = {digits: (bucket, f"{prefix}{{{bucket}}}:") for digits, bucket in buckets.items()}

    async def note(self, notes: Sequence[Note]) -> list[bytes]:
        """See TrailStore."""
        places, items = self._places, []
        for kind, key, entry in notes:
            bucket, stem = places[key[:2]]
            items.append(Item(bucket, (f"{stem}{kind.name}:{key}",), kind[1:], entry))
        answers: list[bytes] = [b""] * len(notes)
        for numbers, replies in await self._scripts.run(self._note, items, ()):
            for number, reply in zip(numbers, replies, strict=True):
                answers[number] = reply
        return answers

    async def close(self) -> None:
        """Let the connections go."""
        await self._scripts.close()
