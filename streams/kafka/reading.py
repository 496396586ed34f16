"""Reads and writes topics on the event loop (aiokafka), outside of any group, from offsets of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from kafka import TopicPartition as PlainPartition

from streams.errors import BrokerError
from streams.kafka.access import LARGEST_RECORD, Access, admin, consumer
from streams.kafka.topics import bounds, partitions_of

Partition = tuple[str, int]
# Seconds that the broker has to let us in, and a record to be confirmed.
START_S = 10.0
CONFIRM_S = 10.0


def ends(access: Access, topics: Sequence[str]) -> dict[Partition, tuple[int, int]]:
    """Return, by partition, the oldest offset that is kept and the next one to be written.

    Raises:
        BrokerError: The broker doesn't answer, or there is no such topic.
    """
    with admin(access) as client:
        its = [tp for topic in topics for tp in partitions_of(client, topic)]
    found: dict[Partition, tuple[int, int]] = {}
    with consumer(access, its) as reader:
        begins, limits = bounds(reader, its)
        for tp in its:
            where: PlainPartition = tp
            found[where.topic, where.partition] = begins[tp], limits[tp]
    return found


class Reader:
    """Records of some partitions as they come; an async context manager.

    Args:
        start: The offset to begin with, by partition.
        wait_s: Seconds that the broker may hold an empty fetch.
    """

    def __init__(self, access: Access, start: Mapping[Partition, int], *, wait_s: float) -> None:
        self._start = {TopicPartition(*where): offset for where, offset in start.items()}
        self._consumer = AIOKafkaConsumer(
            **connection(access),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=max(1, int(wait_s * 1000)),
            max_partition_fetch_bytes=LARGEST_RECORD,
        )

    async def __aenter__(self) -> Self:
        await started(self._consumer)
        self._consumer.assign(list(self._start))
        for partition, offset in self._start.items():
            self._consumer.seek(partition, offset)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def batches(self, most: int = 500) -> AsyncIterator[list[Any]]:
        """Yield what has come, at most `most` records at once; nothing now and then where nothing came."""
        while True:
            found = await self._consumer.getmany(timeout_ms=500, max_records=most)
            yield [record for records in found.values() for record in records]


class Writer:
    """Puts records on topics and returns when the broker has them; an async context manager."""

    def __init__(self, access: Access) -> None:
        self._producer = AIOKafkaProducer(
            **connection(access),
            acks="all",
            linger_ms=2,
            max_request_size=LARGEST_RECORD,
            request_timeout_ms=int(CONFIRM_S * 1000),
        )

    async def __aenter__(self) -> Self:
        await started(self._producer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def write(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> tuple[int, int]:
        """Return the partition and offset of the record; without a partition its key decides.

        A record without a value takes what was said before under its key off a compacted topic.

        Raises:
            BrokerError: It wasn't confirmed in time; it may have been written all the same.
        """
        try:
            async with asyncio.timeout(CONFIRM_S):
                written = await self._producer.send_and_wait(
                    topic, value, key=key, headers=list(headers), partition=partition
                )
        except (KafkaError, TimeoutError) as error:
            raise BrokerError(f"the broker didn't take a record for {topic}: {error!r}") from error
        return written.partition, written.offset


async def started(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Start a client.

    Raises:
        BrokerError: No broker lets us in, in time.
    """
    try:
        async with asyncio.timeout(START_S):
            await client.start()
    except (KafkaError, TimeoutError, OSError) as error:
        await client.stop()
        raise BrokerError(f"no Kafka broker lets us in: {error!r}") from error


def connection(access: Access) -> dict[str, Any]:
    """Return aiokafka's settings for reaching the broker."""
    settings: dict[str, Any] = {
        "bootstrap_servers": ",".join(access.brokers),
        "security_protocol": access.security,
        "client_id": "chatsieve",
        "ssl_context": access.tls,
    }
    if access.security.startswith("SASL"):
        settings |= {
            "sasl_mechanism": access.mechanism,
            "sasl_plain_username": access.user,
            "sasl_plain_password": access.password,
        }
    return settings
