"""Watermarks move only by what was judged in the present term."""

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.pump.watermarks import Watermarks

HERE = TP("chat.messages", 0)


def test_a_partition_without_a_judged_record_has_nothing_to_commit() -> None:
    """Also at offset 0."""
    marks = Watermarks()
    marks.begin(HERE)
    assert marks.position(HERE) is None
    assert marks.partitions() == []


def test_the_position_is_behind_the_last_judged_record() -> None:
    """Kafka commits the next offset to read."""
    marks = Watermarks()
    assert marks.judged(HERE, marks.begin(HERE), 0)
    assert marks.position(HERE) == 1


def test_what_was_judged_in_another_term_moves_nothing() -> None:
    """Before a rebalance, or before the topic was made anew."""
    marks = Watermarks()
    before = marks.begin(HERE)
    marks.begin(HERE)
    assert not marks.judged(HERE, before, 99)
    assert marks.position(HERE) is None


def test_what_was_judged_of_a_lost_partition_moves_nothing() -> None:
    """Its new owner judges it."""
    marks = Watermarks()
    term = marks.begin(HERE)
    marks.end([HERE])
    assert not marks.judged(HERE, term, 5)
    assert marks.assigned == []


def test_a_commit_is_due_until_the_broker_has_it() -> None:
    """A commit that failed is tried again."""
    marks = Watermarks()
    marks.judged(HERE, marks.begin(HERE), 4)
    assert marks.due(HERE)
    marks.committed({HERE: 5})
    assert not marks.due(HERE)


@given(st.lists(st.integers(0, 1000), min_size=1))
def test_a_position_never_goes_back_within_a_term(offsets: list[int]) -> None:
    """Whatever order batches end in."""
    marks = Watermarks()
    term = marks.begin(HERE)
    seen = []
    for offset in offsets:
        marks.judged(HERE, term, offset)
        seen.append(marks.position(HERE))
    assert seen == sorted(seen, key=lambda position: position or 0)
