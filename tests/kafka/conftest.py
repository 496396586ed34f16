"""Tests that run against Apache Kafka itself; without Java or Maven they are skipped, and say so."""

import os
from collections.abc import Iterator

import pytest

from streams.errors import EmbeddedError
from tests.kafka.apache_kafka import ApacheKafka


@pytest.fixture(scope="session")
def kafka() -> Iterator[ApacheKafka]:
    """One broker for all tests of the session; each test takes topics of its own names."""
    broker = ApacheKafka()
    try:
        broker.start()
    except EmbeddedError as error:
        broker.__exit__(None, None, None)
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    with broker:
        yield broker


@pytest.fixture(scope="session")
def broker(kafka: ApacheKafka) -> ApacheKafka:
    """In this folder the shared contracts and fault tests meet Apache Kafka, not the embedded broker."""
    return kafka
