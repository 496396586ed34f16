"""Reads `mod.feedback` where the messages are ours: follow, produce, confirm, save, commit.

Humans decide seldom, so this is no part of the pump of messages: nothing waits for it, and effects of both
on one author may come in any order. A worker reads the partitions with the numbers of those whose messages
it judges; there is no second group to join, the group's name is where offsets are committed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any
from zlib import crc32

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.control.rulings import Rulings
from streams.errors import BrokerError, StoreError
from streams.feedback.decisions import Clerk, Followed
from streams.judging.outbox import Record
from streams.kafka.access import LARGEST_RECORD, Access
from streams.kafka.reading import Writer, connection, started
from streams.kafka.topics import Topics, partitions, topic_ids
from streams.store.standings import StandingStore

log = structlog.get_logger(__name__)

MOST = 500
RETRY_S = 1.0
# How long an id of the topic is believed.
TOPIC_CHECK_S = 5.0
# How often it is looked which partitions are ours.
POLL_MS = 500
# How often rulings that have ended are taken off mod.control.
SWEEP_S = 60.0


class FeedbackPump:
    """Follows decisions until it is cancelled.

    Args:
        group: Where offsets are committed.
        mine: Returns the partitions of `chat.messages` that are ours.
        half_life: Seconds in which strikes halve, as the policy in force has it.
        rulings: Learns at once what is decided here.
    """

    def __init__(
        self,
        access: Access,
        topics: Topics,
        group: str,
        clerk: Clerk,
        store: StandingStore,
        *,
        mine: Callable[[], Collection[int]],
        half_life: Callable[[], float],
        rulings: Rulings,
    ) -> None:
        self._access = access
        self._topics = topics
        self._topic = topics.feedback
        self._group = f"{group}-feedback"
        self._mine = mine
        self._clerk = clerk
        self._store = store
        self._half_life = half_life
        self._rulings = rulings
        self._topic_id = ""
        self._asked_at = float("-inf")
        self._sweeps_at = float("-inf")

    async def run(self) -> None:
        """Read until cancelled; begin again where the broker was away."""
        while True:
            try:
                await self._read()
            except (BrokerError, KafkaError) as error:
                log.warning("feedback_unread", error=repr(error))
            await asyncio.sleep(RETRY_S)

    async def _read(self) -> None:
        said, decided = await asyncio.to_thread(self._counts)
        reader = AIOKafkaConsumer(
            **connection(self._access),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=LARGEST_RECORD,
        )
        await started(reader)
        try:
            async with Writer(self._access) as writer:
                while True:
                    ours = {number for number in range(decided) if number % said in self._mine()}
                    if not ours:
                        await asyncio.sleep(POLL_MS / 1000)
                        continue
                    if ours != {tp.partition for tp in reader.assignment()}:
                        # Each begins where its last reader has committed.
                        reader.assign([TopicPartition(self._topic, number) for number in ours])
                    await self._sweep(writer, ours, decided)
                    found = await reader.getmany(timeout_ms=POLL_MS, max_records=MOST)
                    for tp, records in found.items():
                        await self._follow(writer, [_record(record) for record in records])
                        await reader.commit({tp: records[-1].offset + 1})
        finally:
            await reader.stop()

    async def _sweep(self, writer: Writer, ours: Collection[int], decided: int) -> None:
        """Take rulings that have ended off `mod.control`, each the worker to whose share its key falls."""
        if time.monotonic() < self._sweeps_at:
            return
        self._sweeps_at = time.monotonic() + SWEEP_S
        ended = [key for key in self._rulings.sweep(time.time()) if crc32(key) % decided in ours]
        await asyncio.gather(*(writer.write(self._topics.control, key, None, (), 0) for key in ended))
        if ended:
            log.info("rulings_ended", rulings=len(ended))

    def _counts(self) -> tuple[int, int]:
        """Return how many partitions there are of messages and of decisions."""
        return partitions(self._access, self._topics.messages), partitions(self._access, self._topic)

    async def _follow(self, writer: Writer, records: Sequence[Record]) -> None:
        """Do what follows from records of one partition; while the store is away they wait."""
        await self._learn_topic_id()
        followed = await self._patiently(lambda: self._clerk.follow(self._topic_id, records, time.time()))
        await _produce(writer, followed)
        self._rulings.take(followed.rulings)
        await self._patiently(lambda: self._store.save(followed.effects, self._half_life()))

    async def _patiently(self, work: Callable[[], Any]) -> Any:
        while True:
            try:
                return await work()
            except StoreError as error:
                log.warning("feedback_waits", error=str(error))
                await asyncio.sleep(RETRY_S)

    async def _learn_topic_id(self) -> None:
        if time.monotonic() - self._asked_at > TOPIC_CHECK_S:
            ids = await asyncio.to_thread(topic_ids, self._access, [self._topic])
            self._topic_id = ids.get(self._topic, self._topic_id)
            self._asked_at = time.monotonic()


async def _produce(writer: Writer, followed: Followed) -> None:
    await asyncio.gather(
        *(
            writer.write(one.topic, one.key, one.value or b"", one.headers, one.partition)
            for one in followed.outputs
        )
    )


def _record(found: Any) -> Record:
    at = found.timestamp / 1000.0 if found.timestamp > 0 else time.time()
    return Record(found.partition, found.offset, at, found.key, found.value, found.headers)
