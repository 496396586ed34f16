"""Fixtures that every folder of tests shares: the embedded broker and store, and standings on both stores."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from streams.process.embedded import Broker, Store
from streams.store.standings import StandingStore
from streams.store.standings_memory import MemoryStandings
from streams.store.standings_redis import RedisStandings


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the fault runs are repeated; `make chaos` asks for ten."""
    parser.addoption("--rounds", type=int, default=1, help="repeat each fault run so often")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat what is marked `chaos`."""
    rounds = metafunc.config.getoption("--rounds")
    if rounds > 1 and metafunc.definition.get_closest_marker("chaos"):
        metafunc.fixturenames.append("_round")
        metafunc.parametrize("_round", range(1, rounds + 1))


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
    """A fresh prefix for keys and topics."""
    return f"test-{uuid.uuid4().hex[:12]}-"


@pytest.fixture(params=["memory", "redis"])
async def standings(request: pytest.FixtureRequest, prefix: str) -> AsyncIterator[StandingStore]:
    """An empty store of standings; a test that takes it runs on memory and on Valkey."""
    if request.param == "memory":
        yield MemoryStandings()
        return
    server: Store = request.getfixturevalue("store")
    # A slow machine under test isn't what the time-out is for.
    redis = RedisStandings(server.url, key=b"secret", prefix=prefix, timeout_s=10)
    yield redis
    await redis.close()
