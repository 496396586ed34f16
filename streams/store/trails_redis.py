"""Keeps trails in Redis or Valkey: a string each, under chatsieve:{0f}:<kind>:<key>, with a time to live."""

from collections.abc import Sequence
from functools import lru_cache

from streams.store.redis_scripts import BUCKETS, Item, Scripts, script
from streams.store.trails import Kind, Note


class RedisTrails:
    """A TrailStore on a Redis-protocol server.

    Args:
        url: redis://, rediss:// (TLS) or unix://, with user and password where the server asks for them.
        prefix: Put before every key.
        timeout_s: Seconds that the server may be silent; see Scripts.

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
        # Notes on one trail go there one behind the other, so that the script reads and writes it once.
        keys = [key for _, key, _ in notes]
        order = sorted(range(len(notes)), key=keys.__getitem__)
        items: list[Item] = []
        kinds: dict[Kind, int] = {}
        for number in order:
            kind, key, entry = notes[number]
            bucket, stem = self._places(kind.name)[key[:2]]
            items.append(Item(bucket, (stem + key,), kinds.setdefault(kind, len(kinds) + 1), entry))
        answers: list[bytes] = [b""] * len(notes)
        said = ([kind[1:] for kind in kinds],)
        for called, replies in await self._scripts.run(self._note, items, said):
            for which, reply in zip(called, replies, strict=True):
                answers[order[which]] = reply
        return answers

    def _places_of(self, kind: str) -> dict[str, tuple[str, str]]:
        """Return, by the first two digits of a key, its bucket and how it begins."""
        buckets = {f"{number:02x}": f"{number % BUCKETS:02x}" for number in range(256)}
        return {digits: (bucket, f"{self._prefix}{{{bucket}}}:{kind}:") for digits, bucket in buckets.items()}

    async def close(self) -> None:
        """Let the connections go."""
        await self._scripts.close()
