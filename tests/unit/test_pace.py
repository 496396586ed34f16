"""Who goes next when deeds have to wait, and how fast they go."""

from __future__ import annotations

import asyncio
import time

import pytest

from streams.platforms.matrix_calls import Turns
from streams.platforms.pace import Pace, Queue
from streams.platforms.port import Away


async def test_deeds_keep_their_pace() -> None:
    """A few at once, then so many a second."""
    pace = Pace(per_s=20, burst=3)
    times = []
    began = time.monotonic()
    for _ in range(6):
        await pace.take()
        times.append(time.monotonic() - began)
    assert times[2] < 0.05
    assert [at >= due for at, due in zip(times[3:], (0.05, 0.1, 0.15), strict=True)] == [True] * 3


async def test_what_a_human_waits_for_goes_first() -> None:
    """Before all that waits; the others keep their order, also when one gives up."""
    pace = Pace(per_s=50, burst=1)
    await pace.take()
    done: list[str] = []

    async def do(name: str, *, urgent: bool = False) -> None:
        await pace.take(urgent=urgent)
        done.append(name)

    deeds = [asyncio.create_task(do(name)) for name in "abcd"]
    await asyncio.sleep(0)
    urgent = [asyncio.create_task(do(name, urgent=True)) for name in "xyz"]
    await asyncio.sleep(0)
    for given_up in (deeds[1], urgent[1]):
        given_up.cancel()
    await asyncio.gather(*deeds, *urgent, return_exceptions=True)
    assert done == ["x", "z", "a", "c", "d"]


async def test_a_turn_that_nobody_takes_any_more_goes_on() -> None:
    """It was given to somebody who was cancelled before they knew."""
    queue = Queue()
    await queue.enter(queue.place(urgent=False))
    first, second = (asyncio.create_task(queue.enter(queue.place(urgent=False))) for _ in range(2))
    await asyncio.sleep(0)
    queue.leave()
    first.cancel()
    await asyncio.wait_for(second, 5)


async def test_who_is_told_to_wait_keeps_the_others_back_but_for_a_human() -> None:
    """As on a homeserver that takes one thing now, and the next in a moment."""
    turns = Turns()
    done: list[str] = []
    asked: list[str] = []

    async def write(name: str) -> str:
        asked.append(name)
        if len(asked) == 1:
            raise Away("too fast", 0.1)
        done.append(name)
        return name

    deeds = [asyncio.create_task(turns.written(lambda name=name: write(name))) for name in "abc"]
    await asyncio.sleep(0)
    assert asked == ["a"]
    assert await turns.written(lambda: write("x"), urgent=True) == "x"
    assert await asyncio.gather(*deeds) == ["a", "b", "c"]
    assert (done, asked) == (["x", "a", "b", "c"], ["a", "x", "a", "b", "c"])


async def test_a_homeserver_that_would_have_us_wait_too_long_is_left_alone() -> None:
    """The frame tries again, and gives up aloud."""
    turns = Turns()

    async def write() -> None:
        raise Away("much too fast", 10_000)

    with pytest.raises(Away, match="much too fast"):
        await turns.written(write)
