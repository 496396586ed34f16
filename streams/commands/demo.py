"""Plays the example chat: broker, store and worker are real, the messages go through Kafka."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import IO, Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from rules.verdict import Verdict
from streams.commands import show
from streams.commands.tally import Line, Tally
from streams.errors import BrokerError, ConfigurationError
from streams.kafka.access import access_of
from streams.kafka.topics import Topics, ensure
from streams.process.embedded import free_port, guarded
from streams.settings import NOTHING, PREFIX, Settings

# Of messages that nothing speaks against one in so many is shown, so that the chat stays alive on screen.
SHOW_EVERY_ALLOWED = 40
START_S = 60.0
# Without a verdict for so long, what is still missing is called lost.
QUIET_S = 20.0
DEFAULTS = Settings()


def read_chat(path: Path) -> list[Line]:
    """Return the records of a chat file (examples/README.md), in order.

    Raises:
        ConfigurationError: When a line isn't one.
    """
    lines = []
    for number, raw in enumerate(path.read_bytes().splitlines(), 1):
        try:
            entry = msgspec.json.decode(raw, type=_Entry)
            unread = base64.b64decode(entry.raw) if entry.raw is not None else None
        except (msgspec.DecodeError, ValueError) as error:
            raise ConfigurationError(f"{path}:{number}: {error}") from error
        key = entry.key.encode() if entry.key is not None else None
        if unread is not None:
            lines.append(Line(entry.at, key, unread, None))
        else:
            lines.append(Line(entry.at, key, bytes(entry.value), _text(entry.value)))
    return lines


class _Entry(msgspec.Struct):
    at: float
    key: str | None = None
    value: msgspec.Raw = msgspec.Raw(b"")
    raw: str | None = None


def _text(value: msgspec.Raw) -> str | None:
    try:
        return str(msgspec.json.decode(value, type=dict[str, Any]).get("text", ""))
    except msgspec.DecodeError:
        return None


def play(settings: Settings, chat: Path, rate: int, console: Console) -> int:
    """Play a chat file through the broker of `settings`; return 0 when nothing was lost."""
    lines = read_chat(chat)
    topics = Topics(settings.topic_prefix)
    ensure(access_of(settings), topics, partitions=4)
    show.opening(console, settings, len(lines))
    with _worker(settings) as log:
        tally = asyncio.run(_play(settings, topics, lines, rate, console))
        log.seek(0)
        said = log.read().decode(errors="replace")
    if tally.lost:
        console.print(said[-4000:], markup=False)
    show.summary(console, tally)
    return 0 if tally.lost == 0 else 1


@contextlib.contextmanager
def _worker(settings: Settings) -> Any:
    """A worker in a process of its own, ready; stopped as an operator would, with SIGTERM."""
    http = f"127.0.0.1:{free_port()}"
    given = msgspec.structs.replace(settings, http=http, log="warning", worker="demo")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment |= {
        PREFIX + name.upper(): NOTHING if value is None else str(value)
        for name, value in msgspec.structs.asdict(given).items()
        if value != getattr(DEFAULTS, name) and not isinstance(value, bool)
    }
    with tempfile.TemporaryFile() as log:
        # Not in the terminal's group, so that Ctrl-C ends it once, through us; and under guard, so that
        # it doesn't look for its broker for ever when we are killed.
        process = subprocess.Popen(
            guarded([sys.executable, "-m", "streams", "serve"], signal.SIGTERM),
            env=environment,
            stdin=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        assert process.stdin is not None
        try:
            _wait_until_ready(process, http, log)
            yield log
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdin.close()


def _wait_until_ready(process: subprocess.Popen[bytes], http: str, log: IO[bytes]) -> None:
    patience = time.monotonic() + START_S
    while time.monotonic() < patience and process.poll() is None:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://{http}/ready", timeout=1) as answer,
        ):
            if answer.status == 200:
                return
        time.sleep(0.05)
    log.seek(0)
    raise BrokerError(f"the worker did not get ready:\n{log.read().decode(errors='replace')[-2000:]}")


async def _play(settings: Settings, topics: Topics, lines: list[Line], rate: int, console: Console) -> Tally:
    tally = Tally()
    progress = Progress(
        TextColumn("[bold]judged"), BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True,
    )  # fmt: skip
    with progress:
        bar = progress.add_task("judged", total=len(lines))
        show.heading(console)
        reader = asyncio.create_task(_read(settings, topics, tally, progress, bar, len(lines)))
        await _send(settings, topics, tally, lines, rate)
        await reader
    return tally


async def _send(settings: Settings, topics: Topics, tally: Tally, lines: list[Line], rate: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker, max_request_size=2 << 20)
    await producer.start()
    try:
        tally.first = time.monotonic()
        for number, line in enumerate(lines):
            ahead = tally.first + number / rate - time.monotonic()
            if ahead > 0.005:
                await asyncio.sleep(ahead)
            future = await producer.send(topics.messages, line.value, key=line.key)
            future.add_done_callback(_noter(tally, line, time.monotonic()))
        await producer.flush()
    finally:
        await producer.stop()


def _noter(tally: Tally, line: Line, at: float) -> Any:
    def note(future: asyncio.Future[Any]) -> None:
        written = future.result()
        tally.sent[written.partition, written.offset] = line, at

    return note


async def _read(
    settings: Settings, topics: Topics, tally: Tally, progress: Progress, bar: Any, total: int
) -> None:
    consumer = AIOKafkaConsumer(
        topics.verdicts, topics.deadletters, bootstrap_servers=settings.broker, auto_offset_reset="earliest",
        group_id=None, fetch_max_wait_ms=20,
    )  # fmt: skip
    await consumer.start()
    try:
        quiet_since = time.monotonic()
        while tally.answered < total and time.monotonic() - quiet_since < QUIET_S:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    _note(tally, topics, record, progress.console)
                quiet_since = time.monotonic()
            progress.update(bar, completed=tally.answered)
    finally:
        await consumer.stop()


_verdicts = msgspec.json.Decoder(Verdict)


def _note(tally: Tally, topics: Topics, record: Any, console: Console) -> None:
    now = time.monotonic()
    if record.topic == topics.deadletters:
        headers = {name: value.decode(errors="replace") for name, value in record.headers}
        where = int(headers["chatsieve_partition"]), int(headers["chatsieve_offset"])
        tally.dead[where] = headers["chatsieve_reason"]
        show.dead_letter(console, headers, len(record.value or b""))
    else:
        verdict = _verdicts.decode(record.value)
        assert verdict.source is not None
        where = verdict.source.partition, verdict.source.offset
        if where in tally.verdicts:
            return
        tally.verdicts[where] = verdict
        line, at = tally.sent.get(where, (None, now))
        tally.waits_ms.append((now - at) * 1000)
        if verdict.action.value != "allow" or len(tally.verdicts) % SHOW_EVERY_ALLOWED == 0:
            show.verdict(console, verdict, line.text if line else None)
    tally.last = now
