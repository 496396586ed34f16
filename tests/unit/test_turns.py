"""Turns of the event loop: long chains of steps go through, endless ones don't hold a batch."""

import asyncio
import time

from streams.judging.turns import EVERY_S, MOST, Turns, give_turns


def test_a_chain_of_steps_goes_through_at_once() -> None:
    """Each step is ready one turn after the one before."""

    async def run() -> list[int]:
        loop, done = asyncio.get_running_loop(), list[int]()

        def step(number: int) -> None:
            done.append(number)
            if number < MOST - 2:
                loop.call_soon(step, number + 1)

        loop.call_soon(step, 0)
        await give_turns()
        return done

    assert asyncio.run(run()) == list(range(MOST - 1))


def test_a_chain_without_end_is_left() -> None:
    """Two tasks that wake each other for ever."""

    async def run() -> int:
        loop, turns = asyncio.get_running_loop(), 0

        def again() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(again)

        loop.call_soon(again)
        await give_turns()
        return turns

    assert asyncio.run(run()) == MOST


def test_turns_are_given_when_they_are_due() -> None:
    """Not before the others have waited."""

    async def run() -> tuple[bool, bool]:
        done = asyncio.Event()
        asyncio.get_running_loop().call_soon(done.set)
        turns = Turns()
        await turns.give_if_due()
        early = done.is_set()
        time.sleep(EVERY_S)
        await turns.give_if_due()
        return early, done.is_set()

    assert asyncio.run(run()) == (False, True)
