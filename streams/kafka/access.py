"""How we reach Kafka from outside the pump (kafka-python): who we are, how long we wait, what we say then."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from streams.errors import BrokerError, ConfigurationError
from streams.settings import Settings

# Seconds in which a broker must let us in, and answer each request afterwards.
CONNECT_S = 5.0
ANSWER_S = 5.0

# Largest record that our own topics take: a dead letter is a whole message and why, a review item a message
# and its verdict, and Kafka's default (and our limit for a message) is 1 MiB.
LARGEST_RECORD = 4 << 20

SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


class Access(msgspec.Struct, frozen=True):
    """Where the brokers are and who we are to them.

    Attributes:
        brokers: "host:port" of one or more brokers of the cluster.
        security: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; of use with SASL only.
        ca: File with the authority (PEM) that signed the brokers' certificates; None is the system's own.

    Raises:
        ConfigurationError: The parts don't fit together; the message names the setting.
    """

    brokers: tuple[str, ...]
    security: str = "PLAINTEXT"
    mechanism: str = "PLAIN"
    user: str | None = None
    password: str | None = None
    ca: str | None = None

    def __post_init__(self) -> None:
        for address in self.brokers or ("",):
            host, _, port = address.rpartition(":")
            if not host or not port.isdigit():
                raise ConfigurationError(
                    f"CHATSIEVE_BROKER: expected host:port[,host:port…], got {address!r}"
                )
        if self.security not in SECURITY:
            raise ConfigurationError(f"CHATSIEVE_BROKER_SECURITY: expected one of {', '.join(SECURITY)}")
        if self.security.startswith("SASL") and not (self.user and self.password):
            raise ConfigurationError(
                f"{self.security} needs CHATSIEVE_BROKER_USER and CHATSIEVE_BROKER_PASSWORD"
            )
        try:
            _ = self.tls
        except OSError as error:
            raise ConfigurationError(
                f"CHATSIEVE_BROKER_CA: {self.ca} holds no certificate: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"Access({','.join(self.brokers)}, {self.security}, user={self.user})"

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What to check of the brokers' certificates; None where no TLS is spoken."""
        return ssl.create_default_context(cafile=self.ca) if "SSL" in self.security else None


def access_of(settings: Settings) -> Access:
    """Return how the broker is reached.

    Raises:
        ConfigurationError: When no broker is set.
    """
    if not settings.broker:
        raise ConfigurationError(
            "CHATSIEVE_BROKER is not set: name your Kafka (host:port), or start the in-package one with "
            "`python -m streams serve --embedded`"
        )
    return Access(
        brokers=tuple(part.strip() for part in settings.broker.split(",") if part.strip()),
        security=settings.broker_security,
        mechanism=settings.broker_sasl_mechanism,
        user=settings.broker_user,
        password=settings.broker_password,
        ca=settings.broker_ca,
    )


@contextmanager
def admin(access: Access) -> Iterator[KafkaAdminClient]:
    """Lend a client for topics and groups; its errors come out as BrokerError, as with the two below."""
    with _said(access):
        client = _open(KafkaAdminClient, access, request_timeout_ms=int(ANSWER_S * 1000))
        try:
            yield client
        finally:
            client.close()


@contextmanager
def consumer(
    access: Access, partitions: Sequence[TopicPartition], wait_ms: int = 100
) -> Iterator[KafkaConsumer]:
    """Lend a reader of these partitions, outside of any group; seek before the first poll.

    The broker may hold a fetch for `wait_ms` where there is nothing new.
    """
    with _said(access):
        client = _open(
            KafkaConsumer,
            access,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            fetch_max_wait_ms=wait_ms,
            max_partition_fetch_bytes=LARGEST_RECORD,
            request_timeout_ms=int(ANSWER_S * 1000),
        )
        try:
            client.assign(partitions)
            yield client
        finally:
            client.close()


@contextmanager
def producer(access: Access) -> Iterator[KafkaProducer]:
    """Lend a writer that waits for all replicas; what it was given is sent when the block ends."""
    with _said(access):
        client = _open(
            KafkaProducer,
            access,
            acks="all",
            linger_ms=5,
            batch_size=1 << 18,
            allow_auto_create_topics=False,
            max_request_size=LARGEST_RECORD,
            max_block_ms=int(ANSWER_S * 1000),
            request_timeout_ms=int(ANSWER_S * 1000),
            delivery_timeout_ms=int(4 * ANSWER_S * 1000),
        )
        try:
            yield client
        finally:
            client.close(timeout=ANSWER_S)


def _open(kind: Callable[..., Any], access: Access, **settings: Any) -> Any:
    """Return a connected client; one that fails to connect leaves no thread behind.

    The library bounds its search for a broker, but not every wait in it (a TLS handshake that isn't answered
    took for ever), so a timer closes the connections under it.
    """
    _quieten()
    _knock(access)
    opened: list[KafkaNetClient] = []

    def net(**configs: Any) -> KafkaNetClient:
        opened.append(KafkaNetClient(**configs))
        return opened[-1]

    def close() -> None:
        for client in opened:
            client.close()

    patience = threading.Timer(CONNECT_S, close)
    patience.daemon = True
    patience.start()
    try:
        return kind(
            bootstrap_servers=list(access.brokers),
            bootstrap_timeout_ms=int(CONNECT_S * 900),
            kafka_client=net,
            **_identity(access),
            **settings,
        )
    except BaseException:
        close()
        raise
    finally:
        patience.cancel()
        patience.join()


def _knock(access: Access) -> None:
    """Return when a broker takes our connection, and our TLS; the library would not say why one doesn't."""
    tls = access.tls
    for address in access.brokers:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        try:
            with socket.create_connection((host, int(port)), timeout=CONNECT_S / 2) as connection:
                if tls is not None:
                    tls.wrap_socket(connection, server_hostname=host).close()
                return
        except ssl.SSLCertVerificationError as error:
            raise BrokerError(
                f"the certificate of the broker at {address} doesn't hold: {error.verify_message};"
                " CHATSIEVE_BROKER_CA names the file of the authority that signed it"
            ) from error
        except OSError as error:
            reason = error
    raise _unreachable(access, reason)


def _identity(access: Access) -> dict[str, Any]:
    settings: dict[str, Any] = {"security_protocol": access.security, "client_id": "chatsieve"}
    if "SSL" in access.security:
        settings["ssl_context"] = access.tls
    if access.security.startswith("SASL"):
        settings |= {
            "sasl_mechanism": access.mechanism,
            "sasl_plain_username": access.user,
            "sasl_plain_password": access.password,
        }
    return settings


def _quieten() -> None:
    """Keep the library from logging each attempt; what fails is raised. A level that somebody set stays."""
    log = logging.getLogger("kafka")
    if log.level == logging.NOTSET:
        log.setLevel(logging.CRITICAL)


@contextmanager
def _said(access: Access) -> Iterator[None]:
    """Turn the library's errors into ours."""
    try:
        yield
    except KafkaError as error:
        if error.retriable:
            raise _unreachable(access, error) from error
        who = f"user {access.user!r}" if access.user else "us"
        raise BrokerError(f"the broker at {','.join(access.brokers)} refuses {who}: {error}") from error


def _unreachable(access: Access, reason: Exception) -> BrokerError:
    known = ""
    if access.security.startswith("SASL"):
        # A wrong password shows as a closed connection, in this library at least.
        known = f" Does it know CHATSIEVE_BROKER_USER {access.user!r}, the password and {access.mechanism}?"
    return BrokerError(
        f"no Kafka broker answers at {','.join(access.brokers)} ({access.security}): is it running, is"
        " CHATSIEVE_BROKER its address, and CHATSIEVE_BROKER_SECURITY what that port speaks?"
        f"{known} ({reason})"
    )
