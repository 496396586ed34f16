"""Reads `mod.feedback` in a consumer group of its own: follow, produce, confirm, save, commit.

Humans decide seldom, so this is no part of the pump of messages: nothing is judged while one record of it
waits, and effects of both on one author may come in any order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from streams.access import LARGEST_RECORD, Access
from streams.errors import BrokerError, StoreError
from streams.feedback import Clerk, Followed
from streams.outbox import Record
from streams.reading import Writer, connection, started
from streams.rulings import Rulings
from streams.standings import StandingStore
from streams.topics import Topics, topic_ids

log = structlog.get_logger(__name__)

MOST = 500
RETRY_S = 1.0
# How long an id of the topic is believed.
TOPIC_CHECK_S = 5.0
# Kafka closes a connection that was silent for ten minutes; a group asks earlier.
POLL_MS = 1_000


class FeedbackPump:
    """Follows decisions until it is cancelled.

    Args:
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
        half_life: Callable[[], float],
        rulings: Rulings,
        session_timeout_s: float,
    ) -> None:
        self._access = access
        self._topic = topics.feedback
        self._group = f"{group}-feedback"
        self._clerk = clerk
        self._store = store
        self._half_life = half_life
        self._rulings = rulings
        self._session_ms = int(session_timeout_s * 1000)
        self._topic_id = ""
        self._asked_at = float("-inf")

    async def run(self) -> None:
        """Read until cancelled; begin again where the broker was away."""
        while True:
            try:
                await self._read()
            except (BrokerError, KafkaError) as error:
                log.warning("feedback_unread", error=repr(error))
            await asyncio.sleep(RETRY_S)

    async def _read(self) -> None:
        reader = AIOKafkaConsumer(
            self._topic,
            **connection(self._access),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 4,
            max_partition_fetch_bytes=LARGEST_RECORD,
        )
        await started(reader)
        try:
            async with Writer(self._access) as writer:
                while True:
                    found = await reader.getmany(timeout_ms=POLL_MS, max_records=MOST)
                    for tp, records in found.items():
                        await self._follow(writer, [_record(record) for record in records])
                        await _commit(reader, {tp: records[-1].offset + 1})
        finally:
            await reader.stop()

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


async def _commit(reader: AIOKafkaConsumer, offsets: dict[Any, int]) -> None:
    try:
        await reader.commit(offsets)
    except (CommitFailedError, IllegalStateError) as error:
        # Somebody else reads it now, and again; what follows from it follows once.
        log.info("feedback_not_committed", error=repr(error))


def _record(found: Any) -> Record:
    at = found.timestamp / 1000.0 if found.timestamp > 0 else time.time()
    return Record(found.partition, found.offset, at, found.key, found.value, found.headers)
