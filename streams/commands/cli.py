"""The command line: what can be asked of Chatsieve, and in which file the answer lies."""

from __future__ import annotations

from importlib import import_module

import click

# Imported when asked for: Faust, kafka-python, structlog and rich take one to two seconds
# together, and whoever asks `judge` or `check` wants an answer.
_COMMANDS = {
    "api": "api:api",
    "block": "incidents:block",
    "bridge": "bridging:bridge",
    "check": "judging:check",
    "control": "incidents:control",
    "demo": "working:demo",
    "diff": "diff:diff",
    "judge": "judging:judge",
    "reputation": "reputation:reputation",
    "rules": "rules:rules",
    "schemas": "working:schemas",
    "serve": "working:serve",
    "topics": "topics:topics",
    "try": "judging:try_",
    "undo": "undo:undo_",
}


class _Commands(click.Group):
    """Commands that lie in files of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in _COMMANDS:
            return None
        file, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"streams.commands.{file}"), name)
        return command


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def main() -> None:
    """Chatsieve: a streaming moderator for chat."""
