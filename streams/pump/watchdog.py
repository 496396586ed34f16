"""Tells a worker that stands still from one that has nothing to do."""

from __future__ import annotations


class Watchdog:
    """Counts how long records have been waiting without one being judged.

    Times are seconds of a monotonic clock. Not every second without a record is a
    standstill: whoever looks says whether there were any.

    Args:
        patience_s: Longer than this is a standstill.
        now: When the watch begins.
    """

    def __init__(self, patience_s: float, now: float) -> None:
        self._patience_s = patience_s
        self._moved_at = now
        self._looked_at = now
        self._waiting_since: float | None = None

    def moved(self, now: float) -> None:
        """Records were judged, or it is another's turn to have them."""
        self._moved_at = now
        self._waiting_since = None

    def due(self, now: float) -> bool:
        """Tell whether it is time to look: not while records are judged, and not all the time."""
        return now - max(self._moved_at, self._looked_at) >= min(10.0, self._patience_s / 4)

    def looked(self, began: float, *, waiting: bool) -> None:
        """Note whether records waited in a look that began then; what moved since has the last word."""
        self._looked_at = began
        if not waiting:
            self._waiting_since = None
        elif self._waiting_since is None and began > self._moved_at:
            self._waiting_since = began

    def standing_still(self, now: float) -> bool:
        """Tell whether records have been waiting for longer than patience goes."""
        return self._waiting_since is not None and now - self._waiting_since > self._patience_s
