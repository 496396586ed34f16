"""The private places of Faust and aiokafka that streams/pump/chunks.py holds on to are where they were.

When one of these fails, an upgrade has moved a seam. Read what became of it, mend streams/pump/chunks.py, and
run the fault tests (`make chaos`) before the pin in pyproject.toml moves: the tests of plain behaviour would
not notice a commit that comes too early.
"""

import inspect
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

import aiokafka
import faust
import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata
from faust.transport import base, consumer
from faust.transport.drivers import aiokafka as driver

from streams.pump import chunks
from streams.pump.slices import Haul

OURS = (
    chunks.SliceThread, chunks.WatermarkConsumer, chunks.BatchProducer, chunks.SliceTransport,
    chunks.SliceApp, chunks.HaulSchema,
)  # fmt: skip

# What each of our classes replaces in the one that it inherits from, by name.
REPLACED: dict[Any, set[str]] = {
    chunks.SliceThread: {
        "_create_worker_consumer", "_commit", "seek_to_committed", "start", "on_start", "call_thread",
        "_stop_children",
    },
    chunks.WatermarkConsumer: {
        "_new_consumer_thread", "_to_message", "_add_gap", "_new_offset", "_should_commit",
        "_filter_tps_with_pending_acks", "_commit", "on_stop", "verify_event_path",
        "on_partitions_revoked", "on_partitions_assigned",
    },
    chunks.BatchProducer: {"_settings_extra", "on_start"},
    chunks.SliceTransport: {"Consumer", "Producer"},
    chunks.SliceApp: {"_new_transport", "_new_producer_transport"},
    chunks.HaulSchema: {"loads_key", "loads_value"},
}  # fmt: skip

MADE_BY_METACLASSES = {"_abc_impl", "_parameters", "logger"}


def code(function: Callable[..., Any]) -> str:
    """The source of a function, in one line."""
    return " ".join(inspect.getsource(function).split())


def positional(function: Callable[..., Any]) -> list[str]:
    """The parameters that can be given by position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, one in inspect.signature(function).parameters.items() if one.kind in kinds]


def replaced() -> Iterator[tuple[type, str]]:
    """Each method of ours that stands in for one of theirs."""
    for cls, names in REPLACED.items():
        yield from ((cls, name) for name in sorted(names) if isinstance(vars(cls)[name], FunctionType))


@pytest.mark.parametrize("package", ["faust-streaming", "aiokafka"])
def test_the_versions_are_the_ones_that_were_read(package: str) -> None:
    """Pinned exactly in pyproject.toml, and installed as pinned."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert f"{package}=={version(package)}" in project["dependencies"]


@pytest.mark.parametrize("cls", OURS)
def test_what_we_replace_is_there_and_nothing_else_is(cls: type) -> None:
    """A replacement for what no longer exists would never be called; a new name might hide one of theirs."""
    theirs = {name for base in cls.__mro__[1:-1] for name in vars(base)}
    ours = {name for name in vars(cls) if name in theirs and not name.startswith("__")}
    assert ours - MADE_BY_METACLASSES == REPLACED[cls]


@pytest.mark.parametrize(("cls", "name"), list(replaced()))
def test_replacements_are_called_as_ours_expect(cls: type, name: str) -> None:
    """The same parameters by position, and awaited or not as before."""
    mine = vars(cls)[name]
    theirs = getattr(cls.__mro__[1], name)
    assert positional(mine) == positional(theirs)
    assert inspect.iscoroutinefunction(mine) == inspect.iscoroutinefunction(theirs)


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        # Hauls come through: the scheduler's items go to `_to_message`, and its result to the agent.
        (consumer.Consumer.getmany, ["self.scheduler.iterate(records)", "to_message = self._to_message"]),
        (consumer.Consumer._drain_messages, ["callback(message)", "get_read_offset(tp)", "self._add_gap("]),
        # Watermarks are committed, and nothing else is.
        (consumer.Consumer.force_commit, ["self._filter_tps_with_pending_acks(topics)", "self._commit_tps("]),
        (
            consumer.Consumer._filter_committable_offsets,
            ["offset = self._new_offset(tp)", "self._should_commit(tp, offset)"],
        ),
        (consumer.Consumer._commit_offsets, ["did_commit = await self._commit(committable_offsets)"]),
        (consumer.ThreadDelegateConsumer._commit, ["await self._thread.commit(offsets)"]),
        (driver.AIOKafkaConsumerThread.commit, ["self.call_thread(self._commit, offsets)"]),
        # Reading begins where we seek to.
        (consumer.Consumer.perform_seek, ["await self.seek_to_committed()", "if offset is not None"]),
        (
            consumer.ThreadDelegateConsumer.seek_to_committed,
            ["await self._thread.seek_to_committed()"],
        ),
        # Partitions come and go through our callbacks, in the main thread.
        (
            consumer.ThreadDelegateConsumer.threadsafe_partitions_revoked,
            ["self.on_partitions_revoked, revoked"],
        ),
        (
            consumer.ThreadDelegateConsumer.threadsafe_partitions_assigned,
            ["self.on_partitions_assigned, assigned, generation_id"],
        ),
        # Our thread, consumer, producer and their settings are used.
        (consumer.ThreadDelegateConsumer.__init__, ["self._thread = self._new_consumer_thread()"]),
        (driver.AIOKafkaConsumerThread._create_consumer, ["return self._create_worker_consumer(transport)"]),
        (driver.Producer._new_producer, ["**self._settings_default()", "**self._settings_extra()"]),
        (driver.Producer.on_start, ["self._producer = self._new_producer()"]),
        (base.Transport.create_consumer, ["self.Consumer("]),
        (base.Transport.create_producer, ["self.Producer("]),
        (faust.App.transport.fget, ["self._new_transport()"]),
        (faust.App.producer_transport.fget, ["self._new_producer_transport()"]),
        # Faust's own look-out for standstills asks the method that we emptied.
        (consumer.Consumer.verify_all_partitions_active, ["self.verify_event_path(now, tp)"]),
        # The wait of a fetch is read when the consumer starts, after we have set it.
        (driver.AIOKafkaConsumerThread._create_worker_consumer, ["fetch_max_wait_ms=1500"]),
        (driver.AIOKafkaConsumerThread.on_start, ["self._create_consumer(", "await self._consumer.start()"]),
        (aiokafka.AIOKafkaConsumer.start, ["fetch_max_wait_ms=self._fetch_max_wait_ms"]),
        (Fetcher.__init__, ["self._fetch_max_wait_ms = fetch_max_wait_ms"]),
    ],
)
def test_our_replacements_are_what_is_called(function: Callable[..., Any], calls: list[str]) -> None:
    """A seam may keep its name and lose its callers."""
    assert [call for call in calls if call not in code(function)] == []


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (driver.AIOKafkaConsumerThread._ensure_consumer, ["self"]),
        (driver.AIOKafkaConsumerThread.assignment, ["self"]),
        (driver.AIOKafkaConsumerThread.highwater, ["self", "tp"]),
        (driver.AIOKafkaConsumerThread.seek_to_beginning, ["self", "partitions"]),
        (driver.AIOKafkaConsumerThread.call_thread, ["self", "fun", "args", "kwargs"]),
        (driver.Producer._ensure_producer, ["self"]),
        (faust.Stream.noack, ["self"]),
        (Fetcher._proc_fetch_request, ["self", "assignment", "node_id", "request"]),
        (GroupCoordinator.fetch_committed_offsets, ["self", "partitions"]),
        (aiokafka.AIOKafkaConsumer.commit, ["self", "offsets"]),
        (aiokafka.AIOKafkaConsumer.seek, ["self", "partition", "offset"]),
        (aiokafka.AIOKafkaConsumer.seek_to_beginning, ["self", "partitions"]),
        (aiokafka.AIOKafkaProducer.create_batch, ["self"]),
        (aiokafka.AIOKafkaProducer.send_batch, ["self", "batch", "topic", "partition"]),
        (BatchBuilder.append, ["self", "timestamp", "key", "value", "headers"]),
        (BatchBuilder.close, ["self"]),
        (OffsetAndMetadata, ["offset", "metadata"]),
    ],
)
def test_what_we_call_takes_what_we_give(function: Callable[..., Any], parameters: list[str]) -> None:
    """Private or nearly so, and with arguments that we rely on."""
    assert list(inspect.signature(function).parameters) == parameters


def test_a_record_has_what_we_read_of_it() -> None:
    """The fields of aiokafka's record; a haul has those that Faust reads."""
    read = {"partition", "offset", "timestamp", "timestamp_type", "key", "value", "headers"}
    assert read | {"serialized_key_size", "serialized_value_size"} <= set(ConsumerRecord.__annotations__)
    asked = {
        name for name in code(driver.Consumer._to_message).replace(",", " ").split() if "record." in name
    }
    fields = {name.removeprefix("record.").rstrip(")") for name in asked}
    assert fields <= {*Haul.__slots__, "value"}


def test_a_first_record_of_any_size_fits_into_a_batch() -> None:
    """`produce` appends to a fresh batch without asking again."""
    builder = BatchBuilder(1024, 0, is_transactional=False)
    huge = b"x" * 100_000
    assert builder.append(timestamp=None, key=None, value=huge, headers=[]) is not None
    assert builder.append(timestamp=None, key=None, value=huge, headers=[]) is None


def test_faust_tells_when_it_has_crashed() -> None:
    """The worker watches these: Faust ends a crashed service quietly."""
    app = faust.App("seams", autodiscover=False)
    assert (app.crashed, app.should_stop, app.crash_reason) == (False, False, None)
