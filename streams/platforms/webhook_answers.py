"""What the webhook answers where it can't do what is asked: a problem, as the API does (RFC 9457)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from streams.errors import BrokerError, StoreError
from streams.problems import MEDIA_TYPE, Problem, problem, request_id_of
from streams.wire.writing import encode

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
# A body that is too large isn't read to its end, so the connection can't be used again.
CLOSE = {"Connection": "close"}
RETRY_S = 1.0


@web.middleware
async def with_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with what the handler says, or with what is wrong; an error of ours stands in the log."""
    request_id = request_id_of(request.headers.get("webhook-id", "").encode(errors="replace"))
    try:
        return await handler(request)
    except Exception as error:  # noqa: BLE001 - one request must not cost the others
        wrong = _problem(error, request, request_id)
    return web.Response(
        status=wrong.status, body=encode(wrong.details(request_id)), content_type=MEDIA_TYPE,
        headers=wrong.headers | {"X-Request-Id": request_id},
    )  # fmt: skip


def _problem(error: Exception, request: web.Request, request_id: str) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, BrokerError | StoreError):
        log.warning("event_not_taken", request=request_id, error=str(error))
        return problem("busy", "can't be taken at the moment; send it again", retry_after_s=RETRY_S)
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return Problem("too-large", f"at most {request.client_max_size} bytes", headers=CLOSE)
    if isinstance(error, web.RequestPayloadError):
        return Problem("unreadable", f"the body doesn't arrive whole: {error}", headers=CLOSE)
    there_is = f"{request.method} {request.path}: there is POST /events and POST /decisions"
    if isinstance(error, web.HTTPMethodNotAllowed):
        return Problem("method", there_is, headers={"Allow": ", ".join(sorted(error.allowed_methods))})
    if isinstance(error, web.HTTPNotFound):
        return Problem("not-found", there_is)
    log.error("request_failed", request=request_id, exc_info=error)
    return Problem("failed", "the log has it under the request's id")
