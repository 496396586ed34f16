"""What is on the wire: records to messages, verdicts and their companions to records.

JSON by versioned schemas (docs/wire.md, docs/schemas/), CloudEvents 1.0 headers in
binary mode on what we produce, plain JSON accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import msgspec

from rules.message import Attachment, Author, Entity, Kind, Message, Surface
from rules.verdict import Verdict
from streams.errors import UnreadableError

T = TypeVar("T")

# A record over this is refused: Kafka's own default for a record is 1 MiB.
MAX_RECORD_BYTES = 1 << 20
# Nesting over this is refused; the deepest field of ours is at level 4.
MAX_DEPTH = 64

# The kinds of record beside messages and verdicts, as CloudEvents types and schemas name them.
REVIEW, CONTROL = "mod.review.v1", "mod.control.v1"
FEEDBACK, DEED = "mod.feedback.v1", "mod.deed.v1"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
# Tenant, platform and author are joined with "/" into keys, so the first two hold none.
Place = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^/]+$")]
Header = tuple[str, bytes]


class MessageRecord(msgspec.Struct, rename={"author_": "author"}):
    """A chat message as platforms send it; unknown fields are ignored.

    Required: `id`, `author` (an id or an object), and `text` unless the message has
    `attachments` or is `deleted`; a deletion may also lack its author.
    """

    id: Name
    author_: Name | Author | None = None
    text: str | None = None
    tenant: Place = "default"
    platform: Place = "default"
    channel: Name = "default"
    surface: Surface = Surface.CHAT
    kind: Kind = Kind.CREATED
    sent_at: datetime | None = None
    lang: str | None = None
    reply_to: str | None = None
    mentions: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class OfflineRecord(MessageRecord, rename={"author_": "author"}):
    """A line for `judge`: as MessageRecord, and only `text` is required."""

    id: Name = ""


class Reports(msgspec.Struct, frozen=True):
    """Users' reports of a verdict.

    Attributes:
        reporters: How many users reported it.
        credibility: What their words weigh together; a trusted member's nearly 1, a newcomer's nothing.
    """

    reporters: int
    credibility: float


class ReviewItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a human should see: the verdict, and the message unless texts are switched off.

    With `reports` the verdict stands for the one that was reported, under its id, and says no more
    of it than what the report said.
    """

    verdict: Verdict
    message: Message | None = None
    reports: Reports | None = None


class Decision(StrEnum):
    """What a human says of a verdict.

    APPROVE lets the message stay, CONFIRM agrees with what was done, REMOVE takes the message away. OVERTURN
    says that the verdict was wrong, so its strike goes back and the text is spared where the decision holds.
    REPORT is a user's word: it asks for a look and changes nothing.
    """

    APPROVE = "approve"
    CONFIRM = "confirm"
    REMOVE = "remove"
    OVERTURN = "overturn"
    REPORT = "report"


class Scope(StrEnum):
    """How far a decision on a text reaches: a channel's moderator speaks for it, staff for the tenant."""

    CHANNEL = "channel"
    TENANT = "tenant"


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A human decision on a verdict, on `mod.feedback`, keyed and partitioned like its message.

    Attributes:
        id: Of equal ids the first counts.
        verdict_id: The verdict that is spoken of; the fields of its message are copied from it.
        text_hash: As on the verdict.
        reviewer: Who decided, as the platform or the caller names them.
        role: What they are there: "moderator", "staff", "user". A user may only report, and a channel's
            moderator doesn't speak for the tenant.
        at: RFC 3339, when it was decided.
        evidence: What the verdict rests on: names of rules, and "model:<label>"; empty is all there is.
        expires_at: RFC 3339, until when it holds for the text; None is for good.
    """

    id: Name
    verdict_id: Name
    decision: Decision
    reviewer: Name
    message_id: Name
    at: datetime
    tenant: Place = "default"
    platform: Place = "default"
    channel: Name = "default"
    author: Name | None = None
    text_hash: str | None = None
    role: str | None = None
    scope: Scope = Scope.CHANNEL
    reason: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    expires_at: datetime | None = None
    evidence: tuple[Name, ...] = ()

    @property
    def key(self) -> bytes:
        """The key of the record: that of the message."""
        return record_key(self.tenant, self.platform, self.author)


class Outcome(StrEnum):
    """What came of a deed.

    FAILED was tried for minutes; IMPOSSIBLE can't be done there, or not by us; DRY_RUN wasn't meant to be.
    """

    DONE = "done"
    DRY_RUN = "dry_run"
    IMPOSSIBLE = "impossible"
    FAILED = "failed"


class DeedRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a bridge did about a verdict on its platform, or couldn't do, on `mod.deeds`.

    Attributes:
        id: The verdict's id and the deed; of equal ids the first counts.
        bridge: Its name.
        deed: "delete", "hide", "unhide", "mask", "timeout", "untimeout", "warn" or "report".
        at: RFC 3339.
        reason: Why it isn't done, in words.
    """

    id: str
    bridge: str
    verdict_id: str
    deed: str
    outcome: Outcome
    message_id: str
    at: str
    tenant: str
    platform: str
    channel: str
    author: str | None = None
    reason: str | None = None


class ControlEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that operators and other workers should know, on `mod.control`.

    Attributes:
        event: "ruleset_accepted", "ruleset_rejected", "worker_alive", "worker_stopped", "brake_on",
            "brake_off" or "author_erased".
        worker: Which worker says so, or where a command was given.
        at: RFC 3339.
        ruleset: Hash in force after the event.
        reason: Why, in words; of a worker, why the newest files aren't in force.
        cause: The rule, or "model", that the brake holds.
        tenant: Where the brake holds it.
        authors: How many distinct established authors it reached in its window.
        since: RFC 3339, from when that rule set has been in force there.
        origin: Where it came from: "files", "last_good" (kept from an earlier run), "rollback" or "orders".
        added: Rules that are new by their id.
        removed: Rules that are gone.
        changed: Files that differ from those judged before, at most 20.
        orders: Ids of the orders that this worker follows.
        author: Keyed hash of an author of whom all was erased.
    """

    event: str
    worker: str
    at: str
    ruleset: str | None = None
    reason: str | None = None
    cause: str | None = None
    tenant: str | None = None
    authors: int | None = None
    since: str | None = None
    origin: str | None = None
    added: int | None = None
    removed: int | None = None
    changed: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    author: str | None = None


class Output(msgspec.Struct, frozen=True, gc=False):
    """One record to produce; an output partition is the input's modulo their number."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


def record_key(tenant: str, platform: str, author: str | None) -> bytes:
    """Return the key under which an author's records lie in one partition."""
    return f"{tenant}/{platform}/{author or ''}".encode("utf-8", "surrogatepass")


_record = msgspec.json.Decoder(MessageRecord)
_encoder = msgspec.json.Encoder()
encode = _encoder.encode


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
        return decoder.decode(encode(_lenient(raw)))


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


def rfc3339(at: float) -> str:
    """Return epoch seconds as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rounded(value: float) -> float:
    """Return the number with 4 significant digits."""
    # Where it can be, without the detour over a text, which takes three times as long.
    if 0.1 <= value < 1.0:
        return round(value * 1e4) / 1e4
    if 0.01 <= value < 0.1:
        return round(value * 1e5) / 1e5
    if 0.001 <= value < 0.01:
        return round(value * 1e6) / 1e6
    if 0.0001 <= value < 0.001:
        return round(value * 1e7) / 1e7
    if 1.0 <= value < 10.0:
        return round(value * 1e3) / 1e3
    return float(f"{value:.4g}") if value else 0.0


_FIXED: list[Header] = [("ce_specversion", b"1.0"), ("content-type", b"application/json")]


def cloud_event(event_id: str, kind: str, source: str, time: str) -> list[Header]:
    """Return the CloudEvents 1.0 headers (Kafka protocol binding, binary mode) of a record."""
    return [
        ("ce_id", event_id.encode()), ("ce_type", kind.encode()), ("ce_source", source.encode()),
        ("ce_time", time.encode()), *_FIXED,
    ]  # fmt: skip


def dead_letter_headers(
    error: UnreadableError, topic: str, partition: int, offset: int, headers: Any
) -> list[Header]:
    """Return the headers of a dead letter: why, from where, and the record's own headers."""
    ours = [
        ("chatsieve_reason", error.reason.encode()),
        ("chatsieve_detail", str(error)[:1000].encode("utf-8", "replace")),
        ("chatsieve_topic", topic.encode()),
        ("chatsieve_partition", str(partition).encode()),
        ("chatsieve_offset", str(offset).encode()),
    ]
    return ours + [h for h in headers or () if not h[0].startswith("chatsieve_")]
