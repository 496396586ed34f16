"""How fast deeds may be done, and lines be said: so many a second, and a few at once."""

from __future__ import annotations

import asyncio
import time


class Pace:
    """A bucket of turns that fills with time.

    Args:
        per_s: Turns a second.
        burst: Turns that may be taken at once.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._free_at = 0.0

    async def take(self) -> None:
        """Return when it is our turn."""
        now = time.monotonic()
        self._free_at = max(self._free_at, now - self._burst / self._per_s) + 1 / self._per_s
        await asyncio.sleep(max(0.0, self._free_at - now))
