"""An API process of a test's own, and a client that speaks HTTP to it."""

from __future__ import annotations

import io
import json
from typing import Any, NamedTuple, Self

import aiohttp

from streams.api.keys import hash_of
from streams.process.embedded import free_port
from tests.deployment import Deployment

SECRET = "csk_test"


class Reply(NamedTuple):
    """What came back; `body` is read as JSON where it is some."""

    status: int
    headers: Any
    body: Any

    @property
    def problem(self) -> str:
        """The last word of the problem's type."""
        return str(self.body["type"]).rpartition(":")[2]


class Client:
    """Asks an API; an async context manager."""

    def __init__(self, address: str, secret: str | None = SECRET) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(f"http://{self._address}", headers=self._headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def post(self, path: str, body: Any, **more: Any) -> Reply:
        """Send JSON, or bytes as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | more.pop("headers", {})
        return await self._ask("POST", path, data=io.BytesIO(raw), headers=headers, **more)

    async def get(self, path: str, **params: str) -> Reply:
        """Ask for something."""
        return await self._ask("GET", path, params=params)

    async def judge(self, text: str, **more: Any) -> Any:
        """Return the verdict on a message that is asked about."""
        reply = await self.post("/v1/judge", {"message": {"text": text} | more})
        assert reply.status == 200, reply
        return reply.body["verdict"]

    async def _ask(self, method: str, path: str, **more: Any) -> Reply:
        async with self._session.request(method, path, **more) as answer:
            raw = await answer.read()
            return Reply(answer.status, answer.headers, json.loads(raw) if raw else None)


def write_keys(it: Deployment, *keys: dict[str, Any]) -> None:
    """Put the file of keys in place."""
    path = it.packs.parent / "keys.yaml"
    part = path.with_suffix(".tmp")
    part.write_text(json.dumps({"keys": list(keys)}))
    part.replace(path)


def key(secret: str = SECRET, **more: Any) -> dict[str, Any]:
    """A key as it stands in the file, with a rate that no test meets by chance."""
    return {
        "name": secret,
        "tenant": "lantern",
        "hash": hash_of(secret.encode()),
        "rate": 1e6,
        "burst": 1_000_000,
    } | more


def start_api(it: Deployment, *options: str, **settings: object) -> str:
    """Start an API process and return where it answers."""
    address = f"127.0.0.1:{free_port()}"
    it.start(
        "-m",
        "streams",
        "api",
        *options,
        api=address,
        api_keys=it.packs.parent / "keys.yaml",
        fetch_wait=0.02,
        **settings,
    )
    return address
