"""Fixtures that every folder of tests shares: the embedded broker and store, and standings on both stores."""

import uuid
from collections.abc import Iterator

import pytest

from streams.embedded import Broker, Store


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A Kafka-compatible broker for the whole session; make your own topics, with names of your own."""
    with Broker() as server:
        yield server


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """A Redis-protocol store for the whole session; use `prefix` so that tests don't meet."""
    with Store() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """A fresh key prefix or topic prefix."""
    return f"test-{uuid.uuid4().hex[:12]}-"
