"""Topics and records on Apache Kafka, and what only it can show: settings of topics, TLS and SASL."""

from collections.abc import Iterator

import pytest
from kafka.admin import ConfigResource

from streams.errors import BrokerError
from streams.kafka.access import Access, admin
from streams.kafka.records import produce, tail
from streams.kafka.topics import Topics, ensure, lag
from tests.kafka.apache_kafka import PASSWORD, USER, ApacheKafka
from tests.topics_contract import TopicsContract, access, topics

__all__ = ["TestOnApacheKafka", "access", "topics"]


class TestOnApacheKafka(TopicsContract):
    """The whole contract holds on the broker that users run."""


@pytest.fixture(scope="module")
def secured(kafka: ApacheKafka) -> Iterator[ApacheKafka]:
    """A second broker, with a listener that asks for TLS, a user and a password; `kafka` skips for both."""
    with ApacheKafka(secure=True) as broker:
        yield broker


def test_each_topic_keeps_what_it_should(access: Access, topics: Topics) -> None:
    """Texts of people go after a week, dead letters after a month; control keeps the last word."""
    with admin(access) as client:
        asked = [
            ConfigResource("topic", name) for name in (topics.review, topics.deadletters, topics.control)
        ]
        review, dead, control = client.describe_configs(asked)["topic"].values()
    assert review["retention.ms"]["value"] == str(7 * 24 * 3600 * 1000)
    assert dead["retention.ms"]["value"] == str(30 * 24 * 3600 * 1000)
    assert dead["max.message.bytes"]["value"] == review["max.message.bytes"]["value"] == str(4 << 20)
    assert control["cleanup.policy"]["value"] == "compact"


def test_more_replicas_than_brokers_is_said(access: Access, prefix: str) -> None:
    """The broker's own words, and which topic."""
    with pytest.raises(BrokerError, match=f"topic {prefix}.*[Rr]eplication"):
        ensure(access, Topics(prefix), 1, replication=3)


@pytest.mark.parametrize("mechanism", ["PLAIN"])
def test_tls_and_a_password_are_spoken(secured: ApacheKafka, prefix: str, mechanism: str) -> None:
    """Every kind of client gets in: admin, producer, reader."""
    access = Access((secured.secure_address,), "SASL_SSL", mechanism, USER, PASSWORD, secured.ca)
    topics = Topics(prefix)
    ensure(access, topics, 1)
    produce(access, topics.verdicts, [(b"k", b"{}")])
    with tail(access, topics.verdicts, from_beginning=True, count=1) as records:
        assert [it.value for it in records] == [b"{}"]
    assert lag(access, "g", topics.verdicts)[0].lag == 1


def test_a_wrong_password_is_said(secured: ApacheKafka) -> None:
    """The broker just hangs up; so the message names the user and the setting among what to look at."""
    access = Access((secured.secure_address,), "SASL_SSL", "PLAIN", USER, "guess", secured.ca)
    with pytest.raises(BrokerError, match=f"CHATSIEVE_BROKER_USER '{USER}'"):
        ensure(access, Topics(), 1)


def test_an_authority_that_does_not_vouch_is_said(secured: ApacheKafka) -> None:
    """Without the file, the system's own authorities are asked, and none knows this broker."""
    access = Access((secured.secure_address,), "SASL_SSL", "PLAIN", USER, PASSWORD)
    with pytest.raises(BrokerError, match="CHATSIEVE_BROKER_CA"):
        ensure(access, Topics(), 1)


# The library leaves the sockets of failed attempts to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_killed_broker_comes_back_with_what_it_was_told(secured: ApacheKafka, prefix: str) -> None:
    """The fault tests rely on it; and who watches a topic meanwhile is told, not left waiting."""
    access = Access((secured.address,))
    topics = Topics(prefix)
    ensure(access, topics, 2)
    where = produce(access, topics.messages, [(b"%d" % n, b"%d" % n) for n in range(500)])

    def watch_it_die() -> None:
        with tail(access, topics.messages) as records:
            secured.kill()
            next(records)

    with pytest.raises(BrokerError, match="no Kafka broker answers"):
        watch_it_die()
    secured.start()
    with tail(access, topics.messages, from_beginning=True, count=500) as records:
        assert {(it.partition, it.offset) for it in records} == set(where)
