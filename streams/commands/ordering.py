"""How orders are given, listed and ended at a terminal: signed, with an end, and with who follows them."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any, NamedTuple, ParamSpec, TypeVar

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from rules.schema.values import Seconds
from streams import settings as settings_module
from streams.commands.ends import console
from streams.control import fleet
from streams.control.orders import (
    BlockOrder,
    Order,
    RaidOrder,
    ShrinkOrder,
    SwitchOrder,
    moment,
    new_id,
    read_order,
)
from streams.errors import ConfigurationError, UnreadableError
from streams.kafka.access import Access, access_of
from streams.kafka.topics import Topics
from streams.settings import Settings

P = ParamSpec("P")
_Kind = TypeVar("_Kind", bound=Order)
LONGEST_S = 90 * 86_400.0


class Desk(NamedTuple):
    """Where orders are given."""

    settings: Settings
    access: Access
    topic: str


def desk() -> Desk:
    """Return where this environment's settings say."""
    given = settings_module.read()
    return Desk(given, access_of(given), Topics(given.topic_prefix).control)


def signed(default: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Give a command what every order needs: for how long, by whom, why."""

    def decorate(command: Callable[P, None]) -> Callable[P, None]:
        for option in (
            click.option("--for", "lasts", default=default, show_default=True, help="30m, 6h, 2d …"),
            click.option("--by", default=None, help="Who orders it; your login without."),
            click.option("--reason", required=True, help="Why; it stands on lists and in the audit trail."),
        ):
            command = option(command)
        return command

    return decorate


def signature(lasts: str, by: str | None, reason: str) -> dict[str, Any]:
    """Return the fields that every order has.

    Raises:
        ConfigurationError: `lasts` is no time, or too long.
    """
    try:
        seconds = Seconds.parse(lasts)
    except ValueError as error:
        raise ConfigurationError(f"--for: {error}") from error
    if not 0 < seconds <= LONGEST_S:
        raise ConfigurationError(f"--for: expected up to 90d, got {lasts!r}; for good, change the packs")
    now = time.time()
    return {
        "id": new_id(), "author": by or login(), "reason": reason,
        "at": moment(now), "until": moment(now + seconds),
    }  # fmt: skip


def login() -> str:
    """Return who sits at this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise ConfigurationError("--by: who are you? This machine has no name for you") from error


def checked(order: _Kind) -> _Kind:
    """Return the order as workers will read it; ends with one line where they couldn't."""
    try:
        read_order(msgspec.json.encode(order))
    except UnreadableError as error:
        raise ConfigurationError(str(error)) from error
    return order


def give(desk: Desk, order: Order) -> None:
    """Send an order and tell who follows it."""
    checked(order)
    known = fleet.read(desk.access, desk.topic)
    fleet.say(desk.access, desk.topic, order, forget=fleet.long_over(known, time.time()))
    click.echo(
        f"{_kind(order)} {order.id}: {_what(order)}, until {_when(order)}, by {order.author}: {order.reason}"
    )
    _tell_followers(desk, order.id, ended=False)


def _tell_followers(desk: Desk, order_id: str, *, ended: bool) -> None:
    followed = fleet.wait_until_followed(desk.access, desk.topic, order_id, ended=ended)
    total = len(followed.by) + len(followed.missing)
    if not total:
        click.echo("no worker runs; those that start will follow")
        return
    verb = "have ended" if ended else "follow"
    click.echo(f"{len(followed.by)} of {total} workers {verb} it")
    if followed.missing:
        click.echo(f"chatsieve: not yet: {', '.join(followed.missing)}; see `rules status`", err=True)


def end(desk: Desk, order_id: str, kinds: tuple[type, ...], by: str | None, reason: str | None) -> None:
    """End an order of one of these kinds, and tell who has ended it."""
    now = time.time()
    order = fleet.read(desk.access, desk.topic).orders.get(order_id)
    if order is None or not isinstance(order, kinds):
        raise ConfigurationError(f"there is no order {order_id!r} here; `list` shows those in force")
    if not order.in_force(now):
        raise ConfigurationError(f"{order_id} is over already")
    fleet.say(
        desk.access,
        desk.topic,
        msgspec.structs.replace(order, ended_at=moment(now), ended_by=by or login(), end_reason=reason),
    )
    click.echo(f"{order_id} ended")
    _tell_followers(desk, order_id, ended=True)


def show_list(desk: Desk, kinds: tuple[type, ...], as_json: bool) -> None:
    """Print the orders of some kinds that are in force."""
    now = time.time()
    known = fleet.read(desk.access, desk.topic)
    found = [order for order in known.in_force(now) if isinstance(order, kinds)]
    running = [one for one in fleet.workers(known.events, now) if one.state == "running"]
    if as_json:
        for order in found:
            click.echo(msgspec.json.encode(order))
        return
    if not found:
        click.echo("nothing is in force")
        return
    table = Table("id", "what", "until", "by", "why", "followed", box=None)
    for order in found:
        followed = sum(order.id in one.orders for one in running)
        said = (f"{_kind(order)}: {_what(order)}", _when(order), order.author, order.reason)
        table.add_row(order.id, *map(escape, said), f"{followed} of {len(running)}")
    console().print(table)


def _kind(order: Order) -> str:
    return str(type(order).__struct_config__.tag)


def _what(order: Order) -> str:
    if isinstance(order, SwitchOrder):
        names = {"tenant": order.tenant, "channel": order.channel, "rule": order.rule, "label": order.label}
        named = [f"{name} {value}" for name, value in names.items() if value]
        named += ["the model"] if order.model else []
        return f"{order.mode.replace('_', '-')}, {' and '.join(named) or 'everywhere'}"
    if isinstance(order, BlockOrder):
        places = {"tenant": order.tenant, "channel": order.channel}
        where = "".join(f", {name} {value}" for name, value in places.items() if value)
        return f'"{order.term}" → {order.action}, {order.label}{where}'
    if isinstance(order, RaidOrder):
        places = {"tenant": order.tenant, "channel": order.channel}
        where = " and ".join(f"{name} {value}" for name, value in places.items() if value)
        return f"ladders {order.lower:g} points lower, {where}"
    return order.file if isinstance(order, ShrinkOrder) else order.ruleset


def _when(order: Order) -> str:
    left = order.until.timestamp() - time.time()
    unit, size = next((each for each in (("d", 86_400), ("h", 3600), ("m", 60)) if left >= each[1]), ("s", 1))
    return f"{order.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({left / size:.0f}{unit})"


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
by_option = click.option("--by", default=None, help="Who ends it; your login without.")
why_option = click.option("--reason", default=None, help="Why it can end.")
