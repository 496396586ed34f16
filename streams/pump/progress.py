"""How a worker gets on: how far it is in each partition, how far behind, and whether it stands still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping

import structlog

from streams.errors import BrokerError
from streams.kafka.access import Access
from streams.kafka.topics import unread
from streams.metrics import Metrics
from streams.pump.slices import Partition
from streams.pump.watchdog import Watchdog

log = structlog.get_logger(__name__)


class Progress:
    """Follows a worker's way through a topic.

    Args:
        group: Its consumer group; what others have committed counts until it is a member.
        standstill_s: So many seconds without a judged record, while there are some, are a standstill.

    Attributes:
        joined: It is a member, and knows which partitions are its own.
    """

    def __init__(
        self, access: Access, group: str, topic: str, *, metrics: Metrics, standstill_s: float
    ) -> None:
        self._access = access
        self._group = group
        self._topic = topic
        self._metrics = metrics
        self._watchdog = Watchdog(standstill_s, time.monotonic())
        self._position: dict[Partition, int] = {}
        self.joined = False

    @property
    def standing_still(self) -> bool:
        """There are records to judge and none was judged for too long."""
        return self._watchdog.standing_still(time.monotonic())

    def begin(self, tp: Partition, offset: int) -> None:
        """Note where a partition is read from, unless it was read before."""
        self._position.setdefault(tp, offset)

    def moved(self, positions: Mapping[Partition, int]) -> None:
        """Note the next offsets to judge, and that it doesn't stand still."""
        self._position.update(positions)
        self._watchdog.moved(time.monotonic())

    def forget(self, tps: Iterable[Partition]) -> None:
        """Forget where these partitions were."""
        for tp in tps:
            self._position.pop(tp, None)

    def tell_lag(self, ends: Mapping[Partition, int]) -> None:
        """Set the metric by the end offset of each partition."""
        for tp, end in ends.items():
            lag = end - self._position.get(tp, end)
            self._metrics.lag.labels(tp.partition).set(max(0, lag))

    async def look(self, assigned: Iterable[Partition]) -> None:
        """When no record was judged lately, ask the broker whether there are any.

        Until it has joined the group all partitions count; afterwards those that are its own.
        """
        now = time.monotonic()
        if not self._watchdog.due(now):
            return
        ours = {tp.partition: self._position.get(tp) for tp in assigned}
        waiting = False
        if ours or not self.joined:
            try:
                waiting = await asyncio.to_thread(
                    unread, self._access, self._group, self._topic, ours if self.joined else None
                )
            except BrokerError as error:
                log.warning("lag_unknown", error=str(error))
        self._watchdog.looked(now, waiting=waiting)
