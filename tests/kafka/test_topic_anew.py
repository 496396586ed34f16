"""A topic that was made anew, on Apache Kafka, which tells readers when they are beyond the new end."""

from tests.integration.test_topic_anew import test_each_partition_is_read_from_its_beginning

__all__ = ["test_each_partition_is_read_from_its_beginning"]
