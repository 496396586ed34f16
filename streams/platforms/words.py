"""A verdict in words for the moderators' room and for the author."""

from __future__ import annotations

from rules.message import Surface
from rules.verdict import Verdict
from streams.platforms.deeds import Task

# Of the text and of the reasons so much is shown.
MOST_TEXT, MOST_REASONS = 300, 5


def report(task: Task) -> str:
    """Return what the room reads: what happened, by whom, what was said, and why."""
    verdict = task.verdict
    who = (
        task.message.author.name or task.message.author.id
        if task.message and task.message.author
        else verdict.author
    )
    head = f"{verdict.action.value}: {who or 'somebody'} in {verdict.channel}"
    if task.message is not None and task.message.surface is not Surface.CHAT:
        head += f", as a {task.message.surface}"
    if verdict.label:
        head += f" ({verdict.label})"
    if task.visible:
        head += ", still visible: it can't be hidden here"
    lines = [head]
    if task.message is not None and task.message.text:
        lines.append(f"“{short(task.message.text)}”")
    return "\n".join([*lines, *reasons(verdict)])


def reasons(verdict: Verdict) -> list[str]:
    """Return why, a line each, strongest first."""
    lines = [
        f"· {reason.rule}" + (f" found “{reason.matched}”" if reason.matched else "")
        for reason in verdict.reasons[:MOST_REASONS]
    ]
    if len(verdict.reasons) > MOST_REASONS:
        lines.append(f"· and {len(verdict.reasons) - MOST_REASONS} more")
    model = [
        f"{label} {score:.0%}"
        for label, score in sorted(verdict.model_scores.items(), key=lambda each: -each[1])
        if score >= 0.5
    ]
    if model:
        lines.append(f"· the model says {', '.join(model)}")
    if verdict.standing:
        before = verdict.standing.before
        lines.append(f"· standing: {before.messages} messages, {before.strikes:.1f} strikes")
    lines.append(f"· settled by {verdict.decided_by}")
    return lines


def warning(verdict: Verdict, lang: str = "en") -> str:
    """Return what the author is told; the rule's own words where it has some."""
    said = verdict.user_message or {}
    words = said.get(lang) or said.get("en") or next(iter(said.values()), None)
    return words or "Your message was removed because it breaks the rules of this place."


def short(text: str) -> str:
    """Return the beginning of a text, in one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MOST_TEXT else flat[: MOST_TEXT - 1] + "…"
