"""What judges, put together from the settings: the same for a worker and for the API."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import NamedTuple

import structlog

from rules.text import language
from streams.control import pack_files
from streams.control.follower import Follower
from streams.control.last_good import LastGood
from streams.control.orders import Orders
from streams.control.reload import PackWatcher
from streams.control.rulebook import Rulebook
from streams.control.rulings import Rulings
from streams.judging.behaviour import Observer
from streams.judging.moderator import Moderator
from streams.judging.outbox import Outbox
from streams.judging.raids import Raids
from streams.kafka.topics import Access, Topics, ensure, partitions
from streams.metrics import Metrics
from streams.process.announcer import Announcer
from streams.process.opening import (
    load_model,
    load_or_last_good,
    load_shadow,
    maturity_of,
    secret_of,
    store_of,
)
from streams.process.tasks import Job
from streams.settings import Settings
from streams.store.desk import Desk
from streams.store.standings_redis import RedisStandings
from streams.store.trails_redis import RedisTrails

log = structlog.get_logger(__name__)


class Judging(NamedTuple):
    """The parts.

    Attributes:
        partitions: How many each output topic has, by its name.
        model_name, shadow_name: None where there is no such model.
    """

    topics: Topics
    partitions: dict[str, int]
    secret: bytes
    model_name: str | None
    shadow_name: str | None
    watcher: PackWatcher
    rulebook: Rulebook
    rulings: Rulings
    follower: Follower
    announcer: Announcer
    store: RedisStandings
    trails: RedisTrails
    desk: Desk
    outbox: Outbox
    moderator: Moderator

    def half_life_s(self) -> float:
        """Return in how many seconds strikes halve, as the policy in force has it."""
        return self.rulebook.current.policy.reputation.half_life_s

    async def start(self) -> None:
        """Catch up with orders: who starts in the middle of an incident must not judge as if there were none.

        Raises:
            BrokerError: They can't be read.
        """
        await asyncio.gather(self.follower.start(), asyncio.to_thread(language.prepare))
        self.announcer.begin(self.watcher, self.rulebook)
        await self.rulebook.settle()

    def jobs(self, stop: asyncio.Event) -> list[Job]:
        """Return what must run beside the judging."""
        return [
            self.watcher.run, self.rulebook.run, self.rulebook.tidy, partial(self.announcer.run, stop)
        ]  # fmt: skip

    async def close(self) -> None:
        """Let go of the topics and the store."""
        await self.follower.stop()
        await self.store.close()
        await self.trails.close()


async def assemble(settings: Settings, access: Access, metrics: Metrics, *, worker: str) -> Judging:
    """Return the parts, wired together.

    Args:
        worker: What this process is called in what it says.

    Raises:
        ConfigurationError: A setting is unusable.
        BrokerError: The broker stays away or refuses.
    """
    url = store_of(settings)
    model, note = load_model(settings.model)
    shadow = load_shadow(settings.shadow_model)
    last_good = LastGood(
        settings.state,
        settings.packs,
        promises=model.thresholds if model else None,
        maturity=maturity_of(model) if model else None,
    )
    before = pack_files.as_they_are(settings.packs)
    rules, stale = load_or_last_good(settings.packs, last_good, model)
    unchanged = stale is None and before == pack_files.as_they_are(settings.packs)
    if stale is not None:
        log.error("last_good_in_force", ruleset=rules.hash, reason=stale)
    secret, topics = secret_of(settings), Topics(settings.topic_prefix)
    store = RedisStandings(url, key=secret, prefix=settings.store_prefix, timeout_s=settings.store_timeout)
    trails = RedisTrails(url, prefix=settings.store_prefix, timeout_s=settings.store_timeout)
    made = await output_partitions(access, topics, settings)
    outbox = Outbox(topics, made, worker=worker, metrics=metrics, review_text=settings.review_text)
    orders, rulings = Orders(), Rulings()
    announcer = Announcer(outbox, metrics, orders)
    watcher = PackWatcher(
        settings.packs, rules, announcer.reloaded,
        now=time.time(), stale=stale, loaded=before if unchanged else None,
        may_cut=orders.accepts_shrink, every_s=settings.packs_every,
    )  # fmt: skip
    rulebook = Rulebook(
        rules, orders, last_good, announcer.changed,
        now=time.time(), origin="files" if stale is None else "last_good",
    )  # fmt: skip
    desk = Desk(
        store,
        metrics=metrics,
        half_life=lambda: rulebook.current.policy.reputation.half_life_s,
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
        raids=Raids(orders, outbox.order, worker=worker),
        rulings=rulings,
    )
    return Judging(
        topics=topics,
        partitions=made,
        secret=secret,
        model_name=note.name if note else None,
        shadow_name=shadow.name if shadow else None,
        watcher=watcher,
        rulebook=rulebook,
        rulings=rulings,
        follower=Follower(access, topics.control, orders.replace, rulings.take),
        announcer=announcer,
        store=store,
        trails=trails,
        desk=desk,
        outbox=outbox,
        moderator=moderator,
    )


async def output_partitions(access: Access, topics: Topics, settings: Settings) -> dict[str, int]:
    """Make the topics that are missing, and return how many partitions each output topic has."""
    made = await asyncio.to_thread(ensure, access, topics, settings.partitions, settings.replication)
    if made:
        log.info("topics_made", topics=made, partitions=settings.partitions)
    outputs = (topics.verdicts, topics.actions, topics.review, topics.deadletters, topics.feedback)
    return {name: await asyncio.to_thread(partitions, access, name) for name in outputs}
