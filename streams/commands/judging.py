"""`judge`, `try` and `check`: what needs no broker and no store."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from rules import packs
from rules.message import Author, Message
from rules.reputation import Reputation
from streams import settings as settings_module
from streams.commands.ends import TROUBLE, console, ends_well
from streams.errors import ConfigurationError
from streams.offline import Offline, lines_of
from streams.opening import load_model, load_packs

_packs = click.option(
    "--packs", "folder", type=click.Path(path_type=Path), default=None, help="Folder of rule packs."
)
_model = click.option(
    "--model", "model", type=click.Path(path_type=Path), default=None, help="Folder of the model's artifact."
)


@click.command()
@_packs
@_model
@click.option("--no-model", is_flag=True, help="Judge by rules alone.")
@click.option("--no-rules", is_flag=True, help="Judge by the model alone.")
@click.option(
    "--standing", default=None, help="Every author's standing, as JSON: '{\"good\": 100}'; unknown without."
)
@ends_well
def judge(
    folder: Path | None, model: Path | None, no_model: bool, no_rules: bool, standing: str | None
) -> None:
    """Judge lines of JSON from standard input, one verdict a line; only `text` is required."""
    settings = settings_module.read()
    rules = load_packs(folder or settings.packs)
    if no_rules:
        rules = rules.without_rules()
    classifier, note = (None, None) if no_model else load_model(model or settings.model)
    offline = Offline(
        rules,
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


def _standing(given: str | None) -> Reputation | None:
    if given is None:
        return None
    try:
        return msgspec.json.decode(given, type=Reputation)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigurationError(f"--standing: {error}") from error


@click.command("try")
@click.argument("text")
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
    as_json: bool,
) -> None:
    """Explain what would be done with TEXT, and why."""
    settings = settings_module.read()
    rules = load_packs(folder or settings.packs)
    classifier, note = (None, None) if no_model else load_model(model or settings.model)
    # An argument that isn't UTF-8 comes with half characters in it.
    text = text.encode(errors="surrogateescape").decode(errors="replace")
    message = Message("try", Author("you", roles=roles), text, tenant=tenant, channel=channel, lang=lang)
    offline = Offline(rules, model=classifier, model_note=note, standing=_standing(standing))
    explanation = offline.explain(message)
    if as_json:
        click.echo(msgspec.json.encode(explanation))
    else:
        from streams.commands import show

        show.explanation(console(), message, explanation)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="The problems as JSON.")
@ends_well
def check(folder: Path | None, as_json: bool) -> None:
    """Lint a folder of packs; ends with 1 and file:line on trouble."""
    folder = folder or settings_module.read().packs
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder")
    problems = packs.check(folder)
    if as_json:
        click.echo(msgspec.json.encode(problems))
    else:
        for problem in problems:
            click.echo(f"{folder}/{problem}", err=True)
        if not problems:
            rules = packs.load(folder)
            click.echo(f"{folder}: {len(list(rules.rules))} rules, {rules.hash}, nothing to mend")
    sys.exit(TROUBLE if problems else 0)
