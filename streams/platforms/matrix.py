"""`matrix`: rooms of a Matrix homeserver, with matrix-nio."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import aiohttp
import msgspec
import nio
import structlog

from rules.message import Attachment, Author, Kind, Message
from streams.errors import ConfigurationError, PlatformError
from streams.platforms import commands, words
from streams.platforms.deeds import Deed, Task
from streams.platforms.port import Away, Ear, Impossible, reason_of

log = structlog.get_logger(__name__)

SYNC_MS = 30_000
REQUEST_S = 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# Events asked for at once where a sync left some out.
PAGE = 100
POWER_LEVELS = "m.room.power_levels"


class MatrixConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `matrix`.

    Attributes:
        homeserver: "https://matrix.example.org".
        token: The bridge account's access token.
        rooms: Ids or aliases of the rooms that are listened to.
        room: The moderators' room, whoever is in it may decide. None: nothing is reported.
        moderate: Whether the account may redact and change power levels; without, it only warns and reports.
        relays: Accounts that carry other people's words: judged, not counted.
    """

    homeserver: Annotated[str, msgspec.Meta(pattern="^https?://")]
    token: str
    rooms: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    room: str | None = None
    moderate: bool = True
    relays: tuple[str, ...] = ()


class Matrix:
    """See Platform. The homeserver knows a request by its transaction id, so each can be made twice."""

    repeatable = frozenset(Deed)

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
        self._places: dict[str, str] = {}
        self._room: str | None = None

    async def close(self) -> None:
        """Let connections go."""
        await self._client.close()

    # -- in

    async def run(self, ear: Ear) -> None:
        """Sync from where the last run ended, until cancelled."""
        self._ear = ear
        await self._enter()
        since = await ear.cursor()
        self._client.next_batch = since
        wait, first = FIRST_WAIT_S, True
        while True:
            try:
                timeout = 0 if first else SYNC_MS
                synced = await self._asked(self._client.sync(timeout, since=since, full_state=first))
            except Away as error:
                log.warning("homeserver_away", error=str(error), retry_s=wait)
                await asyncio.sleep(error.retry_after_s or wait)
                wait = min(LONGEST_WAIT_S, wait * 2)
                continue
            if first:
                self._check_rights()
                log.info("synced", rooms=sorted(self._places.values()))
            if since is None:
                # What was said before the bridge first came is not its matter.
                await ear.hear([], synced.next_batch)
            else:
                await self._hear(synced, since, ear)
            since, wait, first = synced.next_batch, FIRST_WAIT_S, False

    async def _enter(self) -> None:
        """Learn who we are, and join."""
        try:
            me = await self._asked(self._client.whoami())
        except Away as error:
            raise PlatformError(
                f"no homeserver answers at {self._config.homeserver}: is matrix.homeserver right, and is"
                f" it up? ({error})"
            ) from error
        except Impossible as error:
            raise ConfigurationError(
                f"matrix.token: {self._config.homeserver} refuses it: {error}"
            ) from error
        self._client.user_id, self._client.device_id = me.user_id, me.device_id
        for name in (*self._config.rooms, *filter(None, [self._config.room])):
            try:
                joined = await self._asked(self._client.join(name))
            except Impossible as error:
                raise ConfigurationError(f"can't join {name}: {error}; invite {me.user_id} to it") from error
            if name == self._config.room:
                self._room = joined.room_id
            else:
                self._places[joined.room_id] = name

    def _check_rights(self) -> None:
        if not self._config.moderate:
            return
        for room_id, name in self._places.items():
            levels = self._client.rooms[room_id].power_levels
            ours, needed = levels.get_user_level(self._client.user_id), levels.defaults.redact
            if ours < needed:
                raise ConfigurationError(
                    f"the bridge may not delete in {name}: give {self._client.user_id} the power level"
                    f" {needed} (it has {ours}), or set matrix.moderate to false"
                )

    async def _hear(self, synced: nio.SyncResponse, since: str, ear: Ear) -> None:
        heard: list[Message] = []
        for room_id, joined in synced.rooms.join.items():
            events = list(joined.timeline.events)
            if joined.timeline.limited:
                events = [*await self._left_out(room_id, joined.timeline.prev_batch, since), *events]
            if room_id == self._room:
                await self._answer(events, ear)
            elif room_id in self._places:
                heard += [said for event in events if (said := self._read(room_id, event)) is not None]
        await ear.hear(heard, synced.next_batch)

    async def _left_out(self, room_id: str, back_from: str, since: str) -> list[nio.Event]:
        """Return what lies between the last sync and the timeline of this one, oldest first."""
        found: list[nio.Event] = []
        start: str | None = back_from
        while start is not None:
            page = await self._asked(
                self._client.room_messages(
                    room_id, start, end=since, direction=nio.MessageDirection.back, limit=PAGE
                )
            )
            found += page.chunk
            start = page.end if page.chunk else None
        return found[::-1]

    def _read(self, room_id: str, event: nio.Event) -> Message | None:
        if event.sender == self._client.user_id:
            return None
        at = datetime.fromtimestamp(event.server_timestamp / 1000, UTC)
        if isinstance(event, nio.RedactionEvent):
            # Who wrote it the frame remembers; the sender is whoever took it away.
            return Message(
                event.redacts, None, "", channel=self._places[room_id], kind=Kind.DELETED, sent_at=at
            )
        if not isinstance(event, nio.RoomMessage):
            return None
        content = event.source.get("content", {})
        name, kind, reply_to = event.event_id, Kind.CREATED, None
        relation = content.get("m.relates_to") or {}
        if relation.get("rel_type") == "m.replace":
            name, kind, content = (
                relation.get("event_id", name),
                Kind.EDITED,
                content.get("m.new_content") or {},
            )
        elif isinstance(relation.get("m.in_reply_to"), dict):
            reply_to = relation["m.in_reply_to"].get("event_id")
        text = content.get("body")
        url = content.get("url")
        attached = (Attachment(str(content.get("msgtype", "file")).removeprefix("m."), url),) if url else ()
        mentions = (content.get("m.mentions") or {}).get("user_ids", ())
        return Message(
            name, self._author(room_id, event.sender), text if isinstance(text, str) else "",
            channel=self._places[room_id], kind=kind, sent_at=at, reply_to=reply_to,
            mentions=tuple(each for each in mentions if isinstance(each, str)), attachments=attached,
        )  # fmt: skip

    def _author(self, room_id: str, user: str) -> Author:
        room = self._client.rooms.get(room_id)
        level = room.power_levels.get_user_level(user) if room else 0
        roles = ("admin",) if level >= 100 else ("moderator",) if level >= 50 else ()
        name = room.user_name(user) if room else None
        return Author(user, name, roles, relay=user in self._config.relays)

    # -- the moderators' room

    async def _answer(self, events: Sequence[nio.Event], ear: Ear) -> None:
        for event in events:
            order = None if event.sender == self._client.user_id else _order(event)
            if order is not None:
                await self._say(
                    self._room or "", await commands.answer(order, ear), event.event_id, event.event_id
                )

    # -- out

    async def do(self, task: Task) -> str | None:
        """Redact, silence, warn, report."""
        verdict = task.verdict
        room_id = next((room for room, name in self._places.items() if name == verdict.channel), None)
        if room_id is None:
            raise Impossible(f"the bridge isn't in {verdict.channel}")
        if task.deed is Deed.DELETE:
            reason = f"{verdict.label or verdict.action.value}, {verdict.decided_by}"
            await self._asked(
                self._client.room_redact(room_id, verdict.message_id, reason, tx_id=_transaction(task.id))
            )
        elif task.deed is Deed.TIMEOUT:
            await self._silence(room_id, verdict.author or "", task.timeout_s)
        elif task.deed is Deed.UNTIMEOUT:
            await self._let_speak(room_id, verdict.author or "")
        elif task.deed is Deed.WARN:
            await self._say(
                room_id, f"{verdict.author}: {words.warning(verdict)}", task.id, mentions=verdict.author
            )
        else:
            sent = await self._say(self._room or "", f"{words.report(task)}\n{commands.HINT}", task.id)
            return str(sent)
        return None

    async def _say(
        self, room_id: str, text: str, name: str, reply_to: str | None = None, mentions: str | None = None
    ) -> str:
        content: dict[str, Any] = {"msgtype": "m.notice", "body": text}
        content["m.mentions"] = {"user_ids": [mentions]} if mentions else {}
        if reply_to:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": reply_to}}
        sent = await self._asked(
            self._client.room_send(room_id, "m.room.message", content, tx_id=_transaction(name))
        )
        return str(sent.event_id)

    async def _silence(self, room_id: str, user: str, seconds: float) -> None:
        """Take the power to write from somebody, for a while."""
        assert self._ear is not None
        await self._ear.later(f"{room_id} {user}", time.time() + seconds)
        await self._set_level(room_id, user, -1)

    async def _let_speak(self, room_id: str, user: str) -> None:
        assert self._ear is not None
        await self._set_level(room_id, user, None)
        await self._ear.not_later(f"{room_id} {user}")

    async def due(self, what: str) -> None:
        """Let somebody write again."""
        room_id, _, user = what.partition(" ")
        await self._set_level(room_id, user, None)

    async def _set_level(self, room_id: str, user: str, level: int | None) -> None:
        state = await self._asked(self._client.room_get_state_event(room_id, POWER_LEVELS))
        content = dict(state.content)
        me = self._client.user_id
        needed = content.get("events", {}).get(POWER_LEVELS, content.get("state_default", 50))
        ours = content.get("users", {}).get(me, content.get("users_default", 0))
        if ours < needed:
            name = self._places.get(room_id, room_id)
            raise Impossible(
                f"the bridge may not set power levels in {name}: give {me} the level {needed} (it has {ours})"
            )
        users = {name: power for name, power in content.get("users", {}).items() if name != user}
        if users != content.get("users") and level is not None and content["users"].get(user, 0) > 0:
            raise Impossible(f"{user} has power in this room: the bridge silences no moderators")
        content["users"] = users | ({user: level} if level is not None else {})
        await self._asked(self._client.room_put_state(room_id, POWER_LEVELS, content))

    async def _asked(self, request: Any) -> Any:
        """Return the homeserver's answer; its refusals come out as ours."""
        try:
            answer = await request
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Away(reason_of(error)) from error
        if not isinstance(answer, nio.ErrorResponse):
            return answer
        said = f"{answer.message} ({answer.status_code})"
        if answer.status_code == "M_LIMIT_EXCEEDED":
            raise Away(said, (answer.retry_after_ms or 1000) / 1000)
        http = answer.transport_response.status if answer.transport_response is not None else 0
        if http >= 500 or answer.status_code is None:
            raise Away(f"{said}, HTTP {http}")
        raise Impossible(said)


def _order(event: nio.Event) -> commands.Order | None:
    """Return what a moderator asks for, by a reaction or by a word in reply to a report."""
    if isinstance(event, nio.ReactionEvent):
        key = event.key.rstrip("\ufe0f")
        return (
            commands.Order(event.reacts_to, commands.REACTIONS[key], event.sender)
            if key in commands.REACTIONS
            else None
        )
    if not isinstance(event, nio.RoomMessageText):
        return None
    relation = event.source["content"].get("m.relates_to") or {}
    report = (relation.get("m.in_reply_to") or {}).get("event_id")
    word, _, reason = event.body.strip().rpartition("\n")[2].partition(" ")
    return commands.read(f"{word} {report} {reason}", event.sender) if report else None


def _transaction(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
