"""What Discord's gateway tells, as it comes, in a queue."""

from __future__ import annotations

import asyncio
import logging
from typing import TypeAlias

import discord
import structlog

log = structlog.get_logger(__name__)

WAITING = 10_000
# Longer than this the library waits for no turn of Discord's rate limits; the frame does.
TURN_S = 60.0
# When no more servers are told for so long, all are; one that comes later is told by itself.
FILLED_S = 0.5

Event: TypeAlias = (
    discord.Message
    | discord.RawMessageUpdateEvent
    | discord.RawMessageDeleteEvent
    | discord.RawBulkMessageDeleteEvent
    | discord.RawReactionActionEvent
)


class Client(discord.Client):
    """Queues what the gateway tells, in its order; None where the gateway began anew.

    Attributes:
        filled: The servers, channels and roles are known.
        lost: The queue was full, and nothing is taken until this is reset.
    """

    def __init__(self) -> None:
        intents = discord.Intents(
            guilds=True, guild_messages=True, guild_reactions=True, message_content=True
        )
        super().__init__(
            intents=intents,
            max_messages=None,
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=TURN_S,
            guild_ready_timeout=FILLED_S,
        )
        # Says with a traceback what on_disconnect says in one line.
        logging.getLogger("discord.client").setLevel(logging.CRITICAL)
        self.events: asyncio.Queue[Event | None] = asyncio.Queue(WAITING)
        self.filled = asyncio.Event()
        self.lost = False

    def _put(self, event: Event | None) -> None:
        if self.lost:
            return
        if self.events.full():
            # What was said is read from the channels, from the first message that is not taken.
            log.error("too_much_waits", waiting=WAITING, lost="edits, deletions and reactions")
            self.lost = True
        else:
            self.events.put_nowait(event)

    async def on_connect(self) -> None:
        self.filled.clear()
        self._put(None)

    async def on_ready(self) -> None:
        self.filled.set()

    async def on_guild_available(self, _: discord.Guild) -> None:
        if self.filled.is_set():
            self._put(None)

    async def on_disconnect(self) -> None:
        log.warning("discord_away")

    async def on_resumed(self) -> None:
        log.info("resumed")

    async def on_message(self, message: discord.Message) -> None:
        self._put(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        self._put(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self._put(event)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        self._put(event)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        self._put(event)
