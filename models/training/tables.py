"""Tables, as a terminal and a card show them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

Cell = str | float | int | None


class Table(msgspec.Struct, frozen=True):
    """One table of figures.

    Attributes:
        note: What is measured, and on what.
    """

    title: str
    note: str
    columns: list[str]
    rows: list[list[Cell]]


def markdown(table: Table) -> str:
    """Return a table for CARD.md, its title a heading."""
    lines = [
        _line(table.columns),
        "|" + "|".join("---" if i == 0 else "---:" for i in range(len(table.columns))) + "|",
    ]
    lines += [_line([cell(each) for each in row]) for row in table.rows]
    return f"### {table.title}\n\n{table.note}\n\n" + "\n".join(lines) + "\n"


def plain(table: Table) -> str:
    """Return a table for a terminal."""
    rows = [table.columns, *([cell(each) for each in row] for row in table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    lines = [
        "  ".join(text.ljust(width) if i == 0 else text.rjust(width) for i, (text, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return f"{table.title}: {table.note}\n" + "\n".join(f"  {line}" for line in lines) + "\n"


def cell(value: Cell) -> str:
    """Return a figure as it is printed: three digits after the point, "–" where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def interval(low: float, high: float) -> str:
    """Return an interval as it is printed."""
    return "–" if math.isnan(low) else f"{low:.3f}–{high:.3f}"


def percent(share: float) -> str:
    """Return a share as it is printed."""
    return f"{100 * share:.3g} %"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
