"""`matrix`: rooms of a Matrix homeserver, with matrix-nio."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import nio
import structlog

from rules.message import Author, Message
from streams.errors import ConfigurationError, PlatformError
from streams.platforms import commands, words
from streams.platforms.deeds import Deed, Task
from streams.platforms.matrix_calls import Turns, asked, transaction
from streams.platforms.matrix_config import MatrixConfig
from streams.platforms.matrix_messages import edits, event_id, read
from streams.platforms.matrix_orders import asked_in
from streams.platforms.matrix_rooms import (
    POWER_LEVELS,
    Rooms,
    is_replaced,
    needed_for_levels,
    no_power,
    power,
)
from streams.platforms.matrix_text import fields, word
from streams.platforms.orders import Asked, Orders
from streams.platforms.port import Away, Ear, Impossible

log = structlog.get_logger(__name__)

SYNC_MS = 30_000
REQUEST_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# Events asked for at once where a sync left some out.
PAGE = 100
# The power of who may not write.
SILENT = -1
OUT = "the bridge was taken out: invite it, and start it again"
# So many edits of a message go with it.
MOST_EDITS = 20


class Matrix:
    """See Platform. The homeserver knows a request by its transaction id, so each can be made twice."""

    repeatable = frozenset(Deed)
    counts_lines = False

    def __init__(self, config: MatrixConfig) -> None:
        self._config = config
        can = {Deed.WARN}
        if config.moderate:
            can |= {Deed.DELETE, Deed.TIMEOUT, Deed.UNTIMEOUT}
        if config.room:
            can.add(Deed.REPORT)
        self.can = frozenset(can)
        settings = nio.AsyncClientConfig(max_timeouts=0, max_limit_exceeded=0, request_timeout=REQUEST_S)
        self._client = nio.AsyncClient(config.homeserver, config=settings)
        self._client.access_token = config.token
        self._ear: Ear | None = None
        self._rooms = Rooms(self._client, config)
        self._entered = asyncio.Event()
        self._turns = Turns()
        self._orders = Orders()
        # It would write what people send into the log, where it isn't as the specification has it.
        logging.getLogger("nio").setLevel(logging.CRITICAL)

    async def close(self) -> None:
        """Let connections go."""
        await self._client.close()

    # -- in

    async def run(self, ear: Ear) -> None:
        """Sync from where the last run ended, until cancelled."""
        self._ear = ear
        await self._enter()
        self._entered.set()
        since = await ear.cursor()
        self._client.next_batch = since
        async with asyncio.TaskGroup() as jobs:
            jobs.create_task(self._orders.work(ear))
            self._rooms.follow(jobs, since)
            jobs.create_task(self._listen(since, ear, jobs))

    async def _listen(self, since: str | None, ear: Ear, jobs: asyncio.TaskGroup) -> None:
        wait, first = FIRST_WAIT_S, True
        while True:
            try:
                synced = await self._synced(since, first)
                if first:
                    await self._rooms.check_rights(ear.wants)
                    log.info("synced", rooms=self._rooms.channels)
                if since is None:
                    # What was said before the bridge first came is not its matter.
                    await ear.hear([], synced.next_batch)
                else:
                    await self._hear(synced, since, ear, jobs)
            except Away as error:
                log.warning("homeserver_away", error=str(error), retry_s=wait)
                await asyncio.sleep(error.retry_after_s or wait)
                wait = min(LONGEST_WAIT_S, wait * 2)
                continue
            since, wait, first = synced.next_batch, FIRST_WAIT_S, False

    async def _synced(self, since: str | None, first: bool) -> nio.SyncResponse:
        try:
            timeout = 0 if first else SYNC_MS
            return await asked(self._client.sync(timeout, since=since, full_state=first))
        except Impossible as error:
            raise self._refused(error) from error

    def _refused(self, error: Impossible) -> ConfigurationError:
        return ConfigurationError(
            f"matrix.token: {self._config.homeserver} refuses it: {error}; log in anew for another"
        )

    async def _enter(self) -> None:
        """Learn who we are, and join."""
        try:
            me = await asked(self._client.whoami())
        except Away as error:
            raise PlatformError(
                f"no homeserver answers at {self._config.homeserver}: is matrix.homeserver right, and is"
                f" it up? ({error})"
            ) from error
        except Impossible as error:
            raise self._refused(error) from error
        self._client.user_id, self._client.device_id = me.user_id, me.device_id
        await self._rooms.enter()

    async def _hear(self, synced: nio.SyncResponse, since: str, ear: Ear, jobs: asyncio.TaskGroup) -> None:
        heard: list[Message] = []
        orders: list[Asked] = []
        for room_id in synced.rooms.leave:
            self._rooms.warn("not_in_room", room_id, OUT)
        for room_id, joined in synced.rooms.join.items():
            await self._rooms.decided(room_id)
            events = list(joined.timeline.events)
            if joined.timeline.limited:
                back_to = self._rooms.unheard.get(room_id, since)
                events = [*await self._left_out(room_id, joined.timeline.prev_batch, back_to), *events]
            if any(is_replaced(event.source) for event in events):
                self._rooms.replaced(room_id, jobs, since)
            if self._rooms.is_moderators(room_id):
                orders += [
                    Asked(order, partial(self._reply, room_id, event))
                    for order, event in asked_in(events, self._client.user_id)
                ]
            elif (channel := self._rooms.channel(room_id)) is not None:
                found = [await self._read(room_id, channel, event.source) for event in events]
                heard += [message for message in found if message is not None]
        self._rooms.invited(synced.rooms.invite, jobs)
        await ear.hear(heard, synced.next_batch if self._orders.all_done and not orders else None)
        for room_id in synced.rooms.join:
            self._rooms.unheard.pop(room_id, None)
        await self._orders.put(orders)

    async def _left_out(self, room_id: str, back_from: str, since: str) -> list[nio.Event]:
        """Return what lies between the last sync and the timeline of this one, oldest first."""
        found: list[nio.Event] = []
        start: str | None = back_from
        while start is not None:
            page = await asked(
                self._client.room_messages(
                    room_id, start, end=since, direction=nio.MessageDirection.back, limit=PAGE
                )
            )
            found += page.chunk
            start = page.end if page.chunk else None
        return found[::-1]

    async def _read(self, room_id: str, channel: str, event: Mapping[str, Any]) -> Message | None:
        sender = word(event.get("sender"))
        if not sender or sender == self._client.user_id:
            return None
        if event.get("type") == "m.room.encrypted":
            self._rooms.warn("encrypted", room_id, "what is encrypted can't be read, and passes unjudged")
        own_edit = await self._is_own_edit(room_id, event)
        return read(event, channel, self._author(room_id, sender), own_edit=own_edit)

    async def _is_own_edit(self, room_id: str, event: Mapping[str, Any]) -> bool:
        """Return whether who edits has written it: else anybody could have a message of others removed."""
        edited = edits(event)
        if edited is None:
            return False
        try:
            found = await asked(self._client.room_get_event(room_id, edited))
        except Impossible:
            return False
        return bool(found.event.source.get("sender") == event.get("sender"))

    def _author(self, room_id: str, user: str) -> Author:
        room = self._client.rooms.get(room_id)
        level = room.power_levels.get_user_level(user) if room else 0
        roles = ("admin",) if level >= 100 else ("moderator",) if level >= 50 else ()
        name = word(room.user_name(user)) if room else None
        bot, relay = user in self._config.bots, user in self._config.relays
        return Author(user, name, roles, bot=bot, relay=relay)

    # -- out

    async def do(self, task: Task) -> str | None:
        """Redact, silence, warn, report."""
        # A bridge that was killed has much to do at once, and knows no room yet.
        await self._entered.wait()
        verdict = task.verdict
        rooms = self._rooms.of(verdict.channel)
        if not rooms:
            raise Impossible(f"the bridge isn't in {verdict.channel}")
        room_id = rooms[0]
        if task.deed is Deed.DELETE:
            room_id = await self._room_of(verdict.message_id, rooms)
            reason = f"{verdict.label or verdict.action.value}, {verdict.decided_by}"
            if verdict.kind == "edited":
                # Clients that know no edits show them as messages.
                await self._redact_edits(room_id, reason, task)
            await self._redact(room_id, verdict.message_id, reason, task)
        elif task.deed is Deed.TIMEOUT:
            await self._silence(room_id, verdict.author or "", task.timeout_s)
        elif task.deed is Deed.UNTIMEOUT:
            await self._let_speak(rooms, verdict.author or "", urgent=task.urgent)
        elif task.deed is Deed.WARN:
            mentions = {"user_ids": [verdict.author]} if verdict.author else {}
            said = f"{verdict.author}: {words.warning(verdict)}"
            await self._say(room_id, said, task.id, {"m.mentions": mentions})
        else:
            sent = await self._say(self._rooms.moderators, f"{words.report(task)}\n{commands.HINT}", task.id)
            return str(sent)
        return None

    async def _room_of(self, event: str, rooms: Sequence[str]) -> str:
        """Return in which of these an event is; the first where that isn't known."""
        for room_id in rooms if len(rooms) > 1 else ():
            with suppress(Impossible):
                await asked(self._client.room_get_event(room_id, event))
                return room_id
        return rooms[0]

    async def _redact(self, room_id: str, event: str, reason: str, task: Task, what: str = "") -> None:
        name = transaction(task.id + what)
        await self._turns.written(
            lambda: asked(self._client.room_redact(room_id, event, reason, tx_id=name)), urgent=task.urgent
        )

    async def _redact_edits(self, room_id: str, reason: str, task: Task) -> None:
        """Take away the edits of a message, the last one first, as the homeserver tells them."""
        for _ in range(MOST_EDITS):
            found = await asked(self._client.room_get_event(room_id, task.verdict.message_id))
            relations = fields(fields(found.event.source.get("unsigned")).get("m.relations"))
            edit = event_id(fields(relations.get("m.replace")).get("event_id"))
            if edit is None:
                return
            await self._redact(room_id, edit, reason, task, f"/{edit}")

    async def _say(
        self,
        room_id: str,
        text: str,
        name: str,
        more: Mapping[str, Any] | None = None,
        *,
        urgent: bool = False,
    ) -> str:
        content = {"msgtype": "m.notice", "body": text, "m.mentions": {}, **(more or {})}
        sent = await self._turns.written(
            lambda: asked(
                self._client.room_send(room_id, "m.room.message", content, tx_id=transaction(name))
            ),
            urgent=urgent,
        )
        return str(sent.event_id)

    async def _reply(self, room_id: str, event: str, text: str) -> None:
        relation = {"m.in_reply_to": {"event_id": event}}
        await self._say(room_id, text, event, {"m.relates_to": relation}, urgent=True)

    async def _silence(self, room_id: str, user: str, seconds: float) -> None:
        """Take the power to write from somebody, for a while."""
        assert self._ear is not None
        what = f"{room_id} {user}"
        # First, so that a crash in between leaves nobody silent for good.
        await self._ear.later(what, time.time() + seconds)
        try:
            await self._set_level(room_id, user, SILENT)
        except Impossible:
            await self._ear.not_later(what)
            raise

    async def _let_speak(self, rooms: Sequence[str], user: str, *, urgent: bool = False) -> None:
        """Give the power to write back, also where it was taken along to from a room that was replaced."""
        assert self._ear is not None
        refused: Impossible | None = None
        for room_id in rooms:
            try:
                await self._set_level(room_id, user, None, urgent=urgent)
            except Impossible as error:
                refused = error
            else:
                await self._ear.not_later(f"{room_id} {user}")
        if refused is not None:
            raise refused

    async def due(self, what: str) -> None:
        """Let somebody write again."""
        await self._entered.wait()
        room_id, _, user = what.partition(" ")
        await self._let_speak(await self._rooms.line(room_id), user)

    async def _set_level(self, room_id: str, user: str, level: int | None, *, urgent: bool = False) -> None:
        # Read and written in one turn: of two at once the second would take back what the first has done.
        await self._turns.written(lambda: self._change_level(room_id, user, level), urgent=urgent)

    async def _change_level(self, room_id: str, user: str, level: int | None) -> None:
        state = await asked(self._client.room_get_state_event(room_id, POWER_LEVELS))
        content = dict(state.content)
        me = self._client.user_id
        ours, needed = power(content, me), needed_for_levels(content)
        if ours < needed:
            raise Impossible(no_power(self._rooms.channel(room_id) or room_id, me, needed, ours))
        users = dict(content.get("users", {}))
        before = users.pop(user, None)
        if level is None and before != SILENT:
            return  # who has another level has it from somebody else
        if level is not None and (before or 0) > 0:
            raise Impossible(f"{user} has power in this room: the bridge silences no moderators")
        content["users"] = users | ({user: level} if level is not None else {})
        await asked(self._client.room_put_state(room_id, POWER_LEVELS, content))
