"""Writes texts from a grammar of its own: contrast sets, scarce labels and their innocent neighbours.

The grammar lies in grammar/*.toml. In a line, (a|b) is a choice, which may hold choices, and {name} a slot.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from models.training.rows import LABELS, Row, number
from rules.fold import readable

FOLDER = Path(__file__).parent / "grammar"
# Tries for each text that is wanted: short lines run out of variety.
TRIES = 4
UNKNOWN = -1
# Sources of its rows begin with this.
WRITTEN = "grammar"
_CHOICE = re.compile(r"\(([^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")


class Say(msgspec.Struct, forbid_unknown_fields=True):
    """Lines that mean the same to a moderator.

    Attributes:
        labels: What is 1 here, or UNKNOWN; every other label is 0.
        count: Texts to write, fewer where the lines don't hold as many.
        slots: Words that go before those of the file.
    """

    lines: list[str]
    lang: str
    count: int
    labels: dict[str, int] = {}
    slots: dict[str, list[str]] = {}


class Theme(msgspec.Struct, forbid_unknown_fields=True):
    """One file of the grammar."""

    say: list[Say]
    slots: dict[str, list[str]] = {}


def written(seed: int, folder: Path = FOLDER) -> list[Row]:
    """Return all texts of the grammar; every label of theirs is weak, for no person gave it."""
    rows: list[Row] = []
    for path in sorted(folder.glob("*.toml")):
        theme = msgspec.toml.decode(path.read_bytes(), type=Theme)
        for place, say in enumerate(theme.say):
            source = f"{WRITTEN}_{path.stem}"
            choice = random.Random(number(f"{seed} {source} {place}"))
            labels = {k: v for k, v in (dict.fromkeys(LABELS, 0) | say.labels).items() if v != UNKNOWN}
            rows += [
                Row(readable(_typed(text)), say.lang, labels, source, list(labels))
                for text in _texts(say, theme.slots | say.slots, choice)
            ]
    return rows


def _texts(say: Say, slots: Mapping[str, list[str]], choice: random.Random) -> Iterator[str]:
    seen: set[str] = set()
    for _ in range(say.count * TRIES):
        if len(seen) == say.count:
            return
        text = spoken(choice.choice(say.lines), slots, choice)
        if text not in seen:
            seen.add(text)
            yield text


def _typed(text: str) -> str:
    return (
        text.replace("<link>", "https://example.com/x").replace("<user>", "@someone").replace("<emote>", ":D")
    )


def spoken(line: str, slots: Mapping[str, list[str]], choice: random.Random) -> str:
    """Return one text that a line stands for."""
    while match := _CHOICE.search(line):
        line = line[: match.start()] + choice.choice(match[1].split("|")) + line[match.end() :]
    while match := _SLOT.search(line):
        line = line[: match.start()] + choice.choice(slots[match[1]]) + line[match.end() :]
    return " ".join(line.split())
