"""The topics: their names, making them, and what Kafka knows of them (partitions, ids, lag)."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import RetriableError, TopicAlreadyExistsError, for_code

from streams.errors import BrokerError, ConfigurationError
from streams.kafka.access import ANSWER_S, LARGEST_RECORD, Access, admin, consumer

__all__ = ["Access", "PartitionLag", "Topics", "ensure", "lag", "partitions", "topic_ids", "unread"]

_DAY_MS = 24 * 3600 * 1000


class Topics(msgspec.Struct, frozen=True):
    """The names of our topics, each with `prefix` put before it.

    Raises:
        ConfigurationError: The prefix has letters that Kafka doesn't take in a name.
    """

    prefix: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9._-]{0,200}", self.prefix):
            raise ConfigurationError(
                "CHATSIEVE_TOPIC_PREFIX: Kafka takes ASCII letters, digits, '.', '_' and '-' (up to 200),"
                f" got {self.prefix!r}"
            )

    @property
    def messages(self) -> str:
        """In: what platforms send, keyed tenant/platform/author."""
        return self.prefix + "chat.messages"

    @property
    def verdicts(self) -> str:
        """Out: every verdict."""
        return self.prefix + "mod.verdicts"

    @property
    def actions(self) -> str:
        """Out: verdicts to act on."""
        return self.prefix + "mod.actions"

    @property
    def review(self) -> str:
        """Out: what a human should see, with the message."""
        return self.prefix + "mod.review"

    @property
    def deadletters(self) -> str:
        """Out: what couldn't be read or judged, byte by byte."""
        return self.prefix + "mod.deadletters"

    @property
    def control(self) -> str:
        """Rule sets, switches and incidents, compacted: the last word on each key stays."""
        return self.prefix + "mod.control"

    @property
    def feedback(self) -> str:
        """In: human decisions."""
        return self.prefix + "mod.feedback"

    @property
    def deeds(self) -> str:
        """Out: what bridges did on their platforms, or couldn't."""
        return self.prefix + "mod.deeds"

    @property
    def all(self) -> tuple[str, ...]:
        """Every topic, inputs first."""
        return (
            self.messages, self.feedback, self.verdicts, self.actions, self.review, self.deadletters,
            self.control, self.deeds,
        )  # fmt: skip


class PartitionLag(msgspec.Struct, frozen=True):
    """How far a group is behind in one partition.

    Attributes:
        committed: Next offset that the group would read; None where it never committed.
        end: Next offset that will be written.
        lag: Records between the two; without a commit, all that the partition still holds.
    """

    partition: int
    committed: int | None
    end: int
    lag: int


def ensure(access: Access, topics: Topics, partitions: int, replication: int = 1) -> list[str]:
    """Make the topics that are missing, wait until they can be used, and return their names.

    Topics that are there stay as they are. `mod.control` gets one partition, for one order of events.

    Raises:
        BrokerError: The broker doesn't answer or refuses a topic.
    """
    with admin(access) as client:
        missing = _layout(topics, partitions, replication)
        for name in _described(client, topics.all):
            del missing[name]
        if not missing:
            return []
        answers = client.create_topics(missing, raise_errors=False)["topics"]
        created = [answer["name"] for answer in answers if answer["error_code"] == 0]
        for answer in answers:
            # Another worker that starts with us may have been faster.
            if answer["error_code"] not in (0, TopicAlreadyExistsError.errno):
                reason = answer["error_message"] or for_code(answer["error_code"]).__name__
                raise BrokerError(f"topic {answer['name']} was not created: {reason}")
        client.wait_for_topics(list(missing), timeout_ms=ANSWER_S * 1000)
    return created


def topic_ids(access: Access, names: Sequence[str]) -> dict[str, str]:
    """Return Kafka's UUID of each topic, in the text form of RFC 9562; one that doesn't exist is left out.

    A topic that is deleted and made again has another id.

    Raises:
        BrokerError: The broker doesn't answer.
    """
    with admin(access) as client:
        return {name: str(uuid.UUID(str(it["topic_id"]))) for name, it in _described(client, names).items()}


def partitions(access: Access, topic: str) -> int:
    """Return how many partitions a topic has.

    Raises:
        BrokerError: The broker doesn't answer, or there is no such topic.
    """
    with admin(access) as client:
        return len(partitions_of(client, topic))


def lag(access: Access, group: str, topic: str) -> list[PartitionLag]:
    """Return how far a group is behind, by partition.

    Raises:
        BrokerError: The broker doesn't answer, or there is no such topic.
    """
    with admin(access) as client:
        its = partitions_of(client, topic)
        known = committed(client, group, its)
    with consumer(access, its) as reader:
        begins, ends = bounds(reader, its)
    return [
        PartitionLag(tp.partition, known.get(tp), ends[tp], max(0, ends[tp] - known.get(tp, begins[tp])))
        for tp in its
    ]


def unread(access: Access, group: str, topic: str, positions: Mapping[int, int | None] | None) -> bool:
    """Tell whether a record lies at or behind a position.

    A reader of our own looks, since the group's consumer may have gone silent. Offsets that
    hold no record, such as a transaction's markers, don't count.

    Args:
        positions: By partition, the offset from where on; None is where the group's commit
            stands. None in place of all is every partition, from the group's commits.

    Raises:
        BrokerError: The broker doesn't answer, or there is no such topic.
    """
    with admin(access) as client:
        if positions is None:
            positions = dict.fromkeys(tp.partition for tp in partitions_of(client, topic))
        its = {TopicPartition(topic, number): offset for number, offset in positions.items()}
        asked = [tp for tp, offset in its.items() if offset is None]
        known = its | (committed(client, group, asked) if asked else {})
    with consumer(access, list(known)) as reader:
        for tp, offset in known.items():
            if offset is None:
                reader.seek_to_beginning(tp)
            else:
                reader.seek(tp, offset)
        patience = time.monotonic() + ANSWER_S
        while not all(_at_end(reader, tp) for tp in known):
            if reader.poll(timeout_ms=50, max_records=1):
                return True
            if time.monotonic() > patience:
                raise BrokerError(f"the broker doesn't say where {topic} ends: are all its partitions up?")
    return False


def _at_end(reader: KafkaConsumer, tp: TopicPartition) -> bool:
    end = reader.highwater(tp)
    return end is not None and reader.position(tp) >= end


def partitions_of(client: KafkaAdminClient, topic: str) -> list[TopicPartition]:
    """Return a topic's partitions in order.

    Raises:
        BrokerError: There is no such topic.
    """
    found = _described(client, [topic])
    if topic not in found:
        raise BrokerError(
            f"there is no topic {topic!r}: `python -m streams topics create` makes the missing ones"
        )
    return [
        TopicPartition(topic, number)
        for number in sorted(p["partition_index"] for p in found[topic]["partitions"])
    ]


def committed(
    client: KafkaAdminClient, group: str, its: Sequence[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return a group's committed offsets; partitions without one are left out."""
    patience = time.monotonic() + ANSWER_S
    while True:
        try:
            offsets = client.list_group_offsets({group: list(its)})[group]
        except RetriableError:
            # Kafka makes its topic of offsets when it is first asked for one.
            if time.monotonic() > patience:
                raise
            time.sleep(0.1)
        else:
            return {tp: offset.offset for tp, offset in offsets.items() if offset.offset >= 0}


def bounds(
    reader: KafkaConsumer, its: Sequence[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Return the first offset and the next one to be written, by partition; the reader's positions move.

    The end is what a fetch says, since the embedded broker's answer to "latest" is too low whenever its last
    batch holds more than one record; the high watermark on its fetches is right.

    Raises:
        BrokerError: No answer in time.
    """
    begins = reader.beginning_offsets(its)
    for tp, hint in reader.end_offsets(its).items():
        reader.seek(tp, hint)
    patience = time.monotonic() + ANSWER_S
    while any(reader.highwater(tp) is None for tp in its):
        reader.poll(timeout_ms=50)
        if time.monotonic() > patience:
            raise BrokerError(f"the broker doesn't say where {its[0].topic} ends: are all its partitions up?")
    return begins, {tp: reader.highwater(tp) for tp in its}


def _described(client: KafkaAdminClient, names: Sequence[str]) -> dict[str, Any]:
    return {topic["name"]: topic for topic in client.describe_topics(list(names)) if topic["error_code"] == 0}


def _layout(topics: Topics, partitions: int, replication: int) -> dict[str, dict[str, Any]]:
    """How long each topic keeps what, and how large a record may be.

    Texts of people lie in messages, review and the dead letters; the rest has matched snippets at most.
    """
    large = {"max.message.bytes": LARGEST_RECORD}
    configs: dict[str, dict[str, Any]] = {
        topics.messages: {"retention.ms": 7 * _DAY_MS},
        topics.feedback: {"retention.ms": 30 * _DAY_MS},
        topics.verdicts: {"retention.ms": 7 * _DAY_MS, **large},
        topics.actions: {"retention.ms": 7 * _DAY_MS, **large},
        topics.review: {"retention.ms": 7 * _DAY_MS, **large},
        topics.deadletters: {"retention.ms": 30 * _DAY_MS, **large},
        topics.deeds: {"retention.ms": 30 * _DAY_MS},
        topics.control: {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": 0.1},
    }
    # One replica may be away without a write being refused, none may be missing unnoticed.
    safe = {"min.insync.replicas": 2} if replication > 2 else {}
    return {
        name: {
            "num_partitions": 1 if name == topics.control else partitions,
            "replication_factor": replication,
            "configs": {key: str(value) for key, value in (config | safe).items()},
        }
        for name, config in configs.items()
    }
