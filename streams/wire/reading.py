"""What comes in: plain JSON to messages, or what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

import msgspec

from rules.message import Author, Entity, Kind, Message
from streams.errors import UnreadableError
from streams.wire.records import MessageRecord, OfflineRecord

T = TypeVar("T")

# A record over this is refused: Kafka's own default for a record is 1 MiB.
MAX_RECORD_BYTES = 1 << 20
# Nesting over this is refused; the deepest field of ours is at level 4.
MAX_DEPTH = 64

_record = msgspec.json.Decoder(MessageRecord)


def read_message(raw: bytes | None) -> Message:
    """Return the message in a record's value.

    Raises:
        UnreadableError: When it can't be read; `reason` is a short word for headers and
            metrics (empty, too_large, too_deep, not_utf8, not_json, not_an_object, field).
    """
    return _message(_read(raw, _record, MessageRecord), need_author=True)


_offline = msgspec.json.Decoder(OfflineRecord)


def read_offline(raw: bytes, default_id: str) -> Message:
    """Return the message in a line for `judge`; as `read_message`, but only `text` is required.

    Raises:
        UnreadableError: As `read_message`.
    """
    record = _read(raw, _offline, OfflineRecord)
    record.id = record.id or default_id
    return _message(record, need_author=False)


def _read(raw: bytes | None, decoder: Any, kind: type[MessageRecord]) -> MessageRecord:
    if not raw or raw.isspace():
        raise UnreadableError("empty", "there is nothing in it")
    if len(raw) > MAX_RECORD_BYTES:
        raise UnreadableError("too_large", f"more than {MAX_RECORD_BYTES} bytes")
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(raw) > MAX_DEPTH:
        raise UnreadableError("too_deep", f"nested deeper than {MAX_DEPTH} levels")
    try:
        return decoder.decode(raw)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        raise _refusal(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_leniently(raw, kind)


def _read_leniently(raw: bytes, kind: type[MessageRecord]) -> MessageRecord:
    try:
        return msgspec.convert(_lenient(raw), kind)
    except msgspec.ValidationError as error:
        raise _refusal(error) from error


def read_body(raw: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return what holds messages, read as leniently as a message is.

    Raises:
        ValidationError: Something doesn't fit.
        UnreadableError: It is no JSON, or nests without end.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        raise
    except RecursionError as error:
        raise UnreadableError("too_deep", f"nested deeper than {MAX_DEPTH} levels") from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return decoder.decode(msgspec.json.encode(_lenient(raw)))


def _lenient(raw: bytes) -> Any:
    """Return what is JSON but for lone surrogates, bare control characters or a byte order mark."""
    try:
        return _without_surrogates(json.loads(raw.decode("utf-8-sig"), strict=False))
    except UnicodeDecodeError as error:
        raise UnreadableError("not_utf8", f"byte {error.start}: {error.reason}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not_json", str(error)) from error


def _refusal(error: msgspec.ValidationError) -> UnreadableError:
    said = str(error)
    where = re.search(r"`\$\.?([^`]*)`$", said) or re.search(r"required field `([^`]*)`", said)
    if where is None:
        return UnreadableError("not_an_object", said)
    return UnreadableError("field", said, field=where[1] or None)


_SURROGATE = re.compile("[\ud800-\udfff]")


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


# Possessive, and content with a string that never ends: linear on any bytes.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for token in _BRACKETS.findall(raw):
        if token in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in b"]}":
            depth -= 1
    return deepest


def _message(record: MessageRecord, *, need_author: bool) -> Message:
    author = record.author_
    if author.__class__ is str:
        author = Author(author)
    elif author is None:
        if need_author and record.kind is not Kind.DELETED:
            raise UnreadableError("field", "Object missing required field `author`", field="author")
    elif not 0 < len(author.id) <= 256:  # type: ignore[union-attr]
        raise UnreadableError("field", "Expected 1 to 256 characters - at `$.author.id`", field="author.id")
    text = record.text
    if text is None:
        if not record.attachments and record.kind is not Kind.DELETED:
            raise UnreadableError("field", "Object missing required field `text`", field="text")
        text = ""
    lang = record.lang
    return Message(
        record.id, author, text, record.tenant, record.platform, record.channel, record.surface,  # type: ignore[arg-type]
        record.kind, record.sent_at, lang.lower().partition("-")[0] if lang else None, record.reply_to,
        record.mentions, _within(record.entities, len(text)) if record.entities else (), record.attachments,
    )  # fmt: skip


def _within(entities: tuple[Entity, ...], length: int) -> tuple[Entity, ...]:
    """Cut spans to the text; one that is empty then marks nothing."""
    cut = (Entity(e.type, (max(0, e.span[0]), min(length, e.span[1]))) for e in entities)
    return tuple(e for e in cut if e.span[0] < e.span[1])
