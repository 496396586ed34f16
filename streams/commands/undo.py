"""`undo`: what a bad rule did is taken back, revisions out and strikes back."""

from __future__ import annotations

import sys
import time
from collections import Counter
from datetime import UTC, datetime

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from rules.schema.values import Seconds
from streams import settings as settings_module
from streams.commands.ends import TROUBLE, console, ends_well
from streams.commands.ordering import login
from streams.errors import ConfigurationError
from streams.feedback.undoing import Asked, Done, done_by, undo, wait_until_revised
from streams.kafka.access import access_of
from streams.kafka.topics import Topics
from streams.wire.writing import rfc3339

# Workers follow some hundred decisions a second each.
WITHIN_S = 60.0


@click.command(name="undo")
@click.option("--rule", required=True, help="Its full name, as verdicts say it.")
@click.option("--from", "since", required=True, help="RFC 3339, or how long ago: 2h, 30m.")
@click.option("--to", "until", default="0s", help="As --from; until now without.")
@click.option("--tenant", default=None)
@click.option("--channel", default=None)
@click.option("--yes", is_flag=True, help="Do it; without, it is only shown.")
@click.option("--by", default=None, help="Who decides it; your login without.")
@click.option("--reason", default=None, help="Why; needed with --yes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@ends_well
def undo_(
    rule: str, since: str, until: str, tenant: str | None, channel: str | None,
    yes: bool, by: str | None, reason: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Show what a rule did in a stretch of time and, with --yes, take it back.

    Every message that it flagged, held or removed gets a revision that allows it, and its author's strike
    goes back. What a human has decided on since stays, and so does what was undone before.
    Turn the rule down first: `control flag-only --rule …`.
    """
    if yes and not reason:
        raise ConfigurationError("--yes needs a --reason; it stands on every decision")
    settings, now = settings_module.read(), time.time()
    access, topics = access_of(settings), Topics(settings.topic_prefix)
    asked = Asked(rule, _moment(since, now), _moment(until, now), tenant, channel)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        reading = bar.add_task("reading verdicts", total=None)
        done = done_by(access, topics, asked, lambda at, end: bar.update(reading, completed=at, total=end))
        left: set[str] = set()
        if yes and done.verdicts:
            deciding = bar.add_task("deciding", total=len(done.verdicts))
            undo(
                access, topics, list(done.verdicts.values()),
                reviewer=by or login(), reason=reason or "",
                progress=lambda count: bar.advance(deciding, count),
            )  # fmt: skip
            revising = bar.add_task("revising", total=len(done.verdicts))
            left = wait_until_revised(
                access, topics, now, set(done.verdicts), WITHIN_S, lambda count: bar.advance(revising, count)
            )
    _show(done, asked, yes, len(left), as_json)
    if left:
        sys.exit(TROUBLE)


def _show(done: Done, asked: Asked, yes: bool, left: int, as_json: bool) -> None:
    if as_json:
        said = {
            "rule": asked.rule, "verdicts": len(done.verdicts), "authors": done.authors,
            "revised_before": done.revised, "revised": len(done.verdicts) - left if yes else 0,
        }  # fmt: skip
        click.echo(msgspec.json.encode(said))
        return
    before = f"; {done.revised} were revised before" if done.revised else ""
    window = f"from {rfc3339(asked.since)} to {rfc3339(asked.until)}"
    if not done.verdicts:
        click.echo(f"nothing of {asked.rule} {window} stands{before}")
        return
    counts = Counter((one.tenant, one.channel, one.action.value) for one in done.verdicts.values())
    table = Table("tenant", "channel", "action", "messages", box=None)
    for (tenant, channel, action), count in counts.most_common():
        table.add_row(tenant, channel, action, str(count))
    console().print(table)
    click.echo(f"{len(done.verdicts)} messages of {done.authors} authors by {asked.rule} {window}{before}")
    if not yes:
        click.echo("nothing was changed; --yes takes it back")
    elif left:
        click.echo(f"{left} are not revised yet: does a worker run? They will be; again is safe", err=True)
    else:
        click.echo("all are allowed again, and their strikes are back")


def _moment(said: str, now: float) -> float:
    """Return epoch seconds of a time, or of so long ago."""
    try:
        at = _ago(said, now)
        rfc3339(at)
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigurationError(f"expected RFC 3339 or a time such as 2h, got {said!r}") from error
    return at


def _ago(said: str, now: float) -> float:
    try:
        return now - float(Seconds.parse(said))
    except ValueError:
        at = datetime.fromisoformat(said)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
