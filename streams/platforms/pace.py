"""Who goes next, and how fast: deeds, lines and requests, of which a human's go first."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Where somebody stands in a queue: those whom nobody waits for behind the urgent ones, each in their order.
Place = tuple[bool, int]


class Queue:
    """Lets one in at a time, and nobody before the moment that the last one has named."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Place, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._taken = False
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def place(self, *, urgent: bool) -> Place:
        """Return a place to enter with, as often as need be."""
        return (not urgent, next(self._numbers))

    async def enter(self, place: Place) -> None:
        """Return when it is our turn; `leave` ends it."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (place, turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self, free_at: float = 0.0) -> None:
        """End our turn; the next one begins then, by the monotonic clock, or at once."""
        self._taken = False
        self._free_at = free_at
        self._let_in()

    @asynccontextmanager
    async def turn(self, *, urgent: bool) -> AsyncIterator[None]:
        """Enter and leave."""
        await self.enter(self.place(urgent=urgent))
        try:
            yield
        finally:
            self.leave()

    def _let_in(self) -> None:
        if self._taken or self._timer is not None:
            return
        wait = self._free_at - time.monotonic()
        if wait > 0:
            # Who comes meanwhile and is urgent goes first all the same.
            self._timer = asyncio.get_running_loop().call_later(wait, self._look_again)
            return
        while self._waiting and not self._taken:
            _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._taken = True
                turn.set_result(None)

    def _look_again(self) -> None:
        self._timer = None
        self._let_in()


class Pace:
    """A bucket of turns that fills with time.

    Args:
        per_s: Turns a second.
        burst: Turns that may be taken at once.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._queue = Queue()
        self._taken_until = 0.0

    async def take(self, *, urgent: bool = False) -> None:
        """Return when it is our turn; the urgent ones go before the others."""
        await self._queue.enter(self._queue.place(urgent=urgent))
        full = time.monotonic() - self._burst / self._per_s
        self._taken_until = max(self._taken_until, full) + 1 / self._per_s
        self._queue.leave(self._taken_until + 1 / self._per_s)
