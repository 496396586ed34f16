"""A real Matrix homeserver for tests (Synapse, from its Python package), and people on it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml

from streams.process.embedded import free_port
from tests.bridging import LONG_S, Member, until
from tests.deployment import Deployment
from tests.services import FETCHED, fetched

PYTHON = FETCHED / "synapse" / "bin" / "python"
SHARED = "for tests only"
FREE: dict[str, float] = {"per_second": 10_000, "burst_count": 10_000}


class Synapse:
    """A homeserver of our own; a context manager.

    Args:
        messages: How fast each account may write, and redact.
    """

    def __init__(self, messages: dict[str, float] = FREE) -> None:
        self._messages = messages
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # First, so that a test that is skipped leaves no folder behind.
        self._python = str(fetched("Synapse", PYTHON))
        self._folder = tempfile.TemporaryDirectory(prefix="chatsieve-synapse-")

    def __enter__(self) -> Self:
        folder = Path(self._folder.name)
        python = self._python
        logging = {"version": 1, "root": {"level": "ERROR"}, "disable_existing_loggers": False}
        (folder / "log.yaml").write_text(yaml.safe_dump(logging))
        config = {
            "server_name": "test.invalid",
            "pid_file": str(folder / "pid"),
            "listeners": [
                {
                    "port": self.port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"],
                    "resources": [{"names": ["client"]}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
            "log_config": str(folder / "log.yaml"),
            "media_store_path": str(folder / "media"),
            "signing_key_path": str(folder / "signing.key"),
            "registration_shared_secret": SHARED,
            "macaroon_secret_key": SHARED,
            "form_secret": SHARED,
            "report_stats": False,
            "trusted_key_servers": [],
            "rc_message": self._messages, "rc_registration": FREE,
            "rc_login": {"address": FREE, "account": FREE},
            "rc_joins": {"local": FREE, "remote": FREE}, "rc_invites": {"per_room": FREE, "per_user": FREE},
            "rc_admin_redaction": self._messages,
        }  # fmt: skip
        path = folder / "homeserver.yaml"
        path.write_text(yaml.safe_dump(config))
        command = [python, "-m", "synapse.app.homeserver", "-c", str(path)]
        subprocess.run([*command, "--generate-keys"], check=True, capture_output=True, cwd=folder)
        self._log = (folder / "out.log").open("wb")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()
        self._folder.cleanup()

    async def person(self, name: str) -> Person:
        """Make an account and return who has it."""
        one = Person(self.url, name)
        await one.register()
        return one


class Person:
    """Somebody on the homeserver."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._url = url
        self._number = 0

    async def register(self) -> None:
        """Make the account; the server may still be starting."""
        self._session = aiohttp.ClientSession()
        path = "/_synapse/admin/v1/register"
        patience = time.monotonic() + 90
        while True:
            try:
                nonce = (await self.ask("GET", path))["nonce"]
                break
            except aiohttp.ClientConnectorError:
                assert time.monotonic() < patience
                await asyncio.sleep(0.2)
        parts = [nonce, self.name, "password", "notadmin"]
        mac = hmac.new(SHARED.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
        made = await self.ask(
            "POST", path, {"nonce": nonce, "username": self.name, "password": "password", "mac": mac}
        )
        self.id, self.token = made["user_id"], made["access_token"]
        self._session.headers["Authorization"] = f"Bearer {self.token}"

    async def leave(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Speak to the homeserver, as fast as it lets us."""
        while True:
            async with self._session.request(method, self._url + path, json=body) as answer:
                found = await answer.json()
            if answer.status != 429:
                return found
            await asyncio.sleep(found["retry_after_ms"] / 1000)

    async def make_room(
        self, *invited: Person, levels: dict[str, int] | None = None, alias: str | None = None
    ) -> str:
        """Make a room with others in it, and return its id."""
        users = {self.id: 100} | (levels or {})
        made = await self.ask(
            "POST", "/_matrix/client/v3/createRoom",
            {
                "preset": "private_chat", "room_version": "11", "invite": [each.id for each in invited],
                "power_level_content_override": {"users": users},
            } | ({"room_alias_name": alias} if alias else {}),
        )  # fmt: skip
        return str(made["room_id"])

    async def join(self, room: str) -> None:
        """Join a room."""
        await self.ask("POST", f"/_matrix/client/v3/join/{room}", {})

    async def send(self, room: str, content: dict[str, Any], kind: str = "m.room.message") -> str:
        """Send an event and return its id."""
        self._number += 1
        path = f"/_matrix/client/v3/rooms/{room}/send/{kind}/{self.name}-{self._number}-{time.monotonic_ns()}"
        return str((await self.ask("PUT", path, content))["event_id"])

    async def say(self, room: str, text: str, **more: Any) -> str:
        """Say something."""
        return await self.send(room, {"msgtype": "m.text", "body": text} | more)

    async def history(self, room: str) -> list[dict[str, Any]]:
        """Return what is in a room, newest first."""
        found: list[dict[str, Any]] = []
        start = ""
        while True:
            page = await self.ask("GET", f"/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=500{start}")
            found += page["chunk"]
            if not page["chunk"] or "end" not in page:
                return found
            start = f"&from={page['end']}"


class Place:
    """A room with two people and the bridge, a second one, the moderators' room; an async context manager."""

    kind = "matrix"
    # What can be done about a removed message, and what of that is taken back by "not spam".
    deeds = ("delete", "timeout", "report")

    def __init__(self, server: Synapse, name: str) -> None:
        self.server = server
        self.name = name
        self.people: list[Person] = []

    async def __aenter__(self) -> Self:
        self.ana, self.kim, self.sieve = [await self._person(each) for each in ("ana", "kim", "sieve")]
        # What a homeserver asks of who sets power levels, if nobody says otherwise.
        levels = {self.sieve.id: 100}
        self.channel = await self.ana.make_room(self.kim, self.sieve, levels=levels)
        self.other = await self.ana.make_room(self.sieve, levels=levels)
        self.mods = await self.ana.make_room(self.sieve)
        await self.kim.join(self.channel)
        return self

    async def _person(self, name: str) -> Person:
        self.people.append(await self.server.person(f"{name}-{self.name}"))
        return self.people[-1]

    async def __aexit__(self, *_: object) -> None:
        for person in self.people:
            await person.leave()

    def config(self, **more: Any) -> dict[str, Any]:
        """Return the bridge's file; both rooms are listened to."""
        matrix = {
            "homeserver": self.server.url,
            "token": self.sieve.token,
            "rooms": [self.channel, self.other],
            "room": self.mods,
        }
        return {"tenant": "lantern", "pace": {"per_s": 1000, "burst": 1000}, "matrix": matrix | more}

    async def bridged(self, it: Deployment) -> None:
        """Return when the bridge listens."""
        await until(lambda: '"synced"' in it.log(len(it.workers) - 1), it)
        await asyncio.sleep(0.3)

    async def found(self, room: str, wanted: Any) -> dict[str, Any]:
        """Return the event of a room that is wanted, when it is there."""
        patience = time.monotonic() + LONG_S
        while True:
            for event in await self.ana.history(room):
                if wanted(event):
                    return event
            assert time.monotonic() < patience
            await asyncio.sleep(0.2)

    async def newcomer(self, name: str) -> Member:
        """Return somebody who is in both rooms."""
        person = await self._person(name)
        for room in (self.channel, self.other):
            await self.ana.ask("POST", f"/_matrix/client/v3/rooms/{room}/invite", {"user_id": person.id})
            await person.join(room)
        return Member(person.id, person.say)

    async def report(self, words: str) -> str:
        """Return the id of a report of these words."""
        event = await self.found(self.mods, lambda event: words in event["content"].get("body", ""))
        return str(event["event_id"])

    async def react(self, report: str, key: str) -> None:
        """Answer a report."""
        relation = {"rel_type": "m.annotation", "event_id": report, "key": key}
        await self.ana.send(self.mods, {"m.relates_to": relation}, "m.reaction")

    async def not_spam(self, report: str) -> None:
        """Say so in the room."""
        await self.react(report, "♻️")

    async def is_silenced(self, member: Member) -> bool:
        """Return whether somebody may not write in the room."""
        path = f"/_matrix/client/v3/rooms/{self.channel}/state/m.room.power_levels"
        return bool((await self.ana.ask("GET", path))["users"].get(member.id, 0) < 0)

    async def is_gone(self, text: str) -> bool:
        """Return whether what somebody said in the room can't be read any more."""
        said = [event["content"].get("body") for event in await self.ana.history(self.channel)]
        return text not in said


def is_redacted(event: dict[str, Any]) -> bool:
    """Return whether an event was taken away."""
    return "redacted_because" in event.get("unsigned", {})
