"""Nothing is left behind: what `serve --embedded` and `demo` start ends with them, however they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from streams.process.embedded import free_port
from tests.rule_folders import write

PATIENCE_S = 10.0
PARTS = ("tansu", "valkey-server")


class Process:
    """A command in a process group of its own, as in a terminal."""

    def __init__(self, packs: Path, *command: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATSIEVE_")}
        settings = {
            "CHATSIEVE_HTTP": f"127.0.0.1:{free_port()}",
            "CHATSIEVE_PACKS": str(packs),
        }
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "streams", *command],
            env=environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self.popen.stdout is not None
        self.output: IO[bytes] = self.popen.stdout

    def read_until(self, word: bytes) -> None:
        """Return when it has said this."""
        for line in self.output:
            if word in line:
                return
        pytest.fail(f"it never said {word!r}")

    def interrupt(self) -> int:
        """Ctrl-C: the terminal signals all of the group."""
        os.killpg(self.popen.pid, signal.SIGINT)
        self.output.read()
        return self.popen.wait(PATIENCE_S)

    def kill(self) -> None:
        """kill -9, of it alone."""
        self.popen.kill()
        self.popen.wait(PATIENCE_S)


def table() -> dict[int, tuple[int, str, str]]:
    """All processes: id, parent's id, state, command."""
    said = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,command="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 3) for line in said.stdout.splitlines())
    return {int(row[0]): (int(row[1]), row[2], row[3]) for row in rows if len(row) == 4}


def descendants(pid: int) -> dict[int, str]:
    """The commands of a process's children, and theirs, by id."""
    processes = table()
    found: dict[int, str] = {}
    fresh = {pid}
    while fresh:
        fresh = {each for each, (parent, _, _) in processes.items() if parent in fresh}
        found |= {each: processes[each][2] for each in fresh}
    return found


def left_of(pids: dict[int, str]) -> dict[int, str]:
    """Which of these are still there when they have had their time; one that nobody buried is gone."""
    patience = time.monotonic() + PATIENCE_S
    while True:
        there = table()
        left = {pid: command for pid, command in pids.items() if pid in there and there[pid][1][0] != "Z"}
        if not left or time.monotonic() > patience:
            return left
        time.sleep(0.1)


@contextmanager
def running(packs: Path, *command: str, said: bytes) -> Iterator[tuple[Process, dict[int, str]]]:
    """The command at work, with what it has started; all of it is ended afterwards."""
    process = Process(packs, *command)
    started: dict[int, str] = {}
    try:
        process.read_until(said)
        started = descendants(process.popen.pid)
        assert all(any(part in each for each in started.values()) for part in PARTS), started
        yield process, started
    finally:
        process.kill()
        process.output.close()
        for pid in left_of(started) if started else ():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small folder of packs, which is read at once."""
    rules = "- {id: spam/odd, label: spam, action: flag, strength: weak, terms: [zzodd]}"
    return write(tmp_path_factory.mktemp("small") / "packs", rules)


SERVE = ("serve", "--embedded")
DEMO = ("demo", "--rate", "20")
# What each says once everything runs.
SERVING, PLAYING = b'"event": "assigned"', b"channel "


def test_serve_ends_in_order_at_ctrl_c(packs: Path) -> None:
    """With code 0: it is how one stops it."""
    with running(packs, *SERVE, said=SERVING) as (process, started):
        assert process.interrupt() == 0
        assert left_of(started) == {}


def test_serve_takes_everything_along_at_kill_9(packs: Path) -> None:
    """Nobody is there to clean up."""
    with running(packs, *SERVE, said=SERVING) as (process, started):
        process.kill()
        assert left_of(started) == {}


def test_demo_takes_everything_along_at_ctrl_c(packs: Path) -> None:
    """Its worker as well."""
    with running(packs, *DEMO, said=PLAYING) as (process, started):
        assert any("serve" in command for command in started.values())
        assert process.interrupt() == 1
        assert left_of(started) == {}


def test_demo_takes_everything_along_at_kill_9(packs: Path) -> None:
    """Its worker would else go on looking for its broker for ever."""
    with running(packs, *DEMO, said=PLAYING) as (process, started):
        assert any("serve" in command for command in started.values())
        process.kill()
        assert left_of(started) == {}
