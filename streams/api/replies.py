"""What goes back: status, headers and body, whether it is an answer or a problem."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from streams.api.problems import MEDIA_TYPE, Problem
from streams.wire.writing import encode

JSON = "application/json"
_JSON = b"application/json"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Ids that we give differ between processes by their beginning.
_OURS = secrets.token_hex(8)
_number = itertools.count()

Headers = Sequence[tuple[bytes, bytes]]


class Reply(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: Headers


def request_id_of(given: bytes) -> str:
    """Return the id that a caller gave, or one of ours where that is none."""
    if given and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return f"{_OURS}{next(_number):08x}"


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
