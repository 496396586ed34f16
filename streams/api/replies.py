"""What goes back: status, headers and body, whether it is an answer or a problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streams.problems import MEDIA_TYPE, Problem
from streams.wire.writing import encode

JSON = "application/json"
_JSON = b"application/json"

Headers = Sequence[tuple[bytes, bytes]]


class Reply(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: Headers


def answer(status: int, said: object, request_id: str) -> Reply:
    """Return an answer as it goes back."""
    return _reply(status, encode(said), _JSON, request_id)


def refusal(wrong: Problem, request_id: str) -> Reply:
    """Return a problem as it goes back."""
    return _reply(
        wrong.status, encode(wrong.details(request_id)), MEDIA_TYPE.encode(), request_id, wrong.headers
    )


def _reply(
    status: int, body: bytes, media: bytes, request_id: str, more: dict[str, str] | None = None
) -> Reply:
    headers = [
        (b"content-type", media),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
    ]
    if more:
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in more.items()]
    return Reply(status, body, headers)
