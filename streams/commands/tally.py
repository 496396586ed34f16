"""What a chat that is played comes to: sent, judged, dead-lettered, lost."""

from __future__ import annotations

import time
from collections import Counter
from typing import NamedTuple

from rules.verdict import Verdict

# Partition and offset of a record.
Where = tuple[int, int]


class Line(NamedTuple):
    """One record of the chat to play; `text` is None for what isn't a message."""

    at: float
    key: bytes | None
    value: bytes
    text: str | None


class Tally:
    """What was sent and what came of it."""

    def __init__(self) -> None:
        self.sent: dict[Where, tuple[Line, float]] = {}
        self.verdicts: dict[Where, Verdict] = {}
        self.dead: dict[Where, str] = {}
        self.waits_ms: list[float] = []
        self.first = self.last = time.monotonic()

    @property
    def answered(self) -> int:
        """Records that came out, one way or the other."""
        return len(self.verdicts) + len(self.dead)

    @property
    def lost(self) -> int:
        """Records that never came out."""
        return len(self.sent.keys() - self.verdicts.keys() - self.dead.keys())

    @property
    def actions(self) -> Counter[str]:
        """Verdicts by action."""
        return Counter(verdict.action.value for verdict in self.verdicts.values())

    @property
    def rate(self) -> float:
        """Messages a second from the first sent to the last verdict."""
        return self.answered / max(1e-9, self.last - self.first)
