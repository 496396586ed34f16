"""An event of a Matrix room as a message of ours; whoever is in the room may have put anything into it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import nio

from rules.message import Attachment, Author, Entity, EntityType, Kind, Message
from streams.platforms.matrix_html import alike, shown

# As clients write what is quoted, and what is answered, for those who don't show HTML.
_QUOTED = re.compile(r"^>.*", re.MULTILINE)


def read(event: nio.Event, channel: str, author: Author, *, own_edit: bool = True) -> Message | None:
    """Return what was said or taken away; None where nothing was.

    Args:
        own_edit: An edit is by who wrote the message. One that isn't changes nothing, and is a message.
    """
    at = datetime.fromtimestamp(event.server_timestamp / 1000, UTC)
    if isinstance(event, nio.RedactionEvent):
        # Who wrote it the frame remembers; the sender is whoever took it away.
        return Message(event.redacts, None, "", channel=channel, kind=Kind.DELETED, sent_at=at)
    if not isinstance(event, nio.RoomMessage):
        return None
    content = _fields(event.source.get("content"))
    name, kind = event.event_id, Kind.CREATED
    reply_to = _word(_fields(_fields(content.get("m.relates_to")).get("m.in_reply_to")).get("event_id"))
    edited = edits(event)
    if edited is not None and own_edit:
        name, kind, content, reply_to = edited, Kind.EDITED, _fields(content.get("m.new_content")), None
    text, url = _text(content, answers=reply_to is not None), _word(content.get("url"))
    attached = (Attachment(str(content.get("msgtype", "file")).removeprefix("m."), url),) if url else ()
    mentioned = _fields(content.get("m.mentions")).get("user_ids")
    return Message(
        name, author, text, channel=channel, kind=kind, sent_at=at, reply_to=reply_to,
        mentions=tuple(filter(_word, mentioned)) if isinstance(mentioned, list) else (),
        entities=tuple(_quotes(content, text, answers=reply_to is not None)), attachments=attached,
    )  # fmt: skip


def edits(event: nio.Event) -> str | None:
    """Return the id of the message that an event says it edits."""
    relation = relates(event)
    return _word(relation.get("event_id")) if relation.get("rel_type") == "m.replace" else None


def relates(event: nio.Event) -> Mapping[str, Any]:
    """Return what an event says of its relation to another."""
    return _fields(_fields(event.source.get("content")).get("m.relates_to"))


def answered(event: nio.Event) -> str | None:
    """Return the id of the message that an event answers."""
    return _word(_fields(relates(event).get("m.in_reply_to")).get("event_id"))


def _text(content: Mapping[str, Any], *, answers: bool) -> str:
    """Return all that some client shows: the body, the HTML where it says anything else, a file's name."""
    body, formatted = _word(content.get("body")) or "", _word(content.get("formatted_body"))
    parts = [body]
    if formatted:
        said = body.partition("\n\n")[2] if answers and body.startswith(">") else body
        text = shown(formatted, answers=answers)
        if not alike(text, said):
            # Behind the body: what is answered is looked for at its beginning.
            parts.append(text)
    name = _word(content.get("filename"))
    if name and name != body:
        parts.append(name)
    return "\n\n".join(parts)


def _quotes(content: Mapping[str, Any], text: str, *, answers: bool) -> Iterator[Entity]:
    """Yield the lines that are quoted: those of the HTML's quotes, and before an answer what is answered."""
    if "<blockquote" in (_word(content.get("formatted_body")) or ""):
        yield from (Entity(EntityType.QUOTE, found.span()) for found in _QUOTED.finditer(text))
    elif answers:
        for found in _QUOTED.finditer(text.partition("\n\n")[0]):
            yield Entity(EntityType.QUOTE, found.span())


def _fields(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None
