"""What streams.kafka promises on any broker.

tests/integration runs it on the embedded broker and tests/kafka on Apache Kafka: a folder's fixture `broker`
says which.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Sequence

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from streams.errors import BrokerError, UnreadableError
from streams.kafka.access import CONNECT_S, Access, admin, producer
from streams.kafka.records import Record, produce, redrive, tail
from streams.kafka.topics import Topics, ensure, lag, partitions, topic_ids
from streams.process.embedded import Server
from streams.wire.writing import dead_letter_headers


@pytest.fixture
def access(broker: Server) -> Access:
    """Plain text to the folder's broker."""
    return Access((broker.address,))


@pytest.fixture
def topics(access: Access, prefix: str) -> Topics:
    """Topics of this test alone, with three partitions."""
    made = Topics(prefix)
    ensure(access, made, 3)
    return made


class TopicsContract:
    """The promises; a subclass says on which broker."""

    def test_missing_topics_are_made_once(self, access: Access, prefix: str) -> None:
        """Two workers that start together, or one that starts again, get along."""
        topics = Topics(prefix)
        assert set(ensure(access, topics, 3)) == set(topics.all)
        assert ensure(access, topics, 3) == []

    def test_topics_get_the_partitions_asked_for(self, access: Access, topics: Topics) -> None:
        """Control has one, so that incidents have one order."""
        assert [partitions(access, name) for name in topics.all] == [3, 3, 3, 3, 3, 3, 1, 3]

    def test_a_missing_topic_is_named_with_what_to_do(self, access: Access, prefix: str) -> None:
        """Nothing is made by asking."""
        for ask in (lambda: partitions(access, prefix + "x"), lambda: lag(access, "g", prefix + "x")):
            with pytest.raises(BrokerError, match=f"{prefix}x.*topics create"):
                ask()
        with pytest.raises(BrokerError, match="topics create"):
            produce(access, prefix + "x", [(None, b"{}")])

    def test_a_topic_has_an_id_that_ends_with_it(self, access: Access, topics: Topics) -> None:
        """A topic that was deleted and made again is another one; a missing one is left out."""
        before = topic_ids(access, topics.all)
        assert [str(uuid.UUID(it)) for it in before.values()] == list(before.values())
        with admin(access) as client:
            client.delete_topics([topics.messages])
        self.wait_until_gone(access, topics.messages)
        assert ensure(access, topics, 3) == [topics.messages]
        after = topic_ids(access, [*topics.all, "nowhere"])
        assert set(after) == set(topics.all)
        assert {name for name in before if before[name] != after[name]} == {topics.messages}

    def test_produced_records_say_where_they_lie(self, access: Access, topics: Topics) -> None:
        """One key, one partition, ascending offsets."""
        where = produce(access, topics.messages, [(b"one author", b"%d" % n) for n in range(50)])
        assert where == [(where[0][0], n) for n in range(50)]

    def test_lag_counts_what_a_group_has_not_read(self, access: Access, topics: Topics) -> None:
        """Before the first commit that is everything; afterwards what lies behind the mark."""
        where = produce(access, topics.messages, [(b"one author", b"%d" % n) for n in range(50)])
        home = where[0][0]
        behind = lag(access, topics.prefix, topics.messages)
        assert [it.partition for it in behind] == [0, 1, 2]
        assert [it.lag for it in behind] == [50 if it.partition == home else 0 for it in behind]
        assert behind[home].committed is None
        with admin(access) as client:
            mark = {TopicPartition(topics.messages, home): OffsetAndMetadata(31, "", -1)}
            client.alter_group_offsets(topics.prefix, mark)
        (it,) = (it for it in lag(access, topics.prefix, topics.messages) if it.committed is not None)
        assert (it.partition, it.committed, it.end, it.lag) == (home, 31, 50, 19)

    def test_a_tail_from_the_beginning_shows_everything_kept(self, access: Access, topics: Topics) -> None:
        """Each partition in its order, until the count is reached."""
        where = produce(access, topics.verdicts, [(b"%d" % (n % 7), b"%d" % n) for n in range(1200)])
        with tail(access, topics.verdicts, from_beginning=True, count=1200) as records:
            seen = list(records)
        assert {(it.partition, it.offset): it.value for it in seen} == {
            at: b"%d" % n for n, at in enumerate(where)
        }
        for number in range(3):
            offsets = [it.offset for it in seen if it.partition == number]
            assert offsets == sorted(offsets)

    def test_a_tail_from_now_shows_what_comes_after(self, access: Access, topics: Topics) -> None:
        """ "Now" is when the tail opens, not when it is first read."""
        produce(access, topics.verdicts, [(b"%d" % n, b"before") for n in range(100)])
        with tail(access, topics.verdicts, count=40) as records:
            produce(access, topics.verdicts, [(b"%d" % n, b"after") for n in range(40)])
            assert [it.value for it in records] == [b"after"] * 40
        with tail(access, topics.verdicts, idle_s=0.3) as records:
            assert list(records) == []

    def test_dead_letters_go_back_as_they_came(self, access: Access, topics: Topics) -> None:
        """Key, bytes, headers and partition are the first ones; only the reason is gone."""
        bury(access, topics, [(b"k", b"\xff not json", 2, [("trace", b"7")]), (None, None, 0, [])])
        assert redrive(access, topics) == 2
        driven = sorted(everything(access, topics.messages, 2), reverse=True)
        assert [(it.partition, it.key, it.value) for it in driven] == [
            (2, b"k", b"\xff not json"),
            (0, None, b""),
        ]
        origin = [("chatsieve_topic", topics.messages.encode()), ("chatsieve_partition", b"2")]
        assert driven[0].headers == [*origin, ("chatsieve_offset", b"0"), ("trace", b"7")]

    def test_a_redriven_record_that_is_refused_again_waits_for_the_next_call(
        self, access: Access, topics: Topics
    ) -> None:
        """Else one unreadable record would go round for ever; and no call drives what an earlier one did."""
        bury(access, topics, [(b"a", b"%d" % n, n % 3, []) for n in range(5)])
        steps = []

        def refuse_again(done: int, total: int) -> None:
            steps.append((done, total))
            bury(access, topics, [(b"a", b"again", 0, [])])

        assert redrive(access, topics, progress=refuse_again) == 5
        assert steps[-1] == (5, 5)
        assert redrive(access, topics) == len(steps)
        assert redrive(access, topics) == 0
        again = [b"again"] * len(steps)
        values = [it.value for it in everything(access, topics.messages, 5 + len(steps))]
        assert sorted(values) == [*(b"%d" % n for n in range(5)), *again]

    def test_dead_letters_can_go_back_a_few_at_a_time(self, access: Access, topics: Topics) -> None:
        """The next call goes on behind the last; `again` starts over."""
        bury(access, topics, [(b"a", b"%d" % n, n % 3, []) for n in range(10)])
        assert [redrive(access, topics, at_most=4) for _ in range(4)] == [4, 4, 2, 0]
        assert {it.value for it in everything(access, topics.messages, 10)} == {b"%d" % n for n in range(10)}
        assert redrive(access, topics, again=True, at_most=6) == 6

    def test_a_whole_message_fits_into_a_dead_letter(self, access: Access, topics: Topics) -> None:
        """The largest record that a platform can send, and why it was refused."""
        bury(access, topics, [(b"a", b"x" * (3 << 20), 0, [])])
        (letter,) = everything(access, topics.deadletters, 1)
        assert letter.value == b"x" * (3 << 20)

    def test_a_port_that_speaks_no_tls_is_told_apart_in_time(self, access: Access) -> None:
        """The library waits for ever in the handshake; we don't, and leave no thread behind."""
        assert_says_so_in_time(Access(access.brokers, security="SSL"), "CHATSIEVE_BROKER_SECURITY")

    def test_nobody_there_is_said_in_time(self) -> None:
        """A refused connection, and a port that takes connections and says nothing."""
        with socket.create_server(("127.0.0.1", 0)) as mute:
            port = mute.getsockname()[1]
            assert_says_so_in_time(Access((f"127.0.0.1:{port}",)), f"127.0.0.1:{port}.*CHATSIEVE_BROKER")
        assert_says_so_in_time(Access((f"127.0.0.1:{port}",)), f"127.0.0.1:{port}.*CHATSIEVE_BROKER")

    def wait_until_gone(self, access: Access, topic: str) -> None:
        """Brokers answer a deletion before all of it has happened."""
        patience = time.monotonic() + 10
        while topic in topic_ids(access, [topic]):
            assert time.monotonic() < patience


def bury(
    access: Access,
    topics: Topics,
    letters: Sequence[tuple[bytes | None, bytes | None, int, list[tuple[str, bytes]]]],
) -> None:
    """Put (key, value, partition it came from, its headers) on the dead letters as a worker does."""
    error = UnreadableError("not_json", "no JSON")
    with producer(access) as writer:
        for key, value, partition, headers in letters:
            ours = dead_letter_headers(error, topics.messages, partition, 0, headers)
            # The library can't write a record that has neither; the pump can.
            writer.send(topics.deadletters, value or b"", key, ours, partition)


def everything(access: Access, topic: str, count: int) -> list[Record]:
    """Read a topic from its beginning, and make sure that there isn't more than expected."""
    with tail(access, topic, from_beginning=True, count=count) as records:
        found = list(records)
    with tail(access, topic, from_beginning=True, idle_s=0.5) as records:
        assert len(list(records)) == count
    return found


def assert_says_so_in_time(access: Access, words: str) -> None:
    """A BrokerError with these words, soon, and no thread more than before."""
    threads = set(threading.enumerate())
    start = time.monotonic()
    with pytest.raises(BrokerError, match=words):
        topic_ids(access, ["chat.messages"])
    assert time.monotonic() - start < CONNECT_S + 2
    assert {it for it in threading.enumerate() if it.is_alive()} <= threads
