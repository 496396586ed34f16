"""A real IRC server for tests (ngircd), and a client that people might use: lines over a socket."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.process.embedded import free_port
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
        self._folder = tempfile.TemporaryDirectory(prefix="chatsieve-ngircd-")

    def __enter__(self) -> Self:
        path = Path(self._folder.name) / "ngircd.conf"
        path.write_text(CONFIG.format(port=self.port, password=PASSWORD))
        libraries = ":".join(map(str, FOLDER.glob("usr/lib/*")))
        found = shutil.which("ngircd", path=PLACES)
        program = fetched("ngircd", Path(found) if found else None)
        self._process = subprocess.Popen(
            [str(program), "--nodaemon", "--config", str(path)],
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
