"""`control` and `block`: what an operator turns down or adds in an incident, for the whole fleet at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, ParamSpec

import click

from rules import packs
from rules.errors import RuleFileError
from rules.loading.blocks import with_blocks
from rules.ruleset import RuleSet
from rules.schema.labels import is_label
from rules.schema.policy import Policy, matches
from rules.switches import Mode
from rules.verdict import Action
from streams.commands.ends import ends_well
from streams.commands.ordering import (
    by_option,
    checked,
    desk,
    end,
    give,
    json_option,
    show_list,
    signature,
    signed,
    why_option,
)
from streams.control.orders import BlockOrder, RaidOrder, SwitchOrder
from streams.control.rulebook import block_of
from streams.errors import ConfigurationError
from streams.settings import Settings

P = ParamSpec("P")


# -- control


@click.group()
def control() -> None:
    """Turn something down, for the whole fleet within seconds, until it ends by itself.

    Name a tenant, channel, rule, label or the model; what is named must all hold. Final rules go on
    acting unless the switch names the rule in full.
    """


def _names(command: Callable[P, None]) -> Callable[P, None]:
    """Give a command the ways to name what it turns."""
    for option in (
        click.option("--unchecked", is_flag=True, help="Take a rule that the packs here don't have."),
        click.option("--everywhere", is_flag=True, help="Needed where nothing else is named."),
        click.option("--model", is_flag=True, help="What the model says; with --label, of that label."),
        click.option("--label", default=None, help="What is done on account of it."),
        click.option("--rule", default=None, help="Name or glob; only a full name reaches a final rule."),
        click.option("--channel", default=None, help="Name or glob."),
        click.option("--tenant", default=None, help="Name or glob."),
    ):
        command = option(command)
    return command


def _turn(
    mode: Mode,
    tenant: str | None,
    channel: str | None,
    rule: str | None,
    label: str | None,
    model: bool,
    everywhere: bool,
    unchecked: bool,
    lasts: str,
    by: str | None,
    reason: str,
) -> None:
    if sum(map(bool, (rule, label or model))) > 1:
        raise ConfigurationError("name a rule, or a label or the model, not both")
    if everywhere == any((tenant, channel, rule, label, model)):
        raise ConfigurationError(
            "name what to turn down (--tenant, --channel, --rule, --label, --model), or --everywhere alone"
        )
    if label and not is_label(label):
        raise ConfigurationError(f"--label: there is no label {label!r}; a pack's own begin with custom.")
    there = desk()
    if rule and not unchecked:
        _must_exist(rule, there.settings)
    give(
        there,
        SwitchOrder(
            **signature(lasts, by, reason),
            mode=mode, tenant=tenant, channel=channel, rule=rule, label=label, model=model,
        ),
    )  # fmt: skip


def _must_exist(rule: str, given: Settings) -> None:
    """A misspelt name would be a switch that does nothing, and at night nobody notices."""
    try:
        known = list(packs.load(given.packs).rules)
    except (RuleFileError, OSError):
        return
    if rule.startswith("block/") or any(matches((rule,), name) for name in known):
        return
    near = difflib.get_close_matches(rule, known, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`--unchecked` takes it all the same"
    raise ConfigurationError(f"--rule: {given.packs} has no rule {rule!r}; {hint}")


@control.command("flag-only")
@_names
@signed("2h")
@ends_well
def flag_only(**given: Any) -> None:
    """Let it flag at most: nothing is hidden, humans still see it."""
    _turn(Mode.FLAG_ONLY, **given)


@control.command()
@_names
@signed("2h")
@ends_well
def off(**given: Any) -> None:
    """Let it do nothing; verdicts say what would have been done."""
    _turn(Mode.OFF, **given)


@control.command()
@click.option(
    "--lower", default=10.0, show_default=True, help="Points that each step of a ladder is lowered."
)
@click.option("--channel", default=None, help="Name or glob.")
@click.option("--tenant", default=None, help="Name or glob.")
@signed("30m")
@ends_well
def raid(
    lower: float, channel: str | None, tenant: str | None, lasts: str, by: str | None, reason: str
) -> None:
    """Say that there is a raid on a channel: less is enough there to be flagged, held or removed."""
    if not (tenant or channel):
        raise ConfigurationError("name the channel (--channel) or the tenant (--tenant) that is raided")
    give(desk(), RaidOrder(**signature(lasts, by, reason), lower=lower, tenant=tenant, channel=channel))


@control.command("list")
@json_option
@ends_well
def control_list(as_json: bool) -> None:
    """Show everything that is in force: switches, emergency terms, allowed cuts, rollbacks."""
    show_list(desk(), (object,), as_json)


@control.command("end")
@click.argument("order_id", metavar="ID")
@by_option
@why_option
@ends_well
def control_end(order_id: str, by: str | None, reason: str | None) -> None:
    """End an order before its time."""
    end(desk(), order_id, (object,), by, reason)


# -- block


class _TermOrCommand(click.Group):
    """`block TERM …` is short for `block add TERM …`; only `block add list` blocks the word "list"."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["add", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_TermOrCommand)
def block() -> None:
    """Add an emergency term on every worker within seconds, without touching files.

    `block TERM --for 6h --reason …` holds messages with the term; it is written as in a rule's
    `terms:` ("word", "a phrase", "prefix*", "free & nitro").
    """


@block.command("add")
@click.argument("term")
@click.option("--label", default="custom.blocked", show_default=True)
@click.option(
    "--action", type=click.Choice(["flag", "hold", "remove"]), default="hold", show_default=True,
)  # fmt: skip
@click.option("--tenant", default=None, help="Name or glob.")
@click.option("--channel", default=None, help="Name or glob.")
@signed("6h")
@ends_well
def block_add(
    term: str, label: str, action: str, tenant: str | None, channel: str | None,
    lasts: str, by: str | None, reason: str,
) -> None:  # fmt: skip
    """Add TERM; `block TERM` is short for it."""
    if not term.strip():
        raise ConfigurationError("TERM is empty; name what is to be found")
    order = BlockOrder(
        **signature(lasts, by, reason),
        term=term, label=label, action=Action(action), tenant=tenant, channel=channel,
    )  # fmt: skip
    try:
        with_blocks(RuleSet((), {}, Policy()), [block_of(checked(order))])
    except RuleFileError as error:
        raise ConfigurationError("; ".join(problem.message for problem in error.problems)) from error
    give(desk(), order)


@block.command("list")
@json_option
@ends_well
def block_list(as_json: bool) -> None:
    """Show the emergency terms that are in force."""
    show_list(desk(), (BlockOrder,), as_json)


@block.command("end")
@click.argument("order_id", metavar="ID")
@by_option
@why_option
@ends_well
def block_end(order_id: str, by: str | None, reason: str | None) -> None:
    """End an emergency term before its time."""
    end(desk(), order_id, (BlockOrder,), by, reason)
