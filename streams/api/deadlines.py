"""Ends requests that take too long: one timer for all, since one for each costs more than it looks."""

from __future__ import annotations

import asyncio
from typing import Protocol

# A request may take so much of its time longer.
SLACK = 0.1


class Due(Protocol):
    """Something that takes its time."""

    def late(self) -> None:
        """Its time is over."""


class Running:
    """A task that has begun."""

    def __init__(self, task: asyncio.Task[object]) -> None:
        self._task = task
        self._was_late = False

    def late(self) -> None:
        """Cancel the task."""
        self._was_late = True
        self._task.cancel()

    def was_late(self) -> bool:
        """Return whether the task was cancelled because its time is over; it may go on then."""
        was_late, self._was_late = self._was_late, False
        if was_late:
            self._task.uncancel()
        return was_late


class Deadlines:
    """Tells those that don't end in time.

    Args:
        seconds: What each may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # In the order in which they are due.
        self._due: dict[Due, float] = {}
        self._looking: asyncio.TimerHandle | None = None
        # Kept, since to ask for the running loop takes a call of the system each time (Python 3.11).
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> Running:
        """Note that the current task has begun, and return it."""
        task = asyncio.current_task()
        assert task is not None
        running = Running(task)
        self.watch(running)
        return running

    def watch(self, due: Due) -> None:
        """Note that something has begun."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._due[due] = self._loop.time() + self._seconds
        if self._looking is None:
            self._looking = self._loop.call_later(self._seconds, self._look, self._loop)

    def end(self, due: Due) -> None:
        """Note that it has ended."""
        self._due.pop(due, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for due, at in list(self._due.items()):
            if at > now:
                break
            del self._due[due]
            due.late()
        self._looking = loop.call_later(self._seconds * SLACK, self._look, loop) if self._due else None
