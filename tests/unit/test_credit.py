"""A broker is asked once a round, is never held back for long, and is asked again where it had nothing."""

import asyncio
import time

from streams.pump.credit import HELD_S, FetchCredit


async def test_a_broker_is_asked_at_once_and_then_once_a_round() -> None:
    """Another broker has credit of its own."""
    credit = FetchCredit()
    await credit.spend(1)
    await credit.spend(2)
    second = asyncio.create_task(credit.spend(1))
    await asyncio.sleep(0)
    assert not second.done()
    credit.grant()
    await second


async def test_where_nothing_came_the_broker_is_asked_again() -> None:
    """No batch is judged then, so nobody would grant more."""
    credit = FetchCredit()
    await credit.spend(1)
    credit.refund(1)
    again = asyncio.create_task(credit.spend(1))
    await asyncio.sleep(0)
    assert again.done()


async def test_a_fetch_is_not_held_back_for_long() -> None:
    """Beside a long batch the next records are fetched, and dropped records stop nothing."""
    credit = FetchCredit()
    await credit.spend(1)
    began = time.monotonic()
    await credit.spend(1)
    assert time.monotonic() - began >= HELD_S / 2
