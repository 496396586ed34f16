"""python -m streams: see cli.py."""

from streams.cli import main

main(prog_name="python -m streams")
