"""Starts one Apache Kafka broker (KRaft, loopback, data in a temporary folder) and ends it again.

From code: `with ApacheKafka() as kafka: use(kafka.address)`. By hand, from the tree's root:
`python -m tests.kafka.apache_kafka` prints the address and runs until Ctrl-C.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from streams.errors import EmbeddedError
from streams.process.embedded import HOST, Server, free_port

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(__file__).parents[2] / ".cache" / "kafka"

# As little as a broker for tests needs; the first compile stage is enough for a short life.
JAVA_OPTIONS = [
    "-Xmx700m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
]  # fmt: skip

USER, PASSWORD = "chatsieve", "only-for-tests"


class ApacheKafka(Server):
    """One broker. Its address and data outlive `stop`, `kill` and another `start`; leaving `with` ends both.

    Args:
        secure: Also listen at `secure_address`, with TLS by a certificate of its own (`ca`) and SASL's
            mechanism PLAIN for `USER` with `PASSWORD`.

    Raises:
        EmbeddedError: From `start`, when Java or Maven is missing, the download fails or it doesn't come up.
    """

    name = "Apache Kafka"

    def __init__(self, *, secure: bool = False, ready_s: float = 90.0) -> None:
        super().__init__(ready_s=ready_s)
        self._folder = tempfile.TemporaryDirectory(prefix="chatsieve-kafka-")
        self._secure_port = free_port() if secure else None

    @property
    def secure_address(self) -> str:
        """Host and port of the listener with TLS and SASL."""
        return f"{HOST}:{self._secure_port}"

    @property
    def ca(self) -> str:
        """The file (PEM) that vouches for the secure listener."""
        return str(Path(self._folder.name) / "ca.pem")

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self.stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._folder.cleanup()

    def _command(self, port: int) -> list[str]:
        java = [tool("java"), *JAVA_OPTIONS, "-cp", class_path()]
        data = Path(self._folder.name) / "data"
        settings = Path(self._folder.name) / "server.properties"
        text = properties(port, free_port(), data)
        if self._secure_port is not None:
            text = self._secured(text)
        settings.write_text(text)
        if not data.exists():
            storage = [*java, "kafka.tools.StorageTool"]
            cluster = run([*storage, "random-uuid"]).split()[-1]
            run([*storage, "format", "-t", cluster, "-c", str(settings)])
        return [*java, "kafka.Kafka", str(settings)]

    def _secured(self, text: str) -> str:
        store = Path(self._folder.name) / "keys.p12"
        if not store.exists():
            keys = [tool("keytool"), "-keystore", str(store), "-storepass", PASSWORD, "-alias", "broker"]
            run([*keys, "-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", f"san=ip:{HOST}"])
            run([*keys, "-exportcert", "-rfc", "-file", self.ca])
        text = text.replace("listeners=", f"listeners=SECURE://{self.secure_address},")
        text = text.replace("map=", "map=SECURE:SASL_SSL,")
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        return text + "\n".join((
            f"ssl.keystore.location={store}",
            f"ssl.keystore.password={PASSWORD}",
            "sasl.enabled.mechanisms=PLAIN",
            f'listener.name.secure.plain.sasl.jaas.config={plain} user_{USER}="{PASSWORD}";',
        ))  # fmt: skip

    def _answers(self, connection: socket.socket) -> bool:
        """Ask for the cluster's brokers (Metadata, version 1, no topics): none until it has joined."""
        request = struct.pack(">hhihi", 3, 1, 7, -1, 0)
        connection.settimeout(10.0)
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.recv(12, socket.MSG_WAITALL)
        return len(answer) == 12 and struct.unpack(">iii", answer)[2] > 0


def class_path() -> str:
    """Return Kafka's class path; the first time, Maven fetches the jars (some 65 MB) into .cache/kafka.

    Raises:
        EmbeddedError: Maven is missing or fails.
    """
    maven = tool("mvn")
    with alone(CACHE):
        known = CACHE / f"classpath-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}.txt"
        if not known.exists() or not all(Path(jar).exists() for jar in known.read_text().split(":")):
            fresh = known.with_suffix(".part")
            where = [f"-Dmaven.repo.local={CACHE / 'repository'}", f"-Dmdep.outputFile={fresh}"]
            run([maven, "-q", "-B", "-f", str(POM), "dependency:build-classpath", *where])
            fresh.replace(known)
        return known.read_text().strip()


def tool(name: str) -> str:
    """Return where a program is.

    Raises:
        EmbeddedError: It isn't installed.
    """
    found = shutil.which(name)
    if found is None:
        raise EmbeddedError(
            f"`{name}` is not installed; Apache Kafka needs Java 17 or newer and Maven"
            " (Debian: apt install openjdk-17-jre-headless maven; macOS: brew install maven)"
        )
    return found


def run(command: list[str]) -> str:
    """Return what a command prints.

    Raises:
        EmbeddedError: It fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise EmbeddedError(f"{Path(command[0]).name} failed while preparing Apache Kafka:\n{said}")
    return done.stdout


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time into a folder, which git ignores."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def properties(port: int, controller_port: int, data: Path) -> str:
    """Return a broker's settings: one node that is its own controller, quick to start and to rebalance.

    A broker that was killed may come back only when its old session is over: hence the short one.
    """
    return f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{HOST}:{controller_port}
listeners=PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}
advertised.listeners=PLAINTEXT://{HOST}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=300
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=4194304
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.replication.factor=1
"""


if __name__ == "__main__":
    with ApacheKafka() as kafka:
        print(kafka.address, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("ending")
