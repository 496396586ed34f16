"""The worker on Apache Kafka."""

from tests.worker_contract import WorkerContract, it

__all__ = ["TestOnApacheKafka", "it"]


class TestOnApacheKafka(WorkerContract):
    """The whole contract holds on the broker that users run."""
