"""What any process of ours does beside its work: jobs with an owner, an order to stop, a tuned Python."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

log = structlog.get_logger(__name__)

Job = Callable[[], Coroutine[Any, Any, None]]


def tune_process() -> None:
    """Set Python up for a stream of short-lived records; for whoever owns the process.

    Left as it is, the garbage collector takes much of the CPU, because it walks through all
    that a batch holds and all rules again and again, though next to nothing of it is in cycles;
    and the judging thread waits 5 ms for its turn whenever another one, such as a reload, is at work.
    """
    # Above what some batches in flight hold, so that a collection looks at more than them.
    gc.set_threshold(500_000, 20, 100)
    sys.setswitchinterval(0.0005)


def stopping_of(stop: asyncio.Event | None) -> asyncio.Event:
    """Return `stop`, or a new event, which SIGTERM and SIGINT set."""
    event = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(name, event.set)
    return event


@contextlib.asynccontextmanager
async def at_work(jobs: Sequence[Job], stop: asyncio.Event) -> AsyncIterator[None]:
    """Run jobs beside the block; one that ends before it should sets `stop`, and its error comes out."""
    # What is imported and loaded stays for good: a full collection need not walk it under load.
    gc.collect()
    gc.freeze()
    tasks = [asyncio.create_task(job()) for job in jobs]
    for task in tasks:
        task.add_done_callback(partial(_must_go_on, stop))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


def _must_go_on(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """Who can't follow packs or orders any more stops in order, and ends with the error."""
    if not task.cancelled() and not stop.is_set():
        log.critical("task_ended", error=repr(task.exception()))
        stop.set()
