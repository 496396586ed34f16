"""Topics and records on the embedded broker."""

from tests.topics_contract import TopicsContract, access, topics

__all__ = ["TestOnTheEmbeddedBroker", "access", "topics"]


class TestOnTheEmbeddedBroker(TopicsContract):
    """The whole contract holds on Tansu, whose "latest" offset is wrong."""
