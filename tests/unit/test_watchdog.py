"""The watchdog: silence is a standstill only where somebody has looked and records were waiting."""

from streams.pump.watchdog import Watchdog


def test_records_that_wait_longer_than_patience_are_a_standstill() -> None:
    """From the first look that saw them."""
    dog = Watchdog(60, now=0)
    dog.looked(10, waiting=True)
    dog.looked(40, waiting=True)
    assert not dog.standing_still(70)
    assert dog.standing_still(70.1)


def test_a_quiet_chat_is_none() -> None:
    """An hour without a message, then one: it isn't late."""
    dog = Watchdog(60, now=0)
    for minute in range(60):
        dog.looked(60 * minute, waiting=False)
    dog.looked(3600, waiting=True)
    assert not dog.standing_still(3601)


def test_a_judged_record_ends_the_wait() -> None:
    """A slow worker that is behind does its work; it doesn't stand still."""
    dog = Watchdog(60, now=0)
    for at in range(0, 600, 50):
        dog.looked(at, waiting=True)
        dog.moved(at + 10)
        assert not dog.standing_still(at + 49)


def test_a_look_that_was_overtaken_says_nothing() -> None:
    """The record that it saw was judged before its answer came."""
    dog = Watchdog(60, now=0)
    dog.moved(5)
    dog.looked(4, waiting=True)
    assert not dog.standing_still(1000)


def test_who_has_nothing_to_judge_any_more_starts_anew() -> None:
    """Their partitions went to another worker, or a transaction was aborted."""
    dog = Watchdog(60, now=0)
    dog.looked(10, waiting=True)
    dog.looked(50, waiting=False)
    dog.looked(80, waiting=True)
    assert not dog.standing_still(100)


def test_it_looks_when_nothing_was_judged_lately() -> None:
    """A quarter of its patience, ten seconds at most; a busy worker asks the broker nothing."""
    dog = Watchdog(20, now=0)
    assert not dog.due(4.9)
    assert dog.due(5)
    dog.moved(4)
    assert not dog.due(5)
    dog.looked(9, waiting=False)
    assert not dog.due(13)
    assert Watchdog(600, now=0).due(10)
