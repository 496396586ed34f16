"""`bridge`, which joins a chat platform."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from streams import settings as settings_module
from streams.commands.ends import ends_well
from streams.commands.working import log_to_stderr, table_of_settings
from streams.platforms.config import KINDS


@click.command(epilog=table_of_settings())
@click.argument("name", type=click.Choice(sorted(KINDS)))
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="What to join, and what to do there.",
)
@click.option("--dry-run", is_flag=True, help="Do nothing; say what would be done.")
@ends_well
def bridge(name: str, path: Path, dry_run: bool) -> None:
    """Join the platform NAME: send what is said there to be judged, and do there what is decided."""
    from streams.platforms.serve import serve

    settings = settings_module.read()
    log_to_stderr(settings.log, settings.log_format)
    asyncio.run(serve(settings, name, path, dry_run=dry_run))
