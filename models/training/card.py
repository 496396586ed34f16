"""Writes CARD.md: what an artifact is, what it reached where, and what it can't do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.artifact import Manifest
from models.training.leave_out import Tested
from models.training.sources import FAMILIES, Source
from models.training.tables import Cell, Table, markdown

# The families that the bars are set on.
TOXIC = ("cad_reddit", "convabuse", "davidson_tweets", "hatexplain", "jigsaw", "mlma", "toxigen_prompts")
SPAM = ("telegram_ru_antispam", "telegram_tgspam", "youtube_spam", "x_scam_janitr")
NOTES = Path(__file__).parent / "card_notes.md"


def card(
    manifest: Manifest,
    sizes: Mapping[str, int],
    sources: Mapping[str, Source],
    left_out: Sequence[Tested],
    tables: Sequence[Table],
) -> str:
    """Return the whole card; `sizes` are bytes by file."""
    return "\n".join(
        [
            f"# {manifest.name} {manifest.version}",
            "",
            "Made by `python -m models.training`, which prints every figure below; those of *Left out* "
            "are of runs of their own. " + _what(manifest, sizes),
            "",
            NOTES.read_text(),
            markdown(_promises(manifest)),
            markdown(_bars(left_out)),
            markdown(_left_out(left_out)),
            *map(markdown, tables),
            _data(sources),
        ]
    )


def _what(manifest: Manifest, sizes: Mapping[str, int]) -> str:
    files = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in sizes.items())
    return f"{len(manifest.labels)} labels, folding {manifest.fold}, {manifest.max_tokens} pieces; {files}."


def _promises(manifest: Manifest) -> Table:
    promises = sorted({promise for levels in manifest.thresholds.values() for promise in levels})
    rows: list[list[Cell]] = [
        [
            label,
            manifest.maturity[label],
            *(manifest.thresholds.get(label, {}).get(each) for each in promises),
        ]
        for label in manifest.labels
    ]
    note = (
        "How far each label is to be trusted, and the probability from which it promises a precision in a "
        "stream where one message in a hundred is positive (lower 95 % bound, on dev). No number: dev "
        "doesn't support it."
    )
    return Table("Promises", note, ["label", "maturity", *(f"{promise:g}" for promise in promises)], rows)


def _bars(left_out: Sequence[Tested]) -> Table:
    rows: list[list[Cell]] = []
    for label, families, bar in (("toxic", TOXIC, 0.80), ("spam", SPAM, 0.88)):
        found = [each for each in left_out if each.label == label and each.family in families]
        if found:
            linear = [each.linear for each in found if each.linear is not None]
            mean = float(np.mean([each.student for each in found]))
            rows.append([label, f"{len(found)} of {len(families)}", mean, float(np.mean(linear)), bar])
    note = "Means over the families that the bars name; the model, and a linear one on the same rows."
    return Table("Left out, bars", note, ["label", "families", "mean AUC", "linear", "bar"], rows)


def _left_out(left_out: Sequence[Tested]) -> Table:
    rows: list[list[Cell]] = [
        [each.family, each.label, each.positives, each.negatives, each.student, each.teacher, each.linear]
        for each in sorted(left_out, key=lambda each: (each.label, each.family))
    ]
    together = sorted({" + ".join(sorted([each.family, *each.beside])) for each in left_out if each.beside})
    note = (
        "Trained without a family of sources, on a shorter schedule, and tested on it; teacher and linear "
        "model without it too. The teacher's area is over the rows that it has vectors of, in which each "
        "kind of label is as frequent as the next: not to be held against the others. "
        "Families of several sources: "
        + "; ".join(f"{name} = {', '.join(members)}" for name, members in FAMILIES.items())
        + "."
        + (f" Left out in one run, to save time: {'; '.join(together)}." if together else "")
    )
    columns = ["family", "label", "positives", "negatives", "AUC", "teacher", "linear"]
    return Table("Left out, all", note, columns, rows)


def _data(sources: Mapping[str, Source]) -> str:
    lines = [
        "## Data",
        "",
        "Attribution stands in the data folder's LICENCES.md. Licences to confirm are marked.",
        "",
    ]
    lines += [
        f"- {source.name}: {source.licence}{' **to confirm**' if source.to_confirm else ''}"
        for source in sources.values()
    ]
    return "\n".join(lines) + "\n"
