"""A real IRC server for tests (ngircd), and a client that people might use: lines over a socket."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streams.process.embedded import free_port
from tests.bridging import Member, until
from tests.deployment import Deployment
from tests.services import FETCHED, fetched

FOLDER = FETCHED / "ngircd"
# Where Debian puts it, and where `make services` does.
PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", str(FOLDER / "usr/sbin")])
PASSWORD = "let me in"
CONFIG = """
[Global]
Name = irc.test.invalid
Info = a test
Listen = 127.0.0.1
Ports = {port}
Password = {password}
MotdPhrase = "hello"
[Limits]
MaxConnectionsIP = 0
MaxPenaltyTime = 0
MaxNickLength = 20
PingTimeout = 60
[Options]
DNS = no
Ident = no
PAM = no
"""


class Ngircd:
    """A server of our own; a context manager."""

    def __init__(self) -> None:
        self.port = free_port()
        # First, so that a test that is skipped leaves no folder behind.
        found = shutil.which("ngircd", path=PLACES)
        self._program = fetched("ngircd", Path(found) if found else None)
        self._folder = tempfile.TemporaryDirectory(prefix="chatsieve-ngircd-")

    def __enter__(self) -> Self:
        path = Path(self._folder.name) / "ngircd.conf"
        path.write_text(CONFIG.format(port=self.port, password=PASSWORD))
        libraries = ":".join(map(str, FOLDER.glob("usr/lib/*")))
        self._process = subprocess.Popen(
            [str(self._program), "--nodaemon", "--config", str(path)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"LD_LIBRARY_PATH": libraries},
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


class Person:
    """Somebody on IRC."""

    def __init__(self, port: int, nick: str) -> None:
        self.nick = nick
        self.lines: list[tuple[float, str]] = []
        self._port = port

    async def enter(self, *channels: str) -> Self:
        """Connect and join."""
        patience = time.monotonic() + 20
        while True:
            try:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
                break
            except OSError:
                assert time.monotonic() < patience
                await asyncio.sleep(0.05)
        self._reading = asyncio.create_task(self._read())
        self.send(f"PASS :{PASSWORD}", f"NICK {self.nick}", f"USER {self.nick} 0 * :{self.nick}")
        await self.until(lambda line: " 001 " in line)
        for channel in channels:
            self.send(f"JOIN {channel}")
            await self.until(lambda line, channel=channel: f" 366 {self.nick} {channel}" in line)
        return self

    def send(self, *lines: str) -> None:
        """Send lines as they are."""
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())

    def say(self, channel: str, text: str) -> None:
        """Say something."""
        self.send(f"PRIVMSG {channel} :{text}")

    async def until(self, wanted: Callable[[str], bool], seconds: float = 30.0) -> str:
        """Return the first line that is wanted, of all that were ever heard."""
        patience = time.monotonic() + seconds
        while True:
            for _, line in self.lines:
                if wanted(line):
                    return line
            assert time.monotonic() < patience, [line for _, line in self.lines[-20:]]
            await asyncio.sleep(0.02)

    async def leave(self) -> None:
        """Close the connection."""
        self._reading.cancel()
        await asyncio.wait([self._reading])
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self) -> None:
        while raw := await self._reader.readline():
            line = raw.decode(errors="replace").rstrip("\r\n")
            self.lines.append((time.monotonic(), line))
            if line.startswith("PING"):
                self.send("PONG" + line[4:])


class Wire:
    """Stands between a client and a server, and keeps what the client sends; an async context manager."""

    def __init__(self, port: int) -> None:
        self.sent: list[tuple[float, str]] = []
        self._to = port
        self._between: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._stand_between, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._between:
            task.cancel()
        await asyncio.wait(self._between)

    async def _stand_between(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        server, on = await asyncio.open_connection("127.0.0.1", self._to)
        self._between += [
            asyncio.create_task(self._pass_on(client, on, self.sent)),
            asyncio.create_task(self._pass_on(server, back, [])),
        ]

    async def _pass_on(
        self, lines: asyncio.StreamReader, to: asyncio.StreamWriter, kept: list[tuple[float, str]]
    ) -> None:
        try:
            while raw := await lines.readline():
                kept.append((time.monotonic(), raw.decode().rstrip("\r\n")))
                to.write(raw)
        finally:
            to.close()
            with suppress(ConnectionError):
                await to.wait_closed()


class Place:
    """Two channels and the moderators' room, with an operator in all; an async context manager."""

    kind = "irc"
    # What can be done about a removed message, and what of that is taken back by "not spam".
    deeds = ("timeout", "report")

    def __init__(self, server: Ngircd, name: str) -> None:
        self.server = server
        self.channel, self.other, self.room = f"#c{name}", f"#d{name}", f"#m{name}"
        self.operator = Person(server.port, f"op{name}")
        self.people = [self.operator]

    async def __aenter__(self) -> Self:
        await self.operator.enter(self.channel, self.other, self.room)
        return self

    async def __aexit__(self, *_: object) -> None:
        for person in self.people:
            await person.leave()

    def config(self, **more: Any) -> dict[str, Any]:
        """Return the bridge's file; both channels are listened to."""
        irc = {
            "host": "127.0.0.1", "port": self.server.port, "tls": False, "nick": "sieve" + self.channel[2:],
            "password": PASSWORD, "channels": [self.channel, self.other], "room": self.room,
        }  # fmt: skip
        return {"tenant": "lantern", "pace": {"per_s": 1000, "burst": 1000}, "irc": irc | more}

    async def bridged(self, it: Deployment, count: int = 1) -> None:
        """Return when the bridge is there, for the so-manieth time, and make it an operator."""
        nick = self.config()["irc"]["nick"]

        def there() -> bool:
            joins = [
                line for _, line in self.operator.lines if line.startswith(f":{nick}!") and " JOIN " in line
            ]
            return len([line for line in joins if self.room in line]) >= count

        await until(there, it)
        for channel in (self.channel, self.other):
            self.operator.send(f"MODE {channel} +o {nick}")
        await asyncio.sleep(0.2)

    async def person(self, nick: str, *channels: str) -> Person:
        """Return somebody new who is in some channels."""
        self.people.append(Person(self.server.port, nick))
        return await self.people[-1].enter(*(channels or (self.channel,)))

    async def newcomer(self, name: str) -> Member:
        """Return somebody who is in both channels."""
        person = await self.person(name, self.channel, self.other)

        async def say(channel: str, text: str) -> None:
            person.say(channel, text)

        return Member(name.lower(), say)

    async def report(self, words: str) -> str:
        """Return what a report of these words is answered to by."""
        line = await self.operator.until(lambda line: self.room in line and words in line)
        found = re.search(r"\[([0-9a-f]{6})\]", line)
        assert found
        return found[1]

    async def not_spam(self, report: str) -> None:
        """Say so in the room."""
        self.operator.say(self.room, f"!notspam {report} a joke")

    async def is_silenced(self, member: Member) -> bool:
        """Return whether the last that the channel was told is that somebody may not write."""
        ban = f"MODE {self.channel} {{}}b {member.id}!*@*"
        said = [line for _, line in self.operator.lines if any(ban.format(sign) in line for sign in "+-")]
        return bool(said) and ban.format("+") in said[-1]

    async def is_gone(self, text: str) -> bool:
        """Nothing that was said can be taken away here."""
        return False
