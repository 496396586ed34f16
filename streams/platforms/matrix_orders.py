"""What moderators ask for in their Matrix room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import nio

from streams.platforms import commands
from streams.platforms.matrix_messages import answered


def asked_in(events: Sequence[nio.Event], me: str) -> Iterator[tuple[commands.Order, str]]:
    """Yield what others ask for in a room, and with which event."""
    for event in events:
        order = _order(event) if event.source.get("sender") != me else None
        if order is not None:
            yield order, event.event_id


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
