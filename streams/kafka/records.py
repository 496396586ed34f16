"""Records by hand: putting some on a topic, watching a topic, and driving dead letters through again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import NoError
from kafka.structs import OffsetAndMetadata

from streams.errors import BrokerError
from streams.kafka.access import Access, admin, consumer, producer
from streams.kafka.topics import Topics, bounds, committed, partitions_of

# The group under which it is noted how far dead letters were re-driven.
REDRIVE_GROUP = "chatsieve-redrive"
SLICE = 500

# Seconds without a record after which the broker is asked for a sign of life.
QUIET_S = 5.0

# Why it was refused is no longer true of a record on its second way; where it came from still is.
_DROPPED = ("chatsieve_reason", "chatsieve_detail")


class Record(NamedTuple):
    """A record as it lies on a topic."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def produce(
    access: Access,
    topic: str,
    records: Iterable[tuple[bytes | None, bytes | None]],
    headers: Sequence[tuple[str, bytes]] = (),
) -> list[tuple[int, int]]:
    """Put (key, value) pairs on a topic and return the (partition, offset) of each, in their order.

    Raises:
        BrokerError: The broker doesn't answer, or there is no such topic; some may have been written.
    """
    with admin(access) as client:
        partitions_of(client, topic)
    with producer(access) as writer:
        sent = [writer.send(topic, key=key, value=value, headers=list(headers)) for key, value in records]
        writer.flush()
        written = [future.get(timeout=0) for future in sent]
    return [(it.partition, it.offset) for it in written]


@contextmanager
def tail(
    access: Access,
    topic: str,
    *,
    from_beginning: bool = False,
    count: int | None = None,
    idle_s: float | None = None,
) -> Iterator[Iterator[Record]]:
    """Lend the records of a topic as they come: `with tail(access, name) as records: for each in records: …`.

    Where "now" is, is settled when the block is entered: what is written afterwards is seen. Each partition
    in its order; partitions added later are not seen.

    Args:
        from_beginning: Start with the oldest record that is kept.
        count: End after so many records; None goes on.
        idle_s: End when nothing came for so long; None waits.

    Raises:
        BrokerError: There is no such topic, or the broker doesn't answer (any more).
    """
    with admin(access) as client:
        its = partitions_of(client, topic)
    with consumer(access, its) as reader:
        begins, ends = bounds(reader, its)
        for tp in its:
            reader.seek(tp, begins[tp] if from_beginning else ends[tp])
        yield _read(reader, its, count, idle_s)


def _read(
    reader: KafkaConsumer, its: Sequence[TopicPartition], count: int | None, idle_s: float | None
) -> Iterator[Record]:
    left = count
    heard = asked = time.monotonic()
    while left is None or left > 0:
        polled = reader.poll(timeout_ms=200, max_records=SLICE if left is None else min(left, SLICE))
        now = time.monotonic()
        for found in polled.values():
            yield from map(_record, found)
            left = None if left is None else left - len(found)
            heard = asked = time.monotonic()
        if not polled and idle_s is not None and now - heard > idle_s:
            return
        if now - asked > QUIET_S:
            reader.beginning_offsets(its)  # raises when nobody answers; poll() would wait for ever
            asked = now


def redrive(
    access: Access,
    topics: Topics,
    *,
    at_most: int | None = None,
    again: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Put dead letters back on `chat.messages`, decisions on `mod.feedback`, as they were; return how many.

    Key, value and headers are the original ones, and so is the partition where it still exists, so that an
    author's order holds; `chatsieve_topic`, `_partition` and `_offset` keep saying where the record first
    lay. Only what was refused before this call is driven, each once, also when it is refused anew at once.
    The next call goes on behind it. If a call is cut off, the next may repeat up to 500 of its records.

    Args:
        at_most: Stop after so many.
        again: Start with the oldest dead letter that is kept, not where the last call ended.
        progress: Called with (done, at most to do) after each slice.

    Raises:
        BrokerError: The broker doesn't answer, or a topic is missing.
    """
    with admin(access) as client:
        sources = partitions_of(client, topics.deadletters)
        targets = {name: len(partitions_of(client, name)) for name in (topics.messages, topics.feedback)}
        known = committed(client, REDRIVE_GROUP, sources)
        with consumer(access, sources) as reader, producer(access) as writer:
            begins, ends = bounds(reader, sources)
            marks = dict(begins)
            if not again:
                # A mark beyond the end is one of a topic that was deleted and made again.
                marks |= {tp: at for tp, at in known.items() if begins[tp] <= at <= ends[tp]}
            total = sum(ends[tp] - marks[tp] for tp in sources)
            limit = total if at_most is None else min(at_most, total)
            done = 0
            for batch in _slices(reader, marks, ends, limit):
                _send(writer, targets, topics.messages, batch)
                _note(client, marks)
                done += len(batch)
                if progress is not None:
                    progress(done, limit)
    return done


def _slices(
    reader: KafkaConsumer, marks: dict[TopicPartition, int], ends: dict[TopicPartition, int], limit: int
) -> Iterator[list[Record]]:
    """Yield what lies between marks and ends, at most `limit` records; the marks move with each slice."""
    for tp, mark in marks.items():
        reader.seek(tp, mark)
    quiet_since = time.monotonic()
    while limit > 0 and any(reader.position(tp) < ends[tp] for tp in marks):
        batch = []
        for tp, found in reader.poll(timeout_ms=200, max_records=min(limit, SLICE)).items():
            for record in found:
                if marks[tp] <= record.offset < ends[tp]:
                    marks[tp] = record.offset + 1
                    batch.append(_record(record))
        if batch:
            limit -= len(batch)
            yield batch
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > QUIET_S:
            raise BrokerError(
                "the broker doesn't hand out the dead letters: try again when all partitions are up"
            )


def _send(writer: KafkaProducer, targets: Mapping[str, int], usual: str, batch: Sequence[Record]) -> None:
    sent = [
        writer.send(
            (topic := _topic_of(record, targets, usual)),
            key=record.key,
            # The library sends no record that has neither key nor value.
            value=b"" if record.key is None and record.value is None else record.value,
            headers=[header for header in record.headers if header[0] not in _DROPPED],
            partition=_origin(record, targets[topic]),
        )
        for record in batch
    ]
    writer.flush()
    for future in sent:
        future.get(timeout=0)


def _note(client: KafkaAdminClient, marks: Mapping[TopicPartition, int]) -> None:
    offsets = {tp: OffsetAndMetadata(at, "", -1) for tp, at in marks.items()}
    for error in client.alter_group_offsets(REDRIVE_GROUP, offsets).values():
        if error is not NoError:
            raise error


def _topic_of(record: Record, targets: Mapping[str, int], usual: str) -> str:
    said = dict(record.headers).get("chatsieve_topic", b"").decode(errors="replace")
    return said if said in targets else usual


def _origin(record: Record, partitions: int) -> int | None:
    """The partition that the record first lay in, as its header says; None lets the key decide."""
    said = dict(record.headers).get("chatsieve_partition", b"")
    return int(said) if said.isdigit() and int(said) < partitions else None


def _record(found: Any) -> Record:
    headers = [(name, value or b"") for name, value in found.headers]
    return Record(found.partition, found.offset, found.key, found.value, headers)
