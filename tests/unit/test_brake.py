"""The brake counts distinct established authors per cause and tenant, in a sliding window."""

import pytest

from streams.judging.brake import Brake


class Watched:
    """A brake with a bound of three authors within a minute, and what it has said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, bool, int]] = []
        self.brake = Brake(lambda *what: self.said.append(what))

    def reach(self, author: str, now: float, *, cause: str = "scam/x", tenant: str = "t") -> None:
        self.brake.reach(cause, tenant, author, now, authors=3, within_s=60.0)


@pytest.fixture
def it() -> Watched:
    return Watched()


def test_it_trips_with_the_author_that_reaches_the_bound(it: Watched) -> None:
    """Two are below it; the third turns it on, and it says so once."""
    it.reach("a", 0)
    it.reach("b", 1)
    assert not it.brake.tripped("t")
    it.reach("c", 2)
    it.reach("d", 3)
    assert it.brake.tripped("t") == {"scam/x"}
    assert it.said == [("scam/x", "t", True, 3)]


def test_one_author_counts_once(it: Watched) -> None:
    """However often a rule reaches the same person."""
    for second in range(10):
        it.reach("a", second)
    assert not it.brake.tripped("t")


def test_each_rule_may_have_a_bound_and_a_window_of_its_own(it: Watched) -> None:
    """A budget of one author in ten seconds beside three in a minute."""
    it.reach("a", 0)
    it.brake.reach("spam/y", "t", "a", 0, authors=1, within_s=10.0)
    assert it.brake.tripped("t") == {"spam/y"}
    it.brake.settle(11)
    assert not it.brake.tripped("t")
    it.reach("b", 12)
    it.reach("c", 13)
    assert it.brake.tripped("t") == {"scam/x"}


def test_tenants_and_causes_are_apart(it: Watched) -> None:
    """A rule that is wrong for one tenant may be right for another."""
    for number, tenant in enumerate(("t", "t", "u")):
        it.reach(f"a{number}", 0, tenant=tenant)
    it.reach("z", 0, cause="spam/y")
    assert not it.brake.tripped("t")
    assert not it.brake.tripped("u")


def test_what_is_older_than_the_window_no_longer_counts(it: Watched) -> None:
    """The window slides with the records' time."""
    it.reach("a", 0)
    it.reach("b", 59)
    it.reach("c", 61)
    assert not it.brake.tripped("t")


def test_it_lets_go_when_the_window_empties(it: Watched) -> None:
    """Without anybody reached any more, time alone turns it off."""
    for author in "abc":
        it.reach(author, 0)
    it.brake.settle(30)
    assert it.brake.tripped("t")
    it.brake.settle(61)
    assert not it.brake.tripped("t")
    assert it.said[-1] == ("scam/x", "t", False, 0)


def test_it_stays_on_while_the_rule_goes_on_reaching_people(it: Watched) -> None:
    """Lowered actions count too: otherwise it would open and close with every window."""
    for second in range(0, 600, 10):
        it.reach(f"author-{second}", second)
        it.brake.settle(second)
    assert it.brake.tripped("t")
    assert len(it.said) == 1


def test_a_clock_that_runs_backwards_loses_nobody(it: Watched) -> None:
    """Partitions are judged side by side, so times come out of order."""
    it.reach("a", 50)
    it.reach("b", 20)
    it.reach("c", 40)
    assert it.brake.tripped("t")
