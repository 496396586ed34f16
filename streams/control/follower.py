"""Follows `mod.control` from its beginning, outside of any group, so that every worker knows every order."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition

from streams.control.orders import Order, is_order, read_order
from streams.control.rulings import TextRuling, is_ruling, read_ruling
from streams.errors import BrokerError, UnreadableError
from streams.kafka.access import Access, consumer
from streams.kafka.topics import bounds

log = structlog.get_logger(__name__)

# The topic is small and compacted: now and then it is read anew, so that what was compacted away
# or lost with a topic made anew doesn't linger in a worker that runs for months.
REREAD_S = 600.0
RETRY_S = 1.0
# How long the broker may hold a fetch without news, and longest that stopping waits for one.
WAIT_MS = 500
START_S = 30.0


class Follower:
    """Reads the topic in a thread of its own and hands on all orders whenever one changes.

    Args:
        on_orders: Called on the event loop with every order that is known, ended ones too.
        on_rulings: Called on the event loop with rulings as they come, and again now and then; and with the
            keys of those that have been taken off the topic.
    """

    def __init__(
        self,
        access: Access,
        topic: str,
        on_orders: Callable[[Sequence[Order]], None],
        on_rulings: Callable[[Sequence[TextRuling], Collection[bytes]], None],
    ) -> None:
        self._access = access
        self._topic = topic
        self._on_orders = on_orders
        self._on_rulings = on_rulings
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Return when the whole topic has been read once; a worker must not judge before.

        Raises:
            BrokerError: The broker doesn't answer, or there is no such topic.
        """
        loop = asyncio.get_running_loop()
        first: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(
            target=self._follow, args=(loop, first), name="mod.control", daemon=True
        )
        self._thread.start()
        try:
            async with asyncio.timeout(START_S):
                await first
        except TimeoutError as error:
            raise BrokerError(f"{self._topic} could not be read within {START_S:g} s") from error

    async def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 5.0)

    def _follow(self, loop: asyncio.AbstractEventLoop, first: asyncio.Future[None]) -> None:
        def tell(orders: Sequence[Order]) -> None:
            self._on_orders(orders)
            if not first.done():
                first.set_result(None)

        def fail(error: BrokerError) -> None:
            if not first.done():
                first.set_exception(error)

        while not self._stop.is_set():
            try:
                self._read(
                    lambda orders: _call(loop, tell, orders),
                    lambda rulings, ended: _call(loop, self._on_rulings, rulings, ended),
                )
            except BrokerError as error:
                log.warning("control_unread", error=str(error))
                _call(loop, fail, error)
            except Exception as error:  # whatever lies on the topic, an order that follows must be heard
                log.exception("control_unread", error=repr(error))
            else:
                continue
            self._stop.wait(RETRY_S)

    def _read(
        self,
        tell: Callable[[Sequence[Order]], None],
        hand_on: Callable[[Sequence[TextRuling], Collection[bytes]], None],
    ) -> None:
        """Read from the beginning and on, until it is time to begin anew."""
        its = TopicPartition(self._topic, 0)
        orders: dict[bytes, Order] = {}
        with consumer(self._access, [its], wait_ms=WAIT_MS) as reader:
            begins, ends = bounds(reader, [its])
            reader.seek(its, begins[its])
            told = False
            heard = until = time.monotonic()
            until += REREAD_S
            while not self._stop.is_set() and time.monotonic() < until:
                found = reader.poll(timeout_ms=WAIT_MS).get(its, ())
                spoken = [record for record in found if is_ruling(record.key)]
                if spoken:
                    hand_on(_rulings(spoken), {record.key for record in spoken if not record.value})
                changed = _take(orders, found)
                caught_up = reader.position(its) >= ends[its]
                if caught_up and (changed or not told):
                    tell(list(orders.values()))
                    told = True
                heard = _sign_of_life(reader, its, heard)


def _take(orders: dict[bytes, Order], records: Sequence[Any]) -> bool:
    """Note what records say; return whether they spoke of orders."""
    changed = False
    for record in records:
        if not is_order(record.key):
            continue
        changed = True
        if not record.value:
            orders.pop(record.key, None)
            continue
        try:
            orders[record.key] = read_order(record.value)
        except UnreadableError as error:
            log.warning("order_unreadable", offset=record.offset, error=str(error))
    return changed


def _rulings(records: Sequence[Any]) -> list[TextRuling]:
    """Return the rulings in records that aren't there to take one off the topic."""
    found = []
    for record in records:
        if record.value:
            try:
                found.append(read_ruling(record.value))
            except UnreadableError as error:
                log.warning("ruling_unreadable", offset=record.offset, error=str(error))
    return found


def _sign_of_life(reader: KafkaConsumer, its: TopicPartition, heard: float) -> float:
    """Ask now and then; the library's poll would wait for ever for a broker that has gone."""
    now = time.monotonic()
    if now - heard < 5.0:
        return heard
    if reader.beginning_offsets([its])[its] > reader.position(its):
        raise BrokerError(f"{its.topic} begins anew")
    return now


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, *args)
