"""Whether there is anything to judge, asked of the broker and not of the worker's own consumer."""

import pytest
from kafka.structs import OffsetAndMetadata, TopicPartition

from streams.errors import BrokerError
from streams.kafka.access import Access, admin
from streams.kafka.records import produce
from streams.kafka.topics import Topics, ensure, unread
from streams.process.embedded import Broker


@pytest.fixture
def topic(broker: Broker, prefix: str) -> str:
    """A topic with three records, all in one of its two partitions."""
    access, topics = Access((broker.address,)), Topics(prefix)
    ensure(access, topics, 2)
    produce(access, topics.messages, [(b"ana", b"hello")] * 3)
    return topics.messages


def where(broker: Broker, topic: str) -> int:
    """The partition that has records."""
    (found,) = [n for n in (0, 1) if unread(Access((broker.address,)), "g", topic, {n: 0})]
    return found


def test_a_record_behind_the_position_waits(broker: Broker, topic: str) -> None:
    """The last one as well; at the end nothing does."""
    access, number = Access((broker.address,)), where(broker, topic)
    assert unread(access, "g", topic, {number: 2})
    assert not unread(access, "g", topic, {number: 3})
    assert unread(access, "g", topic, {number: 2, 1 - number: 0})
    assert not unread(access, "g", topic, {})


def test_without_a_position_the_group_s_commit_counts(broker: Broker, topic: str) -> None:
    """Without that, the beginning; also for all partitions at once."""
    access, number = Access((broker.address,)), where(broker, topic)
    assert unread(access, topic + "-group", topic, {number: None})
    assert unread(access, topic + "-group", topic, None)
    with admin(access) as client:
        end = OffsetAndMetadata(3, "", -1)
        client.alter_group_offsets(topic + "-group", {TopicPartition(topic, number): end})
    assert not unread(access, topic + "-group", topic, {number: None})
    assert not unread(access, topic + "-group", topic, None)


def test_a_topic_that_is_not_there_is_an_error(broker: Broker, topic: str) -> None:
    """It isn't an empty one."""
    with pytest.raises(BrokerError, match="there is no topic"):
        unread(Access((broker.address,)), "g", topic + "x", None)
