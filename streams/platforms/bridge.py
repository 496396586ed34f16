"""The frame of every bridge: what is said goes to be judged, what is decided is done, once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from rules.message import Author, Kind, Message
from rules.verdict import Action, Verdict
from streams.judging.verdicts import evidence_of
from streams.kafka.reading import Writer
from streams.kafka.topics import Topics
from streams.platforms import words
from streams.platforms.deeds import Deed, Plan, Row, Task, plan
from streams.platforms.executor import Executor
from streams.platforms.memory import Memory, Said
from streams.platforms.pace import Pace
from streams.platforms.port import Away, Impossible, Platform
from streams.wire.records import (
    FEEDBACK,
    Decision,
    Feedback,
    Outcome,
    ReviewItem,
    Scope,
    record_key,
)
from streams.wire.writing import cloud_event, encode, rfc3339

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
# So many authors' deeds are under way at once; one author's are done in their order.
AT_ONCE = 8
UNKNOWN = "I don't know what this is about (any more)."

_verdicts = msgspec.json.Decoder(Verdict)
_items = msgspec.json.Decoder(ReviewItem)


class Bridge:
    """Stands between a platform and the topics.

    Args:
        name: Of this bridge, in its memory and in what it says.
        tenant: Put on every message.
        kind: The platform's name, put on every message.
        dry_run: Nothing is done; what would be is said.
    """

    def __init__(
        self,
        platform: Platform,
        *,
        name: str,
        tenant: str,
        kind: str,
        rows: Sequence[Row],
        memory: Memory,
        writer: Writer,
        topics: Topics,
        partitions: int,
        pace: Pace,
        dry_run: bool,
    ) -> None:
        self._platform = platform
        self._name = name
        self._tenant = tenant
        self._kind = kind
        self._rows = rows
        self.wants = frozenset(deed for row in rows for deed in row.do)
        self._memory = memory
        self._writer = writer
        self._topics = topics
        self._feedback_partitions = partitions
        self._pace = pace
        self._source = f"/chatsieve/bridge/{name}"
        self._executor = Executor(platform, name, memory, writer, topics, pace, dry_run=dry_run)

    # -- in: what is said

    async def cursor(self) -> str | None:
        """See Ear."""
        return await self._memory.cursor()

    async def hear(self, messages: Sequence[Message], cursor: str | None = None) -> None:
        """See Ear."""
        deleted = [message.id for message in messages if message.kind is Kind.DELETED]
        ours = await self._memory.gone(deleted)
        # First, since a message and its deletion may be heard together.
        await self._memory.remember(
            {
                m.id: Said(m.author.id, m.channel)
                for m in messages
                if m.author is not None and m.kind is not Kind.DELETED
            }
        )
        known = dict(zip(deleted, await self._memory.recall(deleted), strict=True))
        kept = [
            _placed(message, self._tenant, self._kind, known.get(message.id))
            for message in messages
            if message.id not in ours
        ]
        await asyncio.gather(*(self._send(message) for message in kept))
        for message in kept:
            if message.kind is Kind.DELETED:
                await self._memory.end_hold(message.id)
        if cursor is not None:
            await self._memory.set_cursor(cursor)

    async def _send(self, message: Message) -> None:
        key = record_key(message.tenant, message.platform, message.author.id if message.author else None)
        await self._writer.write(self._topics.messages, key, encode(message))

    # -- out: what is decided

    async def act(self, records: Sequence[Any]) -> None:
        """Do what records of `mod.actions` and `mod.review` ask for, each author's in their order."""
        by_author: dict[str | None, list[tuple[Verdict, Message | None]]] = {}
        for record in records:
            found = self._read(record)
            if found is not None:
                by_author.setdefault(found[0].author, []).append(found)
        limit = asyncio.Semaphore(AT_ONCE)

        async def one_after_the_other(its: list[tuple[Verdict, Message | None]]) -> None:
            async with limit:
                for verdict, message in its:
                    await self._enforce(verdict, message)

        async with asyncio.TaskGroup() as tasks:
            for its in by_author.values():
                tasks.create_task(one_after_the_other(its))

    def _read(self, record: Any) -> tuple[Verdict, Message | None] | None:
        message: Message | None = None
        try:
            if record.topic == self._topics.review:
                item = _items.decode(record.value)
                verdict, message = item.verdict, item.message or Message(item.verdict.message_id)
            else:
                verdict = _verdicts.decode(record.value)
        except msgspec.DecodeError as error:
            log.warning("record_unreadable", topic=record.topic, offset=record.offset, error=str(error))
            return None
        ours = verdict.tenant == self._tenant and verdict.platform == self._kind
        return (verdict, message) if ours else None

    async def _enforce(self, verdict: Verdict, message: Message | None) -> None:
        """Do what belongs to the topic the verdict came on: reports have the message, and come with it.

        What was decided in the moderators' room of this bridge was done when it was decided.
        """
        if verdict.decided_by.startswith(f"human:bridge/{self._name}/"):
            return
        planned = plan(verdict, self._rows, self._platform.can, message)
        reviewed = verdict.action in (Action.FLAG, Action.HOLD) or verdict.queue is not None
        for task in planned.tasks:
            from_review = task.deed is Deed.REPORT and reviewed
            ours = from_review == (message is not None)
            if ours and not await self._memory.is_copy(verdict, task.deed):
                await self._executor.do(task)
        if message is None:
            await self._follow_hold(verdict, planned)
            for deed in planned.impossible:
                await self._executor.say(
                    Task(deed, verdict), Outcome.IMPOSSIBLE, "this platform can't do that"
                )

    # -- what time brings

    async def _follow_hold(self, verdict: Verdict, planned: Plan) -> None:
        if verdict.action is Action.HOLD and verdict.hold_until is not None:
            hidden = any(task.deed in (Deed.HIDE, Deed.DELETE) for task in planned.tasks)
            acted = hidden or verdict.on_expiry is Action.REMOVE
            if acted and not await self._memory.is_copy(verdict, "hold"):
                until = datetime.fromisoformat(verdict.hold_until).timestamp()
                await self._memory.set_hold(verdict, until)
        elif not verdict.repeat:
            was_held = await self._memory.end_hold(verdict.message_id)
            if was_held and verdict.action is Action.FLAG:
                # An edit that leaves something to look at, and nothing to hide.
                await self._executor.lift(verdict, remove=False)

    async def turn(self, *, urgent: bool = False) -> None:
        """See Ear."""
        await self._pace.take(urgent=urgent)

    async def later(self, what: str, at: float) -> None:
        """See Ear."""
        await self._memory.set_later(what, at)

    async def not_later(self, what: str) -> None:
        """See Ear."""
        await self._memory.end_later(what)

    async def watch_time(self) -> None:
        """End holds that have expired, as their verdicts say, and do what was put off, until cancelled."""
        while True:
            for verdict in await self._memory.due(time.time()):
                await self._executor.lift(verdict, remove=verdict.on_expiry is Action.REMOVE)
                await self._memory.end_hold(verdict.message_id)
            for what in await self._memory.later(time.time()):
                await self._do_later(what)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _do_later(self, what: str) -> None:
        try:
            await self._platform.due(what)
        except Away as error:
            log.info("put_off_again", what=what, reason=str(error))
            return
        except Impossible as error:
            log.warning("put_off_impossible", what=what, reason=str(error))
        await self._memory.end_later(what)

    # -- the moderators' room

    async def decide(
        self,
        report: str,
        decision: Decision,
        reviewer: str,
        role: str | None = None,
        reason: str | None = None,
    ) -> str:
        """See Ear."""
        verdict = await self._memory.report(report)
        if verdict is None:
            return UNKNOWN
        at = datetime.now(UTC)
        feedback = Feedback(
            id=f"bridge/{self._name}/{report}/{decision}/{reviewer}",
            verdict_id=verdict.id, decision=decision, reviewer=reviewer, message_id=verdict.message_id, at=at,
            tenant=verdict.tenant,
            platform=verdict.platform, channel=verdict.channel, author=verdict.author,
            text_hash=verdict.text_hash, role=role, scope=Scope.CHANNEL, reason=reason,
            evidence=evidence_of(verdict),
        )  # fmt: skip
        partition = verdict.source.partition % self._feedback_partitions if verdict.source else None
        headers = cloud_event(feedback.id, FEEDBACK, self._source, rfc3339(at.timestamp()))
        await self._writer.write(self._topics.feedback, feedback.key, encode(feedback), headers, partition)
        await self._memory.end_hold(verdict.message_id)
        if decision is Decision.REMOVE:
            why = await self._executor.lift(verdict, remove=True, urgent=True)
            return "Removed." if why is None else f"Noted; it isn't removed: {why}."
        if decision in (Decision.APPROVE, Decision.OVERTURN) and verdict.action.strict:
            why = await self._executor.lift(verdict, remove=False, urgent=True)
            back = "Restored." if why is None else f"Noted; it isn't brought back: {why}."
            heard = await self._executor.end_time_out(verdict)
            return back if heard is None else f"{back} {heard}"
        return "Noted."

    async def why(self, report: str) -> str:
        """See Ear."""
        verdict = await self._memory.report(report)
        return UNKNOWN if verdict is None else "\n".join(words.reasons(verdict))


def _placed(message: Message, tenant: str, kind: str, said: Said | None) -> Message:
    """Return the message with where it was said, and of a deletion who wrote it."""
    author, channel = message.author, message.channel
    if said is not None:
        channel = said.channel
        if author is None and said.author is not None:
            author = Author(said.author)
    return msgspec.structs.replace(message, tenant=tenant, platform=kind, author=author, channel=channel)
