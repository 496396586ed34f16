"""Ends requests that take too long: one timer for all, since one for each costs more than it looks."""

from __future__ import annotations

import asyncio

# A request may take so much of its time longer.
SLACK = 0.1


class Deadlines:
    """Cancels the tasks of requests that are not ended in time.

    Args:
        seconds: What each may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # By task, in the order in which they are due.
        self._due: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._looking: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Task[object]:
        """Note that the current task has begun, and return it."""
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._due[task] = loop.time() + self._seconds
        if self._looking is None:
            self._looking = loop.call_later(self._seconds, self._look, loop)
        return task

    def end(self, task: asyncio.Task[object]) -> None:
        """Note that it has ended."""
        self._due.pop(task, None)

    def was_late(self, task: asyncio.Task[object]) -> bool:
        """Return whether a task was cancelled because its time is over; it may go on then."""
        if task not in self._late:
            return False
        self._late.discard(task)
        task.uncancel()
        return True

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, due in list(self._due.items()):
            if due > now:
                break
            del self._due[task]
            self._late.add(task)
            task.cancel()
        self._looking = loop.call_later(self._seconds * SLACK, self._look, loop) if self._due else None
