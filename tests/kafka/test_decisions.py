"""Human decisions on Apache Kafka."""

from tests.feedback_contract import FeedbackContract, it

__all__ = ["TestOnApacheKafka", "it"]


class TestOnApacheKafka(FeedbackContract):
    """The whole contract."""
