"""Human decisions on the embedded broker and store."""

from tests.feedback_contract import FeedbackContract, it

__all__ = ["TestOnTheEmbeddedBroker", "it"]


class TestOnTheEmbeddedBroker(FeedbackContract):
    """The whole contract."""
