"""What can be wrong with a request, said as RFC 9457 has it (application/problem+json)."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

MEDIA_TYPE = "application/problem+json"


class _Kind(NamedTuple):
    status: int
    title: str


KINDS = {
    "unreadable": _Kind(400, "The body is no JSON"),
    "not-http": _Kind(400, "This is no HTTP"),
    "unauthorized": _Kind(401, "No valid key"),
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
