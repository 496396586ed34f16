"""Watches a topic and notes when each message came out, beside when it was sent."""

from __future__ import annotations

import asyncio
import sys
import time
from bisect import bisect_right
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.bench.load import Sent, stamp
from tests.bench.programs import PARTITIONS, QUIET_S, TREE, Program, ProgramError

# The first second of a load is for everybody to wake up.
WAKE_US = 1_000_000


class Seen(msgspec.Struct):
    """What came out.

    Attributes:
        times: Seconds on the monotonic clock at which records were fetched, ascending.
        counts: How many different messages had come out by each time.
        sent_us: When each was sent, by its number.
        waits_ms: How long each took, by its number.
        unsaid: How many verdicts say nothing of their author's standing, as when the store is away.
    """

    times: list[float] = []
    counts: list[int] = []
    sent_us: dict[int, int] = {}
    waits_ms: dict[int, float] = {}
    unsaid: int = 0

    def settled_waits_ms(self) -> list[float]:
        """Return the waits, ascending, of all that was sent after the first second."""
        first = min(self.sent_us.values(), default=0) + WAKE_US
        return sorted(self.waits_ms[number] for number, at in self.sent_us.items() if at >= first)


class Tail:
    """A reader of a topic from its end on; a context manager. It belongs to no group."""

    def __init__(self, broker: str, topic: str) -> None:
        self._its = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        self._reader = AIOKafkaConsumer(
            bootstrap_servers=broker,
            group_id=None,
            auto_offset_reset="latest",
            max_partition_fetch_bytes=4 << 20,
        )

    async def __aenter__(self) -> Self:
        await self._reader.start()
        self._reader.assign(self._its)
        for tp, end in (await self._reader.end_offsets(self._its)).items():
            self._reader.seek(tp, end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reader.stop()

    async def see(self, total: int, check: Callable[[], None]) -> Seen:
        """Return what came out when all has, or when nothing did for QUIET_S; `check` may raise meanwhile."""
        seen, heard = Seen(), time.monotonic()
        while len(seen.waits_ms) < total and time.monotonic() - heard < QUIET_S:
            fetched = await self._reader.getmany(timeout_ms=200)
            now = time.monotonic()
            for records in fetched.values():
                for record in records:
                    self._note(seen, record.value, now)
            if fetched:
                seen.times.append(now)
                seen.counts.append(len(seen.waits_ms))
                heard = now
            check()
        return seen

    @staticmethod
    def _note(seen: Seen, value: bytes, now: float) -> None:
        at_us, number = stamp(value)
        if number not in seen.waits_ms:
            seen.sent_us[number] = at_us
            seen.waits_ms[number] = now * 1000 - at_us / 1000
            seen.unsaid += b'"standing":{' not in value


async def under_load(program: Program, rate: float, seconds: float) -> tuple[Sent, Seen]:
    """Send to a program at a rate from another process, and return what was sent and what came out.

    Raises:
        ProgramError: The program or the load ended before all had come out.
    """
    total = int(rate * seconds)
    program.expect(total)
    async with Tail(program.broker, program.target) as tail:
        load = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.load", program.broker, program.source, str(rate), str(seconds),
            cwd=TREE, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        answering = asyncio.create_task(load.communicate())
        try:
            seen = await tail.see(total, program.check)
            answer, _ = await asyncio.wait_for(answering, QUIET_S)
        finally:
            if load.returncode is None:
                load.kill()
                await load.wait()
    if load.returncode != 0:
        raise ProgramError(f"the load ended with {load.returncode}")
    return msgspec.json.decode(answer, type=Sent), seen


def behind_s(sent: Sent, seen: Seen, rate: float) -> float:
    """Return the most that the output was behind the input: messages sent and not yet out, at the rate.

    Looked at whenever something came out, just before it is counted.
    """
    worst = 0
    for now, before in zip(seen.times, [0, *seen.counts], strict=False):
        step = bisect_right(sent.times, now)
        worst = max(worst, (sent.counts[step - 1] if step else 0) - before)
    return worst / rate
