"""`serve` and `demo`, which run a worker, and `schemas`."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from streams import settings as settings_module
from streams.commands.ends import console, ends_well
from streams.errors import ConfigurationError
from streams.schemas import schemas as all_schemas
from streams.settings import Settings


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


def table_of_settings() -> str:
    """Return all settings, as `--help` ends with them."""
    rows = [
        f"  {name}  {meaning}" + (f" [{default}]" if default else "")
        for name, default, meaning in settings_module.table()
    ]
    return "\b\nSettings (environment variables):\n" + "\n".join(rows)


@click.command(epilog=table_of_settings())
@click.option("--embedded", is_flag=True, help="Start the in-package broker and store, for a laptop.")
@ends_well
def serve(embedded: bool) -> None:
    """Run a worker: read chat.messages, judge, publish verdicts."""
    from streams.process.serve import serve as run
    from streams.process.tasks import tune_process

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
    from streams.process.embedded import Broker, Store

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


@click.command()
@click.option(
    "--chat", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None,
    help="Another chat to play.",
)  # fmt: skip
@click.option("--rate", type=click.IntRange(1), default=200, help="Messages a second.", show_default=True)
@ends_well
def demo(chat: Path | None, rate: int) -> None:
    """Play the example chat through a real broker, worker and store, and show the verdicts."""
    from streams.commands.demo import play

    settings = settings_module.read()
    log_to_stderr("error", "text")
    with embedded_parts(msgspec.structs.replace(settings, http="127.0.0.1:0", commit_interval=0.2)) as ready:
        sys.exit(play(ready, chat or settings_module.TREE / "examples" / "chat.jsonl", rate, console()))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@ends_well
def schemas(folder: Path) -> None:
    """Write the JSON Schema of each kind of record into FOLDER."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in all_schemas().items():
            (folder / f"{name}.json").write_text(json.dumps(schema, indent=2) + "\n")
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: can't be written: {error.strerror}") from error
