"""What the bench says: parts with lines of figures, some of which have a bar to hold."""

from __future__ import annotations

import msgspec


class Line(msgspec.Struct):
    """One line of a table.

    Attributes:
        figures: Numbers by name; the unit stands in the name.
        bar: What is asked of them, in words; None where nothing is.
        held: Whether the bar held.
    """

    what: str
    figures: dict[str, float]
    bar: str | None = None
    held: bool | None = None


class Part(msgspec.Struct):
    """One table: what was measured, how, and the lines."""

    name: str
    how: str
    lines: list[Line]

    @property
    def held(self) -> bool:
        """No bar was missed."""
        return all(line.held is not False for line in self.lines)


def text(part: Part) -> str:
    """Return a part as people read it."""
    columns = list(dict.fromkeys(name for line in part.lines for name in line.figures))
    wide = max(len(line.what) for line in part.lines)
    rows = [f"{part.name}: {part.how}", "  " + " " * wide + "".join(f"{name:>14}" for name in columns)]
    for line in part.lines:
        figures = (f"{_number(line.figures.get(name)):>14}" for name in columns)
        rows.append(f"  {line.what:<{wide}}" + "".join(figures))
    rows += [f"  bar: {line.bar}: {'held' if line.held else 'MISSED'}" for line in part.lines if line.bar]
    return "\n".join(rows) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if value == int(value) and abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}".rstrip("0").rstrip(".")
