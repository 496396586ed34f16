"""The in-package broker and store: they come up, they answer, and they are never left behind."""

import os
import platform
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from kafka import KafkaAdminClient

from streams.errors import EmbeddedError
from streams.process import embedded
from streams.process.embedded import HOST, Broker, Server, Store

STARTS_BOTH = """
import sys
from streams.process.embedded import Broker, Store
with Broker() as broker, Store() as store:
    print(broker.port, store.port, flush=True)
    sys.stdin.read()
"""


def test_the_broker_speaks_kafka(broker: Broker) -> None:
    """An ordinary client finds one broker at the address that we name."""
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        (node,) = admin.describe_cluster()["brokers"]
    finally:
        admin.close()
    assert f"{node['host']}:{node['port']}" == broker.address


def test_the_store_speaks_the_redis_protocol(store: Store) -> None:
    """And it runs Lua with msgpack, which the standings need."""
    with redis.Redis.from_url(store.url) as client:
        assert client.eval("return cmsgpack.unpack(ARGV[1])[2]", 0, b"\x92\x01\x2a") == 42


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_servers_end_with_the_process_that_started_them(how: signal.Signals) -> None:
    """Whichever way it goes: an open connection to each server is closed soon after."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_BOTH],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    with starter, starter.stdin, starter.stdout:
        ports = [int(port) for port in starter.stdout.readline().split()]
        connections = [socket.create_connection((HOST, port), timeout=10) for port in ports]
        starter.send_signal(how)
        for connection in connections:
            with connection:
                assert is_closed(connection)
    assert all(refuses(port) for port in ports)


def is_closed(connection: socket.socket) -> bool:
    """The other side has closed it, or died before it took it up."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def refuses(port: int) -> bool:
    """Nobody listens there any more, or stops within a few seconds."""
    patience = time.monotonic() + 5
    while time.monotonic() < patience:
        try:
            socket.create_connection((HOST, port)).close()
        except OSError:
            return True
    return False


def test_the_servers_do_not_hear_the_terminal(broker: Broker, store: Store) -> None:
    """Ctrl-C goes to our process group; the servers are in groups of their own and see the worker drain."""
    assert os.getpgid(0) not in {os.getpgid(broker.pid), os.getpgid(store.pid)}


def test_stopping_is_final_and_may_be_repeated() -> None:
    """After `stop` nobody listens there any more."""
    server = Store()
    server.start()
    server.start()
    port = server.port
    server.stop()
    server.stop()
    assert not server.alive
    assert refuses(port)


def test_a_killed_store_comes_back_on_its_port_with_what_it_was_told(tmp_path: Path) -> None:
    """With `appendonly`, kill -9 and a new start lose nothing that was acknowledged."""
    with Store(folder=tmp_path / "data", appendonly=True) as server:
        port = server.port
        with redis.Redis.from_url(server.url) as client:
            client.config_set("appendfsync", "always")
            client.set("kept", "yes")
        server.kill()
        server.start()
        assert server.port == port
        with redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == b"yes"


def test_a_store_without_a_folder_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it read what somebody else left in the temporary folder."""
    monkeypatch.setattr(embedded.tempfile, "tempdir", str(tmp_path))
    (tmp_path / "dump.rdb").write_bytes(b"not a database")
    with Store() as server, redis.Redis.from_url(server.url) as client:
        client.set("a", "b")
    assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]


class Quitter(Server):
    """A program that says something and ends."""

    name = "the quitter"

    def _command(self, port: int) -> list[str]:
        return ["/bin/sh", "-c", "echo some trouble; exit 3"]

    def _answers(self, connection: socket.socket) -> bool:
        raise AssertionError("nobody should answer")


class Mute(Quitter):
    """A program that listens to nothing."""

    name = "the mute"

    def _command(self, port: int) -> list[str]:
        return ["/bin/cat", "/dev/zero"]


def test_a_server_that_ends_at_once_is_quoted() -> None:
    """The last line that it wrote is in the error."""
    with pytest.raises(EmbeddedError, match="the quitter did not come up on port 23: some trouble"):
        Quitter(port=23).start()


def test_a_server_that_does_not_answer_is_given_up() -> None:
    """The wait is bounded, and the process is not left behind."""
    server = Mute(ready_s=0.05)
    with pytest.raises(EmbeddedError, match="no answer in"):
        server.start()
    assert not server.alive


@pytest.mark.parametrize("kind", [Broker, Store])
def test_a_port_that_is_taken_is_said_so(kind: type[Server], broker: Broker, store: Store) -> None:
    """Somebody else's store or broker on the port isn't mistaken for ours."""
    port = broker.port if kind is Broker else store.port
    with pytest.raises(EmbeddedError, match=f"did not come up on port {port}"):
        kind(port=port).start()


def test_a_platform_without_a_build_is_sent_to_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, with what to do."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(
        EmbeddedError, match=r"no in-package store for .* on riscv64: .*docker compose"
    ) as caught:
        embedded.valkey_binary()
    assert "\n" not in str(caught.value)


def test_a_missing_wheel_is_sent_to_setup_or_compose() -> None:
    """One line, with what to do."""
    with pytest.raises(EmbeddedError, match=r"make setup.*docker compose up -d.*CHATSIEVE_BROKER"):
        embedded._wheel("no_such_wheel", "broker", "CHATSIEVE_BROKER")
