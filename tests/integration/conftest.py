"""Fixtures of the tests that start processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.embedded import Broker, Store
from tests.deployment import Deployment
from tests.ngircd import Ngircd
from tests.synapse import Synapse

HELD = """
rules:
  - {id: test/held, label: spam, action: hold, strength: strong, why: Made for the tests., terms: [zzheld]}
"""


@pytest.fixture
def it(broker: Broker, store: Store, prefix: str) -> Iterator[Deployment]:
    """A deployment with one worker, and a rule that holds "zzheld"."""
    with Deployment(broker.address, store.url, prefix) as deployment:
        deployment.write_pack("held.yaml", HELD)
        deployment.start(fetch_wait=0.02)
        yield deployment


@pytest.fixture(scope="session")
def ngircd() -> Iterator[Ngircd]:
    """An IRC server; take channels and nicknames of your own."""
    with Ngircd() as server:
        yield server


@pytest.fixture(scope="session")
def synapse() -> Iterator[Synapse]:
    """A Matrix homeserver; take rooms and accounts of your own."""
    with Synapse() as server:
        yield server
