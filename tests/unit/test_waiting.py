"""What was fetched and not yet judged: taken as one batch, bounded in bytes, forgotten with its partition."""

import asyncio

import pytest
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from streams.pump.chunks import HaulScheduler
from streams.pump.slices import Slice
from streams.pump.waiting import Waiting


def piece(partition: int, *offsets: int, nbytes: int = 10) -> Slice:
    """A slice of records of so many bytes each."""
    records = [
        ConsumerRecord("chat.messages", partition, offset, 0, 0, None, b"x" * nbytes, None, 0, nbytes, ())
        for offset in offsets
    ]
    return Slice(TP("chat.messages", partition), records)


async def test_all_that_waits_is_taken_at_once() -> None:
    """The batch grows by itself under load."""
    waiting = Waiting(max_bytes=1000, max_records=100)
    for partition in range(3):
        await waiting.put(piece(partition, 1, 2))
    assert [taken.partition for _, taken in await waiting.take()] == [0, 1, 2]


async def test_a_batch_takes_no_further_slice_once_it_is_full() -> None:
    """Whole slices, so it may be exceeded by one."""
    waiting = Waiting(max_bytes=1000, max_records=3)
    for partition in range(3):
        await waiting.put(piece(partition, 1, 2))
    assert len(await waiting.take()) == 2
    assert len(await waiting.take()) == 1


async def test_fetching_waits_while_too_many_bytes_wait() -> None:
    """And goes on as soon as a batch was taken."""
    waiting = Waiting(max_bytes=20, max_records=100)
    await waiting.put(piece(0, 1, 2))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting.put(piece(0, 3)), 0.02)
    await waiting.take()
    await asyncio.wait_for(waiting.put(piece(0, 3)), 1)


async def test_a_revoked_partition_takes_its_slices_along() -> None:
    """Whoever gets it fetches them again."""
    waiting = Waiting(max_bytes=1000, max_records=100)
    await waiting.put(piece(0, 1))
    await waiting.put(piece(1, 1))
    await waiting.drop({TP("chat.messages", 0)})
    assert [taken.partition for _, taken in await waiting.take()] == [1]


async def test_closed_it_hands_out_nothing_more() -> None:
    """A stop finishes the batch in hand and begins no other."""
    waiting = Waiting(max_bytes=1000, max_records=100)
    await waiting.put(piece(0, 1))
    await waiting.close()
    assert await waiting.take() == []


def test_a_haul_is_what_one_fetch_brought() -> None:
    """In the dress of the last record of its first slice, which is where Faust keeps its read position."""
    fetched = {TP("chat.messages", 0): piece(0, 4, 5, 6).records, TP("chat.messages", 1): piece(1, 9).records}
    ((tp, haul),) = HaulScheduler().iterate(fetched)
    assert (tp, haul.partition, haul.offset) == (TP("chat.messages", 0), 0, 6)
    assert [(s.partition, s.first, s.offset, s.nbytes) for s in haul.slices] == [(0, 4, 6, 30), (1, 9, 9, 10)]


def test_a_fetch_that_brought_nothing_is_no_haul() -> None:
    """Faust asks on."""
    assert list(HaulScheduler().iterate({})) == []
