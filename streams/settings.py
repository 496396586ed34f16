"""Everything that can be set: CHATSIEVE_* environment variables, with defaults and meaning."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from streams.errors import ConfigurationError

PREFIX = "CHATSIEVE_"
# Kafka counts in 32 bits, its times in milliseconds.
MOST, MOST_SECONDS = 2_000_000_000, 2_000_000
TREE = Path(__file__).resolve().parent.parent


def _says(text: str) -> Any:
    return msgspec.Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's settings; `serve --help` lists them from here."""

    broker: Annotated[str | None, _says("Kafka, host:port[,host:port…]")] = None
    broker_security: Annotated[str, _says("PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")] = "PLAINTEXT"
    broker_sasl_mechanism: Annotated[str, _says("PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")] = "PLAIN"
    broker_user: Annotated[str | None, _says("SASL user")] = None
    broker_password: Annotated[str | None, _says("SASL password")] = None
    broker_ca: Annotated[str | None, _says("file with the certificate authority of the broker")] = None
    store: Annotated[str | None, _says("Redis or Valkey: redis://…, rediss://user:password@host:port/0")] = (
        None
    )
    store_timeout: Annotated[
        float, _says("seconds the store may be silent; for large batches it gets up to 8 times that")
    ] = 0.25
    store_prefix: Annotated[str, _says("put before every key in the store")] = "chatsieve:"
    topic_prefix: Annotated[str, _says("put before every topic's name")] = ""
    group: Annotated[str, _says("consumer group")] = "chatsieve"
    partitions: Annotated[int, _says("partitions of topics that are missing and made at start")] = 8
    replication: Annotated[int, _says("replicas of topics that are missing and made at start")] = 1
    packs: Annotated[Path, _says("folder of rule packs")] = TREE / "rules" / "packs"
    packs_every: Annotated[float, _says("seconds between looks at it")] = 1.0
    state: Annotated[
        Path | None, _says("folder that outlives a worker: rule sets that were good; or none")
    ] = TREE / ".cache" / "state"
    model: Annotated[Path | None, _says("folder of the model's artifact; none: judge without a model")] = (
        TREE / "models" / "artifacts" / "chat-compact"
    )
    shadow_model: Annotated[
        Path | None, _says("folder of an artifact to try: it settles nothing, is counted")
    ] = None
    key: Annotated[str | None, _says("secret for the keyed hashes of authors and texts")] = None
    http: Annotated[str, _says("health and metrics, host:port; port 0 takes a free one")] = "127.0.0.1:8080"
    worker: Annotated[str, _says("this worker's name in logs and on mod.control")] = socket.gethostname()
    matched: Annotated[str, _says("shown or hidden: the matched text on verdicts")] = "shown"
    review_text: Annotated[bool, _says("put the message on mod.review")] = True
    batch_messages: Annotated[int, _says("most messages judged as one batch")] = 8192
    waiting_bytes: Annotated[int, _says("bytes of fetched records that may wait to be judged")] = 64 << 20
    fetch_wait: Annotated[float, _says("seconds the broker may hold an empty fetch")] = 0.5
    commit_interval: Annotated[float, _says("seconds between commits")] = 0.5
    session_timeout: Annotated[float, _says("seconds before a silent worker loses its partitions")] = 10.0
    rebalance_timeout: Annotated[float, _says("seconds that members have to rejoin in a rebalance")] = 10.0
    journal_effects: Annotated[int, _says("effects kept while the store is away")] = 500_000
    journal_seconds: Annotated[float, _says("seconds they are kept")] = 900.0
    standstill: Annotated[float, _says("seconds without judging, while there is lag, that end it")] = 60.0
    api: Annotated[str, _says("where `api` listens, host:port; port 0 takes a free one")] = "127.0.0.1:8081"
    api_keys: Annotated[Path | None, _says("file of the keys that `api` takes; `api key` makes one")] = None
    api_rate: Annotated[float, _says("messages a second that a key may have judged, unless it says more")] = (
        100.0
    )
    api_timeout: Annotated[float, _says("seconds that `api` may take for a request")] = 5.0
    log: Annotated[str, _says("debug (one line a verdict), info, warning or error")] = "info"
    log_format: Annotated[str, _says("json, or text for people")] = "json"

    @property
    def secret(self) -> bytes:
        """The key of keyed hashes; empty where none is set."""
        return (self.key or "").encode()


# What a setting says that names a file or folder, and is to name none.
NOTHING = "none"
_LOGS = ("debug", "info", "warning", "error")
_CHOICES = {
    "broker_security": ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    "broker_sasl_mechanism": ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    "matched": ("shown", "hidden"),
    "log": _LOGS,
    "log_format": ("json", "text"),
}


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in the environment.

    Raises:
        ConfigurationError: For a CHATSIEVE_ variable that isn't one, and a value that doesn't fit.
    """
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    given: dict[str, Any] = {}
    for variable, value in environment.items():
        if variable.startswith(PREFIX):
            name = variable[len(PREFIX) :].lower()
            if name not in fields:
                raise ConfigurationError(f"{variable} is not a setting; `serve --help` lists them")
            field = fields[name]
            if value == NOTHING and field.type.__origin__ == (Path | None):
                given[name] = None
            elif value != "":
                given[name] = _converted(variable, name, value, field.type)
    return Settings(**given)


def _converted(variable: str, name: str, value: str, kind: Any) -> Any:
    if not is_text(value):
        raise ConfigurationError(f"{variable}: is not UTF-8, got {value!r}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ConfigurationError(f"{variable}: expected one of {', '.join(_CHOICES[name])}, got {value!r}")
    try:
        converted = msgspec.convert(value, kind, strict=False, dec_hook=lambda to, given: to(given))
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigurationError(f"{variable}: {error}, got {value!r}") from error
    if isinstance(converted, int | float) and not isinstance(converted, bool):
        most = MOST_SECONDS if isinstance(converted, float) else MOST
        if not 0 < converted <= most:
            raise ConfigurationError(f"{variable}: expected a number above 0, up to {most:,}, got {value!r}")
    return converted


def is_text(value: object) -> bool:
    """Return whether it is no string, or one of whole characters; bytes that aren't UTF-8 come as halves."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True


def table() -> list[tuple[str, str, str]]:
    """Return (variable, default, meaning) of each setting, in order."""
    return [
        (
            PREFIX + field.name.upper(),
            "" if field.default is None else str(field.default),
            field.type.__metadata__[0].description,
        )
        for field in msgspec.structs.fields(Settings)
    ]
