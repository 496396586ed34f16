"""Puts the API together from its settings, and takes it down in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import Any

import structlog
import uvicorn

from streams.api.app import Api
from streams.api.bodies import Health
from streams.api.keys import Keyring
from streams.api.lean_protocol import LeanProtocol
from streams.api.openapi import document
from streams.api.recorder import Recorder
from streams.api.review import Review, ReviewFollower
from streams.api.together import Together
from streams.errors import BrokerError, ConfigurationError
from streams.judging.outbox import Outbox
from streams.kafka.access import access_of
from streams.kafka.reading import Writer
from streams.metrics import ApiMetrics
from streams.process.judging import assemble
from streams.process.probes import Answer, Probes
from streams.process.tasks import Job, at_work, stopping_of
from streams.settings import Settings
from streams.wire.writing import encode

log = structlog.get_logger(__name__)

# Messages judged as one batch, and those that may wait: about a second's worth.
BATCH, WAITING = 512, 8192
SAY_S = 1.0
STOP_S = 10


async def serve(settings: Settings, stop: asyncio.Event | None = None, *, shares_port: bool = False) -> None:
    """Answer requests until told to stop (SIGTERM, SIGINT, or `stop`).

    Args:
        shares_port: Other processes listen on the same address.

    Raises:
        ConfigurationError: A setting is unusable.
        BrokerError: The broker stays away or refuses.
    """
    access, metrics = access_of(settings), ApiMetrics()
    if settings.api_keys is None:
        raise ConfigurationError(
            "CHATSIEVE_API_KEYS is not set: name the file of keys; `python -m streams api key` makes a key"
        )
    keyring = Keyring(settings.api_keys, settings.api_rate)
    worker = f"{settings.worker}/api"
    judging = await assemble(settings, access, metrics, worker=worker)
    topics, watcher, rulebook, desk = judging.topics, judging.watcher, judging.rulebook, judging.desk
    together = Together(judging.moderator.ask, most=BATCH, waiting=WAITING, sizes=metrics.asked)
    review = Review()
    reviewer = ReviewFollower(access, topics, review, wait_s=settings.fetch_wait)
    listening = _listen(settings.api, shared=shares_port)
    port = listening.getsockname()[1]

    def health() -> tuple[bool, Health]:
        good = watcher.stale is None and not desk.away
        store_is = "away" if desk.away else "there"
        status = "ok" if good else "degraded"
        said = Health(status, rulebook.current.hash, store_is, judging.model_name)
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
                writer,
                topics,
                feedback_partitions=judging.partitions[topics.feedback],
                source=f"/chatsieve/{worker}",
            )
            api = Api(
                keyring=keyring, together=together, recorder=recorder, review=review, metrics=metrics,
                health=health, timeout_s=settings.api_timeout, document=encode(document()),
            )  # fmt: skip
            await probes.start()
            await judging.start()
            stopping = stopping_of(stop)
            jobs: list[Job] = [
                *judging.jobs(stopping), together.run, desk.run, keyring.run, reviewer.run,
                partial(_say, judging.outbox, writer),
            ]  # fmt: skip
            async with at_work(jobs, stopping):
                await reviewer.start()
                log.info("answering", port=port, ruleset=rulebook.current.hash, model=judging.model_name)
                await _answer(api, listening, stopping)
    finally:
        await probes.stop()
        await judging.close()
        listening.close()
    log.info("stopped", worker=worker)


async def _answer(api: Api, listening: socket.socket, stop: asyncio.Event) -> None:
    application = api.application()
    server = _Server(
        uvicorn.Config(
            application,
            http=partial(LeanProtocol, express=application.express),  # type: ignore[arg-type]  # makes one
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


async def _say(outbox: Outbox, writer: Writer) -> None:
    """Put what the announcer says on `mod.control`, so that `rules status` knows this process too."""
    while True:
        for event in outbox.events():
            try:
                await writer.write(event.topic, event.key, event.value or b"", event.headers, event.partition)
            except BrokerError as error:
                log.warning("event_unsaid", error=str(error))
        await asyncio.sleep(SAY_S)


def _listen(address: str, *, shared: bool) -> socket.socket:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ConfigurationError(f"CHATSIEVE_API: expected host:port, got {address!r}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio switches Nagle's algorithm off; else each answer waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host.strip("[]"), int(port)))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"CHATSIEVE_API: can't listen on {address}: {error.strerror}") from error
    return listening
