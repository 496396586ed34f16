"""Orders: what operators ask of the whole fleet on `mod.control`, and what of it is in force."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Annotated, TypeVar

import msgspec

from rules.switches import Mode, Switch, Switches
from rules.verdict import Action
from streams.errors import UnreadableError

ORDER = "mod.order.v1"

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
OrderId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Glob = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Basis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="order"):
    """What every order has.

    Attributes:
        id: Unique; the record's key is `order/<id>`, so the last word on it counts.
        author: Who asks for it.
        at: Since when.
        until: When it ends by itself.
        ended_at: When somebody ended it before that; also `ended_by` and `end_reason`.
    """

    id: OrderId
    author: Words
    reason: Words
    at: Moment
    until: Moment
    ended_at: Moment | None = None
    ended_by: Words | None = None
    end_reason: Words | None = None

    def in_force(self, now: float) -> bool:
        """Return whether it holds at a time in epoch seconds."""
        return self.ended_at is None and now < self.until.timestamp()


class SwitchOrder(Basis, frozen=True, kw_only=True, omit_defaults=True, tag="switch"):
    """Turns down what it names: see `rules.switches`."""

    mode: Mode
    tenant: Glob | None = None
    channel: Glob | None = None
    rule: Glob | None = None
    label: Glob | None = None
    model: bool = False

    @property
    def switch(self) -> Switch:
        """As `decide` takes it."""
        return Switch(
            id=self.id, mode=self.mode, author=self.author, reason=self.reason, until=self.until.timestamp(),
            tenant=self.tenant, channel=self.channel, rule=self.rule, label=self.label, model=self.model,
        )  # fmt: skip


class BlockOrder(Basis, frozen=True, kw_only=True, omit_defaults=True, tag="block"):
    """An emergency term: acts as a rule `block/<id>` beside those of the packs."""

    term: Words
    label: Glob = "custom.blocked"
    action: Action = Action.HOLD
    tenant: Glob | None = None
    channel: Glob | None = None


class ShrinkOrder(Basis, frozen=True, kw_only=True, omit_defaults=True, tag="accept_shrink"):
    """Lets a big cut of a list through the guard against cut lists.

    Attributes:
        file: Path below the folder of packs, or a glob: "lists/scam.txt"; "rules" is their number.
    """

    file: Glob


class RollbackOrder(Basis, frozen=True, kw_only=True, omit_defaults=True, tag="rollback"):
    """Puts an earlier rule set in force, whatever the files say.

    Attributes:
        ruleset: Its hash, as verdicts say it.
    """

    ruleset: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{6,64}$")]


class RaidOrder(Basis, frozen=True, kw_only=True, omit_defaults=True, tag="raid"):
    """Says that there is a raid: ladders are lowered there. A worker gives it, or somebody by hand.

    Attributes:
        lower: Points by which each step is lowered, by half of it at most.
    """

    lower: Annotated[float, msgspec.Meta(gt=0, lt=100)] = 10.0
    tenant: Glob | None = None
    channel: Glob | None = None


Order = SwitchOrder | BlockOrder | ShrinkOrder | RollbackOrder | RaidOrder
_Kind = TypeVar("_Kind", SwitchOrder, BlockOrder, ShrinkOrder, RollbackOrder, RaidOrder)

_decoder: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)


def key_of(order_id: str) -> bytes:
    """Return the key of an order's record."""
    return f"order/{order_id}".encode()


def is_order(key: bytes | None) -> bool:
    """Return whether a record of `mod.control` is an order; the others are what workers tell."""
    return key is not None and key.startswith(b"order/")


def read_order(value: bytes) -> Order:
    """Return the order in a record's value.

    Raises:
        UnreadableError: It is none, or a field doesn't fit; the message names it.
    """
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableError("field", str(error)) from error


def new_id() -> str:
    """Return an id that no other order has, short enough to be typed."""
    return secrets.token_hex(3)


def moment(at: float) -> datetime:
    """Return epoch seconds as a time in UTC, to the millisecond."""
    return datetime.fromtimestamp(round(at, 3), UTC)


class Orders:
    """What has been ordered; asked for what is in force by the clock, as cheaply as a batch needs it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._all: tuple[Order, ...] = ()
        self._in_force: tuple[Order, ...] = ()
        self._switches = Switches()
        self._raids: tuple[RaidOrder, ...] = ()
        self._changes_at = math.inf

    def replace(self, orders: Iterable[Order]) -> None:
        """Take these instead of all that were known."""
        self._all = tuple(sorted(orders, key=lambda order: (order.at, order.id)))
        self._settle(self._clock())

    def in_force(self) -> tuple[Order, ...]:
        """Return what holds now, the oldest first."""
        now = self._clock()
        if now >= self._changes_at:
            self._settle(now)
        return self._in_force

    def switches(self) -> Switches:
        """Return the switches that hold now."""
        self.in_force()
        return self._switches

    def blocks(self) -> tuple[BlockOrder, ...]:
        """Return the emergency terms that hold now."""
        return tuple(self._of(BlockOrder))

    def rollback(self) -> RollbackOrder | None:
        """Return the rule set to go back to: the last word on it counts."""
        return max(self._of(RollbackOrder), key=lambda order: order.at, default=None)

    def find(self, order_id: str) -> Order | None:
        """Return the last word on an order, in force or not."""
        return next((order for order in self._all if order.id == order_id), None)

    def raids(self) -> tuple[RaidOrder, ...]:
        """Return the raids that there are now."""
        self.in_force()
        return self._raids

    def accepts_shrink(self, file: str) -> ShrinkOrder | None:
        """Return the order by which a file may be cut, if there is one."""
        return next((order for order in self._of(ShrinkOrder) if fnmatchcase(file, order.file)), None)

    def _of(self, kind: type[_Kind]) -> Iterator[_Kind]:
        return (order for order in self.in_force() if isinstance(order, kind))

    def _settle(self, now: float) -> None:
        self._in_force = tuple(order for order in self._all if order.in_force(now))
        self._changes_at = min((order.until.timestamp() for order in self._in_force), default=math.inf)
        self._raids = tuple(order for order in self._in_force if isinstance(order, RaidOrder))
        self._switches = Switches(order.switch for order in self._in_force if isinstance(order, SwitchOrder))
