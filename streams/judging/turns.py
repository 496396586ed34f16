"""Turns of the event loop for everybody else, between batches and within long ones.

What is fetched and what is confirmed goes through a dozen small steps, each in a turn of its own. One
turn at a time would let one step go by, and a message would wait for a dozen batches; so the loop goes
round until nothing is ready. More often than needed is no gain: each fetch has its price, however
little it brings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

# A batch that takes longer gives way in between: heartbeats and health answers go out.
EVERY_S = 0.010
# Rounds at most, so that two tasks that wake each other don't keep a batch from its end.
MOST = 16
# So many messages go through a step together, between turns.
TOGETHER = 16


async def give_turns() -> None:
    """Let the other tasks go on until none of them is ready."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # noqa: SLF001 - nothing public tells
    for _ in range(MOST):
        await asyncio.sleep(0)
        if not ready:
            return


class Turns:
    """Gives turns while a batch is under way."""

    def __init__(self) -> None:
        self._given = time.monotonic()

    async def give_if_due(self) -> None:
        """Let the other tasks go on if they have waited for long."""
        if time.monotonic() - self._given >= EVERY_S:
            await give_turns()
            self._given = time.monotonic()


def batched(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Return the items in their order, as many at a time as go through a step together."""
    return (items[start : start + TOGETHER] for start in range(0, len(items), TOGETHER))
