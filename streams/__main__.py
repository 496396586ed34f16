"""python -m streams: see commands/cli.py."""

from streams.commands.cli import main

main(prog_name="python -m streams")
