"""What an operator writes into bridge.yaml, and the platform that comes of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from streams.config_files import read_yaml
from streams.errors import ConfigurationError
from streams.platforms.deeds import DEFAULT, Row
from streams.platforms.port import Platform
from streams.wire.records import Place


class PaceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast deeds may be done; on IRC, how fast lines may be said."""

    per_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    burst: Annotated[int, msgspec.Meta(ge=1)] = 20


class BridgeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bridge; beside it stands the section of its platform.

    Attributes:
        name: In the bridge's memory and in what it says; two bridges on one store need two names.
        platform: Put on messages; the kind of platform where nothing is said.
        deeds: What is done about which action and label.
        dry_run: Nothing is done; what would be is said.
    """

    tenant: Place = "default"
    name: Place | None = None
    platform: Place | None = None
    deeds: tuple[Row, ...] = DEFAULT
    pace: PaceConfig = PaceConfig()
    dry_run: bool = False


class _Kind(NamedTuple):
    """Where a platform's code lies.

    Attributes:
        library: What it needs beside the libraries of a worker.
        pace: Its own, where the configuration says nothing.
    """

    file: str
    section: str
    platform: str
    library: str | None = None
    pace: Mapping[str, float] = {}


# Imported when asked for: whoever runs one bridge needs no library of another.
KINDS = {
    "discord": _Kind("discord", "DiscordConfig", "Discord", "discord"),
    # Most networks throw out who writes faster.
    "irc": _Kind("irc", "IrcConfig", "Irc", "pydle", {"per_s": 1, "burst": 5}),
    "matrix": _Kind("matrix", "MatrixConfig", "Matrix", "nio"),
    "replay": _Kind("replay", "ReplayConfig", "Replay"),
    "twitch": _Kind("twitch", "TwitchConfig", "Twitch", "pydle"),
    "webhook": _Kind("webhook", "WebhookConfig", "Webhook"),
}


def read(path: Path, kind: str) -> tuple[BridgeConfig, Platform]:
    """Return the bridge and its platform.

    Raises:
        ConfigurationError: The file can't be used or has no such section, or a library is missing.
    """
    known = KINDS[kind]
    if known.library and importlib.util.find_spec(known.library) is None:
        raise ConfigurationError(
            f"the bridge to {kind} needs {known.library}: run "
            "`pip install --require-hashes -r requirements/platforms.txt`"
        )
    module = import_module(f"streams.platforms.{known.file}")
    section: type[Any] = getattr(module, known.section)
    platform: Callable[[Any], Platform] = getattr(module, known.platform)
    found = read_yaml(path, dict[str, Any])
    if kind not in found:
        raise ConfigurationError(f"{path}: there is no section {kind}: see docs/platforms/{kind}.md")
    its = _converted(path, found.pop(kind), section, f"in section {kind}: ")
    pace = found.get("pace", {})
    if isinstance(pace, dict):
        found["pace"] = {**known.pace, **pace}
    bridge = _converted(path, found, BridgeConfig, "")
    return bridge, platform(its)


def _converted(path: Path, value: Any, kind: type[Any], where: str) -> Any:
    try:
        return msgspec.convert(value, kind, dec_hook=lambda to, given: to(given))
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigurationError(f"{path}: {where}{error}") from error
