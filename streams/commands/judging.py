"""`judge`, `try` and `check`: what needs no broker and no store."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from rules import packs
from rules.errors import Problem, RuleFileError
from rules.loading.blocks import with_blocks
from rules.message import Author, Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.switches import Switches
from streams import settings as settings_module
from streams.commands.ends import TROUBLE, console, ends_well
from streams.errors import ConfigurationError, UnreadableError
from streams.judging.offline import Offline, lines_of
from streams.process.opening import load_model, load_packs, maturity_of

# So much advice is read; more of it only hides what is trouble.
SHOWN_ADVICE = 20

_packs = click.option(
    "--packs", "folder", type=click.Path(path_type=Path), default=None, help="Folder of rule packs."
)
_model = click.option(
    "--model",
    "model",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder of another model's artifact.",
)
_orders = click.option(
    "--orders", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None,
    help="Orders that act, as `control list --json` prints them.",
)  # fmt: skip


@click.command()
@_packs
@_model
@click.option("--no-model", is_flag=True, help="Judge by rules alone.")
@click.option("--no-rules", is_flag=True, help="Judge by the model alone.")
@click.option(
    "--standing", default=None, help="Every author's standing, as JSON: '{\"good\": 100}'; unknown without."
)
@_orders
@ends_well
def judge(
    folder: Path | None,
    model: Path | None,
    no_model: bool,
    no_rules: bool,
    standing: str | None,
    orders: Path | None,
) -> None:
    """Judge lines of JSON from standard input, one verdict a line; only `text` is required.

    A line that can't be read is answered by an object with `error`; the command ends with 0 all the same.
    Rules on behaviour look back over the lines that have an `author` and `sent_at`.
    """
    settings = settings_module.read()
    classifier, note = (None, None) if no_model else load_model(model or settings.model)
    rules = load_packs(folder or settings.packs, classifier)
    if no_rules:
        rules = rules.without_rules()
    rules, switches = _under(orders, rules)
    offline = Offline(
        rules,
        switches=switches,
        model=classifier,
        model_note=note,
        secret=settings.secret,
        standing=_standing(standing),
        show_matched=settings.matched == "shown",
    )
    out = sys.stdout.buffer
    for line in offline.answer(lines_of(sys.stdin.buffer)):
        out.write(line + b"\n")
    out.flush()


def _under(orders: Path | None, rules: RuleSet) -> tuple[RuleSet, Switches]:
    """Return the rule set with the emergency terms, and the switches, that a file of orders holds."""
    if orders is None:
        return rules, Switches()
    from streams.control.orders import Orders, read_order
    from streams.control.rulebook import block_of

    known = Orders()
    try:
        known.replace(read_order(line) for line in orders.read_bytes().splitlines() if line.strip())
        return with_blocks(rules, [block_of(order) for order in known.blocks()]), known.switches()
    except (UnreadableError, RuleFileError) as error:
        raise ConfigurationError(f"{orders}: {error}") from error


def _standing(given: str | None) -> Reputation | None:
    if given is None:
        return None
    try:
        return msgspec.json.decode(given, type=Reputation)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"--standing: {error}") from error


def _whole(_: click.Context, __: click.Parameter, text: str) -> str:
    """Take any text: an argument that isn't UTF-8 comes with half characters in it."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


@click.command("try")
@click.argument("text", callback=_whole)
@_packs
@_model
@click.option("--no-model", is_flag=True, help="Judge by rules alone.")
@click.option("--channel", default="default", help="As if said there.")
@click.option("--tenant", default="default", help="As if said there.")
@click.option("--role", "roles", multiple=True, help="As if said by somebody with this role.")
@click.option("--lang", default=None, help="As if said in this language.")
@click.option(
    "--standing", default=None, help="The author's standing, as JSON: '{\"good\": 100}'; unknown without."
)
@_orders
@click.option(
    "--moved", "label", default=None, help="Also which words moved the model's score of this label."
)
@click.option("--json", "as_json", is_flag=True, help="The explanation as JSON.")
@ends_well
def try_(
    text: str,
    folder: Path | None,
    model: Path | None,
    no_model: bool,
    channel: str,
    tenant: str,
    roles: tuple[str, ...],
    lang: str | None,
    standing: str | None,
    orders: Path | None,
    label: str | None,
    as_json: bool,
) -> None:
    """Explain what would be done with TEXT, and why."""
    settings = settings_module.read()
    classifier, note = (None, None) if no_model else load_model(model or settings.model)
    rules = load_packs(folder or settings.packs, classifier)
    message = Message("try", Author("you", roles=roles), text, tenant=tenant, channel=channel, lang=lang)
    rules, switches = _under(orders, rules)
    offline = Offline(
        rules, model=classifier, model_note=note, standing=_standing(standing), switches=switches
    )
    explanation = offline.explain(message)
    moved = offline.moved(message, label) if label is not None else None
    if as_json:
        extra = {} if moved is None else {"moved": moved}
        click.echo(msgspec.json.encode(msgspec.to_builtins(explanation) | extra))
        return
    from streams.commands import show

    show.explanation(console(), message, explanation)
    if label is not None and moved is not None:
        show.moved(console(), label, moved)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@_model
@click.option("--all", "everything", is_flag=True, help="All advice, not the first few lines.")
@click.option("--strict", is_flag=True, help="Advice is trouble too: end with 1.")
@click.option("--forecast", is_flag=True, help="What would be hit in dictionaries, names and places.")
@click.option("--lang", "languages", multiple=True, help="Forecast for this language only; may be repeated.")
@click.option(
    "--traffic",
    type=click.File("rb"),
    default=None,
    help="What would be hit in these messages, one JSON a line.",
)
@click.option(
    "--cost", is_flag=True, help="What each rule costs, measured on the traffic or the rules' tests."
)
@click.option("--json", "as_json", is_flag=True, help="Problems and advice as JSON.")
@ends_well
def check(
    folder: Path | None,
    model: Path | None,
    everything: bool,
    strict: bool,
    forecast: bool,
    languages: tuple[str, ...],
    traffic: BinaryIO | None,
    cost: bool,
    as_json: bool,
) -> None:
    """Lint a folder of packs; ends with 1 and file:line on trouble.

    Trouble keeps a folder from loading. Advice doesn't: what is written twice, found by another term
    already, contradicts itself, can never fire, is out of date or waits for something.
    """
    settings = settings_module.read()
    folder = folder or settings.packs
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder")
    classifier, _ = load_model(model or settings.model)
    found = packs.inspect(
        folder,
        promises=classifier.thresholds if classifier else None,
        maturity=maturity_of(classifier) if classifier else None,
        now=time.time(),
    )
    if as_json:
        click.echo(msgspec.json.encode([*map(_plain, found.problems), *map(_advised, found.advice)]))
    else:
        _report(folder, found, everything)
    if found.rules is not None and (forecast or traffic or cost):
        from streams.commands import forecasts

        forecasts.report(found.rules, traffic, languages if forecast else None, cost=cost)
    sys.exit(TROUBLE if found.problems or (strict and found.advice) else 0)


def _report(folder: Path, found: packs.Inspection, everything: bool) -> None:
    for problem in found.problems:
        click.echo(f"{folder}/{problem}", err=True)
    shown = found.advice if everything else found.advice[:SHOWN_ADVICE]
    for problem in shown:
        click.echo(f"{folder}/{problem}")
    if len(shown) < len(found.advice):
        click.echo(f"… and {len(found.advice) - len(shown)} more pieces of advice: check --all shows them")
    if found.rules is not None:
        words = "nothing to mend" + (f", {len(found.advice)} pieces of advice" if found.advice else "")
        click.echo(f"{folder}: {len(found.rules.rules)} rules, {found.rules.hash}, {words}")


def _plain(problem: Problem) -> dict[str, object]:
    return msgspec.structs.asdict(problem)


def _advised(problem: Problem) -> dict[str, object]:
    return _plain(problem) | {"advice": True}
