"""What tests of bridges share: starting one, and what it says of its deeds."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from streams.kafka.records import tail
from tests.deployment import Deployment

LONG_S = 60.0
TENANT = "lantern"
EXAMPLE = Path(__file__).parents[1] / "examples" / "chat.jsonl"


class Member(NamedTuple):
    """Somebody on a platform.

    Attributes:
        id: As it stands on messages.
        say: Say something somewhere.
    """

    id: str
    say: Callable[[str, str], Awaitable[Any]]


def start_bridge(
    it: Deployment, kind: str, config: dict[str, Any], *more: str, file: str = "bridge.yaml"
) -> subprocess.Popen[bytes]:
    """Start a bridge's process."""
    path = it.packs.parent / file
    path.write_text(yaml.safe_dump(config))
    command = ("-m", "streams", "bridge", kind, "--config", str(path), *more)
    return it.start(*command, wait=False, fetch_wait=0.02)


async def until(true: Callable[[], Any], it: Deployment) -> None:
    """Return when it is so; fail when it doesn't come to that."""
    patience = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < patience, it.log(len(it.workers) - 1)[-3000:]
        await asyncio.sleep(0.05)


def told(it: Deployment, topic: str, tenant: str) -> Iterator[dict[str, Any]]:
    """Yield what stands on a topic of a tenant's, as long as more comes."""
    with tail(it.access, topic, from_beginning=True, idle_s=LONG_S) as records:
        for record in records:
            value = json.loads(record.value or b"")
            if value["tenant"] == tenant:
                yield value


def said_deeds(it: Deployment, count: int, tenant: str = TENANT) -> list[dict[str, Any]]:
    """What the bridge has said of its deeds."""
    return list(islice(told(it, it.topics.deeds, tenant), count))


def messages(it: Deployment, count: int, tenant: str = TENANT) -> list[dict[str, Any]]:
    """What the bridge has sent to be judged."""
    return list(islice(told(it, it.topics.messages, tenant), count))


def verdicts(
    it: Deployment, count: int, kinds: Collection[str] = (), tenant: str = TENANT
) -> list[dict[str, Any]]:
    """Return the verdicts on messages of some kinds, each once, when there are so many."""
    found: dict[str, dict[str, Any]] = {}
    for verdict in told(it, it.topics.verdicts, tenant):
        if not kinds or verdict["kind"] in kinds:
            found.setdefault(verdict["id"], verdict)
        if len(found) == count:
            break
    return list(found.values())


def judged(it: Deployment, message: str, tenant: str = TENANT) -> dict[str, Any]:
    """Return the verdict on a message, when there is one."""
    return next(each for each in told(it, it.topics.verdicts, tenant) if each["message_id"] == message)


def example_texts(count: int) -> list[str]:
    """Return texts of the example chat as one may say them anywhere: in one line, not too long."""
    found = []
    for line in EXAMPLE.read_text().splitlines():
        text = json.loads(line).get("value", {})
        if isinstance(text, dict) and isinstance(text.get("text"), str):
            one = " ".join(text["text"].split())[:200]
            if one and "zz" not in one and not one.startswith(("!", "\x01")):
                found.append(f"{one} {len(found)}")
    return (found * 3)[:count]
