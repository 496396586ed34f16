"""`mod.control` seen from outside a worker: what was ordered, who follows it, who runs what since when."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from kafka import TopicPartition

from streams.control.orders import ORDER, Order, is_order, key_of, read_order
from streams.errors import BrokerError, UnreadableError
from streams.kafka.access import Access, consumer
from streams.kafka.records import produce
from streams.kafka.topics import bounds
from streams.wire.records import ControlEvent
from streams.wire.writing import cloud_event, rfc3339

# A worker says once a minute that it is alive.
SILENT_S = 180.0
# Orders are forgotten when they have been over for so long.
REMEMBERED_S = 14 * 86_400.0
ANSWER_S = 10.0
# How often it is looked whether workers follow.
LOOK_S = 0.2


class WorkerState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a worker said last.

    Attributes:
        state: "running", "silent" for some minutes, or "stopped" in order.
        since: RFC 3339, from when its rule set has been in force.
        heard: RFC 3339, when it last spoke.
        origin: Where the rule set came from: "files", "last_good", "rollback" or "orders".
        stale: Why its newest files aren't in force.
        orders: Ids of the orders that it follows.
    """

    worker: str
    state: str
    ruleset: str | None
    since: str | None
    heard: str
    origin: str | None = None
    stale: str | None = None
    orders: tuple[str, ...] = ()


class Control(NamedTuple):
    """All that lies on the topic: orders by id, and the last word of each worker on each matter."""

    orders: dict[str, Order]
    events: list[ControlEvent]

    def in_force(self, now: float) -> list[Order]:
        """Return the orders that hold, the oldest first."""
        return sorted(
            (order for order in self.orders.values() if order.in_force(now)), key=lambda order: order.at
        )


def read(access: Access, topic: str) -> Control:
    """Return what lies on `mod.control`.

    Raises:
        BrokerError: The broker doesn't answer, or there is no such topic.
    """
    its = TopicPartition(topic, 0)
    orders: dict[str, Order] = {}
    events: dict[bytes, ControlEvent] = {}
    with consumer(access, [its]) as reader:
        begins, ends = bounds(reader, [its])
        reader.seek(its, begins[its])
        patience = time.monotonic() + 2 * ANSWER_S
        while reader.position(its) < ends[its]:
            for record in reader.poll(timeout_ms=200).get(its, ()):
                _note(record.key, record.value, orders, events)
            if time.monotonic() > patience:
                raise BrokerError(f"{topic} can't be read to its end: try again")
    return Control(orders, list(events.values()))


def _note(
    key: bytes | None, value: bytes | None, orders: dict[str, Order], events: dict[bytes, ControlEvent]
) -> None:
    if key is None:
        return
    orders.pop(key.decode(errors="replace").removeprefix("order/"), None)
    events.pop(key, None)
    try:
        if value and is_order(key):
            order = read_order(value)
            orders[order.id] = order
        elif value:
            events[key] = msgspec.json.decode(value, type=ControlEvent)
    except (UnreadableError, msgspec.MsgspecError):
        return  # written by hand, or by a later version


def say(access: Access, topic: str, *orders: Order, forget: Sequence[str] = ()) -> None:
    """Put orders on the topic, and take those that are to be forgotten off it.

    Raises:
        BrokerError: The broker doesn't answer, or there is no such topic.
    """
    for order in orders:
        at = rfc3339(time.time())
        headers = cloud_event(f"order/{order.id}/{at}", ORDER, "/chatsieve/operator", at)
        produce(access, topic, [(key_of(order.id), msgspec.json.encode(order))], headers)
    if forget:
        produce(access, topic, [(key_of(name), None) for name in forget])


def long_over(control: Control, now: float) -> list[str]:
    """Return ids of orders that ended so long ago that nobody asks for them any more."""
    ends = {order.id: min(order.until, order.ended_at or order.until) for order in control.orders.values()}
    return [name for name, end in ends.items() if end.timestamp() < now - REMEMBERED_S]


def workers(events: Iterable[ControlEvent], now: float) -> list[WorkerState]:
    """Return what each worker said last of itself, by name."""
    said: dict[str, list[ControlEvent]] = {}
    for event in events:
        if event.event.startswith(("worker_", "ruleset_")):
            said.setdefault(event.worker, []).append(event)
    return [_state(name, sorted(said[name], key=lambda event: event.at), now) for name in sorted(said)]


def _state(name: str, events: Sequence[ControlEvent], now: float) -> WorkerState:
    last = events[-1]
    state = "running"
    if last.event == "worker_stopped":
        state = "stopped"
    elif now - datetime.fromisoformat(last.at).timestamp() > SILENT_S:
        state = "silent"
    rejected = next((event for event in reversed(events) if event.reason is not None), None)
    alive = [event for event in events if event.event == "worker_alive"]
    stale = alive[-1].reason if alive else None
    if rejected is not None and (not alive or rejected.at > alive[-1].at):
        stale = rejected.reason
    return WorkerState(name, state, last.ruleset, last.since, last.at, last.origin, stale, last.orders)


class Followed(NamedTuple):
    """Which workers do as ordered, and which don't yet."""

    by: list[str]
    missing: list[str]


def wait_until_followed(
    access: Access, topic: str, order_id: str, *, ended: bool = False, within_s: float = ANSWER_S
) -> Followed:
    """Return when all workers that run follow an order, or don't any more, or when time is up.

    Raises:
        BrokerError: The broker doesn't answer.
    """
    patience = time.monotonic() + within_s
    while True:
        running = [one for one in workers(read(access, topic).events, time.time()) if one.state == "running"]
        followed = Followed(
            [one.worker for one in running if (order_id in one.orders) is not ended],
            [one.worker for one in running if (order_id in one.orders) is ended],
        )
        if not followed.missing or time.monotonic() > patience:
            return followed
        time.sleep(LOOK_S)
