"""What waits for a human: the items of `mod.review` on which nobody has decided, and verdicts to speak of."""

from __future__ import annotations

import asyncio
import base64
import binascii
import heapq
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import structlog

from rules.verdict import Action, Verdict
from streams.errors import BrokerError
from streams.judging.verdicts import evidence_of
from streams.kafka.access import Access
from streams.kafka.reading import Reader, ends
from streams.kafka.topics import Topics
from streams.problems import Fault, Problem
from streams.wire.records import Decision, Feedback, ReviewItem

log = structlog.get_logger(__name__)

# Items kept; beyond it the oldest go, aloud. Verdicts and decisions that are remembered.
MOST_ITEMS = 20_000
MOST_KNOWN = 100_000
START_S = 60.0
RETRY_S = 1.0


class Known(NamedTuple):
    """What feedback copies from a verdict; `partition` is that of its record."""

    tenant: str
    platform: str
    channel: str
    message_id: str
    author: str | None
    text_hash: str | None
    partition: int | None
    evidence: tuple[str, ...] = ()


class _Item(NamedTuple):
    at: str
    id: str
    known: Known
    queue: str | None
    expires: float | None
    value: bytes


class Wanted(NamedTuple):
    """Which items are asked for; None is any."""

    tenant: str
    channel: str | None = None
    queue: str | None = None


class Review:
    """The items that wait, as far as the topics tell; in memory, filled from their beginning."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str, str], _Item] = {}
        self._decided: dict[str, None] = {}
        self._known: dict[str, Known] = {}
        self._review = msgspec.json.Decoder(ReviewItem)
        self._verdict = msgspec.json.Decoder(Verdict)
        self._feedback = msgspec.json.Decoder(Feedback)

    def __len__(self) -> int:
        return len(self._items)

    def known(self, verdict_id: str, tenant: str) -> Known | None:
        """Return what is known of a verdict of this tenant."""
        known = self._known.get(verdict_id)
        return known if known is not None and known.tenant == tenant else None

    def page(
        self, wanted: Wanted, limit: int, cursor: str | None, now: float
    ) -> tuple[list[bytes], str | None]:
        """Return the oldest items behind the cursor, and the cursor behind them where there are more.

        Raises:
            Problem: The cursor is none of ours.
        """
        after = _position(cursor) if cursor is not None else ("", "")
        fitting = (
            item
            for item in self._items.values()
            if item.known.tenant == wanted.tenant
            and (item.at, item.id) > after
            and (wanted.channel is None or item.known.channel == wanted.channel)
            and (wanted.queue is None or item.queue == wanted.queue)
            and (item.expires is None or item.expires > now)
        )
        found = heapq.nsmallest(limit + 1, fitting, key=lambda item: (item.at, item.id))
        shown = found[:limit]
        more = _cursor(shown[-1]) if len(found) > limit else None
        return [item.value for item in shown], more

    def take_review(self, value: bytes) -> None:
        """Note an item; a later one on the same message replaces it."""
        item = self._review.decode(value)
        verdict = item.verdict
        if item.reports is not None and self._raise(item):
            return
        known = self._note(verdict)
        if verdict.id in self._decided or (verdict.repeat and self._message(verdict) in self._items):
            return
        expires = datetime.fromisoformat(verdict.hold_until).timestamp() if verdict.hold_until else None
        self._items[self._message(verdict)] = _Item(
            verdict.judged_at, verdict.id, known, verdict.queue, expires, value
        )
        if len(self._items) > MOST_ITEMS:
            oldest = min(self._items, key=lambda key: self._items[key].at)
            log.warning("review_item_forgotten", verdict=self._items.pop(oldest).id, most=MOST_ITEMS)

    def _raise(self, item: ReviewItem) -> bool:
        """Note users' reports on the item that waits; return whether one does."""
        waiting = self._items.get(self._message(item.verdict))
        if waiting is None or waiting.id != item.verdict.id:
            return False
        before = self._review.decode(waiting.value)
        priority = item.verdict.priority or before.verdict.priority
        raised = msgspec.structs.replace(
            before,
            verdict=msgspec.structs.replace(before.verdict, priority=priority),
            reports=item.reports,
        )
        self._items[self._message(item.verdict)] = waiting._replace(value=msgspec.json.encode(raised))
        return True

    def take_action(self, value: bytes) -> None:
        """Note a verdict; one that leaves nothing to be looked at ends the waiting of its message."""
        verdict = self._verdict.decode(value)
        self._note(verdict)
        waiting = self._items.get(self._message(verdict))
        settled = verdict.action in (Action.ALLOW, Action.REMOVE) and verdict.queue is None
        if waiting is not None and settled and waiting.id != verdict.id and waiting.at <= verdict.judged_at:
            del self._items[self._message(verdict)]

    def take_feedback(self, value: bytes) -> None:
        """Note a decision; what was decided on waits no more. A user's report decides nothing."""
        feedback = self._feedback.decode(value)
        if feedback.decision is Decision.REPORT:
            return
        self._decided[feedback.verdict_id] = None
        _bound(self._decided)
        message = (feedback.tenant, feedback.platform, feedback.message_id)
        waiting = self._items.get(message)
        if waiting is not None and waiting.id == feedback.verdict_id:
            del self._items[message]

    def _note(self, verdict: Verdict) -> Known:
        known = Known(
            verdict.tenant, verdict.platform, verdict.channel, verdict.message_id, verdict.author,
            verdict.text_hash, verdict.source.partition if verdict.source else None, evidence_of(verdict),
        )  # fmt: skip
        self._known[verdict.id] = known
        _bound(self._known)
        return known

    @staticmethod
    def _message(verdict: Verdict) -> tuple[str, str, str]:
        return verdict.tenant, verdict.platform, verdict.message_id


class ReviewFollower:
    """Fills a `Review` from the topics, and goes on doing so."""

    def __init__(self, access: Access, topics: Topics, review: Review, *, wait_s: float) -> None:
        self._access = access
        self._wait_s = wait_s
        self._take = {
            topics.review: review.take_review,
            topics.actions: review.take_action,
            topics.feedback: review.take_feedback,
        }
        self.caught_up = asyncio.Event()

    async def start(self) -> None:
        """Return when what was on the topics has been read; `run` must be at work.

        Raises:
            BrokerError: It takes too long.
        """
        try:
            async with asyncio.timeout(START_S):
                await self.caught_up.wait()
        except TimeoutError as error:
            raise BrokerError(f"mod.review could not be read within {START_S:g} s") from error

    async def run(self) -> None:
        """Read until cancelled; begin again where the broker was away."""
        while True:
            try:
                await self._read()
            except BrokerError as error:
                log.warning("review_unread", error=str(error))
            await asyncio.sleep(RETRY_S)

    async def _read(self) -> None:
        where = await asyncio.to_thread(ends, self._access, list(self._take))
        left = {partition: end for partition, (begin, end) in where.items() if end > begin}
        start = {partition: begin for partition, (begin, _) in where.items()}
        async with Reader(self._access, start, wait_s=self._wait_s) as reader:
            async for records in reader.batches():
                for record in records:
                    self._take_one(record)
                    end = left.get((record.topic, record.partition))
                    if end is not None and record.offset + 1 >= end:
                        del left[record.topic, record.partition]
                if not left:
                    self.caught_up.set()

    def _take_one(self, record: Any) -> None:
        try:
            self._take[record.topic](record.value or b"")
        except msgspec.DecodeError as error:
            log.warning("record_unreadable", topic=record.topic, offset=record.offset, error=str(error))


def _bound(known: dict[str, Any]) -> None:
    if len(known) > MOST_KNOWN:
        del known[next(iter(known))]


def _cursor(item: _Item) -> str:
    return base64.urlsafe_b64encode(f"{item.at}|{item.id}".encode()).decode().rstrip("=")


def _position(cursor: str) -> tuple[str, str]:
    try:
        at, bar, name = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
    except (binascii.Error, ValueError) as error:
        raise _no_cursor() from error
    if not bar:
        raise _no_cursor()
    return at, name


def _no_cursor() -> Problem:
    fault = Fault("no cursor of ours: take `next` of the page before", "cursor")
    return Problem("invalid", "a parameter doesn't fit", errors=(fault,))
