"""The programs that are measured, each a process of its own, with the CPU that it has used."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka.access import Access
from streams.kafka.topics import Topics, ensure
from streams.process import guard
from streams.settings import NOTHING, PREFIX
from tests.bench.chat import Message
from tests.bench.load import Load, producer

TREE = Path(__file__).resolve().parents[2]
PARTITIONS = 8

# Nothing came out for so long: the program has stopped.
QUIET_S = 40.0
# After the last output a program still saves and commits; that belongs to its work.
SETTLE_S = 0.75
STOP_S = 30.0


class ProgramError(Exception):
    """A measured program ended or stood still; the message has its last words."""


class Program:
    """One process that reads `<name>.chat.messages` and writes `<name>.mod.verdicts`; a context manager.

    Args:
        name: Its name on topics and in the table.
        arguments: Python's, after `-m`.
        environment: On top of ours.
    """

    def __init__(self, name: str, broker: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.name = name
        self.broker = broker
        self.source, self.target = topics_of(name)
        self._arguments = arguments
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed on exit
        self._expected = 0

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        ensure(Access((self.broker,)), Topics(f"{self.name}."), PARTITIONS)
        # The guard ends it when we are gone, and becomes it: the id and the CPU are the program's own.
        guarded = [sys.executable, "-I", "-S", str(guard.__file__), str(int(signal.SIGTERM))]
        ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._process = subprocess.Popen(
            [*guarded, sys.executable, "-m", *self._arguments],
            cwd=TREE,
            env=ours | self._environment,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdin.close()
        self._output.close()

    async def work_off(self, backlog: list[Message]) -> float:
        """Give it a backlog while it is stopped, let it work that off; return the CPU seconds that took."""
        with self._paused():
            async with producer(self.broker) as ready:
                await Load(ready, self.source, PARTITIONS).backlog(backlog)
            before = cpu_s(self.pid)
        self._expected += len(backlog)
        await self._drained()
        await asyncio.sleep(SETTLE_S)
        return cpu_s(self.pid) - before

    def expect(self, count: int) -> None:
        """Note that so many messages came by another way than `work_off`."""
        self._expected += count

    @property
    def last_words(self) -> str:
        """The end of what it has printed."""
        self._output.seek(0)
        return self._output.read().decode(errors="replace")[-2000:]

    def check(self) -> None:
        """Raise ProgramError if it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise ProgramError(f"{self.name} ended:\n{self.last_words}")

    @contextmanager
    def _paused(self) -> Iterator[None]:
        self.check()
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    async def _drained(self) -> None:
        its = [TopicPartition(self.target, number) for number in range(PARTITIONS)]
        async with AIOKafkaConsumer(bootstrap_servers=self.broker) as reader:
            done, heard = -1, time.monotonic()
            while True:
                ends = await reader.end_offsets(its)
                if (now := sum(ends.values())) != done:
                    done, heard = now, time.monotonic()
                if done >= self._expected:
                    return
                self.check()
                if time.monotonic() - heard > QUIET_S:
                    raise ProgramError(
                        f"{self.name} stands still at {done} of {self._expected}:\n{self.last_words}"
                    )
                await asyncio.sleep(0.02)


def topics_of(name: str) -> tuple[str, str]:
    """Return the topics that a program reads and writes."""
    topics = Topics(f"{name}.")
    return topics.messages, topics.verdicts


def plain_faust(broker: str, folder: str) -> Program:
    """Return the plain Faust app; it keeps its files in `folder`."""
    return Program("faust", broker, ["tests.bench.plain_faust", broker, *topics_of("faust"), folder], {})


def aiokafka_copy(broker: str, name: str = "copy") -> Program:
    """Return the plain aiokafka copy."""
    return Program(name, broker, ["tests.bench.aiokafka_copy", broker, *topics_of(name)], {})


def worker(broker: str, store: str, packs: Path, name: str = "worker", model: Path | None = None) -> Program:
    """Return our worker, with the settings it has by default but for the model."""
    settings = {
        "broker": broker,
        "store": store,
        "topic_prefix": f"{name}.",
        "group": f"bench-{name}",
        "partitions": str(PARTITIONS),
        "http": "127.0.0.1:0",
        "key": "only for the bench",
        "packs": str(packs),
        "model": str(model) if model else NOTHING,
    }
    environment = {PREFIX + name.upper(): value for name, value in settings.items()}
    return Program(name, broker, ["streams", "serve"], environment)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds, user and system, that a process and all its threads have used."""
    if sys.platform == "linux":
        # What clock_getcpuclockid(3) answers; /proc counts in hundredths, and a copy's batch takes less.
        return time.clock_gettime(~pid << 3 | 2)
    # macOS: [[days-]hours:]minutes:seconds.hundredths
    said = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True)
    seconds = 0.0
    for part in said.stdout.strip().replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def family(pid: int) -> list[int]:
    """Return a process and all that it has started, and these."""
    said = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    children: dict[int, list[int]] = {}
    for line in said.stdout.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found = [pid]
    for one in found:  # grows as it goes
        found += children.get(one, [])
    return found
