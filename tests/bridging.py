"""What tests of bridges share: starting one, and what it says of its deeds."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import yaml

from streams.records import tail
from tests.deployment import Deployment

LONG_S = 60.0


def start_bridge(it: Deployment, kind: str, config: dict[str, Any], *more: str) -> subprocess.Popen[bytes]:
    """Start a bridge's process."""
    path = it.packs.parent / f"{kind}.yaml"
    path.write_text(yaml.safe_dump(config))
    command = ("-m", "streams", "bridge", kind, "--config", str(path), *more)
    return it.start(*command, wait=False, fetch_wait=0.02)


async def until(true: Callable[[], Any], it: Deployment) -> None:
    """Return when it is so; fail when it doesn't come to that."""
    patience = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < patience, it.log(len(it.workers) - 1)[-3000:]
        await asyncio.sleep(0.05)


def said_deeds(it: Deployment, count: int) -> list[dict[str, Any]]:
    """What the bridge has said of its deeds."""
    with tail(it.access, it.topics.deeds, from_beginning=True, count=count, idle_s=LONG_S) as records:
        return [json.loads(record.value or b"") for record in records]
