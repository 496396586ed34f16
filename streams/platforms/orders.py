"""What moderators ask for in their room, done beside the hearing, which goes on meanwhile.

A deed is tried again for minutes while a platform is away; nothing that is said may wait for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import structlog

from streams.platforms import commands
from streams.platforms.port import Away, Ear, Impossible

log = structlog.get_logger(__name__)

# So many wait; beyond that nothing more is heard until some are done.
WAITING = 100


class Asked(NamedTuple):
    """An order, and how it is answered."""

    order: commands.Order
    reply: Callable[[str], Awaitable[object]]


class Orders:
    """Does what was asked for, one after the other."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Asked] = asyncio.Queue(WAITING)
        self._open = 0

    @property
    def all_done(self) -> bool:
        """Whether nothing waits: until then a cursor stays, so that a killed bridge hears it again."""
        return self._open == 0

    async def put(self, asked: Sequence[Asked]) -> None:
        """Have these done."""
        self._open += len(asked)
        for each in asked:
            await self._queue.put(each)

    async def work(self, ear: Ear) -> None:
        """Do what is asked, until cancelled."""
        while True:
            order, reply = await self._queue.get()
            text = await commands.answer(order, ear)
            try:
                await reply(text)
            except (Away, Impossible) as error:
                log.warning("answer_unsaid", report=order.report, reason=str(error))
            self._open -= 1


async def together(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run until the first of them ends, then end the others, and raise what it raised."""
    running = [asyncio.create_task(job) for job in jobs]
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for job in done:
            job.result()
    finally:
        going = set(running)
        while going:
            # More than once, since the store's client swallows a cancellation while it connects.
            for job in going:
                job.cancel()
            _, going = await asyncio.wait(going, timeout=0.5)
        await asyncio.gather(*running, return_exceptions=True)
