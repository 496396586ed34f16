"""Rules on behaviour in a living worker: switched on, and their thresholds changed, by a file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import count

import msgspec
import pytest

from rules.verdict import Verdict
from streams.kafka.records import produce, tail
from streams.process.embedded import Broker, Store
from tests.deployment import Deployment

RULE = """
rules:
  - id: flood/same-text
    label: flood
    action: hold
    why: Made for the tests.
    behaviour: {{same_text: "> {most}", within: 60s}}
"""


@pytest.fixture(scope="module")
def it(broker: Broker, store: Store) -> Iterator[Deployment]:
    """One worker, whose packs ask for no behaviour yet."""
    with Deployment(broker.address, store.url, "behaviour-") as deployment:
        deployment.start(fetch_wait=0.02)
        yield deployment


NUMBERS = count()


def said(it: Deployment, times: int) -> list[str]:
    """Let somebody new say the same so often, and return what is done about each."""
    number = next(NUMBERS)
    bodies = [
        {"id": f"m{number}-{n}", "author": f"eve{number}", "text": f"see my wonderful channel {number}"}
        for n in range(times)
    ]
    names = {body["id"] for body in bodies}
    found: dict[str, str] = {}
    with tail(it.access, it.topics.verdicts, idle_s=20) as records:
        produce(
            it.access, it.topics.messages, [(b"eve%d" % number, json.dumps(body).encode()) for body in bodies]
        )
        for record in records:
            verdict = msgspec.json.decode(record.value or b"", type=Verdict)
            if verdict.message_id in names:
                found[verdict.message_id] = verdict.action.value
            if len(found) == len(names):
                break
    return [found[body["id"]] for body in bodies]


def until(it: Deployment, expected: list[str]) -> None:
    """Say it again and again until the worker has taken the packs up."""
    deadline = time.monotonic() + 30
    while (found := said(it, len(expected))) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def test_switched_on_turned_and_off_again_while_it_runs(it: Deployment) -> None:
    """A file more, a number changed, the file gone: each is in force within seconds."""
    assert said(it, 5) == ["allow"] * 5
    it.write_pack("flood.yaml", RULE.format(most=3))
    until(it, ["allow"] * 3 + ["hold"] * 2)
    it.write_pack("flood.yaml", RULE.format(most=1))
    until(it, ["allow"] + ["hold"] * 2)
    (it.packs / "flood.yaml").unlink()
    until(it, ["allow"] * 5)
