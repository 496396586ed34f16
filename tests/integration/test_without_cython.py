"""Faust has two stream iterators, one compiled and one in Python; the worker promises the same on both."""

from collections.abc import Iterator

import pytest

from streams.process.embedded import Broker, Store
from tests.deployment import Deployment, terminate
from tests.worker_contract import WorkerContract

# Tells which iterator a worker has, then is the worker.
PROGRAM = """
import sys
import faust.streams
from streams.commands.cli import main
print("compiled:", faust.streams._CStreamIterator is not None, file=sys.stderr, flush=True)
main(["serve"])
"""


@pytest.fixture
def it(broker: Broker, store: Store, prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A deployment whose worker iterates in Python."""
    monkeypatch.setenv("NO_CYTHON", "1")
    with Deployment(broker.address, store.url, prefix) as deployment:
        deployment.start("-c", PROGRAM)
        yield deployment


def test_each_record_comes_out_once(it: Deployment) -> None:
    """And a stop is a stop."""
    WorkerContract().test_each_record_comes_out_once(it)
    assert terminate(it.workers[0]) == 0
    assert "compiled: False" in it.log(0)
