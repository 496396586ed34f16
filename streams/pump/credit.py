"""When brokers are asked for more: once a round, so that what came in the meantime comes together.

A broker answers a fetch as soon as it has anything. Asked while a batch is judged, it answers with the
first record that comes, and all behind that wait for another fetch and another batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# A fetch is held back no longer: a batch that takes longer has others fetched beside it, and one whose
# records were dropped, as in a rebalance, never asks for more.
HELD_S = 0.02


class FetchCredit:
    """Lets each broker be asked once between two batches.

    Args:
        asked: Called each time that one is.
    """

    def __init__(self, asked: Callable[[], None] = lambda: None) -> None:
        self._asked = asked
        self._round = 0
        self._spent: dict[int, int] = {}
        self._granted = asyncio.Event()

    def grant(self) -> None:
        """Let each broker be asked once more."""
        self._round += 1
        granted, self._granted = self._granted, asyncio.Event()
        granted.set()

    async def spend(self, node: int) -> None:
        """Wait until a broker may be asked again, which it then was; for the first time at once."""
        if self._spent.get(node) == self._round:
            try:
                async with asyncio.timeout(HELD_S):
                    await self._granted.wait()
            except TimeoutError:
                pass
        self._spent[node] = self._round
        self._asked()

    def refund(self, node: int) -> None:
        """Let a broker be asked again at once: it had nothing."""
        self._spent.pop(node, None)
