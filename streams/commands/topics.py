"""`python -m streams topics …`: what an operator needs of topics."""

from __future__ import annotations

import base64
import sys

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from rules.verdict import Verdict
from streams import settings
from streams.commands import show
from streams.commands.ends import ends_well
from streams.kafka import records
from streams.kafka.access import access_of
from streams.kafka.topics import Topics, ensure, lag, partitions, topic_ids


@click.group()
def topics() -> None:
    """Make topics, see how far workers are behind, watch verdicts, drive dead letters again."""


_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@topics.command()
@click.option(
    "--partitions", "count", default=None, type=click.IntRange(1), help="Partitions of what is missing."
)
@click.option("--replication", default=None, type=click.IntRange(1), help="Replicas of what is missing.")
@ends_well
def create(count: int | None, replication: int | None) -> None:
    """Make the topics that are missing; those that are there stay as they are."""
    given = settings.read()
    names = Topics(given.topic_prefix)
    made = ensure(access_of(given), names, count or given.partitions, replication or given.replication)
    for name in names.all:
        click.echo(f"{name}: {'made' if name in made else 'was there'}")


@topics.command()
@_json
@ends_well
def describe(as_json: bool) -> None:
    """Show each topic, and how far the group is behind in chat.messages."""
    given = settings.read()
    access, names = access_of(given), Topics(given.topic_prefix)
    ids = topic_ids(access, names.all)
    behind = lag(access, given.group, names.messages) if names.messages in ids else []
    if as_json:
        for name, topic_id in ids.items():
            click.echo(
                msgspec.json.encode({"topic": name, "id": topic_id, "partitions": partitions(access, name)})
            )
        for each in behind:
            click.echo(msgspec.json.encode(each))
        return
    console = Console()
    table = Table("topic", "partitions", "id", box=None)
    for name in names.all:
        table.add_row(name, str(partitions(access, name)) if name in ids else "missing", ids.get(name, ""))
    console.print(table)
    if behind:
        table = Table(
            "partition",
            "committed",
            "end",
            "behind",
            box=None,
            title=f"group {given.group}",
            title_justify="left",
        )
        for each in behind:
            committed = "–" if each.committed is None else str(each.committed)
            table.add_row(str(each.partition), committed, str(each.end), str(each.lag))
        console.print(table)


@topics.command()
@click.option(
    "--topic",
    "which",
    default="verdicts",
    type=click.Choice(["verdicts", "actions", "review", "deadletters", "control"]),
)
@click.option("--from-beginning", is_flag=True, help="Start with the oldest that is kept.")
@click.option("--count", type=click.IntRange(1), default=None, help="End after so many.")
@_json
@ends_well
def tail(which: str, from_beginning: bool, count: int | None, as_json: bool) -> None:
    """Watch verdicts (or another topic) as they come; Ctrl-C ends."""
    given = settings.read()
    access, names = access_of(given), Topics(given.topic_prefix)
    console = Console()
    plain = as_json or which not in ("verdicts", "actions")
    with records.tail(access, getattr(names, which), from_beginning=from_beginning, count=count) as found:
        try:
            if not plain:
                show.heading(console)
            for record in found:
                if which == "deadletters":
                    click.echo(_dead_letter(record))
                elif plain:
                    click.echo(record.value or b"")
                else:
                    show.verdict(console, msgspec.json.decode(record.value or b"", type=Verdict), None)
        except KeyboardInterrupt:
            sys.exit(0)


def _dead_letter(record: records.Record) -> bytes:
    value = record.value or b""
    return msgspec.json.encode({
        "partition": record.partition,
        "offset": record.offset,
        "headers": {name: each.decode(errors="replace") for name, each in record.headers},
        "bytes": len(value),
        "start": base64.b64encode(value[:300]).decode(),
    })  # fmt: skip


@topics.command()
@click.option("--at-most", type=click.IntRange(1), default=None, help="Stop after so many.")
@click.option(
    "--again", is_flag=True, help="Start with the oldest that is kept, not where the last run ended."
)
@ends_well
def redrive(at_most: int | None, again: bool) -> None:
    """Put dead letters back on chat.messages as they were, each once."""
    given = settings.read()
    access, names = access_of(given), Topics(given.topic_prefix)
    with Progress(transient=True, console=Console(stderr=True)) as progress:
        bar = progress.add_task("re-driven", total=None)
        done = records.redrive(
            access, names, at_most=at_most, again=again,
            progress=lambda number, total: progress.update(bar, completed=number, total=total),
        )  # fmt: skip
    click.echo(f"{done} dead letters re-driven")
