"""What standings cost: memory for a million users, and CPU a message with few users and with many."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator

import redis

from rules.message import Kind
from rules.verdict import Action
from streams.embedded import Store
from streams.standings import Ask, AuthorEffects, Charge, Effect, PartitionId, Recall
from streams.standings_redis import RedisStandings
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


def reputation(say: Callable[[str], None]) -> Part:
    """Fill two stores with users, and measure them in turn, so that the machine's noise is in both."""
    with Store() as few, Store() as many:
        return asyncio.run(_measured(_Crowd(few, FEW), _Crowd(many, MANY), say))


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
        f"µs of CPU a message to load and save, in batches of {BATCH}; each user has spoken within"
        f" two days, one in {STRUCK} has three strikes",
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
    return {"ours": crowd.best[0], "store": crowd.best[1], "together": sum(crowd.best)}


def _said(number: int, offset: int) -> AuthorEffects:
    """One good message of a user; of some, three bad ones before it."""
    partition = PartitionId(TOPIC_ID, number % PARTITIONS)
    effects = list(_struck(number, offset)) if number % STRUCK == 0 and offset == 0 else []
    recall = Recall(f"{number:032x}", Action.ALLOW, good=True)
    effects.append(
        Effect(offset + 3, NOW + number % DAY_S + 1 / 3, f"m{number}-{offset}", Kind.CREATED, recall)
    )
    return AuthorEffects(f"tenant/platform/user-{number}", partition, tuple(effects))


def _struck(number: int, offset: int) -> Iterator[Effect]:
    for n in range(3):
        recall = Recall(f"{number:032x}", Action.HOLD, 0.5)
        charge = Charge("spam", "46517e76e516bdf8", None, True)
        yield Effect(offset + n, NOW + n, f"s{number}-{n}", Kind.CREATED, recall, charge=charge)


class _Crowd:
    """So many users of a store, of whom some speak at a time."""

    def __init__(self, store: Store, users: int) -> None:
        self.store, self.users = store, users
        self.standings = RedisStandings(store.url, key=b"only for the bench", timeout_s=30)
        self.best = (float("inf"), float("inf"))
        self._dice = random.Random(users)
        self._offset = 10

    async def fill(self, say: Callable[[str], None]) -> None:
        """Let everybody have spoken."""
        for start in range(0, self.users, FILL):
            if start % 100_000 == 0:
                say(f"filling a store: {start:,} of {self.users:,} users")
            numbers = range(start, min(self.users, start + FILL))
            await self.standings.save([_said(number, 0) for number in numbers], WEEK_S)

    async def round(self) -> None:
        """Measure some batches of different users; µs of CPU a message, ours and the store's."""
        batches = [self._dice.sample(range(self.users), BATCH) for _ in range(BATCHES)]
        ours, theirs = time.process_time(), cpu_s(self.store.pid)
        for some in batches:
            self._offset += 10
            asks = [Ask(f"tenant/platform/user-{n}", (f"m{n}-{self._offset}",)) for n in some]
            await self.standings.load(asks, NOW + DAY_S)
            await self.standings.save([_said(n, self._offset) for n in some], WEEK_S)
        spent = time.process_time() - ours, cpu_s(self.store.pid) - theirs
        each = (1e6 * spent[0] / (BATCH * BATCHES), 1e6 * spent[1] / (BATCH * BATCHES))
        self.best = min(self.best, each, key=sum)
