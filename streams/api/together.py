"""What concurrent requests ask is judged as one batch: whatever waits when the last batch is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import structlog
from prometheus_client import Histogram

from rules.verdict import Verdict
from streams.api.problems import Problem, problem
from streams.errors import UnreadableError
from streams.judging.moderator import Asked

# After a batch of so many a moment is waited, so that those who were just answered and ask on come into the
# next one too: under 64 clients batches of 13 and 51 took turns, which cost each request a sixth more.
BUSY, GATHER_S = 16, 0.0005

log = structlog.get_logger(__name__)

Answer = Verdict | UnreadableError


class _Waiting(NamedTuple):
    asked: Sequence[Asked]
    answer: asyncio.Future[list[Answer]]


class Together:
    """Judges questions in batches; `run` is the one task that does it.

    Args:
        judge: Judges a batch; returns an answer for each, in their order.
        most: Most messages of a batch.
        waiting: Messages that may wait; beyond that a question is turned away.
        sizes: Told how many messages a batch has.
    """

    def __init__(
        self,
        judge: Callable[[Sequence[Asked]], Awaitable[list[Answer]]],
        *,
        most: int,
        waiting: int,
        sizes: Histogram,
    ) -> None:
        self._judge = judge
        self._sizes = sizes
        self._most = most
        self._bound = waiting
        self._queue: list[_Waiting] = []
        self._size = 0
        self._news = asyncio.Event()

    async def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        """Return an answer for each message, in their order.

        Raises:
            Problem: Too much waits already (503).
        """
        if self._size + len(asked) > self._bound:
            raise problem("busy", "more messages wait than can be judged in time", retry_after_s=1.0)
        waiting = _Waiting(asked, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._size += len(asked)
        self._news.set()
        return await waiting.answer

    async def run(self) -> None:
        """Judge what waits, until cancelled."""
        last = 0
        while True:
            await self._news.wait()
            if last >= BUSY:
                await asyncio.sleep(GATHER_S)
            batch = self._next()
            last = len(batch)
            await self._answer(batch)

    def _next(self) -> list[_Waiting]:
        """Return the questions of the next batch, one at least; those who gave up waiting are passed over."""
        batch: list[_Waiting] = []
        size = taken = 0
        for waiting in self._queue:
            if batch and size + len(waiting.asked) > self._most:
                break
            taken += 1
            self._size -= len(waiting.asked)
            if not waiting.answer.done():
                batch.append(waiting)
                size += len(waiting.asked)
        del self._queue[:taken]
        if not self._queue:
            self._news.clear()
        return batch

    async def _answer(self, batch: Sequence[_Waiting]) -> None:
        if not batch:
            return
        asked = [one for waiting in batch for one in waiting.asked]
        self._sizes.observe(len(asked))
        try:
            answers = iter(await self._judge(asked))
        except Exception:  # whoever asks next must be answered
            log.exception("asking_failed", messages=len(asked))
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(Problem("failed", "judging failed; the log has the reason"))
            return
        for waiting in batch:
            its = [next(answers) for _ in waiting.asked]
            if not waiting.answer.done():
                waiting.answer.set_result(its)
