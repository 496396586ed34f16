"""How scores bear up: under disguises, among padding, and on texts that nobody should act on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np

from models.training.contrast import friendly_swearing
from models.training.disguise import TRICKS, disguised
from models.training.measures import auc, share_interval
from models.training.rows import LABELS, Row, number
from models.training.scored import Score, Scored
from models.training.tables import Cell, Table, percent
from rules.fold import readable

TOXIC = LABELS.index("toxic")
# One word in three, as the bar says.
SHARE, SAMPLE, PADDINGS = 1 / 3, 3000, (50, 200, 1000)
# One draw of disguised words moves an area by as much as 0.004.
DRAWS = 4
# What a policy does from which promised precision, in the tables of false alarms.
STEPS = {"hold": 0.8, "remove": 0.95}
GAMES = ("conda_dota2", "gametox_wot")


def sample(rows: Sequence[Row], most: int = SAMPLE) -> list[Row]:
    """Return rows that people called toxic or not, always the same ones."""
    known = [row for row in rows if "toxic" in row.labels and "toxic" not in row.weak]
    return sorted(known, key=lambda row: number(row.text))[:most]


def disguises(rows: Sequence[Row], score: Score) -> Table:
    """Return the area of toxic on disguised texts, as folding hands them on and as typed."""
    truth = np.array([row.labels["toxic"] == 1 for row in rows])
    clean = auc(truth, score([row.text for row in rows])[:, TOXIC])
    lines: list[list[Cell]] = []
    for trick in [*TRICKS, "any of them"]:
        choice = random.Random(number(trick))
        areas = np.zeros(2)
        for _ in range(DRAWS):
            typed = [disguised(row.text, choice, SHARE, trick if trick in TRICKS else None) for row in rows]
            folded = [readable(text) for text in typed]
            areas += [auc(truth, score(texts)[:, TOXIC]) / DRAWS for texts in (folded, typed)]
        folded_area, bare = map(float, areas)
        lines.append([trick, clean, folded_area, folded_area - clean, bare, bare - clean])
    mean = [float(np.mean([float(line[place] or 0) for line in lines[:-1]])) for place in range(1, 6)]
    lines.append(["mean of the tricks", *mean])
    return Table(
        "Disguises",
        f"AUC of toxic on {len(rows)} dev rows, one word in three disguised, mean of {DRAWS} draws. "
        "Bar: no more than 0.02 lost folded, 0.05 as typed.",
        ["trick", "clean", "folded", "change", "as typed", "change"],
        lines,
    )


def padding(rows: Sequence[Row], harmless: Sequence[str], score: Score) -> Table:
    """Return the area of toxic where every text stands among harmless ones."""
    truth = np.array([row.labels["toxic"] == 1 for row in rows])
    clean = auc(truth, score([row.text for row in rows])[:, TOXIC])
    lines: list[list[Cell]] = [["none", clean, 0.0]]
    for length in PADDINGS:
        choice = random.Random(length)
        area = auc(truth, score([_among(row.text, harmless, length, choice) for row in rows])[:, TOXIC])
        lines.append([f"{length} characters", area, area - clean])
    note = f"AUC of toxic on {len(rows)} dev rows among harmless sentences. Bar: no more than 0.03 lost."
    return Table("Padding", note, ["padding", "AUC", "change"], lines)


def _among(text: str, harmless: Sequence[str], length: int, choice: random.Random) -> str:
    company = ""
    while len(company) < length:
        company += " " + choice.choice(harmless)
    company = company[1 : length + 1]
    place = company.find(" ", choice.randrange(length))
    return f"{company[:place]} {text} {company[place + 1 :]}" if place > 0 else f"{company} {text}"


def false_alarms(
    parts: Mapping[str, Scored], thresholds: Mapping[str, Mapping[float, float]], score: Score
) -> Table:
    """Return how many texts that nobody should act on are over a promised threshold of any label."""
    lines: list[list[Cell]] = []
    for name, part in parts.items():
        for step, promise in STEPS.items():
            over = _over(part, thresholds, promise, LABELS)
            low, high = share_interval(over, len(part.rows))
            lines.append(
                [
                    name,
                    step,
                    len(part.rows),
                    over,
                    percent(over / max(1, len(part.rows))),
                    f"{percent(low)}–{percent(high)}",
                ]
            )
    swearing = friendly_swearing()
    held = _over(
        Scored([Row(text) for text in swearing], score(swearing)),
        thresholds,
        STEPS["hold"],
        ("toxic", "insult"),
    )
    low, high = share_interval(held, len(swearing))
    lines.append(
        [
            "friendly swearing",
            "hold",
            len(swearing),
            held,
            percent(held / len(swearing)),
            f"{percent(low)}–{percent(high)}",
        ]
    )
    steps = ", ".join(f"{step} from promised precision {promise:g}" for step, promise in STEPS.items())
    return Table(
        "False alarms",
        f"Harmless texts over a shipped threshold ({steps}); a label without that promise acts on nothing.",
        ["texts", "step", "rows", "over", "share", "95 %"],
        lines,
    )


def _over(
    part: Scored, thresholds: Mapping[str, Mapping[float, float]], promise: float, labels: Sequence[str]
) -> int:
    over = np.zeros(len(part.rows), bool)
    for label in labels:
        if promise in thresholds.get(label, {}):
            over |= part.scores[:, LABELS.index(label)] >= thresholds[label][promise]
    return int(over.sum())
