"""Requests to a Matrix homeserver, and what its refusals mean."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import nio

from streams.platforms.pace import Queue
from streams.platforms.port import Away, Impossible, reason_of

T = TypeVar("T")

# So long a deed waits, with those behind it, where the homeserver says that we write too fast.
PATIENCE_S = 300.0


class Turns:
    """Writes one thing after the other: who is told to wait keeps the others back, but for the urgent ones.

    If each came back by itself, one could be refused until it is given up.
    """

    def __init__(self) -> None:
        self._queue = Queue()

    async def written(self, write: Callable[[], Awaitable[T]], *, urgent: bool = False) -> T:
        """Return what writing returns, done as often as the homeserver says "later".

        Raises:
            Impossible: It refuses.
            Away: It doesn't answer, or not for too long.
        """
        place, end = self._queue.place(urgent=urgent), None
        while True:
            await self._queue.enter(place)
            free_at = 0.0
            end = end or time.monotonic() + PATIENCE_S
            try:
                return await write()
            except Away as error:
                if error.retry_after_s is None:
                    raise
                free_at = time.monotonic() + error.retry_after_s
                if free_at > end:
                    raise
            finally:
                self._queue.leave(free_at)


async def asked(request: Any) -> Any:
    """Return the homeserver's answer.

    Raises:
        Impossible: It refuses.
        Away: It doesn't answer, or not now.
    """
    try:
        answer = await request
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Away(reason_of(error)) from error
    if not isinstance(answer, nio.ErrorResponse):
        return answer
    said = f"{answer.message} ({answer.status_code})"
    if answer.status_code == "M_LIMIT_EXCEEDED":
        raise Away(said, (answer.retry_after_ms or 1000) / 1000)
    http = answer.transport_response.status if answer.transport_response is not None else 0
    if http >= 500 or answer.status_code is None:
        raise Away(f"{said}, HTTP {http}")
    raise Impossible(said)


async def join(client: nio.AsyncClient, room_id: str, server: str | None) -> Any:
    """Return the homeserver's answer to a wish to join a room, which it may have to ask another one for."""
    path = f"/_matrix/client/v3/join/{quote(room_id, safe='')}"
    if server:
        path += "?" + urlencode({"via": server, "server_name": server})
    headers = {"Authorization": f"Bearer {client.access_token}", "Content-Type": "application/json"}
    answer = await client.send("POST", path, "{}", headers)
    return await client.create_matrix_response(nio.JoinResponse, answer)


def transaction(name: str) -> str:
    """Return the id by which the homeserver knows a request that is made twice."""
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
