"""Who may ask: bearer keys of tenants, kept as hashes in a file that is read again when it changes."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import structlog

from streams.config_files import read_yaml
from streams.errors import ConfigurationError
from streams.wire.records import Name, Place

log = structlog.get_logger(__name__)

# Keys start so, to be found by those who look for secrets in code.
PREFIX = "csk_"
EVERY_S = 1.0


class May(StrEnum):
    """What a key is good for."""

    JUDGE = "judge"
    RECORD = "record"
    REVIEW = "review"
    FEEDBACK = "feedback"


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key as it stands in the file.

    Attributes:
        name: For people and logs.
        hash: "sha256:" and the key's SHA-256 in hexadecimal. Keys are random and long, so nothing slower is
            needed.
        may: What it is good for; everything where nothing is said.
        rate: Messages a second, over the time of a `burst`; None is the server's own.
        burst: Messages that may come at once; None is two seconds of the rate, at least 100.
    """

    name: Name
    tenant: Place
    hash: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]
    may: tuple[May, ...] = tuple(May)
    rate: Annotated[float, msgspec.Meta(gt=0)] | None = None
    burst: Annotated[int, msgspec.Meta(ge=100)] | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    keys: tuple[Key, ...]


class NewKey(NamedTuple):
    """A key that was just made: what the caller sends, and what is kept of it."""

    secret: str
    hash: str


def new_key() -> NewKey:
    """Make a key of 256 random bits."""
    secret = PREFIX + secrets.token_urlsafe(32)
    return NewKey(secret, hash_of(secret.encode()))


def hash_of(secret: bytes) -> str:
    """Return what is kept of a key."""
    return f"sha256:{hashlib.sha256(secret).hexdigest()}"


class Allowance:
    """What is left of a key's rate: a bucket that fills with time.

    Args:
        rate: Messages a second.
        burst: Messages that it holds at most.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self.burst = rate, burst
        self._left = burst
        self._at = now

    def wait_for(self, messages: int, now: float) -> float:
        """Take so many, and return 0; or take none, and return in how many seconds they are there."""
        self._left = min(self.burst, self._left + (now - self._at) * self.rate)
        self._at = now
        if messages <= self._left:
            self._left -= messages
            return 0.0
        return (messages - self._left) / self.rate


class Keyring:
    """The keys in force, and what each has left of its rate.

    Args:
        path: The file of keys.
        rate: Messages a second for keys that name none.

    Raises:
        ConfigurationError: The file is unusable.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self._path = path
        self._rate = rate
        self._print = _print(path)
        self._keys = _read(path)
        self._allowances: dict[str, Allowance] = {}

    def find(self, secret: bytes) -> Key | None:
        """Return the key with this secret; what is compared are hashes, so how long it takes says nothing."""
        return self._keys.get(hash_of(secret))

    def wait_for(self, key: Key, messages: int) -> float:
        """As `Allowance.wait_for`, of this key."""
        now = time.monotonic()
        allowance = self._allowances.get(key.hash)
        if allowance is None:
            rate = key.rate or self._rate
            allowance = Allowance(rate, key.burst or max(100.0, 2 * rate), now)
            self._allowances[key.hash] = allowance
        return allowance.wait_for(messages, now)

    async def run(self) -> None:
        """Look at the file now and then, until cancelled; one that is broken leaves the keys as they are."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.look()

    def look(self) -> None:
        """Read the file again if it has changed."""
        seen = _print(self._path)
        if seen == self._print:
            return
        self._print = seen
        try:
            self._keys = _read(self._path)
        except ConfigurationError as error:
            log.error("keys_refused", error=str(error), in_force=len(self._keys))  # noqa: TRY400 - one line
        else:
            self._allowances.clear()
            log.info("keys_read", keys=len(self._keys))


def _print(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> dict[str, Key]:
    keys = read_yaml(path, _File).keys
    found = {key.hash: key for key in keys}
    if len(found) < len(keys):
        raise ConfigurationError(f"{path}: two keys have the same hash: make one of them anew with `api key`")
    return found
