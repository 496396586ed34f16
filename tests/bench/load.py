"""Puts chat on a topic: at a steady rate from a process of its own, or as a backlog all at once.

    python -m tests.bench.load BROKER TOPIC RATE SECONDS

prints one JSON object when it is done: how many were sent by when (a Sent). Every message's id says when it
was sent, so that whoever sees it come out knows how long that took.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from tests.bench.chat import Message, messages

# Sending goes by steps of this length; a step's messages go out together.
STEP_S = 0.005
# So many different messages are sent round and round, each time with ids of their own.
VARIETY = 20_000
# By the records' times a load began so long ago, and one message comes so long after the other.
BACK_MS = 12 * 3_600_000
PACE_MS = 20
# Records in one batch of a backlog.
CHUNK = 2_000

STAMP = re.compile(rb'id":"sent-(\d+)-(\d+)"')


class Sent(msgspec.Struct):
    """What a load sent.

    Attributes:
        times: Seconds on the monotonic clock, which is one for all processes, ascending.
        counts: How many had been sent by each time.
    """

    times: list[float] = []
    counts: list[int] = []

    @property
    def rate(self) -> float:
        """Messages a second from the first step to the last."""
        if len(self.times) < 2:
            return 0.0
        return (self.counts[-1] - self.counts[0]) / max(1e-9, self.times[-1] - self.times[0])


def record(number: int, at_us: int, sent_at: str, message: Message) -> bytes:
    """Return a message's JSON; `at_us` is the monotonic clock in microseconds."""
    return b'{"id":"sent-%d-%d","sent_at":"%s"%s' % (at_us, number, sent_at.encode(), message.body)


def stamp(value: bytes) -> tuple[int, int]:
    """Return when the message in a record was sent, in microseconds, and its number."""
    found = STAMP.search(value)
    assert found is not None, value[:200]
    return int(found[1]), int(found[2])


class Load:
    """A producer to one topic that puts each author's messages in one partition, as Kafka's default does."""

    # Loads of one process follow each other by the records' times too.
    _at_ms: ClassVar[int] = 0

    def __init__(
        self, producer: AIOKafkaProducer, topic: str, partitions: int, back_ms: int = BACK_MS
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._where: dict[bytes, int] = {}
        self._next = 0
        Load._at_ms = max(Load._at_ms, int(time.time() * 1000) - back_ms)

    async def backlog(self, said: Sequence[Message]) -> None:
        """Send all at once and return when the broker has them."""
        confirmed = []
        for start in range(0, len(said), CHUNK):
            confirmed += await self.step(said[start : start + CHUNK])
        await asyncio.gather(*confirmed)

    async def paced(self, said: Sequence[Message], rate: float, seconds: float) -> Sent:
        """Send so many a second, in small steps; a step that comes late sends what is due by then."""
        sent, confirmed = Sent(), []
        total, done = int(rate * seconds), 0
        started = time.monotonic()
        while done < total:
            due = min(total, int((time.monotonic() - started) * rate) + 1)
            if due > done:
                confirmed += await self.step([said[number % len(said)] for number in range(done, due)])
                done = due
                sent.times.append(time.monotonic())
                sent.counts.append(done)
            await asyncio.sleep(STEP_S)
        await asyncio.gather(*confirmed)
        return sent

    async def step(self, said: Sequence[Message]) -> list[asyncio.Future[Any]]:
        """Hand messages to the producer, one record batch a partition; return their confirmations."""
        builders: dict[int, Any] = {}
        at_us, sent_at = time.monotonic_ns() // 1000, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for message in said:
            # It comes much faster than people talk, and what they do in a minute goes by records' times.
            Load._at_ms += PACE_MS
            partition = self._partition(message.key)
            builder = builders.get(partition)
            if builder is None:
                builder = builders[partition] = self._producer.create_batch()
            value = record(self._next, at_us, sent_at, message)
            if builder.append(key=message.key, value=value, timestamp=Load._at_ms) is None:
                raise ValueError(f"a step of {len(said)} messages is too much for one record batch")
            self._next += 1
        return [
            await self._producer.send_batch(builder, self._topic, partition=partition)
            for partition, builder in builders.items()
        ]

    def _partition(self, key: bytes) -> int:
        found = self._where.get(key)
        if found is None:
            found = self._where[key] = (murmur2(key) & 0x7FFFFFFF) % self._partitions
        return found


def producer(broker: str) -> AIOKafkaProducer:
    """Return a producer for loads, not started."""
    return AIOKafkaProducer(
        bootstrap_servers=broker, acks=1, max_batch_size=4 << 20, max_request_size=8 << 20
    )


async def run(broker: str, topic: str, rate: float, seconds: float) -> Sent:
    """Send at a rate and return what was sent."""
    said = messages(VARIETY)
    async with producer(broker) as ready:
        partitions = len(await ready.partitions_for(topic))
        return await Load(ready, topic, partitions, BACK_MS // 2).paced(said, rate, seconds)


if __name__ == "__main__":
    sent = asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
    sys.stdout.buffer.write(msgspec.json.encode(sent))
