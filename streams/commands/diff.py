"""`diff`: which verdicts would change, before anybody's do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from streams import settings as settings_module
from streams.commands.ends import console, ends_well
from streams.judging.diffing import Diff, Difference, Sample
from streams.judging.offline import lines_of
from streams.process.opening import load_model, load_packs


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--log", "log", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True,
    help="One JSON object a line: a message as `judge` takes it, or a record with one in `value`.",
)  # fmt: skip
@click.option(
    "--model", type=click.Path(path_type=Path), default=None, help="Folder of another model's artifact."
)
@click.option("--no-model", is_flag=True, help="Judge by rules alone.")
@click.option("--samples", type=click.IntRange(0, 1000), default=3, show_default=True, help="Of each change.")
@click.option("--text", "show_text", is_flag=True, help="Show the samples' texts.")
@click.option("--json", "as_json", is_flag=True, help="The whole result as JSON.")
@ends_well
def diff(
    old: Path, new: Path, log: Path, model: Path | None, no_model: bool,
    samples: int, show_text: bool, as_json: bool,
) -> None:  # fmt: skip
    """Judge a message log under the packs in OLD and in NEW, and list which verdicts change, by rule.

    Standing is unknown to both, and no brake acts.
    """
    settings = settings_module.read()
    classifier, _ = (None, None) if no_model else load_model(model or settings.model)
    found = Diff(
        load_packs(old, classifier), load_packs(new, classifier),
        model=classifier, samples=samples, show_text=show_text,
    )  # fmt: skip
    found.take(_with_progress(log))
    if as_json:
        click.echo(msgspec.json.encode(found.result()))
    else:
        _show(found.result())


def _with_progress(log: Path) -> Iterator[bytes]:
    """Yield the lines of a file, with a bar at a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    shown = sys.stderr.isatty()
    with (
        log.open("rb") as file,
        Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as bar,
    ):
        task = bar.add_task("judging under both", total=log.stat().st_size)
        for line in lines_of(file):
            bar.advance(task, len(line) + 1)
            yield line


def _show(found: Difference) -> None:
    click.echo(
        f"{found.messages} messages under {found.old} and {found.new}: {found.changed} verdicts change, "
        f"{found.stricter} to something stricter, {found.milder} to something milder"
        + (f"; {found.unreadable} lines can't be read" if found.unreadable else "")
    )
    if not found.changes:
        return
    table = Table("rule", "was", "now", "messages", "for example", box=None)
    for change in found.changes:
        samples = [_sample(one) for one in change.samples]
        separator = "\n" if any(one.text for one in change.samples) else ", "
        table.add_row(change.rule, change.was, change.now, str(change.count), separator.join(samples))
    console().print(table)


def _sample(one: Sample) -> str:
    return escape(f"line {one.line} ({one.channel})" + (f": {one.text}" if one.text else ""))
