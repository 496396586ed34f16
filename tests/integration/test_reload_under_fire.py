"""Packs change in every way they can go wrong while messages flow; `make reload-fire` is a thousand of it."""

from __future__ import annotations

import pytest

from streams.process.embedded import Broker, Store
from tests.reload_fire import run

RELOADS = 42  # six of each kind: some twenty-five seconds


@pytest.mark.timed
def test_reload_under_fire(broker: Broker, store: Store, prefix: str) -> None:
    """No verdict under an unknown or empty rule set, none lost, each outcome told and counted."""
    found = run(broker.address, store.url, prefix, RELOADS)
    assert found.held, str(found)
    assert found.reloads.total() == RELOADS
    assert set(found.reloads.values()) == {6}
    assert found.messages > 5_000
    assert found.rulesets > 20
