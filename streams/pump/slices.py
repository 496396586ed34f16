"""What a fetch brings: a slice of each partition, and all of them in one haul."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

from aiokafka.structs import ConsumerRecord, TopicPartition

# A topic's name and a number, by which everybody knows a partition; equal to the pair that Faust has for it.
Partition: TypeAlias = TopicPartition


class Slice:
    """What one fetch brought of one partition.

    Attributes:
        tp: Topic and partition.
        records: aiokafka's records, by ascending offset, never empty.
        term: The reign of this assignment, see watermarks.py.
        rewound: The slice starts before what had been read: the topic was made anew.
        nbytes: Keys and values together.
    """

    __slots__ = ("nbytes", "records", "rewound", "term", "tp")

    def __init__(self, tp: Partition, records: Sequence[ConsumerRecord]) -> None:
        self.tp = tp
        self.records = records
        self.nbytes = sum(r.serialized_key_size + r.serialized_value_size for r in records)
        self.term = 0
        self.rewound = False

    @property
    def partition(self) -> int:
        """Number of the partition."""
        return cast(int, self.tp.partition)

    @property
    def first(self) -> int:
        """Offset of the first record."""
        return cast(int, self.records[0].offset)

    @property
    def offset(self) -> int:
        """Offset of the last record."""
        return cast(int, self.records[-1].offset)


class Haul:
    """The slices of one fetch, in the dress of a single record of the first one's partition.

    Faust makes tasks for each event and goes round the loop for it, so one event brings all.
    It reads the attributes of a record and hands the object through; `offset` is what it
    keeps as its read position.
    """

    __slots__ = (
        "checksum", "headers", "key", "offset", "partition", "serialized_key_size", "serialized_value_size",
        "slices", "timestamp", "timestamp_type", "topic",
    )  # fmt: skip

    def __init__(self, slices: Sequence[Slice]) -> None:
        self.slices = slices
        self.topic, self.partition = slices[0].tp
        self.offset = slices[0].offset
        last = slices[0].records[-1]
        self.timestamp: int = last.timestamp
        self.timestamp_type = last.timestamp_type
        self.headers: tuple[tuple[str, bytes], ...] = ()
        self.key = self.checksum = None
        self.serialized_key_size = self.serialized_value_size = 0

    @property
    def value(self) -> Haul:
        """What the schema hands on as the event's value."""
        return self
