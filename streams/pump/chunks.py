"""The seam to Faust: whole fetches in, one watermark a partition, record batches out.

Faust's own unit is one event a record, and its acknowledgement book-keeping can lose
records (docs/decisions/0002-the-pump.md). Here the unit is a slice: what one fetch
brought of one partition. Every private member of Faust and aiokafka that Chatsieve
relies on stands in this file; tests/integration/test_seams.py fails when one moves.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, cast

import faust
import structlog
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    CommitFailedError,
    IllegalStateError,
    UnknownError,
    UnsupportedVersionError,
)
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.pump.credit import FetchCredit
from streams.pump.slices import Haul, Slice
from streams.pump.watermarks import Watermarks
from streams.wire.writing import Output

log = structlog.get_logger(__name__)

# One that waits for the periodic commit, one of its own, and one in case that failed.
COMMIT_TRIES = 3


class HaulScheduler:
    """Faust's `ConsumerScheduler` setting: one item a fetch instead of one a record."""

    def iterate(self, records: Mapping[TP, list[ConsumerRecord]]) -> Iterator[tuple[TP, Haul]]:
        """Yield (first partition, haul) if anything was fetched; slices are in the order of the fetch."""
        slices = [Slice(TP(*tp), fetched) for tp, fetched in records.items()]
        if slices:
            yield slices[0].tp, Haul(slices)


class HaulSchema(faust.Schema):  # type: ignore[misc]
    """Faust's `schema` of the topic: the haul goes through as it is."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> None:
        """Return None: keys are the records' own."""

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002 - Faust's signature
        """Return the haul."""
        return message.value


class SliceThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread in the worker's own loop; commits name the topic's incarnation, seeks mind it.

    In a thread of its own each step of a fetch waits for the judging one to let go of the
    interpreter, and each result for two hand-overs. The loop gets its turn often enough for
    heartbeats, since judging yields every few messages.
    """

    def __init__(self, consumer: Any, *, loop: asyncio.AbstractEventLoop, **kwargs: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, **kwargs)

    async def start(self) -> None:
        """Start here."""
        self._thread_started.set()
        await self._default_start()

    async def on_start(self) -> None:
        """Start the consumer, whose fetches wait for credit."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetcher._proc_fetch_request = partial(self._fetch, fetcher._proc_fetch_request)

    async def _fetch(
        self, fetch: Callable[[Any, int, Any], Awaitable[bool]], assignment: Any, node: int, request: Any
    ) -> bool:
        """Fetch from a broker; return whether anything came."""
        credit = self.app.credit
        try:
            await credit.spend(node)
        except asyncio.CancelledError:
            return False  # as the fetcher's own does: partitions went, or the end came
        came = await fetch(assignment, node, request)
        if not came:
            credit.refund(node)
        return came

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call it here."""
        result = fun(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    async def _stop_children(self) -> None:
        """Do what the thread would do at its end."""
        await self._shutdown_thread()

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust writes 1500 here; the consumer reads it when it starts.
        consumer._fetch_max_wait_ms = self.app.fetch_wait_ms
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit with the topic's UUID as metadata; False where a rebalance came between."""
        consumer = self._ensure_consumer()
        topic_id = self.app.topic_id
        marked = {
            TopicPartition(*tp): OffsetAndMetadata(offset, topic_id)
            for tp, offset in offsets.items()
            if tp in self.assignment()
        }
        try:
            await consumer.commit(marked)
        except (CommitFailedError, IllegalStateError):
            return False
        return True

    async def seek_to_committed(self) -> Mapping[TP, int | None]:
        """Seek each partition to its commit, or to its beginning; return where to, None for the latter.

        A commit that names another topic UUID speaks of a topic that was deleted since.
        aiokafka's own seek does nothing for a partition without a commit, and records
        fetched before it would be lost.
        """
        return cast(Mapping[TP, "int | None"], await self.call_thread(self._seek_to_committed))

    async def _seek_to_committed(self) -> Mapping[TP, int | None]:
        consumer = self._ensure_consumer()
        assigned = list(consumer.assignment())
        found = await consumer._coordinator.fetch_committed_offsets(assigned) if assigned else {}
        targets: dict[TP, int | None] = {}
        for tp in assigned:
            target = targets[TP(tp.topic, tp.partition)] = self._believed(found.get(tp))
            if target is not None:
                consumer.seek(tp, target)
        fresh = [TopicPartition(*tp) for tp, offset in targets.items() if offset is None]
        if fresh:
            await consumer.seek_to_beginning(*fresh)
        return targets

    def _believed(self, commit: Any) -> int | None:
        """Return the offset of a commit that speaks of this topic; brokers may keep no metadata."""
        if commit is None or commit.offset < 0 or commit.metadata not in ("", self.app.topic_id):
            return None
        return cast(int, commit.offset)


class WatermarkConsumer(driver.Consumer):  # type: ignore[misc]
    """A consumer that commits watermarks instead of acknowledgements."""

    def _new_consumer_thread(self) -> SliceThread:
        return SliceThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def watermarks(self) -> Watermarks[TP]:
        """The app's watermarks."""
        return cast("Watermarks[TP]", self.app.watermarks)

    def _to_message(self, tp: TP, record: Haul) -> Any:
        for piece in record.slices:
            read = self._read_offset[piece.tp]
            if read is not None and piece.first < read:
                # Faust would drop it as read already, but offsets only go back when the topic
                # was made anew or the broker lost its end: either way it is to be judged.
                self.watermarks.begin(piece.tp)
                piece.rewound = True
            piece.term = self.watermarks.term(piece.tp)
            # Faust itself notes what it has read of the first one only, and drops what was read.
            self._read_offset[piece.tp] = None if piece.tp == tp else piece.offset
        return super()._to_message(tp, record)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps in offsets are Kafka's business; the watermark steps over them."""

    def _new_offset(self, tp: TP) -> int | None:
        return self.watermarks.position(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:  # noqa: ARG002 - Faust's signature
        return self.watermarks.due(tp)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (
            tp for tp in self.watermarks.partitions() if topics is None or tp in topics or tp.topic in topics
        )

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        done = bool(await super()._commit(offsets))
        if done:
            self.watermarks.committed(offsets)
        return done

    async def on_stop(self) -> None:
        """Commit what is done, then stop."""
        await self._commit_all()
        await super().on_stop()

    async def _commit_all(self) -> None:
        # A commit that finds another one under way waits for it and does nothing itself.
        for _ in range(COMMIT_TRIES):
            if any(map(self.watermarks.due, self.watermarks.partitions())):
                await self.commit()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do without Faust's look-out for standstills; the watchdog is ours.

        It ends the process when a partition has no position for a moment, as in a rewind.
        """

    async def rewind(self, tp: TP) -> None:
        """Read the partition from its beginning, in a new term."""
        self.watermarks.end([tp])
        await self._thread.seek_to_beginning(TopicPartition(*tp))
        self._read_offset[tp] = None
        self.watermarks.begin(tp)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let what is in flight end, commit it, then let go."""
        await self.app.before_revoked(revoked)
        await self._commit_all()
        self.watermarks.end(revoked)
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Learn which incarnation the topic is, and begin a term for each partition."""
        self.watermarks.end(self.watermarks.assigned)
        await self.app.before_assigned(assigned)
        for tp in assigned:
            self.watermarks.begin(tp)
        await super().on_partitions_assigned(assigned, generation_id)


class BatchProducer(driver.Producer):  # type: ignore[misc]
    """Faust's producer, idempotent where the broker can be, so that a retry doesn't repeat.

    The order within a partition holds either way: aiokafka has one batch of it in flight.
    """

    _idempotent = True

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": self._idempotent}

    async def on_start(self) -> None:
        """Start, and do without idempotence where the broker refuses it, as Tansu does."""
        try:
            await super().on_start()
        except (UnknownError, UnsupportedVersionError, ClusterAuthorizationFailedError) as error:
            log.warning("producer_not_idempotent", reason=repr(error))
            await self._producer.stop()
            self._idempotent = False
            await super().on_start()


class SliceTransport(driver.Transport):  # type: ignore[misc]
    """The transport that makes these consumers and producers."""

    Consumer = WatermarkConsumer
    Producer = BatchProducer


class SliceApp(faust.App):  # type: ignore[misc]
    """A Faust application whose events are fetches.

    Attributes:
        watermarks: What may be committed.
        topic_id: UUID of the incarnation of the topic that is being read.
        before_revoked: Awaited before partitions are let go; returns within seconds.
        before_assigned: Awaited before partitions are read; makes `topic_id` true.
        fetch_wait_ms: How long the broker may hold an empty fetch.
        credit: When brokers are asked for more.
    """

    watermarks: Watermarks[TP]
    topic_id: str
    before_revoked: Callable[[set[TP]], Awaitable[None]]
    before_assigned: Callable[[set[TP]], Awaitable[None]]
    fetch_wait_ms: int
    credit: FetchCredit

    def _new_transport(self) -> Any:
        return SliceTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Any:
        return SliceTransport(self.conf.broker_producer, self)


async def produce(app: SliceApp, outputs: Iterable[Output]) -> list[asyncio.Future[Any]]:
    """Send records in as few record batches as they fit in; return the futures of their confirmation.

    The order of `outputs` holds within each topic and partition.
    """
    producer = app.producer._ensure_producer()
    builders: dict[tuple[str, int], Any] = {}
    futures = []
    for one in outputs:
        where = (one.topic, one.partition)
        builder = builders.get(where)
        if builder is None:
            builder = builders[where] = producer.create_batch()
        if builder.append(timestamp=None, key=one.key, value=one.value, headers=one.headers) is None:
            builder.close()
            futures.append(await producer.send_batch(builder, one.topic, partition=one.partition))
            builder = builders[where] = producer.create_batch()
            builder.append(timestamp=None, key=one.key, value=one.value, headers=one.headers)
    for (topic, partition), builder in builders.items():
        builder.close()
        futures.append(await producer.send_batch(builder, topic, partition=partition))
    return futures


def highwaters(app: SliceApp) -> dict[TP, int]:
    """Return the end offset of each assigned partition, as of the last fetch."""
    ends = ((tp, app.consumer.highwater(tp)) for tp in app.watermarks.assigned)
    return {tp: end for tp, end in ends if end is not None}
