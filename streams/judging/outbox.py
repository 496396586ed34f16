"""Which record goes on which topic: verdicts, actions, review items, dead letters, control events."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
import structlog

from rules.message import Message
from rules.verdict import ALLOW, FLAG, HOLD, SCHEMA, Verdict
from streams.control.orders import ORDER, Order, key_of
from streams.errors import UnreadableError
from streams.kafka.topics import Topics
from streams.metrics import Metrics
from streams.wire.records import CONTROL, REVIEW, ControlEvent, ReviewItem
from streams.wire.writing import Header, Output, cloud_event, dead_letter_headers, encode, rfc3339

log = structlog.get_logger(__name__)
# structlog makes a logger anew each time it is asked; this is asked for every verdict.
_verdicts_told = partial(logging.getLogger(__name__).isEnabledFor, logging.DEBUG)

# A review item over this is sent without the message, so that any broker takes it.
MAX_REVIEW_BYTES = 900_000
# Of each rule in shadow a human sees one message in so many seconds: enough to judge the rule by.
SHADOW_SAMPLE_S = 60.0


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as it was fetched; `at` is its time in epoch seconds."""

    partition: int
    offset: int
    at: float
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


class Outbox:
    """Makes the records to produce; an output's partition is its input's modulo their number.

    Args:
        partitions: Number of partitions of each output topic, by its name.
        worker: This worker's name, in events and as the CloudEvents source.
        review_text: Whether review items hold the message.
    """

    def __init__(
        self,
        topics: Topics,
        partitions: Mapping[str, int],
        *,
        worker: str,
        metrics: Metrics,
        review_text: bool = True,
    ) -> None:
        self.worker = worker
        self._topics = topics
        self._partitions = partitions
        self._verdict_partitions = partitions[topics.verdicts]
        self._source = f"/chatsieve/{worker}"
        self._metrics = metrics
        self._review_text = review_text
        self._events: list[Output] = []
        self._sampled: dict[str, float] = {}
        self._shared: tuple[str, list[Header]] = ("", [])
        self._told = False

    def published(self, verdict: Verdict, message: Message, record: Record) -> list[Output]:
        """Return a verdict for every topic that it belongs on."""
        value = encode(verdict)
        headers = [("ce_id", verdict.id.encode()), *self._rest(verdict.judged_at)]
        partition = record.partition % self._verdict_partitions
        outputs = [Output(self._topics.verdicts, partition, record.key, value, headers)]
        if verdict.action is not ALLOW or verdict.kind == "edited":
            outputs.append(self._to(self._topics.actions, record, value, headers))
        if (
            verdict.action in (FLAG, HOLD)
            or verdict.queue is not None
            or (verdict.shadow and self._is_sample(verdict, record))
        ):
            item = ReviewItem(verdict, message if self._review_text else None)
            headers = cloud_event(verdict.id, REVIEW, self._source, verdict.judged_at)
            outputs.append(self._to(self._topics.review, record, _bounded(item), headers))
        if self._told:
            self._tell(verdict)
        return outputs

    def _is_sample(self, verdict: Verdict, record: Record) -> bool:
        """Return whether a rule in shadow has shown humans nothing for a while, by the records' time."""
        due = [
            shadow.rule
            for shadow in verdict.shadow
            if abs(record.at - self._sampled.get(shadow.rule, -math.inf)) >= SHADOW_SAMPLE_S
        ]
        self._sampled.update(dict.fromkeys(due, record.at))
        return bool(due)

    def _rest(self, judged_at: str) -> list[Header]:
        """Return the headers that all verdicts of a batch share."""
        if self._shared[0] != judged_at:
            self._shared = judged_at, cloud_event("", SCHEMA, self._source, judged_at)[1:]
            self._told = _verdicts_told()
        return self._shared[1]

    @staticmethod
    def _tell(verdict: Verdict) -> None:
        log.debug(
            "verdict", id=verdict.id, action=verdict.action.value, label=verdict.label,
            decided_by=verdict.decided_by, tenant=verdict.tenant, channel=verdict.channel,
            missing=verdict.missing, repeat=verdict.repeat,
        )  # fmt: skip

    def refused(self, record: Record, error: UnreadableError) -> Output:
        """Return the dead letter of a record: its key and bytes, and why in the headers."""
        self._metrics.deadletters.labels(error.reason).inc()
        log.info("dead_letter", reason=error.reason, partition=record.partition, offset=record.offset)
        topic = self._topics.messages
        headers = dead_letter_headers(error, topic, record.partition, record.offset, record.headers)
        return self._to(self._topics.deadletters, record, record.value, headers)

    def announce(self, event: ControlEvent) -> None:
        """Keep an event for `mod.control` until it is asked for."""
        key = f"{self.worker}/{event.event.split('_')[0]}/{event.cause or ''}/{event.tenant or ''}"
        headers = cloud_event(f"{key}/{event.at}", CONTROL, self._source, event.at)
        self._events.append(Output(self._topics.control, 0, key.encode(), encode(event), headers))

    def order(self, order: Order) -> None:
        """Keep an order of the worker's own for `mod.control` until it is asked for."""
        at = rfc3339(order.at.timestamp())
        headers = cloud_event(f"order/{order.id}/{order.until.timestamp():.0f}", ORDER, self._source, at)
        self._events.append(Output(self._topics.control, 0, key_of(order.id), encode(order), headers))

    def events(self) -> list[Output]:
        """Return the events that were announced since the last call."""
        events, self._events = self._events, []
        return events

    def _to(self, topic: str, record: Record, value: bytes | None, headers: Sequence[Header]) -> Output:
        return Output(topic, record.partition % self._partitions[topic], record.key, value, headers)


def _bounded(item: ReviewItem) -> bytes:
    value = encode(item)
    if len(value) <= MAX_REVIEW_BYTES or item.message is None:
        return value
    return encode(msgspec.structs.replace(item, message=None))
