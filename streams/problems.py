"""What can be wrong with a request, said as RFC 9457 has it (application/problem+json)."""

from __future__ import annotations

import itertools
import re
import secrets
from typing import NamedTuple, TypeVar

import msgspec

from streams.errors import UnreadableError
from streams.wire import reading

T = TypeVar("T")

MEDIA_TYPE = "application/problem+json"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Ids that we give differ between processes by their beginning.
_OURS = secrets.token_hex(8)
_number = itertools.count()


class _Kind(NamedTuple):
    status: int
    title: str


KINDS = {
    "unreadable": _Kind(400, "The body is no JSON"),
    "not-http": _Kind(400, "This is no HTTP"),
    "unauthorized": _Kind(401, "No valid key"),
    "unsigned": _Kind(401, "No valid signature"),
    "forbidden": _Kind(403, "The key isn't good for this"),
    "not-found": _Kind(404, "There is nothing here"),
    "unknown-verdict": _Kind(404, "No such verdict is known"),
    "method": _Kind(405, "Not with this method"),
    "slow": _Kind(408, "The request took too long to arrive"),
    "too-large": _Kind(413, "The body is too large"),
    "media-type": _Kind(415, "The body must be application/json"),
    "invalid": _Kind(422, "A field is missing or wrong"),
    "rate": _Kind(429, "Too many messages"),
    "failed": _Kind(500, "An error of ours"),
    "busy": _Kind(503, "Can't be done at the moment"),
}


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong with a body.

    Attributes:
        pointer: JSON Pointer to the field (RFC 6901); "" is the whole body.
    """

    detail: str
    pointer: str = ""


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an answer that is an error.

    Attributes:
        type: "urn:chatsieve:problem:" and a short word that doesn't change.
        instance: "urn:chatsieve:request:" and the id of the request, as in X-Request-Id.
        errors: What is wrong with the body, one by one.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[Fault, ...] = ()


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A request can't be done as it is.

    Attributes:
        headers: That go with the answer.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        errors: tuple[Fault, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.errors = errors
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind].status

    def details(self, request_id: str) -> ProblemDetails:
        """Return the body of the answer."""
        return ProblemDetails(
            f"urn:chatsieve:problem:{self.kind}", KINDS[self.kind].title, self.status, str(self),
            f"urn:chatsieve:request:{request_id}", self.errors,
        )  # fmt: skip


def problem(kind: str, detail: str, *, retry_after_s: float) -> Problem:
    """Return a problem that goes away by itself; the answer says when."""
    return Problem(kind, detail, headers={"Retry-After": str(max(1, round(retry_after_s + 0.5)))})


def request_id_of(given: bytes) -> str:
    """Return the id that a caller gave, or one of ours where that is none."""
    if given and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return f"{_OURS}{next(_number):08x}"


def read_body(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return what a body says, as leniently as a record on `chat.messages` is read.

    Raises:
        Problem: It is no JSON (400), or something doesn't fit (422).
    """
    try:
        return reading.read_body(body, decoder)
    except msgspec.ValidationError as error:
        raise Problem("invalid", "the body doesn't fit", errors=(_fault(str(error)),)) from error
    except UnreadableError as error:
        if error.reason == "too_deep":
            raise Problem("invalid", "the body doesn't fit", errors=(Fault(str(error)),)) from error
        raise Problem("unreadable", str(error)) from error


def pointer(path: str) -> str:
    """Return a path like `a.b[0]` as a JSON Pointer."""
    return "".join(f"/{part}" for part in re.split(r"[.\[\]]+", path) if part)


def _fault(said: str) -> Fault:
    where = re.search(r"`\$\.?([^`]*)`$", said) or re.search(r"required field `([^`]*)`", said)
    return Fault(said, pointer(where[1]) if where else "")
