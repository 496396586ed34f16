"""A chat as a script: who says what when; judged by a real moderator on a real store, with shipped packs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from rules.ruleset import RuleSet
from rules.verdict import Verdict
from streams.control.orders import Order
from streams.judging.outbox import Record
from streams.process.embedded import Store
from tests.scenarios.stage import BEGIN, HumanDecision, Stage, shipped


class Line(NamedTuple):
    """A message and what became of it.

    Attributes:
        number: Which one of the author's it is, from 1.
        why: What the author was seen doing, of all reasons.
    """

    author: str
    number: int
    text: str
    action: str
    label: str | None
    decided_by: str
    why: str
    missing: tuple[str, ...]
    verdict: dict[str, Any]


class Chat:
    """A script, written line by line; the clock stands at the last line until it is moved.

    Attributes:
        by_hand: Orders that operators have given.
        records: What was said, as it lies on `chat.messages`.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.by_hand: list[Order] = []
        self.records: list[Record] = []
        self._people: dict[str, dict[str, Any]] = {}
        self._decisions: list[HumanDecision] = []

    def knows(self, author: str, *, age_days: float | None = None, **fields: Any) -> None:
        """Say what the platform tells of an author: roles, bot, relay, the age of the account."""
        if age_days is not None:
            fields["created_at"] = datetime.fromtimestamp(BEGIN - 86_400 * age_days, UTC).isoformat()
        self._people[author] = {"id": author, **fields}

    def says(
        self,
        author: str,
        *texts: str,
        every: float = 1.0,
        times: int = 1,
        channel: str = "lobby",
        off: float = 0.0,
        **fields: Any,
    ) -> None:
        """Let an author say each of these, so many times, so many seconds apart.

        Args:
            off: Seconds by which the clock of their bridge is wrong.
        """
        for text in texts * times:
            body = {
                "id": f"m{len(self.records)}",
                "author": self._people.get(author, {"id": author}),
                "channel": channel,
                "text": text,
                **fields,
            }
            at = BEGIN + self.now + off
            value = msgspec.json.encode(body)
            self.records.append(Record(0, len(self.records), at, author.encode(), value))
            self.now += every

    def waits(self, seconds: float) -> None:
        """Move the clock."""
        self.now += seconds

    def decides(self, decision: str, author: str, number: int, **fields: Any) -> None:
        """Let a human decide on what was judged of an author's message so far; the first is 1."""
        self._decisions.append(HumanDecision(len(self.records), decision, author, number, fields))

    async def judged(self, store: Store, rules: RuleSet | None = None, *, batch: int = 256) -> Story:
        """Judge it all from an empty store, so many records at a time."""
        stage = Stage(store, rules or shipped(), self.by_hand)
        verdicts: list[dict[str, Any]] = []
        try:
            for begin, end in self._cuts(batch):
                verdicts += await stage.judge(self.records[begin:end])
                for one in self._decisions:
                    if one.behind == end:
                        spoken = [verdict for verdict in verdicts if verdict["author"] == one.author]
                        await stage.decide(one, spoken[one.number - 1])
        finally:
            await stage.close()
        return Story(self._lines(verdicts), stage.given, stage.revisions)

    def _cuts(self, batch: int) -> list[tuple[int, int]]:
        """Return where batches begin and end; humans decide between two of them."""
        whole = len(self.records)
        ends = {0, whole, *range(0, whole, batch), *(one.behind for one in self._decisions)}
        return list(pairwise(sorted(ends)))

    def _lines(self, verdicts: Sequence[dict[str, Any]]) -> list[Line]:
        spoken: dict[str, int] = {}
        lines = []
        for record, verdict in zip(self.records, verdicts, strict=True):
            author = verdict["author"]
            spoken[author] = spoken.get(author, 0) + 1
            seen = "; ".join(one["seen"] for one in verdict.get("reasons", ()) if "seen" in one)
            text = json.loads(record.value or b"")["text"]
            lines.append(
                Line(
                    author=author,
                    number=spoken[author],
                    text=text,
                    action=verdict["action"],
                    label=verdict.get("label"),
                    decided_by=verdict["decided_by"],
                    why=seen,
                    missing=tuple(verdict.get("missing", ())),
                    verdict=verdict,
                )
            )
        return lines


class Story:
    """What became of a chat.

    Attributes:
        orders: Given by the worker, on `mod.control`.
        revisions: What bridges are told of human decisions, on `mod.actions`.
    """

    def __init__(self, lines: list[Line], orders: list[Order], revisions: list[Verdict]) -> None:
        self.lines = lines
        self.orders = orders
        self.revisions = revisions

    def of(self, author: str) -> list[Line]:
        """Return what became of an author's messages."""
        return [line for line in self.lines if line.author == author]

    def actions(self, author: str) -> list[str]:
        """Return the action on each of an author's messages."""
        return [line.action for line in self.of(author)]

    def acted_on(self, *actions: str) -> dict[str, int]:
        """Return whom one of these actions hit, and at which message first; without any, all but allow."""
        wanted = actions or ("flag", "hold", "remove")
        found: dict[str, int] = {}
        for line in self.lines:
            if line.action in wanted:
                found.setdefault(line.author, line.number)
        return found
