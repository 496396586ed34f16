"""What moderators ask for in their Matrix room, done beside the sync, which goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import nio
import structlog

from streams.platforms import commands
from streams.platforms.matrix_messages import answered
from streams.platforms.port import Away, Ear, Impossible

log = structlog.get_logger(__name__)

# So many wait; beyond that nothing more is heard until some are done.
WAITING = 100


class Asked(NamedTuple):
    """An order, and where it stands."""

    order: commands.Order
    room_id: str
    event_id: str


class Orders:
    """Does what was asked for, one after the other.

    Args:
        say: Says a text in a room in reply to an event.
    """

    def __init__(self, say: Callable[[str, str, str], Awaitable[object]]) -> None:
        self._say = say
        self._queue: asyncio.Queue[Asked] = asyncio.Queue(WAITING)
        self._open = 0

    @property
    def all_done(self) -> bool:
        """Whether nothing waits: until then the cursor stays, so that a killed bridge hears it again."""
        return self._open == 0

    async def put(self, asked: Sequence[Asked]) -> None:
        """Have these done."""
        for each in asked:
            self._open += 1
            await self._queue.put(each)

    async def work(self, ear: Ear) -> None:
        """Do what is asked, until cancelled."""
        while True:
            order, room_id, event_id = await self._queue.get()
            text = await commands.answer(order, ear)
            try:
                await self._say(room_id, text, event_id)
            except (Away, Impossible) as error:
                log.warning("answer_unsaid", report=order.report, reason=str(error))
            self._open -= 1


def asked_in(room_id: str, events: Sequence[nio.Event], me: str) -> list[Asked]:
    """Return what others ask for in a room."""
    return [
        Asked(order, room_id, event.event_id)
        for event in events
        if event.source.get("sender") != me and (order := _order(event)) is not None
    ]


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
    report = answered(event.source)
    word, _, reason = event.body.strip().rpartition("\n")[2].partition(" ")
    return commands.read(f"{word} {report} {reason}", event.sender) if report else None
