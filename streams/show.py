"""How verdicts, explanations and summaries look to a person at a terminal."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rules.verdict import LADDER, Verdict

if TYPE_CHECKING:
    from streams.demo import Tally
    from streams.settings import Settings

STYLES = {"allow": "green", "flag": "yellow", "hold": "dark_orange", "remove": "bold red", "dead": "magenta"}

_WIDTHS = (("channel", 14), ("author", 8), ("action", 7))
_WHY = 34


def opening(console: Console, settings: Settings, messages: int) -> None:
    """Say what is about to run."""
    console.print(
        f"[bold]Chatsieve[/] plays {messages} messages through a real broker ({settings.broker}), "
        f"a worker and a real store ({settings.store}).",
        highlight=False,
    )


def heading(console: Console) -> None:
    """Print the heads of the columns of `verdict`."""
    cells = [name.ljust(width) for name, width in _WIDTHS]
    console.print(Text("  ".join([*cells, "why".ljust(_WHY), "message"]), style="bold dim"))


def verdict(console: Console, said: Verdict, text: str | None) -> None:
    """Print one verdict as a line of the table."""
    cells = [said.channel, said.author or "–", said.action.value]
    line = Text("  ".join(_fit(cell, width) for cell, (_, width) in zip(cells, _WIDTHS, strict=True)))
    line.stylize(STYLES[said.action.value])
    line.append("  " + _fit(_because(said), _WHY), style="dim")
    room = max(20, console.width - len(line) - 2)
    line.append("  " + _fit(printable(text) if text else f"({said.kind})", room).rstrip())
    console.print(line, no_wrap=True, overflow="ellipsis")


def dead_letter(console: Console, headers: dict[str, str], nbytes: int) -> None:
    """Print a record that was no message as a line of the table."""
    line = Text("  ".join(_fit(cell, width) for cell, (_, width) in zip(("–", "–", "dead"), _WIDTHS, strict=True)))
    line.stylize(STYLES["dead"])
    line.append("  " + _fit(headers["chatsieve_reason"], _WHY), style="dim")
    line.append(f"  {nbytes} bytes kept: {headers['chatsieve_detail'][:60]}")
    console.print(line, no_wrap=True, overflow="ellipsis")


def _because(said: Verdict) -> str:
    rules = [reason.rule for reason in said.reasons if reason.weight > 0]
    why = ", ".join(dict.fromkeys(rules)) or said.decided_by
    if said.lowered_by:
        return f"{why} (spared: {said.lowered_by[0]})"
    return "" if said.action.value == "allow" and why == "nothing" else why


def summary(console: Console, tally: Tally) -> None:
    """Print what was sent, judged, dead-lettered and lost; the last lines are plain to read and to parse."""
    table = Table(title="What was done", title_justify="left", box=None, pad_edge=False)
    table.add_column("action")
    table.add_column("messages", justify="right")
    table.add_column("mostly because of")
    for action in LADDER:
        number = tally.actions.get(action.value, 0)
        table.add_row(Text(action.value, style=STYLES[action.value]), str(number), _mostly(tally, action.value))
    dead = Counter(tally.dead.values())
    reasons = ", ".join(f"{reason} {number}" for reason, number in dead.most_common(6))
    table.add_row(Text("dead-lettered", style=STYLES["dead"]), str(len(tally.dead)), reasons)
    console.print()
    console.print(table)
    console.print()
    if tally.waits_ms:
        waits = statistics.quantiles(tally.waits_ms, n=100)
        console.print(f"sent to verdict: {waits[49]:.0f} ms at the median, {waits[98]:.0f} ms for 99 of 100", highlight=False)
    console.print(
        f"sent {len(tally.sent)}   judged {len(tally.verdicts)}   dead-lettered {len(tally.dead)}   "
        f"lost {tally.lost}   {tally.rate:.0f} msg/s",
        style="bold",
        highlight=False,
    )


def _mostly(tally: Tally, action: str) -> str:
    said = Counter(
        verdict.label or verdict.decided_by
        for verdict in tally.verdicts.values()
        if verdict.action.value == action and (verdict.label or action != "allow")
    )
    return ", ".join(f"{what} {number}" for what, number in said.most_common(6))


def printable(text: str) -> str:
    """Return the text on one line, with a middle dot for what a terminal might act upon."""
    return "".join(letter if letter.isprintable() else "·" for letter in " ".join(text.split()))


def _fit(cell: str, width: int) -> str:
    """Cut or pad to a number of terminal columns; wide letters take two."""
    fitted = Text(cell)
    fitted.truncate(width, overflow="ellipsis", pad=True)
    return fitted.plain
