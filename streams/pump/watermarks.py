"""Up to where each partition is done: what may be committed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class Watermarks(Generic[P]):
    """One position a partition: everything below it is judged, confirmed and saved.

    A *term* is one reign over a partition: it begins when the partition is assigned, or
    when its offsets go back because the topic was made anew, and ends with the next. What
    was judged in another term moves nothing.
    """

    def __init__(self) -> None:
        self._terms: dict[P, int] = {}
        self._positions: dict[P, int] = {}
        self._committed: dict[P, int] = {}
        self._last_term = 0

    def begin(self, tp: P) -> int:
        """Start a term of `tp` and return it; it has no position before the first `judged`."""
        self.end([tp])
        self._last_term += 1
        self._terms[tp] = self._last_term
        return self._last_term

    def end(self, tps: Iterable[P]) -> None:
        """Forget these partitions."""
        for tp in list(tps):
            self._terms.pop(tp, None)
            self._positions.pop(tp, None)
            self._committed.pop(tp, None)

    def term(self, tp: P) -> int:
        """Return the present term of `tp`; 0 where it isn't ours."""
        return self._terms.get(tp, 0)

    def judged(self, tp: P, term: int, last_offset: int) -> bool:
        """Move the position behind `last_offset`; False, and nothing moves, in another term."""
        if term == 0 or self._terms.get(tp) != term:
            return False
        self._positions[tp] = max(self._positions.get(tp, 0), last_offset + 1)
        return True

    def committed(self, offsets: Mapping[P, int]) -> None:
        """Note what the broker has confirmed."""
        self._committed.update((tp, offset) for tp, offset in offsets.items() if tp in self._terms)

    def due(self, tp: P) -> bool:
        """Tell whether the position is ahead of what the broker has."""
        return self._positions.get(tp) != self._committed.get(tp)

    def position(self, tp: P) -> int | None:
        """Return the offset to commit, or None where nothing was judged yet."""
        return self._positions.get(tp)

    def partitions(self) -> list[P]:
        """Return the partitions that have a position."""
        return list(self._positions)

    @property
    def assigned(self) -> list[P]:
        """The partitions that are ours."""
        return list(self._terms)
