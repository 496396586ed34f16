"""The evasion table: `python -m tests.evasion --data DIR` writes docs/evasion.md. Seeded, from the lists."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rules import packs
from tests.evasion import clean, gaps, hosts, languages, terms

HEAD = """# What evades, and what is hit by mistake

Written by `make evasion DATA=DIR` (`python -m tests.evasion --data DIR`), seeded. Of every term of four
letters up in the shipped lists, put into a sentence: how many of those that are found clean are found after
the attack. The bar: 97 % retained."""
HOSTS = """## Hosts

Of the hosts in the shipped lists, put into a sentence: how many are found as they are spelled for people, or
for machines. Of protected brands: how many hosts that only look like one are told."""
GAPS = """## What still evades

Known disguises that no view undoes, since undoing them would hit too much else, or has not been tried. Each
text is read by itself here; what an author splits over several messages is joined elsewhere."""
CLEAN = """## Clean text

Messages of benign sources and the benign halves of dev in which a term is found: in the plain view, and only
in another one. The bar: no more than 0.1 points are added. Benign means that nobody marked them, not that
nobody swears in them. The texts aren't part of this repository."""

LANGUAGES = """## Languages

Lists act in their language. Of the same texts, by what their sources say they are in: how many guesses are
sure enough to count, and how many of all are sure and wrong. Sources err too, and mixed texts have no one
answer."""


def main() -> int:
    """Measure, and write the tables; return the exit code."""
    options = _options()
    text = "\n".join(_page(options)) + "\n"
    options.out.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


def _page(options: argparse.Namespace) -> Iterator[str]:
    rules = packs.load(options.packs)
    yield HEAD + (f" Measured on every {options.each}th term." if options.each > 1 else "")
    yield ""
    yield from terms.table(rules, options.each)
    yield f"\n{HOSTS}\n"
    yield from hosts.table(rules)
    yield f"\n{GAPS}\n"
    yield from gaps.table(rules)
    if options.data:
        yield f"\n{CLEAN}\n"
        yield from clean.tables(rules, options.data)
        yield f"\n{LANGUAGES}\n"
        yield from languages.table(options.data)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.evasion", description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder of labelled texts; without it only attacks are measured"
    )
    parser.add_argument("--each", type=int, default=1, help="try only every n-th term")
    parser.add_argument("--packs", type=Path, default=Path("rules/packs"), help="folder of rule packs")
    parser.add_argument("--out", type=Path, default=Path("docs/evasion.md"), help="where the tables go")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
