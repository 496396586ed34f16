"""What was fetched and not yet judged: taken as one batch, bounded in bytes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Collection, Sized
from typing import Generic, Protocol, TypeVar


class Piece(Protocol):
    """Records of one partition."""

    nbytes: int

    @property
    def records(self) -> Sized:
        """The records."""

    @property
    def tp(self) -> tuple[str, int]:
        """Topic and partition."""


S = TypeVar("S", bound=Piece)


class Waiting(Generic[S]):
    """Slices that were fetched and not yet judged, bounded in bytes.

    Args:
        max_bytes: `put` waits while there is more; one slice always fits.
        max_records: A batch takes no further slice once it holds this many.
    """

    def __init__(self, max_bytes: int, max_records: int) -> None:
        self._slices: deque[tuple[float, S]] = deque()
        self._nbytes = 0
        self._max_bytes = max_bytes
        self._max_records = max_records
        self._closed = False
        self._changed = asyncio.Condition()

    async def put(self, piece: S) -> None:
        """Add a slice, once there is room."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._nbytes < self._max_bytes)
            self._slices.append((time.monotonic(), piece))
            self._nbytes += piece.nbytes
            self._changed.notify_all()

    async def take(self) -> list[tuple[float, S]]:
        """Wait for slices and return all that are there, up to a batch; each with when it came.

        Nothing at all means that it was closed.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or bool(self._slices))
            taken, records = [], 0
            while not self._closed and self._slices and records < self._max_records:
                taken.append(self._slices.popleft())
                records += len(taken[-1][1].records)
                self._nbytes -= taken[-1][1].nbytes
            self._changed.notify_all()
            return taken

    async def close(self) -> None:
        """Hand out nothing more: what waits is fetched again by the next worker."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def drop(self, tps: Collection[tuple[str, int]]) -> None:
        """Forget the slices of these partitions: whoever gets them fetches them again."""
        async with self._changed:
            self._slices = deque(entry for entry in self._slices if entry[1].tp not in tps)
            self._nbytes = sum(piece.nbytes for _, piece in self._slices)
            self._changed.notify_all()
