"""`reputation`: why an author stands as they do, a clean slate, erasure, and learning from an old log."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from rules.reputation import Entry, Reputation, halved
from rules.schema.policy import ReputationPolicy
from streams import settings as settings_module
from streams.commands.ends import TROUBLE, console, ends_well
from streams.commands.working import log_to_stderr
from streams.errors import ConfigurationError, StoreError
from streams.judging import learning
from streams.judging.offline import lines_of
from streams.kafka.access import access_of
from streams.kafka.records import produce
from streams.kafka.topics import Topics
from streams.process.opening import load_model, load_packs, secret_of, store_of
from streams.settings import Settings
from streams.store.standings import Ask
from streams.store.standings_redis import RedisStandings
from streams.wire.records import CONTROL, ControlEvent
from streams.wire.writing import cloud_event, rfc3339

P = ParamSpec("P")
T = TypeVar("T")
# For a person one waits longer than for a batch of messages.
PATIENCE_S = 30.0
SHOWN_TROUBLE = 10


@click.group()
def reputation() -> None:
    """See why somebody stands as they do, wipe the slate, erase a person, learn from an old log."""


def _someone(command: Callable[P, None]) -> Callable[P, None]:
    for option in (
        click.option("--platform", default="default", show_default=True),
        click.option("--tenant", default="default", show_default=True),
        click.argument("user"),
    ):
        command = option(command)
    return command


class ShownEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the ledger; `left` is what it still weighs."""

    verdict: str
    label: str
    strikes: float
    left: float
    at: str
    ruleset: str
    alone: bool = False
    reversed: bool = False


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """An author's standing now; `older` are strikes that no entry explains."""

    author: str
    strikes: float
    trust: float
    good: int
    messages: int
    by_label: dict[str, float]
    older: float
    ledger: tuple[ShownEntry, ...]
    first_seen: str | None = None


def shown(author: str, known: Reputation, terms: ReputationPolicy, now: float) -> Shown:
    """Return a standing as people read it."""
    ledger = tuple(_entry(entry, terms, now) for entry in known.ledger)
    by_label: dict[str, float] = {}
    for entry in ledger:
        if entry.left:
            by_label[entry.label] = by_label.get(entry.label, 0.0) + entry.left
    older = known.strikes * halved(now - known.as_of, terms.half_life_s)
    return Shown(
        author,
        terms.strikes_at(known, now),
        terms.trust(known, now),
        max(0, known.good),
        known.messages,
        by_label,
        older,
        ledger,
        rfc3339(known.first_seen) if known.first_seen is not None else None,
    )


def _entry(entry: Entry, terms: ReputationPolicy, now: float) -> ShownEntry:
    half_life_s = terms.half_lives.get(entry.label, terms.half_life_s)
    left = 0.0 if entry.reversed else entry.amount * halved(now - entry.at, half_life_s)
    return ShownEntry(
        entry.verdict, entry.label, entry.amount, left, rfc3339(entry.at), entry.ruleset,
        entry.alone, entry.reversed,
    )  # fmt: skip


@reputation.command()
@_someone
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@ends_well
def show(user: str, tenant: str, platform: str, as_json: bool) -> None:
    """Show how an author stands, and which verdicts that comes from."""
    settings, author = _settings(), _author(user, tenant, platform)
    terms = load_packs(settings.packs).policy.reputation
    [standing] = _run(settings, lambda store: store.load([Ask(author)], time.time()))
    found = shown(author, standing.reputation, terms, time.time())
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    labels = [f"{label or 'no label'} {left:.2g}" for label, left in found.by_label.items()]
    labels += [f"older {found.older:.2g}"] if found.older else []
    click.echo(
        f"{author}: strikes {found.strikes:.2g}"
        + (f" ({', '.join(labels)})" if labels else "")
        + f", trust {found.trust:.2g}, {found.good} good of {found.messages} messages"
        + (f", first seen {found.first_seen}" if found.first_seen else "")
    )
    if found.ledger:
        _show_ledger(found.ledger)


def _show_ledger(ledger: tuple[ShownEntry, ...]) -> None:
    table = Table("when", "label", "strikes", "left", "verdict", "rule set", "", box=None)
    for one in reversed(ledger):
        note = "taken back" if one.reversed else "model alone" if one.alone else ""
        table.add_row(
            one.at, one.label, f"{one.strikes:g}", f"{one.left:.2g}", one.verdict, one.ruleset, note
        )
    console().print(table)


@reputation.command()
@_someone
@ends_well
def reset(user: str, tenant: str, platform: str) -> None:
    """Make an author a newcomer: no strikes, no trust. What was judged before doesn't count again."""
    author = _author(user, tenant, platform)
    _run(_settings(), lambda store: store.reset(author))
    click.echo(f"{author} is a newcomer")


@reputation.command()
@_someone
@ends_well
def erase(user: str, tenant: str, platform: str) -> None:
    """Remove every key of an author from the store, and tell it on mod.control by their keyed hash."""
    settings, author = _settings(), _author(user, tenant, platform)
    access, topic = access_of(settings), Topics(settings.topic_prefix).control

    async def work(store: RedisStandings) -> tuple[int, str]:
        return await store.erase(author), store.hashed(author)

    gone, name = _run(settings, work)
    at = rfc3339(time.time())
    key = f"erased/{name}"
    event = ControlEvent("author_erased", settings.worker, at, author=name)
    headers = cloud_event(f"{key}/{at}", CONTROL, "/chatsieve/operator", at)
    produce(access, topic, [(key.encode(), msgspec.json.encode(event))], headers)
    click.echo(f"{author}: {gone} keys removed; told on {topic} as {name}")


@reputation.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--tenant", default="default", show_default=True, help="Of a table's authors.")
@click.option("--platform", default="default", show_default=True, help="Of a table's authors.")
@click.option(
    "--model", type=click.Path(path_type=Path), default=None, help="Folder of another model's artifact."
)
@click.option("--no-model", is_flag=True, help="Judge a log by rules alone.")
@ends_well
def learn(file: Path, tenant: str, platform: str, model: Path | None, no_model: bool) -> None:
    """Let standings begin with what is known: an old log, judged without acting, or a table (.csv).

    A log has one message a line, as `judge` takes them, each with its `sent_at`. A table has the
    columns author, good, first_seen and strikes. The same file counts once, however often it is learned.
    """
    settings = _settings()
    classifier, note = (None, None) if no_model else load_model(model or settings.model)
    rules = load_packs(settings.packs, classifier)
    with file.open("rb") as opened:
        source = learning.source_of(opened.readline())
    with _bar() as progress:
        if file.suffix.lower() == ".csv":
            with file.open(encoding="utf-8-sig", newline="") as table:
                found, trouble = _decoded(
                    lambda: learning.from_table(table, tenant, platform, time.time()), file
                )
        else:
            log = _lines(file, progress)
            found, trouble = asyncio.run(learning.from_log(log, rules, classifier, note, secret_of(settings)))
        saving = progress.add_task("saving", total=len(found))
        new = _run(
            settings,
            lambda store: learning.learn(
                store, found, source, rules.policy.reputation.half_life_s,
                progress=lambda count: progress.advance(saving, count),
            ),
        )  # fmt: skip
    click.echo(f"{new} authors learned, {len(found) - new} known from this file before")
    for one in trouble[:SHOWN_TROUBLE]:
        click.echo(f"{file}:{one.line}: {one.reason}", err=True)
    if trouble:
        click.echo(f"{len(trouble)} lines taught nothing", err=True)
        sys.exit(TROUBLE)


def _settings() -> Settings:
    settings = settings_module.read()
    log_to_stderr(settings.log, settings.log_format)
    return settings


def _decoded(read: Callable[[], T], file: Path) -> T:
    try:
        return read()
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{file} is no table in UTF-8: {error.reason} at byte {error.start}"
        ) from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{file}: {error}") from error


def _bar() -> Progress:
    return Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _lines(file: Path, progress: Progress) -> Iterator[bytes]:
    task = progress.add_task("judging", total=file.stat().st_size)
    with file.open("rb") as opened:
        for line in lines_of(opened):
            progress.advance(task, len(line) + 1)
            yield line


def _author(user: str, tenant: str, platform: str) -> str:
    try:
        return learning.author_key(tenant, platform, user)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _run(settings: Settings, work: Callable[[RedisStandings], Awaitable[T]]) -> T:
    """Do something with the store of this environment's settings."""

    async def run() -> T:
        store = RedisStandings(
            store_of(settings), key=secret_of(settings), prefix=settings.store_prefix, timeout_s=PATIENCE_S
        )
        try:
            return await work(store)
        except StoreError as error:
            raise StoreError(f"{error}: is CHATSIEVE_STORE its address?") from error
        finally:
            await store.close()

    return asyncio.run(run())
