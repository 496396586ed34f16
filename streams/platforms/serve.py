"""Puts a bridge together from its settings and its file, and takes it down in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from streams.kafka.access import Access, access_of
from streams.kafka.reading import Partition, Reader, Writer, ends
from streams.kafka.topics import Topics, ensure, partitions, topic_ids
from streams.platforms import config
from streams.platforms.bridge import Bridge
from streams.platforms.memory import Memory
from streams.platforms.pace import Pace
from streams.platforms.port import Platform
from streams.process.opening import store_of
from streams.process.tasks import stopping_of
from streams.settings import Settings

log = structlog.get_logger(__name__)

# The store of a bridge's memory may take so long: nothing waits for it but the bridge.
STORE_S = 5.0
RETRY_S = 1.0


async def serve(
    settings: Settings, kind: str, path: Path, *, dry_run: bool, stop: asyncio.Event | None = None
) -> None:
    """Run a bridge until told to stop (SIGTERM, SIGINT, or `stop`).

    Raises:
        ConfigurationError: A setting, the file, or what the platform was told is unusable.
        BrokerError: The broker stays away or refuses.
        StoreError: The store doesn't answer at the start.
        PlatformError: The platform can't be reached at the start.
    """
    bridge_config, platform = config.read(path, kind)
    access, url = access_of(settings), store_of(settings)
    topics, name = Topics(settings.topic_prefix), bridge_config.name or kind
    await asyncio.to_thread(ensure, access, topics, settings.partitions, settings.replication)
    memory = Memory(url, name, prefix=settings.store_prefix, timeout_s=STORE_S)
    watched = (topics.actions, topics.review)
    position = _Position(access, watched, memory)
    stopping = stopping_of(stop)
    try:
        # Before the first message is heard, so that no verdict on it is missed.
        await position.find()
        async with Writer(access) as writer:
            bridge = Bridge(
                platform,
                name=name,
                tenant=bridge_config.tenant,
                kind=bridge_config.platform or kind,
                rows=bridge_config.deeds,
                memory=memory,
                writer=writer,
                topics=topics,
                partitions=await asyncio.to_thread(partitions, access, topics.feedback),
                pace=Pace(bridge_config.pace.per_s, bridge_config.pace.burst),
                dry_run=dry_run or bridge_config.dry_run,
            )
            log.info("bridging", bridge=name, platform=kind, dry_run=dry_run or bridge_config.dry_run)
            async with position.reader(settings.fetch_wait) as reader:
                await _work(bridge, platform, position, reader, stopping)
    finally:
        await platform.close()
        await memory.close()
    log.info("stopped", bridge=name)


async def _work(
    bridge: Bridge, platform: Platform, position: _Position, reader: Reader, stop: asyncio.Event
) -> None:
    async def act() -> None:
        async for records in reader.batches():
            await bridge.act(records)
            await position.moved(records)

    stopped = asyncio.create_task(stop.wait())
    jobs = [asyncio.create_task(job()) for job in (partial(platform.run, bridge), act, bridge.watch_time)]
    # A replay has nothing more to hear at some time; what was decided must be done all the same.
    going: set[asyncio.Task[Any]] = {stopped, *jobs}
    failed: BaseException | None = None
    while going and failed is None and not stopped.done():
        done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
        failed = next((task.exception() for task in done if task.exception() is not None), None)
    while going:
        # More than once, since the store's client swallows a cancellation while it connects.
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=0.5)
    if isinstance(failed, ExceptionGroup):
        raise failed.exceptions[0]
    if failed is not None:
        raise failed


class _Position:
    """How far `mod.actions` and `mod.review` were acted on, kept in the bridge's memory."""

    def __init__(self, access: Access, topics: Sequence[str], memory: Memory) -> None:
        self._access = access
        self._topics = topics
        self._memory = memory
        self._ids: dict[str, str] = {}
        self._next: dict[Partition, int] = {}

    async def find(self) -> None:
        """Go on where the last run ended; the first begins with what comes from now on."""
        known = await self._memory.offsets()
        self._ids = await asyncio.to_thread(topic_ids, self._access, self._topics)
        for where, (begin, end) in (await asyncio.to_thread(ends, self._access, self._topics)).items():
            self._next[where] = min(end, max(begin, known.get(self._field(where), end)))
        await self._save(self._next)

    def reader(self, wait_s: float) -> Reader:
        """Return a reader of what was not acted on."""
        return Reader(self._access, self._next, wait_s=wait_s)

    async def moved(self, records: Sequence[Any]) -> None:
        """Note that these were acted on."""
        await self._save({(record.topic, record.partition): record.offset + 1 for record in records})

    async def _save(self, moved: dict[Partition, int]) -> None:
        await self._memory.set_offsets({self._field(where): offset for where, offset in moved.items()})

    def _field(self, where: Partition) -> str:
        topic, number = where
        return f"{self._ids[topic]}/{number}"
