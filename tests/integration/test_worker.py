"""The worker on the embedded broker and store."""

from tests.worker_contract import WorkerContract, it

__all__ = ["TestOnTheEmbeddedBroker", "it"]


class TestOnTheEmbeddedBroker(WorkerContract):
    """The whole contract."""
