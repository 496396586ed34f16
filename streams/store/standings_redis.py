"""Keeps standings in Redis or Valkey.

An author's key is hashed with a secret, and the hash picks the bucket of that author's keys:

    chatsieve:{0f}:a:<author>          standing, ledger and marks, kept for 90 days after the last message
    chatsieve:{0f}:m:<author>:<day>    what is remembered of the messages of one UTC day, kept for 48 hours
    chatsieve:{0f}:w:<author>          the trail: the last messages, for an hour and a minute after the last
    chatsieve:{0f}:o:<author>          what fell off the ledger, kept as long as the standing
    chatsieve:{0f}:d:<author>          what humans decided on which verdict, and who reported it, 90 days

What the fields are is said in the scripts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from rules.finding.asked import LONGEST_S
from rules.finding.trail import MOST, SIZE
from rules.reputation import DAY_S, LEDGER, Entry, Reputation, age
from rules.verdict import Action
from streams.errors import ConfigurationError
from streams.store.redis_scripts import Item, Scripts, bucket_of, hashed, script
from streams.store.standings import (
    FALLEN_AT_ONCE,
    LEARNED,
    MOST_FALLEN,
    MOST_REPORTERS,
    MOST_REVISIONS,
    Ask,
    AuthorEffects,
    Change,
    Decided,
    Effect,
    Learned,
    PartitionId,
    Recall,
    Reported,
    Reversal,
    Standing,
    day,
)

KEEP_AUTHOR_S = 90 * DAY_S
KEEP_RECALLS_S = 2 * DAY_S
# A little longer than rules look back: the store's clock is not the records'.
KEEP_TRAIL_S = int(LONGEST_S) + 60

# Hashes kept at hand, because what a batch loads it saves soon after: some batches' worth, since
# more would only be out of the processor's caches when they are asked for.
AT_HAND = 16_384


class RedisStandings:
    """A StandingStore on a Redis-protocol server.

    Args:
        url: redis://, rediss:// (TLS) or unix://, with user and password where the server asks for them.
        key: Secret that authors and message ids are hashed with, 1 to 64 bytes. With another
            key every author is a newcomer.
        prefix: Put before every key.
        timeout_s: Seconds that the server may be silent; see Scripts.

    Raises:
        ConfigurationError: The URL or the key can't be used.
    """

    def __init__(self, url: str, *, key: bytes, prefix: str = "chatsieve:", timeout_s: float = 0.25) -> None:
        if not 1 <= len(key) <= 64:
            raise ConfigurationError("the key that authors are hashed with needs 1 to 64 bytes")
        self._scripts = Scripts(url, timeout_s=timeout_s)
        self._load = script("load_standings.lua")
        self._save = script("save_standings.lua")
        self._reset = script("reset_standing.lua")
        self._number = script("number_revisions.lua")
        self._report = script("count_reports.lua")
        self._place = lru_cache(AT_HAND)(lambda author: place(prefix, hashed(key, 16, author)))
        self._pattern = re.sub(r"([*?\[\]^\\])", r"\\\1", prefix)
        self._message_start = blake2b(key=key, digest_size=8)
        self._message = lru_cache(AT_HAND)(self._message_hash)

    async def load(self, asks: Sequence[Ask], now: float, *, trails: bool = False) -> list[Standing]:
        """See StandingStore."""
        today = day(now)
        questions = []
        for ask in asks:
            place = self._place(ask.author)
            recalls = place.recalls
            days = (f"{recalls}{today}", f"{recalls}{today - 1}") if ask.messages else ()
            messages = [self._message(message) for message in ask.messages]
            trail = (place.trail,) if trails else ()
            questions.append(Item(place.bucket, (place.standing, *days, *trail), messages))
        answers: list[Answer | None] = [None] * len(asks)
        said = [b""] * len(asks)
        for numbers, (reply, *found) in await self._scripts.run(self._load, questions, (trails,)):
            for number, answer in zip(numbers, ANSWERS.decode(reply), strict=True):
                answers[number] = answer
            for number, trail in zip(numbers, found, strict=False):  # there are none if none were asked for
                said[number] = trail
        return [
            answer.standing(ask.messages, trail)
            for ask, answer, trail in zip(asks, answers, said, strict=True)
            if answer
        ]

    async def save(self, batch: Sequence[AuthorEffects], half_life_s: float) -> None:
        """See StandingStore."""
        changes = []
        trails = any(isinstance(one, Effect) and one.entry for each in batch for one in each.effects)
        for each in batch:
            place, days = self._place(each.author), days_of(each.effects)
            effects = [
                self._packed(effect, days) if isinstance(effect, Effect) else whole(effect)
                for effect in each.effects
            ]
            recalls = place.recalls
            keys = (place.standing, *(f"{recalls}{one}" for one in days))
            ledger = concern_ledger(each.effects)
            said = (mark_field(each.partition), len(days), ledger, effects)
            if ledger:
                keys = (*keys, place.fallen)
            changes.append(
                Item(place.bucket, (*keys, place.trail), said, entries_of(each.effects))
                if trails
                else Item(place.bucket, keys, said)
            )
        # A plain float: msgpack knows no subclasses of it, such as a length of time from the policy.
        bounds = (LEDGER, MOST_FALLEN, FALLEN_AT_ONCE)
        before = (float(half_life_s), KEEP_AUTHOR_S, KEEP_RECALLS_S, *bounds, KEEP_TRAIL_S, SIZE, MOST)
        await self._scripts.run(self._save, changes, before)

    async def numbered(self, decisions: Sequence[Decided]) -> list[int]:
        """See StandingStore."""
        items = []
        for author, verdict, decision in decisions:
            place = self._place(author)
            items.append(Item(place.bucket, (place.revisions,), (verdict, self._message(decision))))
        numbers = [0] * len(items)
        for which, reply in await self._scripts.run(self._number, items, (KEEP_AUTHOR_S, MOST_REVISIONS)):
            for one, number in zip(which, msgspec.msgpack.decode(reply, type=list[int]), strict=True):
                numbers[one] = number
        return numbers

    async def reported(self, reports: Sequence[Reported]) -> list[tuple[int, float]]:
        """See StandingStore."""
        items = []
        for author, verdict, reporter, credibility in reports:
            place = self._place(author)
            said = (verdict, self._message(reporter), credibility)
            items.append(Item(place.bucket, (place.revisions,), said))
        counts = [(0, 0.0)] * len(items)
        for which, reply in await self._scripts.run(self._report, items, (KEEP_AUTHOR_S, MOST_REPORTERS)):
            for one, count in zip(which, COUNTS.decode(reply), strict=True):
                counts[one] = count
        return counts

    async def reset(self, author: str) -> None:
        """See StandingStore."""
        place = self._place(author)
        await self._scripts.run(
            self._reset, [Item(place.bucket, (place.standing, place.fallen), LEARNED)], ()
        )

    async def erase(self, author: str) -> int:
        """See StandingStore."""
        return await self._scripts.erase(f"{self._pattern}*{self.hashed(author)}*")

    def hashed(self, author: str) -> str:
        """Return what stands in the keys in an author's place."""
        return self._place(author).author

    async def ping(self) -> None:
        """See StandingStore."""
        await self._scripts.ping()

    async def close(self) -> None:
        """See StandingStore."""
        await self._scripts.close()

    def _message_hash(self, message: str) -> str:
        state = self._message_start.copy()
        state.update(message.encode("utf-8", "surrogatepass"))
        return state.hexdigest()

    def _packed(self, effect: Effect, days: Mapping[int, int]) -> tuple[object, ...]:
        today, recall = int(effect.at // DAY_S), effect.recall
        said = (
            effect.offset, effect.at, effect.kind, self._message(effect.message),
            days[today], days[today - 1],
            recall.strike, recall.good, effect.counts, recall.action, recall.content_hash,
        )  # fmt: skip
        if not recall.strike:  # most
            return said
        charge = effect.charge
        # A policy's number may be a kind of float that msgpack doesn't know, and nil would end a list in Lua.
        most = -1.0 if charge.most is None else float(charge.most)
        return (*said, charge.label, charge.ruleset, most, charge.credit)


class Place(NamedTuple):
    """Where an author lives.

    Attributes:
        author: Their hash.
        stem: How each of their keys begins.
    """

    author: str
    bucket: str
    stem: str

    @property
    def standing(self) -> str:
        """The key of the standing."""
        return f"{self.stem}a:{self.author}"

    @property
    def trail(self) -> str:
        """The key of the trail."""
        return f"{self.stem}w:{self.author}"

    @property
    def fallen(self) -> str:
        """The key of what fell off the ledger."""
        return f"{self.stem}o:{self.author}"

    @property
    def revisions(self) -> str:
        """The key of what humans decided."""
        return f"{self.stem}d:{self.author}"

    @property
    def recalls(self) -> str:
        """How the keys of recalls begin."""
        return f"{self.stem}m:{self.author}:"


class Answer(msgspec.Struct):
    """What load_standings.lua says of an author."""

    t: float
    s: float = 0.0
    g: int = 0
    n: int = 0
    f: float | None = None
    m: dict[str, int] = {}
    l: list[Entry] = []  # noqa: E741 - the script's name for it
    r: list[str] = []

    def standing(self, messages: Sequence[str], trail: bytes) -> Standing:
        return Standing(
            Reputation(
                self.s,
                self.g,
                self.n,
                self.f,
                self.t,
                tuple(sorted(self.l, key=age)) if self.l else (),
            ),
            {partition_of(field): mark for field, mark in self.m.items()},
            {message: recall(text) for message, text in zip(messages, self.r, strict=True) if text}
            if any(self.r)  # most messages are new
            else {},
            trail,
        )


def place(prefix: str, author: str) -> Place:
    bucket = bucket_of(author)
    return Place(author, bucket, stem(prefix, bucket))


@lru_cache(1024)
def stem(prefix: str, bucket: str) -> str:
    """Return how keys in a bucket begin; one string for all of them."""
    return f"{prefix}{{{bucket}}}:"


def whole(change: Reversal | Learned) -> tuple[object, ...]:
    """Return how the script is told of a change that is about no message."""
    if isinstance(change, Reversal):
        return (change.offset, change.at, "reversed", change.verdict)
    it = change.reputation
    # Nothing stands at the end for an author who was never seen: nil would end a list in Lua.
    seen = () if it.first_seen is None else (it.first_seen,)
    return (change.offset, it.as_of, "learned", it.strikes, it.good, it.messages, *seen)


def concern_ledger(changes: Iterable[Change]) -> bool:
    """Return whether there may be something to write on the ledger, as there seldom is."""
    for one in changes:  # noqa: SIM110 - any() would make a generator for each author
        if not isinstance(one, Effect) or one.recall.strike:
            return True
    return False


def entries_of(changes: Iterable[Change]) -> bytes:
    """Return what each change adds to the trail, one after another; what adds nothing is blank."""
    return b"".join([getattr(each, "entry", b"") or BLANK for each in changes])


def days_of(effects: Iterable[Change]) -> Mapping[int, int]:
    """Return the days whose recalls the effects read or write, each with its number from 1."""
    return _numbered(frozenset([int(each.at // DAY_S) for each in effects if isinstance(each, Effect)]))


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


BLANK = bytes(SIZE)
ACTIONS = {action.value: action for action in Action}
ANSWERS = msgspec.msgpack.Decoder(list[Answer])
COUNTS = msgspec.msgpack.Decoder(list[tuple[int, float]])
