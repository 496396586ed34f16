"""Access to Kafka is checked where the settings become values, and doesn't give itself away."""

import pytest

from streams.errors import ConfigurationError
from streams.kafka.access import Access
from streams.kafka.topics import Topics


@pytest.mark.parametrize(
    "brokers", [(), ("",), ("kafka",), ("kafka:",), (":9092",), ("kafka:9092", "b:http")]
)
def test_an_address_needs_a_host_and_a_port(brokers: tuple[str, ...]) -> None:
    """A default port would hide a slip."""
    with pytest.raises(ConfigurationError, match="CHATSIEVE_BROKER"):
        Access(brokers)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"security": "TLS"}, "CHATSIEVE_BROKER_SECURITY"),
        ({"security": "SASL_SSL", "user": "worker"}, "CHATSIEVE_BROKER_PASSWORD"),
        ({"security": "SSL", "ca": "/nowhere/ca.pem"}, "CHATSIEVE_BROKER_CA"),
        ({"security": "SSL", "ca": __file__}, "CHATSIEVE_BROKER_CA"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(settings: dict[str, str], named: str) -> None:
    """Before anything is connected."""
    with pytest.raises(ConfigurationError, match=named):
        Access(("kafka:9092",), **settings)


def test_the_password_is_not_shown() -> None:
    """Whatever prints an Access, a log or a traceback."""
    access = Access(("kafka:9092",), security="SASL_PLAINTEXT", user="worker", password="s3cret")
    assert "s3cret" not in f"{access} {access!r}"


def test_a_prefix_that_kafka_would_refuse_is_refused_at_once() -> None:
    """A space or a slash; dots and dashes are fine."""
    assert Topics("eu-1.").messages == "eu-1.chat.messages"
    for prefix in ("eu 1", "eu/1", "é", "x" * 201):
        with pytest.raises(ConfigurationError, match="CHATSIEVE_TOPIC_PREFIX"):
            Topics(prefix)
