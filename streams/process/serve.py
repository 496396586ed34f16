"""Puts a worker together from its settings, and takes it down in order."""

from __future__ import annotations

import asyncio
import tempfile

import structlog

from streams.feedback.decisions import Clerk
from streams.feedback.pump import FeedbackPump
from streams.judging import native
from streams.kafka.access import access_of
from streams.metrics import Metrics
from streams.process.judging import Judging, assemble
from streams.process.probes import Answer, Probes
from streams.process.tasks import at_work, stopping_of
from streams.pump.app import Membership
from streams.pump.worker import Worker
from streams.settings import Settings

log = structlog.get_logger(__name__)


async def serve(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Run a worker until it is told to stop (SIGTERM, SIGINT, or `stop`).

    Raises:
        ConfigurationError: When a setting is unusable.
        BrokerError: When the broker stays away or refuses.
        Standstill: When the watchdog ends the work.
    """
    access, metrics = access_of(settings), Metrics()
    judging = await assemble(settings, access, metrics, worker=settings.worker)
    clerk = Clerk(
        judging.topics, judging.partitions, judging.store,
        rules=lambda: judging.rulebook.current, secret=judging.secret,
        worker=settings.worker, metrics=metrics,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="chatsieve-") as datadir:
        worker = Worker(
            access=access,
            topics=judging.topics,
            membership=_membership(settings),
            moderator=judging.moderator,
            outbox=judging.outbox,
            desk=judging.desk,
            metrics=metrics,
            datadir=datadir,
            waiting_bytes=settings.waiting_bytes,
            standstill_s=settings.standstill,
        )
        feedback = FeedbackPump(
            access, judging.topics, settings.group, clerk, judging.store,
            mine=lambda: worker.partitions, half_life=judging.half_life_s, rulings=judging.rulings,
        )  # fmt: skip
        probes = Probes(
            settings.http,
            registry=metrics.registry,
            live=lambda: _live(worker),
            ready=lambda: _ready(worker, judging),
        )
        port = await probes.start()
        log.info(
            "serving", worker=settings.worker, ruleset=judging.rulebook.current.hash,
            model=judging.model_name, shadow_model=judging.shadow_name, kernel=native.there, http=port,
        )  # fmt: skip
        try:
            await judging.start()
            stopping = stopping_of(stop)
            async with at_work([*judging.jobs(stopping), feedback.run], stopping):
                await worker.run(stopping)
        finally:
            await probes.stop()
            await judging.close()
    log.info("stopped", worker=settings.worker)


def _membership(settings: Settings) -> Membership:
    return Membership(
        group=settings.group,
        batch_messages=settings.batch_messages,
        fetch_wait_s=settings.fetch_wait,
        commit_interval_s=settings.commit_interval,
        session_timeout_s=settings.session_timeout,
        rebalance_timeout_s=settings.rebalance_timeout,
    )


def _live(worker: Worker) -> Answer:
    still = worker.standing_still
    return not still, {"live": not still}


def _ready(worker: Worker, judging: Judging) -> Answer:
    watcher, desk = judging.watcher, judging.desk
    good = worker.ready and watcher.stale is None
    return good, {
        "ready": good,
        "partitions": worker.partitions,
        "ruleset": judging.rulebook.current.hash,
        "orders": judging.rulebook.following,
        "stale": watcher.stale,
        "store": "away" if desk.away else "there",
        "journal": desk.pending,
    }
