"""A topic that is deleted and made again is another one, wherever its new partitions end."""

import time

import msgspec
from kafka.admin import KafkaAdminClient

from streams.kafka.access import producer
from streams.kafka.records import tail
from streams.kafka.topics import ensure, topic_ids
from streams.process.embedded import Store
from tests.deployment import Deployment
from tests.worker_contract import HasAddress


def put(it: Deployment, partition: int, messages: int) -> None:
    """Write messages into one partition, whatever their key."""
    with producer(it.access) as writer:
        for number in range(messages):
            value = {"id": f"{partition}-{number}-{time.monotonic_ns()}", "author": "ana", "text": "hello"}
            writer.send(it.topics.messages, value=msgspec.json.encode(value), partition=partition)
        writer.flush()


async def test_each_partition_is_read_from_its_beginning(
    broker: HasAddress, store: Store, prefix: str
) -> None:
    """Also one whose new log outgrew the old: it looks as if it went on, and its beginning would be lost."""
    with Deployment(broker.address, store.url, prefix, partitions=2) as it:
        it.start()
        put(it, 0, 50)
        put(it, 1, 5)
        await it.verdicts(55)
        admin = KafkaAdminClient(bootstrap_servers=broker.address)
        admin.delete_topics([it.topics.messages])
        while it.topics.messages in admin.list_topics():
            time.sleep(0.05)
        admin.close()
        ensure(it.access, it.topics, 2)
        put(it, 1, 80)
        put(it, 0, 10)
        anew = topic_ids(it.access, [it.topics.messages])[it.topics.messages]
        due = {f"{anew}/1/{n}" for n in range(80)} | {f"{anew}/0/{n}" for n in range(10)}
        with tail(it.access, it.topics.verdicts, from_beginning=True, idle_s=20) as records:
            while due and (record := next(records, None)):
                due.discard(dict(record.headers)["ce_id"].decode())
        assert not due
