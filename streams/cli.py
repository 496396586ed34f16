"""The command line: what can be asked of Chatsieve."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from rules import packs
from rules.message import Author, Message
from rules.reputation import Reputation
from streams import settings as settings_module
from streams.cli_ends import TROUBLE, ends_well
from streams.errors import ConfigurationError
from streams.offline import Offline, lines_of
from streams.opening import load_model, load_packs
from streams.schemas import schemas as all_schemas
from streams.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

# What only some commands need is imported where they begin: Faust, kafka-python, structlog and
# rich take one to two seconds together, and whoever asks `judge` or `check` wants an answer.


def log_to_stderr(level: str, form: str) -> None:
    """Log events of ours from `level` on, and of libraries from WARNING on."""
    import structlog

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    renderer: Any = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class _Commands(click.Group):
    """The commands of this file, and those on topics, which lie in a file of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), "topics"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name != "topics":
            return super().get_command(ctx, cmd_name)
        from streams.cli_topics import topics

        return topics


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def main() -> None:
    """Chatsieve: a streaming moderator for chat."""


def _table_of_settings() -> str:
    rows = [
        f"  {name}  {meaning}" + (f" [{default}]" if default else "")
        for name, default, meaning in settings_module.table()
    ]
    return "\b\nSettings (environment variables):\n" + "\n".join(rows)


@main.command(epilog=_table_of_settings())
@click.option("--embedded", is_flag=True, help="Start the in-package broker and store, for a laptop.")
@ends_well
def serve(embedded: bool) -> None:
    """Run a worker: read chat.messages, judge, publish verdicts."""
    from streams.serve import serve as run
    from streams.serve import tune_process

    settings = settings_module.read()
    log_to_stderr(settings.log, settings.log_format)
    tune_process()
    if not embedded:
        asyncio.run(run(settings))
        return
    with embedded_parts(settings) as ready:
        click.echo(
            f"broker {ready.broker}   store {ready.store}   health http://{ready.http}/ready", err=True
        )
        asyncio.run(run(ready))


@contextmanager
def embedded_parts(settings: Settings) -> Iterator[Settings]:
    """Start broker and store, and yield the settings that go with them."""
    from streams.embedded import Broker, Store

    with Broker() as broker, Store() as store:
        yield msgspec.structs.replace(
            settings,
            broker=broker.address,
            store=store.url,
            # Tansu answers long polls at half their wait, and joins at half the session's time-out.
            fetch_wait=min(settings.fetch_wait, 0.02),
            session_timeout=min(settings.session_timeout, 3.0),
            rebalance_timeout=1.0,
        )


def _console() -> Console:
    """A console; where it is no terminal, wide enough for a table, since nobody can widen a pipe."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=140)


_packs = click.option(
    "--packs", "folder", type=click.Path(path_type=Path), default=None, help="Folder of rule packs."
)
_model = click.option(
    "--model", "model", type=click.Path(path_type=Path), default=None, help="Folder of the model's artifact."
)


@main.command()
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


@main.command("try")
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
        from streams import show

        show.explanation(_console(), message, explanation)


@main.command()
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


@main.command()
@click.option(
    "--chat", type=click.Path(path_type=Path, exists=True), default=None, help="Another chat to play."
)
@click.option("--rate", default=200, help="Messages a second.", show_default=True)
@ends_well
def demo(chat: Path | None, rate: int) -> None:
    """Play the example chat through a real broker, worker and store, and show the verdicts."""
    from streams.demo import play

    settings = settings_module.read()
    log_to_stderr("error", "text")
    with embedded_parts(msgspec.structs.replace(settings, http="127.0.0.1:0", commit_interval=0.2)) as ready:
        sys.exit(play(ready, chat or settings_module.TREE / "examples" / "chat.jsonl", rate, _console()))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@ends_well
def schemas(folder: Path) -> None:
    """Write the JSON Schema of each kind of record into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in all_schemas().items():
        (folder / f"{name}.json").write_text(json.dumps(schema, indent=2) + "\n")
