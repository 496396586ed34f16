"""`discord`: channels of Discord servers and their threads, with discord.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import discord
import msgspec
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from rules.message import Kind, Message
from streams.errors import ConfigurationError
from streams.platforms import commands, words
from streams.platforms.deeds import Deed, Task, with_untimeout
from streams.platforms.discord_calls import Calls, asked
from streams.platforms.discord_config import DiscordConfig
from streams.platforms.discord_entry import connect, enter, log_in, reach
from streams.platforms.discord_events import Client, Event
from streams.platforms.discord_messages import SAID, read
from streams.platforms.orders import Asked, Orders, together
from streams.platforms.port import Away, Ear, Impossible

log = structlog.get_logger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
TOGETHER = 100
# Messages of one channel come in order, of several only nearly so.
SKEW = timedelta(minutes=1)

_cursors = msgspec.json.Decoder(dict[int, int])


class Discord:
    """See Platform.

    A message that is gone is not deleted again, nor a time-out begun anew. Discord knows what we send by a
    nonce, but only for some minutes: a report may come twice after that, a warning may not.
    """

    repeatable = frozenset({Deed.DELETE, Deed.TIMEOUT, Deed.UNTIMEOUT, Deed.REPORT})
    counts_lines = False

    def __init__(self, config: DiscordConfig) -> None:
        self._config = config
        if config.room in config.channels:
            raise ConfigurationError("discord.room is one of discord.channels: the moderators need their own")
        self.can = with_untimeout(map(Deed, config.can)) | ({Deed.REPORT} if config.room else set())
        # The library has them for the whole process, which has one bridge.
        Route.BASE = config.api.rstrip("/")
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(config.gateway)
        self._client = Client()
        self._calls = Calls(self._client)
        self._entered = False
        # By channel or thread, the last message that was heard; and those that were read after the last gap.
        self._heard: dict[int, int] = {}
        self._caught_up: set[int] = set()
        self._orders = Orders()

    async def close(self) -> None:
        """Let connections go."""
        await self._client.close()

    # -- in

    async def run(self, ear: Ear) -> None:
        """Be there, and come back: what the gateway doesn't tell again is read from the channels."""
        gateway = self._config.gateway
        await log_in(self._client, self._config)
        await reach(gateway)
        await together(connect(self._client, gateway), self._listen(ear), self._orders.work(ear))

    async def _listen(self, ear: Ear) -> None:
        events = self._client.events
        await enter(self._client, self._config)
        cursor = await ear.cursor()
        self._heard = _cursors.decode(cursor) if cursor is not None else self._last_said()
        self._entered = True
        log.info("entered", user=str(self._client.user), channels=self._config.channels)
        while True:
            batch = [await events.get()]
            while batch[-1] is not None and len(batch) < TOGETHER and not events.empty():
                batch.append(events.get_nowait())
            await self._hear([event for event in batch if event is not None], ear)
            if batch[-1] is None or (self._client.lost and events.empty()):
                await self._catch_up(ear)

    def _places(self) -> Iterator[Any]:
        """Yield the channels and threads that are listened to, and the moderators' room."""
        for number in (*self._config.channels, *filter(None, [self._config.room])):
            channel = self._client.get_channel(number)
            if isinstance(channel, discord.abc.Messageable):
                yield channel
            if number != self._config.room:
                yield from getattr(channel, "threads", ())

    def _last_said(self) -> dict[int, int]:
        """Return where to begin: what was said before the bridge first came is not its matter."""
        return {place.id: place.last_message_id or place.id for place in self._places()}

    async def _catch_up(self, ear: Ear) -> None:
        """Read what was said since, where the gateway began anew."""
        await self._client.filled.wait()
        self._client.lost = False
        self._caught_up.clear()
        places = list(self._places())
        self._heard = self._begin(places)
        for place in places:
            after: int | None = self._heard[place.id]
            wait = FIRST_WAIT_S
            while after is not None:
                try:
                    page = await asked(_page(place, after))
                    await self._know_members(page)
                except Away as error:
                    log.warning("discord_away", error=str(error), retry_s=wait)
                    await asyncio.sleep(error.retry_after_s or wait)
                    wait = min(LONGEST_WAIT_S, wait * 2)
                    continue
                except Impossible as error:
                    log.warning("unreadable", place=place.id, reason=str(error))
                    break
                await self._hear(page, ear)
                self._caught_up.update(message.id for message in page)
                after = page[-1].id if len(page) == TOGETHER else None

    def _begin(self, places: Sequence[Any]) -> dict[int, int]:
        """Return after which message to read each place; one never heard of, after all we heard."""
        left = discord.utils.snowflake_time(max(self._heard.values(), default=0))
        unknown = discord.utils.time_snowflake(left - SKEW)
        lasting = {*self._config.channels, self._config.room, *(place.id for place in places)}
        kept = {number: last for number, last in self._heard.items() if number in lasting}
        # The first message of a forum's thread has the thread's own id.
        return {place.id: max(unknown, place.id - 1) for place in places} | kept

    async def _know_members(self, page: Sequence[discord.Message]) -> None:
        """Put members in the place of users: pages of old messages don't tell their roles."""
        known: dict[int, discord.Member] = {}
        for message in page:
            author, guild = message.author, message.guild
            if guild is None or message.webhook_id is not None or isinstance(author, discord.Member):
                continue
            if author.id not in known:
                try:
                    known[author.id] = await asked(guild.fetch_member(author.id))
                except Impossible:
                    continue  # has left
            message.author = known[author.id]

    async def _hear(self, events: Iterable[Event], ear: Ear) -> None:
        said: list[Message] = []
        orders: list[Asked] = []
        for event in events:
            channel = event.channel.id if isinstance(event, discord.Message) else event.channel_id
            where = self._where(channel)
            if where is None and channel != self._config.room:
                continue
            if isinstance(event, discord.Message):
                if event.id in self._caught_up:
                    continue
                self._heard[channel] = max(self._heard.get(channel, 0), event.id)
            if where is None:
                orders += self._asked(event)
            else:
                said += self._read(event, *where)
        cursor = msgspec.json.encode(self._heard).decode()
        # What comes after the last order is done moves the cursor on.
        await ear.hear(said, cursor if self._orders.all_done and not orders else None)
        await self._orders.put(orders)

    def _where(self, number: int) -> tuple[str, str] | None:
        """Return the channel, and what goes before the ids of its messages: of a thread, the thread."""
        if number in self._config.channels:
            return str(number), ""
        parent = getattr(self._client.get_channel(number), "parent_id", None)
        return (str(parent), f"{number}/") if parent in self._config.channels else None

    def _read(self, event: Event, channel: str, before: str) -> Iterator[Message]:
        if isinstance(event, discord.RawMessageDeleteEvent):
            yield Message(f"{before}{event.message_id}", channel=channel, kind=Kind.DELETED)
        elif isinstance(event, discord.RawBulkMessageDeleteEvent):
            for number in sorted(event.message_ids):
                yield Message(f"{before}{number}", channel=channel, kind=Kind.DELETED)
        elif not isinstance(event, discord.RawReactionActionEvent):
            edited = isinstance(event, discord.RawMessageUpdateEvent)
            message = event.message if isinstance(event, discord.RawMessageUpdateEvent) else event
            # An update without an edit is Discord's preview of a link, a pin, a thread that was begun.
            passed_over = edited and message.edited_at is None
            if message.type in SAID and message.author != self._client.user and not passed_over:
                kind = Kind.EDITED if edited else Kind.CREATED
                yield read(message, channel, before, kind, self._config.relays)

    # -- the moderators' room

    def _asked(self, event: Event) -> Iterator[Asked]:
        order = _order(event)
        if order is not None and not isinstance(event, discord.RawBulkMessageDeleteEvent):
            answered = event.id if isinstance(event, discord.Message) else event.message_id
            yield Asked(order, partial(self._reply, answered, order))

    async def _reply(self, answered: int, order: commands.Order, text: str) -> None:
        await self._calls.send(self._config.room or 0, text, f"{answered}/{order}", reply_to=answered)

    # -- out

    async def do(self, task: Task) -> str | None:
        """Delete, time out, warn, report."""
        if not self._entered:
            raise Away("the bridge isn't in yet", FIRST_WAIT_S)
        verdict = task.verdict
        if not verdict.channel.isdigit() or int(verdict.channel) not in self._config.channels:
            raise Impossible(f"the bridge isn't in {verdict.channel}")
        thread, _, number = verdict.message_id.rpartition("/")
        place, message, author = (_id(each) for each in (thread or verdict.channel, number, verdict.author))
        if task.deed is Deed.DELETE:
            await self._calls.delete(place, message)
        elif task.deed is Deed.TIMEOUT:
            await self._calls.time_out(int(verdict.channel), author, task.timeout_s, words.warning(verdict))
        elif task.deed is Deed.UNTIMEOUT:
            await self._calls.time_out(int(verdict.channel), author, None, "a human said otherwise")
        elif task.deed is Deed.WARN and self._config.warn == "dm":
            await self._calls.send_privately(author, words.warning(verdict), task.id)
        elif task.deed is Deed.WARN:
            text = f"<@{author}> {words.warning(verdict)}"
            await self._calls.send(place, text, task.id, reply_to=message, mention=author)
        else:
            guild = getattr(self._client.get_channel(int(verdict.channel)), "guild", None)
            link = f"https://discord.com/channels/{guild.id}/{place}/{message}\n" if guild else ""
            text = f"{words.report(task)}\n{link}{commands.HINT}"
            return await self._calls.send(self._config.room or 0, text, task.id)
        return None

    async def due(self, what: str) -> None:
        """Nothing is put off: Discord ends its time-outs itself."""


def _order(event: Event) -> commands.Order | None:
    """Return what a moderator asks for, by a reaction or by a word in reply to a report."""
    if isinstance(event, discord.RawReactionActionEvent):
        person, key = event.member, (event.emoji.name or "").rstrip("\ufe0f")
        if person is None or person.bot or key not in commands.REACTIONS:
            return None
        return commands.Order(str(event.message_id), commands.REACTIONS[key], person.name)
    if not isinstance(event, discord.Message) or event.author.bot:
        return None
    report = event.reference.message_id if event.reference else None
    word, _, reason = event.content.strip().partition(" ")
    return commands.read(f"{word} {report} {reason}", event.author.name) if report else None


async def _page(place: Any, after: int) -> list[discord.Message]:
    """Return what was said after a message, oldest first, as much as Discord gives at once."""
    found = place.history(limit=TOGETHER, after=discord.Object(after), oldest_first=True)
    return [message async for message in found]


def _id(text: str | None) -> int:
    if not (text and text.isdecimal()):
        raise Impossible(f"Discord has no such id: {text}")
    return int(text)
