"""What moderators type in their room, the same on every platform: `!remove 3f9a1c`, `!why 3f9a1c`."""

from __future__ import annotations

from typing import NamedTuple

from streams.platforms.port import Ear
from streams.wire.records import Decision

WORDS = {
    "approve": Decision.APPROVE,
    "remove": Decision.REMOVE,
    "notspam": Decision.OVERTURN,
    "confirm": Decision.CONFIRM,
}
# Where a platform has reactions and replies; without a decision, why.
REACTIONS = {
    "✅": Decision.APPROVE,
    "♻": Decision.OVERTURN,
    "🗑": Decision.REMOVE,
    "👍": Decision.CONFIRM,
    "❓": None,
}
HINT = (
    "✅ approve · ♻️ not spam · 🗑️ remove · 👍 confirm · ❓ why — or answer !approve, !notspam, !remove, !why"
)


class Order(NamedTuple):
    """What a moderator asks for; without a decision, why."""

    report: str
    decision: Decision | None
    reviewer: str
    reason: str | None = None


def read(text: str, reviewer: str) -> Order | None:
    """Return what a line in the room asks for; None where it is talk."""
    word, _, rest = text.strip().partition(" ")
    report, _, reason = rest.strip().partition(" ")
    name = word.lower().removeprefix("!").replace("-", "")
    if not word.startswith("!") or not report or (name != "why" and name not in WORDS):
        return None
    return Order(report, WORDS.get(name), reviewer, reason.strip() or None)


async def answer(order: Order, ear: Ear) -> str:
    """Do what is asked, and return what came of it in words."""
    if order.decision is None:
        return await ear.why(order.report)
    said = await ear.decide(order.report, order.decision, order.reviewer, "moderator", order.reason)
    return f"[{order.report}] {said}"


def hint(report: str) -> str:
    """Return what can be answered to a report."""
    return f"!approve, !remove, !notspam or !why {report}"
