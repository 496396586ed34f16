"""Kafka by hand: connections, topics and their partitions, records read and written outside of the pump."""
