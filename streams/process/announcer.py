"""Tells `mod.control` and the metrics what this worker runs: each outcome, and that it is alive."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

from streams.control.orders import Orders
from streams.control.reload import PackWatcher, Reload
from streams.control.rulebook import Change, Rulebook
from streams.judging.outbox import Outbox
from streams.metrics import Metrics
from streams.wire.records import ControlEvent
from streams.wire.writing import rfc3339

# A worker that has said nothing for some of these is gone.
ALIVE_S = 60.0
LOOK_S = 0.25
MAX_CHANGED = 20


class Announcer:
    """What a worker says of its rule sets; `watcher` and `rulebook` are given once they are made."""

    watcher: PackWatcher
    rulebook: Rulebook

    def __init__(self, outbox: Outbox, metrics: Metrics, orders: Orders) -> None:
        self._outbox = outbox
        self._metrics = metrics
        self._orders = orders

    def begin(self, watcher: PackWatcher, rulebook: Rulebook) -> None:
        """Say what is in force at the start."""
        self.watcher, self.rulebook = watcher, rulebook
        self._count(rulebook.current.hash)
        metrics = self._metrics
        metrics.ruleset_age.set_function(lambda: time.time() - rulebook.since)
        metrics.ruleset_since.set_function(lambda: rulebook.since)
        metrics.ruleset_stale.set_function(lambda: float(watcher.stale is not None))
        self._say("ruleset_accepted", rulebook.since, origin=rulebook.origin)

    def reloaded(self, reload: Reload) -> None:
        """Pass on good packs, and say why others are not taken."""
        if reload.refused is None:
            self._metrics.reloads.labels("accepted").inc()
            self.rulebook.rebase(reload.rules, reload.at, reload.changed, reload.prints)
            return
        self._metrics.reloads.labels("cut" if reload.cut else "refused").inc()
        self._say("ruleset_rejected", reload.at, reason=reload.refused, changed=reload.changed[:MAX_CHANGED])

    def changed(self, change: Change) -> None:
        """Say what is in force now, or what couldn't be put in force."""
        self._count(change.new)
        if change.refused is not None:
            self._metrics.reloads.labels("refused").inc()
            self._say("ruleset_rejected", change.at, origin=change.origin, reason=change.refused)
            return
        self._say(
            "ruleset_accepted", change.at, origin=change.origin, changed=change.changed[:MAX_CHANGED],
            added=change.added, removed=change.removed,
        )  # fmt: skip

    async def run(self, stop: asyncio.Event) -> None:
        """Say now and then that the worker is alive, at once when its orders change, and that it stops."""
        said, said_at = None, 0.0
        while not stop.is_set():
            state = (self.rulebook.current.hash, self.rulebook.following, self.watcher.stale)
            if state != said or time.monotonic() - said_at > ALIVE_S:
                said, said_at = state, time.monotonic()
                self._count_orders()
                self._say("worker_alive", time.time(), origin=self.rulebook.origin, reason=self.watcher.stale)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)
        self._say("worker_stopped", time.time())

    def _say(self, event: str, at: float, **said: object) -> None:
        self._outbox.announce(
            ControlEvent(
                event, self._outbox.worker, rfc3339(at), ruleset=self.rulebook.current.hash,
                since=rfc3339(self.rulebook.since), orders=self.rulebook.following,
                **said,  # type: ignore[arg-type]
            )
        )  # fmt: skip

    def _count(self, ruleset: str) -> None:
        self._metrics.ruleset.clear()
        self._metrics.ruleset.labels(ruleset).set(1)

    def _count_orders(self) -> None:
        self._metrics.orders.clear()
        kinds = Counter(type(order).__struct_config__.tag for order in self._orders.in_force())
        for kind, number in kinds.items():
            self._metrics.orders.labels(kind).set(number)
