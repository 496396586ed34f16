"""Keeps trails in Redis or Valkey: a string each, under chatsieve:{0f}:<kind>:<key>, with a time to live."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

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
        self._prefix = prefix
        self._places = lru_cache(16)(self._places_of)

    async def note(self, notes: Sequence[Note]) -> list[bytes]:
        """See TrailStore."""
        items: list[Item] = []
        kinds: list[tuple[int, int, int, bool]] = []
        for kind, some in groupby(notes, itemgetter(0)):
            places = self._places(kind.name)
            kinds.append(kind[1:])
            for _, key, entry in some:
                bucket, stem = places[key[:2]]
                items.append(Item(bucket, (stem + key,), len(kinds), entry))
        answers: list[bytes] = [b""] * len(notes)
        for numbers, replies in await self._scripts.run(self._note, items, (kinds,)):
            for number, reply in zip(numbers, replies, strict=True):
                answers[number] = reply
        return answers

    def _places_of(self, kind: str) -> dict[str, tuple[str, str]]:
        """Return, by the first two digits of a key, its bucket and how it begins."""
        buckets = {f"{number:02x}": f"{number % BUCKETS:02x}" for number in range(256)}
        return {digits: (bucket, f"{self._prefix}{{{bucket}}}:{kind}:") for digits, bucket in buckets.items()}

    async def close(self) -> None:
        """Let the connections go."""
        await self._scripts.close()
