"""Keeps standings in the process's own memory."""

from collections.abc import Iterator, Sequence

import msgspec

from rules.finding.trail import added
from rules.reputation import NEWCOMER, Entry, Reputation, after, age, given_back, joined, noted, reversed_in
from streams.store.standings import (
    FALLEN_AT_ONCE,
    LEARNED,
    MOST_FALLEN,
    MOST_REPORTERS,
    MOST_REVISIONS,
    Ask,
    AuthorEffects,
    Change,
    Decided,
    Learned,
    PartitionId,
    Recall,
    Reported,
    Reversal,
    Standing,
    day,
    settle,
)

# It forgets by the days of the records, which may come late; Redis by its own clock.
KEEP_DAYS = 7


class MemoryStandings:
    """A store in the process's own memory: for tests, offline judging and a worker without Redis.

    It forgets when the process ends, and it never forgets an author before.
    """

    def __init__(self) -> None:
        self._authors: dict[str, _Author] = {}

    async def load(self, asks: Sequence[Ask], now: float, *, trails: bool = False) -> list[Standing]:
        """See StandingStore."""
        today = day(now)
        return [
            self._authors.get(ask.author, _NOBODY).standing(ask.messages, today, trails=trails)
            for ask in asks
        ]

    async def save(self, batch: Sequence[AuthorEffects], half_life_s: float) -> None:
        """See StandingStore."""
        for each in batch:
            author = self._authors.setdefault(each.author, _Author())
            for effect in each.effects:
                if effect.offset > author.marks.get(each.partition, -1):
                    author.take(effect, each.partition, half_life_s)
                    author.marks[each.partition] = effect.offset

    async def numbered(self, decisions: Sequence[Decided]) -> list[int]:
        """See StandingStore."""
        numbers = []
        for author, verdict, decision in decisions:
            kept = self._authors.setdefault(author, _Author()).revisions.setdefault(verdict, [])
            if decision not in kept and len(kept) < MOST_REVISIONS:
                kept.append(decision)
            numbers.append(kept.index(decision) + 1 if decision in kept else 0)
        return numbers

    async def reported(self, reports: Sequence[Reported]) -> list[tuple[int, float]]:
        """See StandingStore."""
        counts = []
        for author, verdict, reporter, credibility in reports:
            kept = self._authors.setdefault(author, _Author()).reports.setdefault(verdict, {})
            if len(kept) < MOST_REPORTERS:
                kept.setdefault(reporter, credibility)
            counts.append((len(kept), sum(kept.values())))
        return counts

    async def reset(self, author: str) -> None:
        """See StandingStore."""
        if author in self._authors:
            kept = self._authors[author].marks.items()
            marks = {where: mark for where, mark in kept if not where.topic_id.startswith(LEARNED)}
            kept_on = self._authors[author]
            self._authors[author] = _Author(marks=marks, revisions=kept_on.revisions, reports=kept_on.reports)

    async def erase(self, author: str) -> int:
        """See StandingStore."""
        gone = self._authors.pop(author, None)
        if gone is None:
            return 0
        return 1 + len(gone.recalls) + bool(gone.fallen) + bool(gone.revisions or gone.reports)

    def known(self) -> Iterator[tuple[str, Reputation]]:
        """Yield every author."""
        for author, kept in self._authors.items():
            yield author, kept.reputation

    async def ping(self) -> None:
        """It always answers."""

    async def close(self) -> None:
        """There is nothing to let go."""


class _Author(msgspec.Struct):
    """All that is kept of an author; `recalls` by day and message, as in the keys of the Redis store."""

    reputation: Reputation = NEWCOMER
    marks: dict[PartitionId, int] = {}
    trail: bytes = b""
    recalls: dict[int, dict[str, Recall]] = {}
    fallen: dict[str, Entry] = {}
    revisions: dict[str, list[str]] = {}
    reports: dict[str, dict[str, float]] = {}

    def standing(self, messages: Sequence[str], today: int, *, trails: bool) -> Standing:
        found = ((message, self.recall(message, today)) for message in messages)
        recalls = {message: recall for message, recall in found if recall is not None}
        return Standing(self.reputation, dict(self.marks), recalls, self.trail if trails else b"")

    def recall(self, message: str, today: int) -> Recall | None:
        recent = (self.recalls.get(each, {}).get(message) for each in (today, today - 1))
        return next((recall for recall in recent if recall is not None), None)

    def take(self, effect: Change, partition: PartitionId, half_life_s: float) -> None:
        if isinstance(effect, Reversal):
            self.take_back(effect, half_life_s)
            return
        if isinstance(effect, Learned):
            self.reputation = joined(self.reputation, effect.reputation, half_life_s)
            return
        today = day(effect.at)
        delta, remember = settle(effect, self.recall(effect.message, today), partition)
        fell: list[Entry] = []
        if delta.entry is not None and delta.entry.verdict in self.fallen:
            self.reputation = noted(self.reputation, self.fallen.pop(delta.entry.verdict))
        self.reputation = after(self.reputation, delta, half_life_s, fell)
        self.put_aside(fell)
        if remember is not None:
            self.recalls.setdefault(today, {})[effect.message] = remember
        if effect.entry:
            self.trail = added(self.trail, effect.entry)
        for old in [each for each in self.recalls if each < today - KEEP_DAYS]:
            del self.recalls[old]

    def take_back(self, change: Reversal, half_life_s: float) -> None:
        found = self.fallen.get(change.verdict)
        if found is not None:
            if not found.is_note:
                self.reputation = given_back(self.reputation, self.fallen.pop(found.verdict), half_life_s)
            return
        fell: list[Entry] = []
        self.reputation = reversed_in(self.reputation, change.verdict, change.at, half_life_s, fell)
        self.put_aside(fell)

    def put_aside(self, fell: Sequence[Entry]) -> None:
        self.fallen.update((one.verdict, one) for one in fell)
        if len(self.fallen) > MOST_FALLEN:
            for one in sorted(self.fallen.values(), key=age)[:FALLEN_AT_ONCE]:
                del self.fallen[one.verdict]


_NOBODY = _Author()
