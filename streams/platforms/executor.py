"""Does deeds on a platform, each once; tries again where that may help, and says what came of it."""

from __future__ import annotations

import asyncio
import time

import structlog

from rules.verdict import Verdict
from streams.kafka.reading import Writer
from streams.kafka.topics import Topics
from streams.platforms.deeds import Deed, Task
from streams.platforms.memory import Memory
from streams.platforms.pace import Pace
from streams.platforms.port import Away, Impossible, Platform, reason_of
from streams.wire.records import DEED, DeedRecord, Outcome, record_key
from streams.wire.writing import cloud_event, encode, rfc3339

log = structlog.get_logger(__name__)

# A deed is tried so often, at growing intervals: about two minutes, or longer where the platform says so.
TRIES = 7
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0


class Executor:
    """Does the deeds of one bridge.

    Args:
        name: The bridge's, on what is said of deeds.
        dry_run: Nothing is done; what would be is said.
    """

    def __init__(
        self,
        platform: Platform,
        name: str,
        memory: Memory,
        writer: Writer,
        topics: Topics,
        pace: Pace,
        *,
        dry_run: bool,
    ) -> None:
        self._platform = platform
        self._name = name
        self._source = f"/chatsieve/bridge/{name}"
        self._memory = memory
        self._writer = writer
        self._topics = topics
        self._pace = pace
        self._dry_run = dry_run

    async def do(self, task: Task) -> str | None:
        """Do a deed, unless it was done; try again where that may help, and say what came of it.

        What was tried in vain is tried anew when a human asks for it.

        Returns:
            Why it isn't done; None where it is.
        """
        if self._dry_run:
            if await self._memory.claim(f"dry/{task.id}"):
                log.info("dry_run", deed=task.deed, verdict=task.verdict.id)
                await self.say(task, Outcome.DRY_RUN, None)
            return "this is a dry run"
        if task.deed is Deed.UNTIMEOUT and not await self._memory.is_silenced(task.verdict):
            return None
        if task.deed not in self._platform.repeatable:
            if not await self._memory.claim(task.id):
                return None
        else:
            known = await self._memory.came_of(task.id)
            if known == "":
                return None
            if known is not None and not task.urgent:
                return known
        return await self._done(task)

    async def _done(self, task: Task) -> str | None:
        """Do it, note it and say so; return why it isn't done."""
        why: str | None = None
        if task.deed in (Deed.DELETE, Deed.HIDE):
            await self._memory.note_gone(task.verdict.message_id)
        try:
            report = await self._tried(task)
        except Impossible as error:
            outcome, why = Outcome.IMPOSSIBLE, reason_of(error)
            log.warning("deed_impossible", deed=task.deed, verdict=task.verdict.id, reason=why)
        except Away as error:
            outcome, why = Outcome.FAILED, reason_of(error)
            log.error("deed_failed", deed=task.deed, verdict=task.verdict.id, reason=why)  # noqa: TRY400
        else:
            outcome = Outcome.DONE
            await self._remember(task, report)
        await self._memory.note(task.id, why)
        await self.say(task, outcome, why)
        return why

    async def _remember(self, task: Task, report: str | None) -> None:
        """Note what follows from a deed that was done."""
        if task.deed is Deed.UNHIDE:
            await self._memory.forget_gone(task.verdict.message_id)
        if task.deed is Deed.TIMEOUT:
            await self._memory.set_silenced(task.verdict)
        if task.deed is Deed.UNTIMEOUT:
            await self._memory.end_silenced(task.verdict)
        if report is not None:
            await self._memory.set_report(report, task.verdict)

    async def lift(self, verdict: Verdict, *, remove: bool, urgent: bool = False) -> str | None:
        """Take a message away for good, or bring it back; return why that isn't done, None where it is."""
        deed = Deed.DELETE if remove else Deed.UNHIDE
        if deed not in self._platform.can:
            return "this platform can't do that"
        return await self.do(Task(deed, verdict, urgent=urgent))

    async def end_time_out(self, verdict: Verdict) -> str | None:
        """Let the author write again, if this verdict keeps them from it; return in words what came of it."""
        if not await self._memory.is_silenced(verdict):
            return None
        why = await self.do(Task(Deed.UNTIMEOUT, verdict, urgent=True))
        return "The author may write again." if why is None else f"The author may not write again yet: {why}."

    async def say(self, task: Task, outcome: Outcome, reason: str | None) -> None:
        """Say on `mod.deeds` what came of a deed, and why it isn't done."""
        verdict = task.verdict
        said = DeedRecord(
            id=task.id, bridge=self._name, verdict_id=verdict.id, deed=task.deed.value, outcome=outcome,
            message_id=verdict.message_id, at=rfc3339(time.time()), tenant=verdict.tenant,
            platform=verdict.platform, channel=verdict.channel, author=verdict.author, reason=reason,
        )  # fmt: skip
        headers = cloud_event(said.id, DEED, self._source, said.at)
        key = record_key(verdict.tenant, verdict.platform, verdict.author)
        await self._writer.write(self._topics.deeds, key, encode(said), headers)

    async def _tried(self, task: Task) -> str | None:
        wait = FIRST_WAIT_S
        for attempt in range(1, TRIES + 1):
            if not self._platform.counts_lines:
                await self._pace.take(urgent=task.urgent)
            try:
                return await self._platform.do(task)
            except Away as error:
                if attempt == TRIES:
                    raise
                await asyncio.sleep(wait if error.retry_after_s is None else error.retry_after_s)
                wait = min(LONGEST_WAIT_S, wait * 2)
        raise AssertionError
