"""Puts messages on `chat.messages` and decisions on `mod.feedback`, under their author's key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rules.message import Message
from streams.api.bodies import Recorded
from streams.kafka.reading import Writer
from streams.kafka.topics import Topics
from streams.wire.records import FEEDBACK, Feedback, record_key
from streams.wire.writing import cloud_event, encode, rfc3339


class Recorder:
    """Writes what was asked to be kept.

    Args:
        feedback_partitions: How many `mod.feedback` has.
        source: Who writes, as the CloudEvents source.
    """

    def __init__(self, writer: Writer, topics: Topics, *, feedback_partitions: int, source: str) -> None:
        self._writer = writer
        self._topics = topics
        self._partitions = feedback_partitions
        self._source = source

    async def record(self, messages: Sequence[Message]) -> list[Recorded]:
        """Return where each message lies; an author's keep their order.

        Raises:
            BrokerError: The broker didn't confirm them all.
        """
        topic = self._topics.messages
        written = await asyncio.gather(*(self._write(message) for message in messages))
        return [Recorded(topic, partition, offset) for partition, offset in written]

    async def _write(self, message: Message) -> tuple[int, int]:
        key = record_key(message.tenant, message.platform, message.author.id if message.author else None)
        return await self._writer.write(self._topics.messages, key, encode(message))

    async def decide(self, feedback: Feedback, partition: int | None) -> None:
        """Write a decision; `partition` is that of the record that was judged, None where nobody knows.

        Raises:
            BrokerError: The broker didn't confirm it.
        """
        headers = cloud_event(feedback.id, FEEDBACK, self._source, rfc3339(feedback.at.timestamp()))
        where = None if partition is None else partition % self._partitions
        await self._writer.write(self._topics.feedback, feedback.key, encode(feedback), headers, where)
