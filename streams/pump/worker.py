"""One worker: a member of the consumer group, and the tasks that judge, confirm and watch.

broker ─ agent ─► Waiting ─► judge ─► produce ─► confirm ─► desk (save) ─► watermark ─ commit ─► broker
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import structlog
from aiokafka.errors import KafkaError

from streams.errors import BrokerError, Standstill
from streams.judging.moderator import Judged, Moderator
from streams.judging.outbox import Outbox, Record
from streams.judging.turns import give_turns
from streams.kafka.topics import Access, Topics, topic_ids
from streams.metrics import Metrics
from streams.pump import app, chunks
from streams.pump.app import Membership
from streams.pump.progress import Progress
from streams.pump.slices import Partition, Slice
from streams.pump.waiting import Waiting
from streams.store.desk import Desk
from streams.store.standings import AuthorEffects

log = structlog.get_logger(__name__)

# Batches that may be produced and not yet confirmed; more would only wait in the producer.
UNCONFIRMED = 4
# Batches begin no closer than this: a batch has its price whatever is in it, so ever smaller ones
# would queue behind each other. A message that comes after a pause waits for nothing.
PACE_S = 0.002
# Longest that partitions are held back from a rebalance for batches in flight; half of its time-out at most.
REVOKE_S = 4.0
PRODUCE_TIMEOUT_S = 60.0
TOPIC_CHECK_S = 5.0
# What the process ends with when it can't leave in order.
TROUBLE = 1
STOP_S = 20.0


class End(NamedTuple):
    """Up to where a batch goes in one partition, and in which term it was fetched."""

    tp: Partition
    term: int
    offset: int


class InFlight(NamedTuple):
    """A batch between its judgement and its confirmation."""

    judged: Judged
    ends: list[End]
    confirmations: list[asyncio.Future[Any]]
    started: float


class Worker:
    """A member of the consumer group, from start to stop.

    Args:
        moderator: Judges batches.
        outbox: Holds events for `mod.control`, which go out also when no message comes.
        desk: Keeps effects until they are saved.
        standstill_s: Seconds without a judged record, while there are some, before `run` raises.
        waiting_bytes: Bytes of fetched records that may wait to be judged.
    """

    def __init__(
        self,
        *,
        access: Access,
        topics: Topics,
        membership: Membership,
        moderator: Moderator,
        outbox: Outbox,
        desk: Desk,
        metrics: Metrics,
        datadir: str,
        waiting_bytes: int = 64 << 20,
        standstill_s: float = 60.0,
    ) -> None:
        self._access = access
        self._topics = topics
        self._moderator = moderator
        self._outbox = outbox
        self._desk = desk
        self._metrics = metrics
        self._standstill_s = standstill_s
        self._progress = Progress(
            access, membership.group, topics.messages, metrics=metrics, standstill_s=standstill_s
        )
        self._waiting: Waiting[Slice] = Waiting(waiting_bytes, membership.batch_messages)
        self._revoke_s = min(REVOKE_S, membership.rebalance_timeout_s / 2)
        self._unconfirmed: asyncio.Queue[InFlight] = asyncio.Queue(UNCONFIRMED)
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._ready = False
        self.app = app.build(access, topics.messages, membership, datadir, self._gather, metrics.fetches.inc)
        self.app.before_revoked = self._before_revoked
        self.app.before_assigned = self._before_assigned

    async def _gather(self, piece: Slice) -> None:
        if self._reigns(piece.tp, piece.term):
            self._progress.begin(piece.tp, piece.first)
        await self._waiting.put(piece)

    # -- life

    @property
    def ready(self) -> bool:
        """Partitions are known and the pump runs."""
        return self._ready

    @property
    def partitions(self) -> list[int]:
        """The partitions that are ours, ascending."""
        return sorted(tp.partition for tp in self.app.watermarks.assigned)

    @property
    def standing_still(self) -> bool:
        """There are records to judge and none was judged for too long."""
        return self._progress.standing_still

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then drain, save, commit and leave the group.

        Raises:
            BrokerError: When the broker refuses or stays away.
            Standstill: When the watchdog ends the work.
        """
        jobs = (self._confirm, self._desk.run, self._watch, self._check_topic, self._watch_faust)
        try:
            if not await self._start(stop):
                return
            async with asyncio.TaskGroup() as tasks:
                judging = tasks.create_task(self._judge())
                others = [tasks.create_task(job()) for job in jobs]
                await stop.wait()
                log.info("stopping", in_flight=self._in_flight)
                await self._waiting.close()
                await asyncio.wait([judging], timeout=STOP_S)
                await self._settled(STOP_S)
                await _confirmed(await chunks.produce(self.app, self._outbox.events()))
                for task in (judging, *others):
                    task.cancel()
        except* (KafkaError, BrokerError) as group:
            raise BrokerError(f"the broker failed: {group.exceptions[0]!r}") from group
        except* Standstill as group:
            raise group.exceptions[0] from None
        finally:
            self._ready = False
            await self._leave()

    async def _start(self, stop: asyncio.Event) -> bool:
        """Start Faust, which returns when it has joined its group; False when told to stop before."""
        self.app.finalize()
        starting = asyncio.create_task(self.app.start())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            return False
        starting.result()
        return True

    async def _leave(self) -> None:
        """Commit and leave the group; a broker that is away is not waited for."""
        stopping = asyncio.create_task(self.app.stop())
        await asyncio.wait([stopping], timeout=STOP_S)
        if not stopping.done():
            log.error("left_unsaid", seconds=STOP_S)
            _end_anyway(TROUBLE)

    async def _watch_faust(self) -> None:
        """Faust ends a crashed service quietly; a worker without a pump must not look alive."""
        while not self.app.crashed and not self.app.should_stop:  # noqa: ASYNC110 - no event for both
            await asyncio.sleep(0.2)
        raise BrokerError(f"Faust stopped: {self.app.crash_reason!r}")

    # -- the way of a batch

    async def _judge(self) -> None:
        while taken := await self._waiting.take():
            began = time.monotonic()
            self._in_flight += 1
            self._idle.clear()
            await self._unconfirmed.put(await self._judge_batch(taken))
            await asyncio.sleep(max(0.0, began + PACE_S - time.monotonic()))
            self.app.credit.grant()
            await give_turns()

    async def _judge_batch(self, taken: list[tuple[float, Slice]]) -> InFlight:
        started = time.monotonic()
        if any(piece.rewound for _, piece in taken):
            await self._follow_topic()
            self._desk.drop({piece.partition for _, piece in taken if piece.rewound})
        live = [piece for _, piece in taken if self._reigns(piece.tp, piece.term)]
        judged = await self._moderator.judge(self.app.topic_id, _records(live))
        self._metrics.stage.labels("queue").observe(started - taken[0][0])
        self._metrics.stage.labels("judge").observe(time.monotonic() - started)
        ends = [End(piece.tp, piece.term, piece.offset) for piece in live]
        self._desk.note(self._ours(judged.effects, ends))
        confirmations = await chunks.produce(self.app, judged.outputs)
        self._progress.moved({end.tp: end.offset + 1 for end in ends})
        return InFlight(judged, ends, confirmations, started)

    async def _confirm(self) -> None:
        while True:
            inflight = await self._unconfirmed.get()
            produced = time.monotonic()
            await _confirmed(inflight.confirmations)
            self._metrics.stage.labels("produce").observe(time.monotonic() - produced)
            effects = self._ours(inflight.judged.effects, inflight.ends)
            self._desk.confirmed(effects, partial(self._saved, inflight))

    def _reigns(self, tp: Partition, term: int) -> bool:
        return term != 0 and self.app.watermarks.term(tp) == term

    def _ours(self, effects: Sequence[AuthorEffects], ends: Sequence[End]) -> list[AuthorEffects]:
        """Return the effects in partitions that are still ours, in the term they were fetched in.

        The others are judged again, here or elsewhere; saving a later batch's effects without
        an earlier one's would raise marks over a hole.
        """
        kept = {end.tp.partition for end in ends if self._reigns(end.tp, end.term)}
        return [each for each in effects if each.partition.partition in kept]

    def _saved(self, inflight: InFlight) -> None:
        """Called by the desk when a batch's effects are in the store, or given up aloud."""
        watermarks = self.app.watermarks
        for end in inflight.ends:
            if watermarks.judged(end.tp, end.term, end.offset):
                self._metrics.watermark.labels(end.tp.partition).set(end.offset + 1)
        self._metrics.stage.labels("total").observe(time.monotonic() - inflight.started)
        self._landed()

    def _landed(self) -> None:
        self._in_flight -= 1
        if self._in_flight == 0:
            self._idle.set()

    async def _settled(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.warning("in_flight_abandoned", batches=self._in_flight)

    # -- rebalances and the topic's incarnation

    async def _before_revoked(self, revoked: set[Partition]) -> None:
        self._progress.joined = False
        await self._waiting.drop(revoked)
        await self._settled(self._revoke_s)
        self._desk.drop({tp.partition for tp in revoked})
        self._progress.forget(revoked)
        self._metrics.lag.clear()
        self._metrics.watermark.clear()

    async def _before_assigned(self, assigned: set[Partition]) -> None:
        await self._learn_topic_id()
        self._progress.moved({})
        self._progress.joined = self._ready = True
        log.info("assigned", partitions=sorted(tp.partition for tp in assigned), topic_id=self.app.topic_id)

    async def _learn_topic_id(self) -> None:
        name = self._topics.messages
        ids = await asyncio.to_thread(topic_ids, self._access, [name])
        self.app.topic_id = ids.get(name, self.app.topic_id)

    async def _check_topic(self) -> None:
        """Notice a topic that was deleted and made again, also where its new log outgrew the old."""
        while True:
            await asyncio.sleep(TOPIC_CHECK_S)
            try:
                await self._follow_topic()
            except BrokerError as error:
                log.warning("topic_check_failed", error=str(error))

    async def _follow_topic(self) -> None:
        """Read all partitions from their beginning if the topic was made anew."""
        before = self.app.topic_id
        await self._learn_topic_id()
        if not before or self.app.topic_id == before:
            return
        log.warning("topic_made_anew", was=before, now=self.app.topic_id)
        assigned = self.app.watermarks.assigned
        self.app.watermarks.end(assigned)
        for tp in assigned:
            await self._waiting.drop({tp})
            self._desk.drop({tp.partition})
            self._progress.forget({tp})
            await self.app.consumer.rewind(tp)

    # -- the watchdog

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._standstill_s / 4))
            await _confirmed(await chunks.produce(self.app, self._outbox.events()))
            self._progress.tell_lag(chunks.highwaters(self.app))
            await self._progress.look(self.app.watermarks.assigned)
            if self.standing_still:
                self._end_for_standstill()

    def _end_for_standstill(self) -> None:
        log.critical("standstill", seconds=self._standstill_s)
        _end_anyway(Standstill.code)
        raise Standstill(f"no record was judged for {self._standstill_s:g} s while there were some")


def _end_anyway(code: int) -> None:
    """End the process soon, come what may: it would wait for threads that no one can end."""
    last_resort = threading.Timer(STOP_S, os._exit, (code,))
    last_resort.daemon = True
    last_resort.start()


async def _confirmed(confirmations: Sequence[asyncio.Future[Any]]) -> None:
    """Return when the broker has it all."""
    if confirmations:
        try:
            async with asyncio.timeout(PRODUCE_TIMEOUT_S):
                await asyncio.gather(*confirmations)
        except TimeoutError as error:
            raise BrokerError(f"verdicts were not confirmed within {PRODUCE_TIMEOUT_S:g} s") from error


def _records(slices: Iterable[Slice]) -> list[Record]:
    return [
        Record(piece.partition, r.offset, r.timestamp / 1000.0, r.key, r.value, r.headers)
        for piece in slices
        for r in piece.records
    ]
