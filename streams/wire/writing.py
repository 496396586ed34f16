"""What goes out: JSON under CloudEvents 1.0 headers in binary mode, times and numbers as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from streams.errors import UnreadableError

Header = tuple[str, bytes]

_encoder = msgspec.json.Encoder()
encode = _encoder.encode


class Output(msgspec.Struct, frozen=True, gc=False):
    """One record to produce; an output partition is the input's modulo their number."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]


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
