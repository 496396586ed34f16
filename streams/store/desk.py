"""Where a batch asks for standings and leaves effects, whether the store answers or not.

Effects wait in the journal from the moment they are judged, so that the next batch sees
them. They are saved in the order they were judged, once their verdicts are confirmed, and
only then does the batch's `done` move watermarks. While the store is away standings are
unknown, effects wait, and a probe looks for its return.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence

import structlog

from streams.errors import StoreError
from streams.metrics import Metrics
from streams.store.journal import Journal, overlay, widened
from streams.store.standings import Ask, AuthorEffects, Standing, StandingStore

log = structlog.get_logger(__name__)

# While the store is away it is asked so often whether it is back.
PROBE_S = 0.25
# Saves begin no closer than this: a save has its price whatever is in it, and no verdict waits for one.
SAVE_EVERY_S = 0.05
# So many effects are worth a save of their own; a batch is saved whole, however many it has.
SAVE_EFFECTS = 2000
# With so many batches to save there is no need to wait for more.
MANY_BATCHES = 64


class _Batch:
    """A batch whose verdicts are confirmed and whose effects are to be saved."""

    __slots__ = ("confirmed_at", "done", "effects")

    def __init__(self, effects: Sequence[AuthorEffects], done: Callable[[], None], now: float) -> None:
        self.effects = list(effects)
        self.done = done
        self.confirmed_at = now


class Desk:
    """Loads and saves standings for one worker.

    Args:
        half_life: Seconds in which strikes halve, as the policy in force has it.
        max_effects: Effects that wait at most while the store is away.
        max_age_s: Seconds that they wait at most. Beyond either bound the oldest are given up, aloud.
    """

    def __init__(
        self,
        store: StandingStore,
        *,
        metrics: Metrics,
        half_life: Callable[[], float],
        max_effects: int = 500_000,
        max_age_s: float = 900.0,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._half_life = half_life
        self._max_effects = max_effects
        self._max_age_s = max_age_s
        self._journal = Journal()
        self._confirmed: deque[_Batch] = deque()
        self._due = asyncio.Event()
        self._away = False
        metrics.store_up.set(1)
        metrics.journal.set_function(lambda: len(self._journal))

    @property
    def away(self) -> bool:
        """The store did not answer when it was last asked."""
        return self._away

    @property
    def pending(self) -> int:
        """Effects that are judged and not saved."""
        return len(self._journal)

    async def load(self, asks: Sequence[Ask], now: float, *, trails: bool = False) -> list[Standing | None]:
        """Return the standing for each ask with all that is judged so far; None is unknown."""
        if self._away:
            return [None] * len(asks)
        # The snapshot comes first: what is saved while the load is under way is in both, and the marks tell.
        pending = self._journal.snapshot(ask.author for ask in asks)
        try:
            loaded = await self._store.load(
                [widened(ask, pending[ask.author]) if ask.author in pending else ask for ask in asks],
                now,
                trails=trails,
            )
        except StoreError as error:
            self._lose(error)
            return [None] * len(asks)
        half_life = self._half_life()
        return [
            overlay(standing, pending[ask.author], half_life) if ask.author in pending else standing
            for ask, standing in zip(asks, loaded, strict=True)
        ]

    def note(self, effects: Sequence[AuthorEffects]) -> None:
        """Let effects be seen by the next batch; they are not saved before they are `confirmed`."""
        self._journal.add(effects)

    def confirmed(self, effects: Sequence[AuthorEffects], done: Callable[[], None]) -> None:
        """Let effects be saved, after all that were confirmed before; `done` is called then."""
        self._confirmed.append(_Batch(effects, done, time.monotonic()))
        self._due.set()

    def drop(self, partitions: Collection[int]) -> None:
        """Forget the effects of partitions that are read again, here or by another worker."""
        for batch in self._confirmed:
            batch.effects = [each for each in batch.effects if each.partition.partition not in partitions]
        for partition in self._journal.partitions():
            if partition.partition in partitions:
                self._journal.drop(partition)

    async def run(self) -> None:
        """Save what is confirmed, until cancelled."""
        while True:
            if self._away:
                await self._probe()
            elif self._confirmed:
                began = time.monotonic()
                await self._save()
                if len(self._confirmed) < MANY_BATCHES:
                    await asyncio.sleep(max(0.0, began + SAVE_EVERY_S - time.monotonic()))
            else:
                self._due.clear()
                await self._due.wait()

    async def _save(self) -> None:
        batches, effects = self._next()
        started = time.monotonic()
        try:
            if effects:
                await self._store.save(effects, self._half_life())
        except StoreError as error:
            self._lose(error)
            return
        self._metrics.stage.labels("save").observe(time.monotonic() - started)
        self._journal.saved(effects)
        self._finish(batches)

    def _next(self) -> tuple[int, list[AuthorEffects]]:
        """Return how many batches fit into one save, one at least, and their effects."""
        effects: list[AuthorEffects] = []
        batches = size = 0
        for batch in self._confirmed:
            size += sum(len(each.effects) for each in batch.effects)
            if batches and size > SAVE_EFFECTS:
                break
            effects += batch.effects
            batches += 1
        return batches, effects

    def _finish(self, batches: int) -> None:
        for _ in range(batches):
            self._confirmed.popleft().done()

    async def _probe(self) -> None:
        self._give_up()
        await asyncio.sleep(PROBE_S)
        try:
            await self._store.ping()
        except StoreError:
            return
        self._away = False
        self._metrics.store_up.set(1)
        log.info("store_back", effects=len(self._journal))

    def _lose(self, error: StoreError) -> None:
        self._metrics.store_errors.inc()
        if not self._away:
            self._away = True
            self._metrics.store_up.set(0)
            log.error("store_away", error=str(error))
        self._due.set()

    def _give_up(self) -> None:
        """At the bounds let the oldest effects go, and their watermarks move on."""
        lost = 0
        while self._confirmed and (
            len(self._journal) > self._max_effects
            or time.monotonic() - self._confirmed[0].confirmed_at > self._max_age_s
        ):
            effects = self._confirmed[0].effects
            lost += sum(len(each.effects) for each in effects)
            self._journal.saved(effects)
            self._finish(1)
        if lost:
            self._metrics.effects_lost.inc(lost)
            log.critical("effects_given_up", effects=lost, waiting=len(self._journal))
