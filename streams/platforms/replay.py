"""`replay`: messages from a file of JSON Lines, deeds into another; for trials, tests and old logs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec

from rules.message import Message
from streams.errors import ConfigurationError, UnreadableError
from streams.platforms import words
from streams.platforms.deeds import Deed, Task
from streams.platforms.port import Ear
from streams.wire.reading import read_message
from streams.wire.writing import encode

# Lines that are heard together; the cursor moves behind them.
TOGETHER = 50


class ReplayConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `replay`.

    Attributes:
        messages: File of messages as on `chat.messages`, one a line.
        deeds: File that deeds are appended to, one a line.
        rate: Messages a second.
    """

    messages: Path
    deeds: Path
    rate: Annotated[float, msgspec.Meta(gt=0)] = 200.0


class Replay:
    """See Platform; everything can be done to a line in a file."""

    can = frozenset(Deed)
    # What is in the file already isn't written again.
    repeatable = frozenset(Deed)
    counts_lines = False

    def __init__(self, config: ReplayConfig) -> None:
        self._config = config
        self._written = _written(config.deeds)

    async def run(self, ear: Ear) -> None:
        """Send the lines that were not sent before."""
        sent = int(await ear.cursor() or 0)
        lines = _lines(self._config.messages)
        for start in range(sent, len(lines), TOGETHER):
            some = lines[start : start + TOGETHER]
            messages = [_read(self._config.messages, start + n, line) for n, line in enumerate(some, 1)]
            await ear.hear(messages, str(start + len(some)))
            await asyncio.sleep(len(some) / self._config.rate)

    async def do(self, task: Task) -> str | None:
        """Write it down."""
        if task.id not in self._written:
            with self._config.deeds.open("ab") as out:
                out.write(encode(described(task)) + b"\n")
            self._written.add(task.id)
        return task.id if task.deed is Deed.REPORT else None

    async def due(self, what: str) -> None:
        """Nothing is put off."""

    async def close(self) -> None:
        """There is nothing to leave."""


def described(task: Task) -> dict[str, Any]:
    """Return a deed as JSON: what to do to which message of whom, and the verdict behind it."""
    said: dict[str, Any] = {
        "id": task.id,
        "deed": task.deed.value,
        "message_id": task.verdict.message_id,
        "channel": task.verdict.channel,
        "author": task.verdict.author,
        "verdict": task.verdict,
    }
    if task.deed is Deed.TIMEOUT:
        said["timeout_s"] = task.timeout_s
    if task.deed is Deed.WARN:
        said["words"] = words.warning(task.verdict)
    if task.deed is Deed.REPORT:
        said |= {"words": words.report(task), "visible": task.visible, "message": task.message}
    return said


class _Written(msgspec.Struct):
    id: str


def _written(path: Path) -> set[str]:
    """Return the ids of the deeds in the file; a line that was cut off in the middle is taken out."""
    try:
        path.open("ab").close()
    except OSError as error:
        raise ConfigurationError(f"replay.deeds: {path} can't be written: {error.strerror}") from error
    whole, newline, rest = path.read_bytes().rpartition(b"\n")
    if rest:
        path.write_bytes(whole + newline)
    return {msgspec.json.decode(line, type=_Written).id for line in whole.split(b"\n") if line}


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split(b"\n") if line.strip()]
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read: {error.strerror}") from error


def _read(path: Path, number: int, line: bytes) -> Message:
    try:
        return read_message(line)
    except UnreadableError as error:
        raise ConfigurationError(f"{path}: message {number}: {error}") from error
