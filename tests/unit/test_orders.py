"""What operators ordered, and what of it is in force."""

from __future__ import annotations

import msgspec
import pytest

from rules.switches import Mode
from streams.control.orders import (
    Order,
    Orders,
    ShrinkOrder,
    SwitchOrder,
    is_order,
    key_of,
    moment,
    new_id,
    read_order,
)
from streams.errors import UnreadableError

NOW = 1_800_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def switch(name: str, *, until: float = NOW + 60, ended: bool = False) -> SwitchOrder:
    return SwitchOrder(
        id=name, author="ana", reason="noise", at=moment(NOW), until=moment(until), mode=Mode.OFF,
        tenant="lantern", ended_at=moment(NOW) if ended else None,
    )  # fmt: skip


def test_an_order_holds_until_its_time_is_up() -> None:
    """By the clock, with nothing sent."""
    clock = Clock()
    orders = Orders(clock)
    orders.replace([switch("short", until=NOW + 60), switch("long", until=NOW + 120)])
    assert [one.id for one in orders.switches()] == ["long", "short"]
    clock.now += 60
    assert [one.id for one in orders.switches()] == ["long"]
    clock.now += 60
    assert not orders.switches()


def test_an_order_that_was_ended_holds_no_more() -> None:
    """Also before its time."""
    orders = Orders(Clock())
    orders.replace([switch("a", ended=True)])
    assert orders.in_force() == ()


def test_what_isn_t_changed_is_handed_out_again() -> None:
    """A batch asks each time and nothing is made for it."""
    orders = Orders(Clock())
    orders.replace([switch("a")])
    assert orders.switches() is orders.switches()


def test_a_cut_is_allowed_for_the_files_that_are_named() -> None:
    """By path or glob."""
    orders = Orders(Clock())
    until = moment(NOW + 9)
    orders.replace([
        ShrinkOrder(id="c", author="ana", reason="tidied", at=moment(NOW), until=until, file="lists/scam*")
    ])  # fmt: skip
    assert orders.accepts_shrink("lists/scam.en.txt")
    assert not orders.accepts_shrink("lists/hate.txt")


def test_an_order_reads_its_own_words_again() -> None:
    """And keys tell orders from what workers say."""
    order: Order = switch(new_id())
    assert read_order(msgspec.json.encode(order)) == order
    assert is_order(key_of(order.id))
    assert not is_order(b"w1/ruleset//")
    assert not is_order(None)


@pytest.mark.parametrize(
    "value",
    [
        b"", b"{", b"[]", b'{"order": "dance"}', b'{"order": "switch", "id": "a"}', b"\xff",
        b'{"order":"switch","id":"a","author":"a","reason":"r","at":"2026-01-01T00:00:00","until":"2026-01-01T00:00:00","mode":"off"}',
    ],
)  # fmt: skip
def test_what_is_no_order_is_refused(value: bytes) -> None:
    """With what is wrong; the follower logs it and reads on."""
    with pytest.raises(UnreadableError):
        read_order(value)
