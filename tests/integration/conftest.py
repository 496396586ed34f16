"""Fixtures of the tests that start processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from streams.process.embedded import Broker, Store
from tests.deployment import Deployment
from tests.ngircd import Ngircd
from tests.synapse import Place, Synapse

HELD = """
rules:
  - {id: test/held, label: spam, action: hold, strength: strong, why: Made for the tests., terms: [zzheld]}
"""


@pytest.fixture
def idle(broker: Broker, store: Store, prefix: str) -> Iterator[Deployment]:
    """A deployment without a worker, with a rule that holds "zzheld"."""
    with Deployment(broker.address, store.url, prefix) as deployment:
        deployment.write_pack("held.yaml", HELD)
        yield deployment


@pytest.fixture
def it(idle: Deployment) -> Deployment:
    """The same with one worker."""
    idle.start(fetch_wait=0.02)
    return idle


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


@pytest.fixture
def slow_synapse() -> Iterator[Synapse]:
    """A Matrix homeserver on which each account may write three events at once, and then three a second."""
    with Synapse(messages={"per_second": 3, "burst_count": 3}) as server:
        yield server


@pytest.fixture
async def place(synapse: Synapse, prefix: str) -> AsyncIterator[Place]:
    """A fresh Matrix room."""
    async with Place(synapse, prefix[5:13]) as one:
        yield one
