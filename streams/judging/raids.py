"""Raids on channels: begun by a worker that sees one, or by hand; ladders are lowered there meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b

import msgspec
import structlog

from rules.message import Message
from rules.schema.policy import Raid, matches
from streams.control.orders import Orders, RaidOrder, moment

log = structlog.get_logger(__name__)

# A log that is judged again begins no raid: what it tells of is over.
MAX_AGE_S = 600.0


class Raids:
    """Knows the raids in force, and gives orders for those that this worker sees.

    Args:
        give: Sends an order to `mod.control`.
        clock: Returns epoch seconds; raids last by the clock, as all orders do.
    """

    def __init__(
        self,
        orders: Orders,
        give: Callable[[RaidOrder], None],
        *,
        worker: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._orders = orders
        self._give = give
        self._worker = worker
        self._clock = clock
        self._own: dict[tuple[str, str], RaidOrder] = {}

    def at(self, message: Message) -> RaidOrder | None:
        """Return the raid on the message's channel, if there is one."""
        known = self._orders.raids()
        if not known and not self._own:  # as nearly always
            return None
        now = self._clock()
        own = self._own.get((message.tenant, message.channel))
        found: tuple[RaidOrder, ...] = (*known, own) if own else known
        return next((one for one in found if one.in_force(now) and _covers(one, message)), None)

    def seen(self, message: Message, at: float, why: str, terms: Raid) -> None:
        """Begin a raid where the message was said, or let the one there is last longer.

        One that was ended by hand doesn't begin again before it would have been over.

        Args:
            at: The record's time.
            why: What was seen.
        """
        now = self._clock()
        if abs(now - at) > MAX_AGE_S:
            return
        where = (message.tenant, message.channel)
        number = f"raid-{blake2b(chr(0).join(where).encode(errors='replace'), digest_size=6).hexdigest()}"
        before = self._orders.find(number) or self._own.get(where)
        lasting = isinstance(before, RaidOrder) and now < before.until.timestamp()
        if lasting and isinstance(before, RaidOrder):
            if before.ended_at is not None or before.until.timestamp() - now > terms.lasts_s / 2:
                return
            order = msgspec.structs.replace(before, until=moment(now + terms.lasts_s))
        else:
            order = RaidOrder(
                id=number,
                author=self._worker,
                reason=why,
                at=moment(now),
                until=moment(now + terms.lasts_s),
                lower=float(terms.lower),
                tenant=_literal(message.tenant),
                channel=_literal(message.channel),
            )
        self._own[where] = order
        log.warning("raid", order=number, tenant=message.tenant, channel=message.channel, lasting=lasting)
        self._give(order)

    def settle(self) -> None:
        """End what this worker began and what is over, aloud."""
        now = self._clock()
        for where, order in [(where, one) for where, one in self._own.items() if not one.in_force(now)]:
            del self._own[where]
            latest = self._orders.find(order.id)
            if latest is None or not latest.in_force(now):
                self._give(
                    msgspec.structs.replace(
                        order, ended_at=moment(now), ended_by=self._worker, end_reason="calm again"
                    )
                )


def _covers(order: RaidOrder, message: Message) -> bool:
    return (order.tenant is None or matches((order.tenant,), message.tenant)) and (
        order.channel is None or matches((order.channel,), message.channel)
    )


def _literal(name: str) -> str:
    """Return a glob that matches this name alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
