"""`rules`: who runs which rule set, back to an earlier one, a cut list let through."""

from __future__ import annotations

import re
import time

import click
import msgspec
from rich.table import Table

from streams import settings as settings_module
from streams.commands.ends import console, ends_well
from streams.commands.ordering import Desk, desk, give, json_option, signature, signed
from streams.control import fleet
from streams.control.last_good import LastGood
from streams.control.orders import RollbackOrder, ShrinkOrder
from streams.errors import ConfigurationError


@click.group()
def rules() -> None:
    """See who runs which rule set, go back to an earlier one, let a cut list through."""


@rules.command()
@json_option
@ends_well
def status(as_json: bool) -> None:
    """Show which worker runs which rule set since when; ends with 1 if they differ or one is stale."""
    there, now = desk(), time.time()
    known = fleet.workers(fleet.read(there.access, there.topic).events, now)
    if as_json:
        for one in known:
            click.echo(msgspec.json.encode(one))
    elif not known:
        click.echo("no worker has said anything yet")
    else:
        _show_status(known)
    running = [one for one in known if one.state == "running"]
    if len({one.ruleset for one in running}) > 1 or any(one.stale for one in running):
        raise SystemExit(1)


def _show_status(known: list[fleet.WorkerState]) -> None:
    table = Table("worker", "state", "rule set", "from", "since", "heard", "orders", box=None)
    for one in known:
        orders = " ".join(one.orders)
        table.add_row(
            one.worker, one.state, one.ruleset, one.origin, _seconds(one.since), _seconds(one.heard), orders
        )
    console().print(table)
    for one in known:
        if one.stale and one.state == "running":
            click.echo(f"{one.worker}: newest packs refused: {one.stale}")


def _seconds(at: str | None) -> str:
    return at.partition(".")[0].replace("T", " ") if at else ""


@rules.command()
@click.argument("ruleset", metavar="HASH")
@signed("24h")
@ends_well
def rollback(ruleset: str, lasts: str, by: str | None, reason: str) -> None:
    """Put an earlier rule set back in force, whatever the files say; `control end ID` ends that."""
    there = desk()
    give(there, RollbackOrder(**signature(lasts, by, reason), ruleset=_full(ruleset, there)))


_HASH = re.compile("[0-9a-f]{6,64}")


def _full(ruleset: str, there: Desk) -> str:
    """Return the whole hash for the beginning of one, as verdicts, workers or this machine know it."""
    wanted = ruleset.partition("+")[0]
    events = fleet.read(there.access, there.topic).events
    known = {(event.ruleset or "").partition("+")[0] for event in events}
    known.update(LastGood(there.settings.state, there.settings.packs).names())
    found = sorted(each for each in known if each and each.startswith(wanted))
    if len(found) > 1:
        raise ConfigurationError(f"{ruleset!r} may be {' or '.join(found)}")
    if not found and _HASH.fullmatch(wanted) is None:
        raise ConfigurationError(f"{ruleset!r} is no rule set; `rules history` and `rules status` name them")
    return found[0] if found else wanted


@rules.command()
@ends_well
def history() -> None:
    """List the rule sets that this machine has copies of, the newest first."""
    given = settings_module.read()
    for name in LastGood(given.state, given.packs).names():
        click.echo(name)


@rules.command("accept-shrink")
@click.argument("file")
@signed("1h")
@ends_well
def accept_shrink(file: str, lasts: str, by: str | None, reason: str) -> None:
    """Let a big cut of FILE through: a list's path below the packs, a glob, or "rules"."""
    give(desk(), ShrinkOrder(**signature(lasts, by, reason), file=file))
