"""The other yardstick: a plain aiokafka copy by batches, as lean as the library allows.

python -m tests.bench.aiokafka_copy BROKER SOURCE TARGET
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

GROUP = "bench-aiokafka-copy"
MOST = 8_192


async def main(broker: str, source: str, target: str) -> None:
    """Copy until the process is ended: fetch, produce by partition, await, commit."""
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=broker,
        group_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all", max_batch_size=512 << 10)
    async with consumer, producer:
        while True:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=MOST)
            confirmed = []
            for where, records in fetched.items():
                confirmed += await _copy(producer, target, where.partition, records)
            if confirmed:
                await asyncio.gather(*confirmed)
                await consumer.commit()


async def _copy(producer: AIOKafkaProducer, target: str, partition: int, records: list[Any]) -> list[Any]:
    confirmed = []
    batch = producer.create_batch()
    for record in records:
        if batch.append(key=record.key, value=record.value, timestamp=None) is None:
            confirmed.append(await producer.send_batch(batch, target, partition=partition))
            batch = producer.create_batch()
            batch.append(key=record.key, value=record.value, timestamp=None)
    confirmed.append(await producer.send_batch(batch, target, partition=partition))
    return confirmed


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
