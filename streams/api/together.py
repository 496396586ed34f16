"""What concurrent requests ask is judged as one batch: whatever waits when the last batch is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from prometheus_client import Histogram

from rules.verdict import Verdict
from streams.errors import UnreadableError
from streams.judging.moderator import Asked
from streams.problems import Problem, problem

# After a batch of so many it is waited until most of those who were just answered have asked on, if they do
# so at once, so that they come into the next one together: smaller batches cost each message more.
BUSY, MOST, GATHER_S = 4, 0.75, 0.0005

log = structlog.get_logger(__name__)

Answer = Verdict | UnreadableError


# Told the answers to what somebody asked, in its order, or why there are none.
Then = Callable[[list[Answer] | Problem], None]


class Waiting:
    """A question that waits to be judged.

    Attributes:
        given_up: Nobody wants to know any more.
    """

    __slots__ = ("asked", "given_up", "then")

    def __init__(self, asked: Sequence[Asked], then: Then) -> None:
        self.asked = asked
        self.then = then
        self.given_up = False

    def give_up(self) -> None:
        """Want to know no more."""
        self.given_up = True


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
        self._queue: list[Waiting] = []
        self._size = 0
        self._news = asyncio.Event()
        self._gathered: asyncio.Future[None] | None = None
        self._wanted = 0

    async def ask(self, asked: Sequence[Asked]) -> list[Answer]:
        """Return an answer for each message, in their order.

        Raises:
            Problem: Too much waits already (503).
        """
        future: asyncio.Future[list[Answer]] = asyncio.get_running_loop().create_future()

        def then(answers: list[Answer] | Problem) -> None:
            if future.done():
                return
            if isinstance(answers, Problem):
                future.set_exception(answers)
            else:
                future.set_result(answers)

        waiting = self.put(asked, then)
        try:
            return await future
        finally:
            waiting.give_up()

    def put(self, asked: Sequence[Asked], then: Then) -> Waiting:
        """Have an answer for each message told to `then`, when they are judged.

        Raises:
            Problem: Too much waits already (503).
        """
        if self._size + len(asked) > self._bound:
            raise problem("busy", "more messages wait than can be judged in time", retry_after_s=1.0)
        waiting = Waiting(asked, then)
        self._queue.append(waiting)
        self._size += len(asked)
        self._news.set()
        if self._gathered is not None and self._size >= self._wanted:
            self._let_go()
        return waiting

    async def run(self) -> None:
        """Judge what waits, until cancelled."""
        last = wanted = 0
        while True:
            await self._news.wait()
            if last >= BUSY and self._size < wanted:
                await self._gather(wanted)
            batch = self._next()
            last = sum(len(waiting.asked) for waiting in batch)
            await self._answer(batch)
            wanted = self._size + int(last * MOST)

    async def _gather(self, messages: int) -> None:
        """Return when so many wait, or a moment is over."""
        loop = asyncio.get_running_loop()
        self._gathered = loop.create_future()
        self._wanted = messages
        timer = loop.call_later(GATHER_S, self._let_go)
        await self._gathered
        timer.cancel()

    def _let_go(self) -> None:
        if self._gathered is not None and not self._gathered.done():
            self._gathered.set_result(None)
        self._gathered = None

    def _next(self) -> list[Waiting]:
        """Return the questions of the next batch, one at least; those who gave up waiting are passed over."""
        batch: list[Waiting] = []
        size = taken = 0
        for waiting in self._queue:
            if batch and size + len(waiting.asked) > self._most:
                break
            taken += 1
            self._size -= len(waiting.asked)
            if not waiting.given_up:
                batch.append(waiting)
                size += len(waiting.asked)
        del self._queue[:taken]
        if not self._queue:
            self._news.clear()
        return batch

    async def _answer(self, batch: Sequence[Waiting]) -> None:
        if not batch:
            return
        asked = [one for waiting in batch for one in waiting.asked]
        self._sizes.observe(len(asked))
        try:
            answers = iter(await self._judge(asked))
        except Exception:  # whoever asks next must be answered
            log.exception("asking_failed", messages=len(asked))
            for waiting in batch:
                _tell(waiting, Problem("failed", "judging failed; the log has the reason"))
            return
        for waiting in batch:
            _tell(waiting, [next(answers) for _ in waiting.asked])


def _tell(waiting: Waiting, answers: list[Answer] | Problem) -> None:
    if waiting.given_up:
        return
    try:
        waiting.then(answers)
    except Exception:  # as above
        log.exception("answer_untold", messages=len(waiting.asked))
