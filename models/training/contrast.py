"""Harmless texts that a model may take for something bad: pairs of sentences, of which training holds others
alike, and words that stand alone."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import msgspec
import numpy as np

from models.training.rows import LABELS
from models.training.scored import Score
from models.training.tables import Cell, Table, percent
from rules.fold import readable

FOLDER = Path(__file__).parent / "contrasts"
# Of the plain sentences so many are over the line; of their twins, not many more may be.
PLAIN_OVER, TWINS_OVER = 0.05, 0.075
# A short text that gets more is taken for what it isn't; so many of these are named.
OVER, WORST = 0.5, 6


class Pair(msgspec.Struct, forbid_unknown_fields=True):
    """Frames that both kinds of words fill.

    Attributes:
        frames: With {} for the words; training's may hold choices, (a|b), as the grammar's lines do.
        often: How often training reads them, against others of as many frames and words.
    """

    name: str
    frames: list[str]
    plain: list[str]
    twin: list[str]
    often: float = 1.0


class Swearing(msgspec.Struct, forbid_unknown_fields=True):
    """Swearing that offends nobody."""

    lines: list[str]


class Short(msgspec.Struct, forbid_unknown_fields=True):
    """A word or two that say nothing bad by themselves, in one language."""

    lang: str
    lines: list[str]


class Contrasts(msgspec.Struct, forbid_unknown_fields=True):
    """The whole file."""

    pair: list[Pair]
    swearing: list[Swearing]
    short: list[Short]


class Twins(msgspec.Struct, forbid_unknown_fields=True):
    """The pairs that training reads."""

    pair: list[Pair]


def contrasts() -> Contrasts:
    """Return what is measured on, which is kept out of training."""
    return msgspec.toml.decode((FOLDER / "pairs.toml").read_bytes(), type=Contrasts)


def twins() -> list[Pair]:
    """Return the pairs that training reads, of other frames."""
    return msgspec.toml.decode((FOLDER / "twins.toml").read_bytes(), type=Twins).pair


def friendly_swearing() -> list[str]:
    """Return readable texts of friendly swearing."""
    return [readable(line) for each in contrasts().swearing for line in each.lines]


def fairness(score: Score) -> Table:
    """Return how many twins are over the line that 5 % of plain sentences are over."""
    rows: list[list[Cell]] = []
    for pair in contrasts().pair:
        plain, twins = (score(_filled(pair.frames, words)) for words in (pair.plain, pair.twin))
        for label in ("toxic", "insult", "hate"):
            column = LABELS.index(label)
            line = float(np.quantile(plain[:, column], 1 - PLAIN_OVER))
            share = float((twins[:, column] > line).mean())
            means = float(plain[:, column].mean()), float(twins[:, column].mean())
            rows.append([pair.name, label, len(plain), *means, line, percent(share), percent(TWINS_OVER)])
    return Table(
        "Identity and dialect",
        f"Where {percent(PLAIN_OVER)} of harmless sentences without identity terms lie over a line, how many "
        "of their twins with them do.",
        ["pairs", "label", "sentences", "mean, plain", "mean, twins", "line", "twins over", "bar"],
        rows,
    )


def short_texts(score: Score) -> Table:
    """Return which words alone are taken for something bad, by label."""
    said = [line for each in contrasts().short for line in each.lines]
    scores = score([readable(line) for line in said])
    rows: list[list[Cell]] = []
    for column, label in enumerate(LABELS):
        over = np.flatnonzero(scores[:, column] > OVER)
        worst = sorted(over, key=lambda place: -scores[place, column])[:WORST]
        names = ", ".join(said[place] for place in worst)
        rows.append([label, len(said), len(over), percent(len(over) / len(said)), names])
    return Table(
        "Short texts",
        f"Harmless texts of few words, in {len(contrasts().short)} languages, many of them words that worse "
        f"texts have as well; how many of them get more than {OVER:g}, and which.",
        ["label", "texts", "over", "share", "the highest"],
        rows,
    )


def _filled(frames: list[str], words: list[str]) -> list[str]:
    return [readable(frame.replace("{}", word)) for frame, word in product(frames, words)]
