"""What many users cost: memory for a million, and CPU a message beside what it is with a thousand."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import redis

from rules.message import Kind
from rules.packs import load
from rules.ruleset import RuleSet
from rules.verdict import Action
from streams.judging.moderator import Moderator
from streams.judging.outbox import Outbox, Record
from streams.kafka.topics import Topics
from streams.metrics import Metrics
from streams.process.embedded import Store
from streams.store.desk import Desk
from streams.store.standings import AuthorEffects, Charge, Effect, PartitionId, Recall
from streams.store.standings_redis import RedisStandings
from tests.bench.chat import of_length
from tests.bench.programs import cpu_s
from tests.bench.table import Line, Part

FEW, MANY = 1_000, 1_000_000
# One in so many has been struck, thrice.
STRUCK = 20
MOST_MB = 600.0
MOST_TIMES = 1.3
BATCH = 500
FILL = 2_000
ROUNDS = 7
BATCHES = 20
NOW = 1_760_000_000.0
DAY_S = 86_400
WEEK_S = 604_800.0
TOPIC_ID = "0190a3b4-7c1e-7f00-8a55-3d1c9be2f001"
PARTITIONS = 8
TEXTS = of_length(60, 500)


def reputation(packs: Path, say: Callable[[str], None]) -> Part:
    """Fill two stores with users, and measure them in turn, so that the machine's noise is in both."""
    with Store() as few, Store() as many:
        rules = load(packs)
        return asyncio.run(_measured(_Crowd(few, FEW, rules), _Crowd(many, MANY, rules), say))


async def _measured(few: _Crowd, many: _Crowd, say: Callable[[str], None]) -> Part:
    try:
        for crowd in (few, many):
            await crowd.fill(say)
        with redis.Redis.from_url(many.store.url) as client:
            memory = client.info("memory")
        say("measuring")
        for _ in range(ROUNDS):
            await few.round()
            await many.round()
    finally:
        await few.standings.close()
        await many.standings.close()
    used, resident = memory["used_memory"] / 1e6, memory["used_memory_rss"] / 1e6
    times = sum(many.best) / sum(few.best)
    return Part(
        "reputation",
        f"µs of CPU to judge a message and keep what it moves, in batches of {BATCH}; each user has spoken"
        f" within two days, one in {STRUCK} has three strikes",
        [
            Line(f"{few.users:,} users", _figures(few)),
            Line(
                f"{many.users:,} users",
                _figures(many) | {"times": times},
                f"within {MOST_TIMES} times that with {few.users:,}",
                times <= MOST_TIMES,
            ),
            Line(
                "memory",
                {"used MB": used, "resident MB": resident, "bytes a user": 1e6 * used / many.users},
                f"{many.users:,} users in {MOST_MB:.0f} MB",
                used <= MOST_MB,
            ),
        ],
    )


def _figures(crowd: _Crowd) -> dict[str, float]:
    return {"worker": crowd.best[0], "store": crowd.best[1], "together": sum(crowd.best)}


def _said(number: int) -> AuthorEffects:
    """One good message of a user; of some, three bad ones before it."""
    partition = PartitionId(TOPIC_ID, number % PARTITIONS)
    effects = list(_struck(number)) if number % STRUCK == 0 else []
    recall = Recall(f"{number:032x}", Action.ALLOW, good=True)
    effects.append(Effect(3, NOW + number % DAY_S + 1 / 3, f"m{number}", Kind.CREATED, recall))
    return AuthorEffects(f"tenant/platform/user-{number}", partition, tuple(effects))


def _struck(number: int) -> Iterator[Effect]:
    for n in range(3):
        recall = Recall(f"{number:032x}", Action.HOLD, 0.5)
        charge = Charge("spam", "46517e76e516bdf8", None, True)
        yield Effect(n, NOW + n, f"s{number}-{n}", Kind.CREATED, recall, charge=charge)


class _Crowd:
    """So many users of a store, of whom some speak at a time."""

    def __init__(self, store: Store, users: int, rules: RuleSet) -> None:
        self.store, self.users = store, users
        self.standings = RedisStandings(store.url, key=b"only for the bench", timeout_s=120)
        self.best = (float("inf"), float("inf"))
        self._dice = random.Random(users)
        self._offset = 10
        topics, metrics = Topics(), Metrics()
        self._moderator = Moderator(
            current=lambda: rules,
            desk=Desk(self.standings, metrics=metrics, half_life=lambda: WEEK_S),
            outbox=Outbox(topics, dict.fromkeys(topics.all, PARTITIONS), worker="bench", metrics=metrics),
            metrics=metrics,
            topic=topics.messages,
            secret=b"only for the bench",
        )

    async def fill(self, say: Callable[[str], None]) -> None:
        """Let everybody have spoken."""
        for start in range(0, self.users, FILL):
            if start % 100_000 == 0:
                say(f"filling a store: {start:,} of {self.users:,} users")
            numbers = range(start, min(self.users, start + FILL))
            await self.standings.save([_said(number) for number in numbers], WEEK_S)

    async def round(self) -> None:
        """Measure some batches of different users; µs of CPU a message, ours and the store's."""
        batches = [self._records() for _ in range(BATCHES)]
        ours, theirs = time.process_time(), cpu_s(self.store.pid)
        for records in batches:
            judged = await self._moderator.judge(TOPIC_ID, records)
            await self.standings.save(judged.effects, WEEK_S)
        spent = time.process_time() - ours, cpu_s(self.store.pid) - theirs
        each = (1e6 * spent[0] / (BATCH * BATCHES), 1e6 * spent[1] / (BATCH * BATCHES))
        self.best = min(self.best, each, key=sum)

    def _records(self) -> list[Record]:
        """Return a message of each of some users."""
        made = []
        for number in self._dice.sample(range(self.users), BATCH):
            self._offset += 1
            said = {
                "id": f"m{self._offset}", "author": f"user-{number}", "text": self._dice.choice(TEXTS),
                "tenant": "tenant", "platform": "platform",
            }  # fmt: skip
            value = msgspec.json.encode(said)
            made.append(Record(number % PARTITIONS, self._offset, NOW + DAY_S, None, value))
        return made
