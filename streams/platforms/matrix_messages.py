"""An event of a Matrix room as a message of ours; whoever is in the room may have put anything into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from rules.message import Attachment, Author, Entity, EntityType, Kind, Message, Surface
from streams.platforms.matrix_text import fields, gather, word

Event = Mapping[str, Any]

# Longer ones the specification forbids, and a homeserver can't be asked for them.
_ID = re.compile(r"\$[^\s\x00-\x1f]{1,254}")
_EMOJI_NAME = re.compile(r":?[\w+-]{1,32}:?")


def read(event: Event, channel: str, author: Author, *, own_edit: bool = True) -> Message | None:
    """Return what was said, written on the room or taken away; None where nothing was.

    Args:
        event: As the homeserver sends it, whatever its type: clients show more than the specification knows.
        own_edit: An edit is by who wrote the message. One that isn't changes nothing, and is a message.
    """
    content, name = fields(event.get("content")), event_id(event.get("event_id"))
    if name is None:
        return None
    at = _moment(event.get("origin_server_ts"))
    if "state_key" in event:
        return _of_room(event.get("type"), content, Message(name, author, channel=channel, sent_at=at))
    if event.get("type") == "m.room.redaction":
        # Who wrote it the frame remembers; the sender is whoever took it away.
        gone = event_id(event.get("redacts", content.get("redacts")))
        return Message(gone, None, "", channel=channel, kind=Kind.DELETED, sent_at=at) if gone else None
    if event.get("type") == "m.reaction":
        return _reaction(content, Message(name, author, channel=channel, sent_at=at))
    edited, reply_to, kind = edits(event), answered(event), Kind.CREATED
    contents = [content]
    if edited is not None:
        contents = [fields(content.get("m.new_content")), content]
        if own_edit:
            name, kind, reply_to = edited, Kind.EDITED, None
    said = gather(contents, answers=reply_to is not None)
    shown = contents[0] or content
    kind_of_file = (word(shown.get("msgtype")) or word(event.get("type")) or "file").removeprefix("m.")
    url = word(shown.get("url")) or word(fields(shown.get("file")).get("url"))
    if not said.text and not url and kind is Kind.CREATED:
        return None
    mentioned = fields(shown.get("m.mentions")).get("user_ids")
    people = [*filter(None, map(word, mentioned if isinstance(mentioned, list) else [])), *said.people]
    return Message(
        name, author, said.text, channel=channel, kind=kind, sent_at=at, reply_to=reply_to,
        mentions=tuple(dict.fromkeys(people)),
        entities=tuple(Entity(EntityType.QUOTE, span) for span in said.quotes),
        attachments=(Attachment(kind_of_file, url),) if url else (),
    )  # fmt: skip


def edits(event: Event) -> str | None:
    """Return the id of the message that an event says it edits."""
    relation = _relation(event)
    return event_id(relation.get("event_id")) if relation.get("rel_type") == "m.replace" else None


def answered(event: Event) -> str | None:
    """Return the id of the message that an event answers."""
    return event_id(fields(_relation(event).get("m.in_reply_to")).get("event_id"))


def event_id(value: Any) -> str | None:
    """Return it if it can be an event's id."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _relation(event: Event) -> Mapping[str, Any]:
    return fields(fields(event.get("content")).get("m.relates_to"))


def _reaction(content: Mapping[str, Any], blank: Message) -> Message | None:
    """Return a reaction that says something in letters, as an answer; emoji and their names are none."""
    relation = fields(content.get("m.relates_to"))
    text = word(relation.get("key")) or ""
    if text.startswith("mxc://"):
        names = (word(content.get(key)) or "" for key in ("shortcode", "com.beeper.reaction.shortcode"))
        text = "\n".join(name for name in names if name and not _EMOJI_NAME.fullmatch(name))
    if not any(letter.isalpha() for letter in text):
        return None
    return Message(
        blank.id, blank.author, text, channel=blank.channel, sent_at=blank.sent_at,
        reply_to=event_id(relation.get("event_id")),
    )  # fmt: skip


def _of_room(kind: Any, content: Mapping[str, Any], blank: Message) -> Message | None:
    """Return what is shown of a change to a room: its name or topic, or why somebody left or was put out."""
    surface = Surface.TITLE
    if kind == "m.room.name":
        contents = [{"body": content.get("name")}]
    elif kind == "m.room.topic":
        # As a plain text, in several kinds (MSC3765), and the latter as they were before they were agreed on.
        before = {"m.text": content.get("org.matrix.msc3765.topic")}
        contents = [{"body": content.get("topic")}, dict(fields(content.get("m.topic"))), before]
    elif kind == "m.room.member":
        contents, surface = [{"body": content.get("reason")}], Surface.CHAT
    else:
        return None
    text = gather(contents, answers=False).text
    return msgspec.structs.replace(blank, text=text, surface=surface) if text else None


def _moment(milliseconds: Any) -> datetime | None:
    """Return when it was, by a clock that anybody's homeserver may have set."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
