"""`api`, which answers over HTTP, and what goes with it: keys, and its OpenAPI document."""

from __future__ import annotations

import asyncio
import importlib.util
import json

import click

from streams import settings as settings_module
from streams.commands.ends import ends_well
from streams.commands.working import log_to_stderr, table_of_settings
from streams.errors import ConfigurationError


@click.group(invoke_without_command=True, epilog=table_of_settings())
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes behind the one address; metrics are on as many ports, from CHATSIEVE_HTTP on.",
)
@click.option("--shares-port", is_flag=True, hidden=True)
@click.pass_context
@ends_well
def api(ctx: click.Context, workers: int, *, shares_port: bool) -> None:
    """Answer over HTTP: judge messages, list what waits for a human, take decisions."""
    if ctx.invoked_subcommand is not None:
        return
    _need_libraries()
    from streams.api import several
    from streams.api.serve import serve
    from streams.process.tasks import tune_process

    settings = settings_module.read()
    log_to_stderr(settings.log, settings.log_format)
    if workers > 1:
        ctx.exit(asyncio.run(several.run(settings, workers)))
    tune_process()
    asyncio.run(serve(settings, shares_port=shares_port))


@api.command()
@click.option("--tenant", required=True, help="Whose messages it speaks for.")
@click.option("--name", required=True, help="For people and logs: who holds it.")
@ends_well
def key(tenant: str, name: str) -> None:
    """Make a key: the secret for the caller, and what to put into the file of keys."""
    from streams.api.keys import new_key

    made = new_key()
    click.echo(f"# For the caller, shown this once: {made.secret}", err=True)
    entry = {"name": name, "tenant": tenant, "hash": made.hash}
    click.echo(f"  - {json.dumps(entry, ensure_ascii=False)}")


@api.command()
@ends_well
def openapi() -> None:
    """Print the OpenAPI document."""
    _need_libraries()
    from streams.api.openapi import document

    click.echo(json.dumps(document(), indent=2))


def _need_libraries() -> None:
    missing = [
        name for name in ("starlette", "uvicorn", "httptools") if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise ConfigurationError(
            f"the API needs {', '.join(missing)}: run `pip install --require-hashes -r requirements/api.txt`"
        )
