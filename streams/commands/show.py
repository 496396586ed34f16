"""How verdicts, explanations and summaries look to a person at a terminal."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rules.explain import Explanation, LabelStory, Piece
from rules.message import Message
from rules.verdict import LADDER, Judgement, Verdict

if TYPE_CHECKING:
    from models import Moved
    from streams.commands.tally import Tally
    from streams.settings import Settings

STYLES = {"allow": "green", "flag": "yellow", "hold": "dark_orange", "remove": "bold red", "dead": "magenta"}

# Weaker words than the first few say little.
FEW_POINTS = 10
MOST_MOVED = 8
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
    line = Text(
        "  ".join(_fit(cell, width) for cell, (_, width) in zip(("–", "–", "dead"), _WIDTHS, strict=True))
    )
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
        table.add_row(
            Text(action.value, style=STYLES[action.value]), str(number), _mostly(tally, action.value)
        )
    dead = Counter(tally.dead.values())
    reasons = ", ".join(f"{reason} {number}" for reason, number in dead.most_common(6))
    table.add_row(Text("dead-lettered", style=STYLES["dead"]), str(len(tally.dead)), reasons)
    console.print()
    console.print(table)
    console.print()
    if tally.waits_ms:
        waits = statistics.quantiles(tally.waits_ms, n=100)
        console.print(
            f"sent to verdict: {waits[49]:.0f} ms at the median, {waits[98]:.0f} ms for 99 of 100",
            highlight=False,
        )
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


def explanation(console: Console, message: Message, said: Explanation) -> None:
    """Print why a message is treated as it is, in points, from the verdict down to what would be without."""
    judgement = said.judgement
    line = Text(printable(message.text), style="bold")
    line.append("   →  ")
    line.append(judgement.action.value, style=STYLES[judgement.action.value])
    console.print(line)
    console.print(Text(f"settled by {_settled(judgement)}", style="dim"))
    if not said.labels:
        console.print("\nNothing was found that speaks for or against any label.")
    for story in said.labels:
        if _is_told(story):
            console.print()
            console.print(_story(story))
            console.print(_ladder(story))
    if passed := [f"{story.label} {story.total:g}" for story in said.labels if not _is_told(story)]:
        console.print(
            f"\nunder {FEW_POINTS} points, by the model alone: {', '.join(passed)}", highlight=False
        )
    for spared in said.spared:
        console.print(
            f"\nspared: {spared.rule} found “{spared.matched or '…'}”, allowed by {spared.by}",
            highlight=False,
        )
    for foreign in said.foreign:
        words, languages = printable(foreign.matched or "…"), ", ".join(foreign.languages)
        console.print(
            f"\nnot counted: “{words}”, which {foreign.rule} looks for in {languages}; {foreign.why}",
            highlight=False,
        )
    if judgement.shadow:
        shadows = ", ".join(f"{each.rule} ({each.action.value})" for each in judgement.shadow)
        console.print(f"\nin shadow, deciding nothing: {shadows}", highlight=False)
    if said.without:
        console.print()
        console.print(_withouts(said))


def _is_told(story: LabelStory) -> bool:
    """Return whether there is more to a label than a word of the model that means nothing."""
    return bool(story.pieces) or story.total >= FEW_POINTS or any(rung.reached for rung in story.ladder)


def _settled(judgement: Judgement) -> str:
    if judgement.decided_by == "nothing":
        return "nothing: no step of any ladder was reached, and no rule acted"
    settled = judgement.decided_by
    if settled.startswith("ladder:"):
        _, label, action = settled.split(":")
        settled = f"the step “{action}” of the ladder of {label}"
    else:
        settled = f"the rule {settled}"
    if judgement.would_be is not None:
        settled += f"; it would be {judgement.would_be.value}, but for {', '.join(judgement.lowered_by)}"
    return settled


def _story(story: LabelStory) -> Table:
    table = Table(
        title=f"{story.label}: {story.total:g} points of 100",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    table.add_column("found")
    table.add_column("by")
    table.add_column("adds", justify="right")
    table.add_column("makes", justify="right")
    table.add_column("from", style="dim")
    table.add_column("why", style="dim")
    start = "the model" if story.starts_with == "model" else f"the base in {story.start_source}"
    why = ""
    if story.starts_with == "base":
        why = (
            "no model spoke"
            if story.model is None
            else f"the model says {story.model:g}, which doesn't count here"
        )
    table.add_row("", Text(start), "", f"{story.start:g}", "", why)
    for piece in story.pieces:
        table.add_row(
            Text(_found(piece)), Text(piece.name), f"{piece.points:+g}", f"{piece.total:g}",
            Text(piece.source or ""), Text(piece.why or ""),
        )  # fmt: skip
    for rule in story.uncounted:
        table.add_row("", Text(rule), "0", "", "", "overlaps a stronger hit")
    return table


def _found(piece: Piece) -> str:
    """What was found as typed, where, and in which reading if that isn't the plain one."""
    if not piece.span:
        return ""
    place = f"{piece.span[0]}–{piece.span[1]}"
    view = f" ({piece.view})" if piece.view not in (None, "plain") else ""
    return (f"“{printable(piece.matched)}” at {place}" if piece.matched else f"hidden, at {place}") + view


def _ladder(story: LabelStory) -> Text:
    line = Text("ladder: ", style="dim")
    if not story.ladder:
        line.append("none; nothing follows from this label alone")
    for rung in story.ladder:
        line.append(
            f"{rung.action.value} from {rung.points:g}",
            style=STYLES[rung.action.value] if rung.reached else "dim",
        )
        line.append(" ✓   " if rung.reached else "   ")
    sources = dict.fromkeys(rung.source for rung in story.ladder)
    for source in sources:
        steps = [rung.action.value for rung in story.ladder if rung.source == source]
        named = f"{', '.join(steps)}: " if len(sources) > 1 else ""
        line.append(f"[{named}{source}] ", style="dim")
    if story.bound:
        line.append(f"\n{story.bound}", style="dim")
    return line


def _withouts(said: Explanation) -> Table:
    table = Table(
        title="What it would be without", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column("the rule")
    table.add_column("action")
    table.add_column("its label's points", justify="right")
    for each in said.without:
        points = "–" if each.points is None else f"{each.points:g}"
        table.add_row(Text(each.rule), Text(each.action.value, style=STYLES[each.action.value]), points)
    return table


def moved(console: Console, label: str, words: Sequence[Moved]) -> None:
    """Print what each word did to the model's score of a label, the strongest first."""
    table = Table(
        title=f"Words that moved the model's score of {label}, as it reads the text",
        title_justify="left", title_style="bold", box=None, pad_edge=False,
    )  # fmt: skip
    table.add_column("word")
    table.add_column("log-odds", justify="right")
    for each in words[:MOST_MOVED]:
        table.add_row(Text(printable(each.word)), f"{each.weight:+.2f}")
    console.print()
    console.print(table)


def printable(text: str) -> str:
    """Return the text on one line, with a middle dot for what a terminal might act upon."""
    return "".join(letter if letter.isprintable() else "·" for letter in " ".join(text.split()))


def _fit(cell: str, width: int) -> str:
    """Cut or pad to a number of terminal columns; wide letters take two."""
    fitted = Text(cell)
    fitted.truncate(width, overflow="ellipsis", pad=True)
    return fitted.plain
