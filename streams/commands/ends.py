"""How commands print and end: errors that somebody can do something about become one line and a code.

0 done · 1 found trouble · 2 wrong usage or configuration · 3 ended by the watchdog
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import click

from streams.errors import BrokerError, ConfigurationError, PlatformError, Standstill, StoreError
from streams.settings import is_text

if TYPE_CHECKING:
    from rich.console import Console

TROUBLE, USAGE = 1, 2

P = ParamSpec("P")


def ends_well(command: Callable[P, None]) -> Callable[P, None]:
    """Turn our errors into one line on standard error and an exit code."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            _refuse_bytes(kwargs)
            command(*args, **kwargs)
        except ConfigurationError as error:
            _end(error, USAGE)
        except Standstill as error:
            _end(error, error.code)
        except (BrokerError, PlatformError, StoreError) as error:
            _end(error, TROUBLE)
        except BrokenPipeError:
            # Whoever read our output has gone; nothing more can be said there, not even at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(TROUBLE)

    return wrapper


def _refuse_bytes(given: dict[str, Any]) -> None:
    """Refuse arguments that aren't UTF-8: half characters stand in them, which can't be sent on."""
    for name, value in given.items():
        if not all(is_text(one) for one in (value if isinstance(value, tuple) else (value,))):
            context = click.get_current_context()
            hints = (each.get_error_hint(context) for each in context.command.params if each.name == name)
            raise ConfigurationError(f"{next(hints, name)} is not UTF-8")


def _end(error: Exception, code: int) -> None:
    click.echo(f"chatsieve: {error}", err=True)
    sys.exit(code)


def console() -> Console:
    """A console; where it is no terminal, wide enough for a table, since nobody can widen a pipe."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=140)
