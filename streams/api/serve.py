"""Puts the API together from its settings, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import structlog
import uvicorn

from streams.api.app import Api
from streams.api.bodies import Health
from streams.api.keys import Keyring
from streams.api.one_write import OneWrite
from streams.api.openapi import document
from streams.api.recorder import Recorder
from streams.api.review import Review, ReviewFollower
from streams.api.together import Together
from streams.control.follower import Follower
from streams.control.last_good import LastGood
from streams.control.orders import Orders
from streams.control.reload import PackWatcher
from streams.control.rulebook import Rulebook
from streams.control.rulings import Rulings
from streams.errors import BrokerError, ConfigurationError
from streams.judging.behaviour import Observer
from streams.judging.moderator import Moderator
from streams.judging.outbox import Outbox
from streams.judging.raids import Raids
from streams.kafka.access import access_of
from streams.kafka.reading import Writer
from streams.kafka.topics import Topics
from streams.metrics import ApiMetrics
from streams.process.announcer import Announcer
from streams.process.opening import load_model, load_or_last_good, load_shadow
from streams.process.probes import Answer, Probes
from streams.process.serve import must_go_on, output_partitions, secret_of, stopping_of, store_of
from streams.settings import Settings
from streams.store.desk import Desk
from streams.store.standings_redis import RedisStandings
from streams.store.trails_redis import RedisTrails
from streams.wire import encode

log = structlog.get_logger(__name__)

# Messages judged as one batch, and those that may wait: about a second's worth.
BATCH, WAITING = 512, 8192
SAY_S = 1.0
STOP_S = 10

Job = Callable[[], Coroutine[Any, Any, None]]


async def serve(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """Answer requests until told to stop (SIGTERM, SIGINT, or `stop`).

    Raises:
        ConfigurationError: A setting is unusable.
        BrokerError: The broker stays away or refuses.
    """
    access, url = access_of(settings), store_of(settings)
    if settings.api_keys is None:
        raise ConfigurationError(
            "CHATSIEVE_API_KEYS is not set: name the file of keys; `python -m streams api key` makes a key"
        )
    keyring = Keyring(settings.api_keys, settings.api_rate)
    model, note = load_model(settings.model)
    shadow = load_shadow(settings.shadow_model)
    last_good = LastGood(settings.state, settings.packs, promises=model.thresholds if model else None)
    rules, stale = load_or_last_good(settings.packs, last_good, model)
    secret = secret_of(settings)
    topics, metrics = Topics(settings.topic_prefix), ApiMetrics()
    made = await output_partitions(access, topics, settings)
    worker = f"{settings.worker}/api"
    outbox = Outbox(topics, made, worker=worker, metrics=metrics)
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
    store = RedisStandings(url, key=secret, prefix=settings.store_prefix, timeout_s=settings.store_timeout)
    trails = RedisTrails(url, prefix=settings.store_prefix, timeout_s=settings.store_timeout)
    desk = Desk(store, metrics=metrics, half_life=lambda: rulebook.current.policy.reputation.half_life_s)
    rulings = Rulings()
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
        raids=Raids(orders, outbox.order, worker=worker),
        rulings=rulings,
    )
    together = Together(moderator.ask, most=BATCH, waiting=WAITING, sizes=metrics.asked)
    review = Review()
    reviewer = ReviewFollower(access, topics, review, wait_s=settings.fetch_wait)
    follower = Follower(access, topics.control, orders.replace, rulings.take)
    listening = _listen(settings.api)
    port = listening.getsockname()[1]

    def health() -> tuple[bool, Health]:
        good = watcher.stale is None and not desk.away
        store_is = "away" if desk.away else "there"
        name = note.name if note else None
        said = Health("ok" if good else "degraded", rulebook.current.hash, store_is, name)
        return reviewer.caught_up.is_set(), said

    def ready() -> Answer:
        good = watcher.stale is None and reviewer.caught_up.is_set()
        return good, {"ready": good, "ruleset": rulebook.current.hash, "stale": watcher.stale}

    probes = Probes(
        settings.http,
        registry=metrics.registry,
        live=lambda: (True, {"live": True}),
        ready=ready,
    )
    try:
        async with Writer(access) as writer:
            recorder = Recorder(
                writer, topics, feedback_partitions=made[topics.feedback], source=f"/chatsieve/{worker}"
            )
            api = Api(
                keyring=keyring, together=together, recorder=recorder, review=review, metrics=metrics,
                health=health, timeout_s=settings.api_timeout, document=encode(document()),
            )  # fmt: skip
            await probes.start()
            await follower.start()
            announcer.begin(watcher, rulebook)
            await rulebook.settle()
            stopping = stopping_of(stop)
            jobs: list[Job] = [
                together.run, desk.run, watcher.run, rulebook.run, rulebook.tidy, keyring.run, reviewer.run,
                partial(announcer.run, stopping), partial(_say, outbox, writer),
            ]  # fmt: skip
            async with _at_work(jobs, stopping):
                await reviewer.start()
                log.info("answering", port=port, ruleset=rules.hash, model=note.name if note else None)
                await _answer(api, listening, stopping)
    finally:
        await follower.stop()
        await probes.stop()
        await store.close()
        await trails.close()
        listening.close()
    log.info("stopped", worker=worker)


async def _answer(api: Api, listening: socket.socket, stop: asyncio.Event) -> None:
    # What is imported and loaded stays for good: a full collection need not walk it under load.
    gc.collect()
    gc.freeze()
    server = _Server(
        uvicorn.Config(
            api.application(),
            http=OneWrite,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_S,
        )
    )
    answering = asyncio.create_task(server.serve(sockets=[listening]))
    await asyncio.wait((answering, asyncio.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await answering


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: ours set `stop`, which ends everything in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def _at_work(jobs: list[Job], stop: asyncio.Event) -> Any:
    """Run jobs beside the block; one that ends before it should ends the whole in order, with its error."""
    tasks = [asyncio.create_task(job()) for job in jobs]
    for task in tasks:
        task.add_done_callback(partial(must_go_on, stop))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _say(outbox: Outbox, writer: Writer) -> None:
    """Put what the announcer says on `mod.control`, so that `rules status` knows this process too."""
    while True:
        for event in outbox.events():
            try:
                await writer.write(event.topic, event.key, event.value or b"", event.headers, event.partition)
            except BrokerError as error:
                log.warning("event_unsaid", error=str(error))
        await asyncio.sleep(SAY_S)


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ConfigurationError(f"CHATSIEVE_API: expected host:port, got {address!r}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio switches Nagle's algorithm off; else each answer waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host.strip("[]"), int(port)))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"CHATSIEVE_API: can't listen on {address}: {error.strerror}") from error
    return listening
