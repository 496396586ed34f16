"""Watches the authors of a log that is judged without a store: what they did goes by the log alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rules.finding.evidence import Evidence
from rules.finding.trail import LAYOUT, added
from rules.message import Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from streams.judging.behaviour import Observer
from streams.judging.cases import Case
from streams.judging.looked import Looked, time_of
from streams.judging.outbox import Record
from streams.judging.turns import Turns
from streams.judging.watch import Watch
from streams.store.trails import MemoryTrails

# Stands for the topic that the log's messages would lie on.
LOG = "log"


class Onlooker:
    """Remembers what the authors of a log did, in memory and for as long as it lives.

    A message without an author or without its time says nothing of anybody's behaviour.

    Args:
        standing: What every author's reputation is taken to be; None is unknown.
    """

    def __init__(self, rules: RuleSet, *, secret: bytes, standing: Reputation | None) -> None:
        self._rules = rules
        self._standing = standing
        self._observer = Observer(MemoryTrails(), secret=secret)
        self._trails: dict[str, bytes] = {}
        self._lines = 0

    def look(self, messages: Sequence[tuple[Message, Evidence]]) -> list[Looked]:
        """Return what was seen of each message; the next call looks back at these."""
        cases = [self._case(message, evidence) for message, evidence in messages]
        watched = [case for case in cases if case is not None]
        if watched:
            asyncio.run(self._watch(watched))
        return [
            Looked(evidence) if case is None else self._looked(case)
            for case, (_, evidence) in zip(cases, messages, strict=True)
        ]

    def _case(self, message: Message, evidence: Evidence) -> Case | None:
        self._lines += 1
        if message.author_key is None or message.sent_at is None:
            return None
        at = time_of(message)
        return Case(Record(0, self._lines, at, None, None), message, at, message.author_key, evidence)

    async def _watch(self, cases: Sequence[Case]) -> None:
        watch = Watch(self._observer, self._rules.behaviour, LOG)
        await watch.remember(cases, Turns())
        await watch.look_round(known=lambda _: self._standing)

    def _looked(self, case: Case) -> Looked:
        author = case.author or ""
        if not case.entry:
            return Looked(case.evidence)
        trail = case.trail = self._trails.get(author, b"")
        parts = self._observer.joined(LAYOUT.unpack(case.entry), trail)
        evidence = self._rules.joined(case.message, case.evidence, parts) if len(parts) > 1 else case.evidence
        self._trails[author] = added(trail, case.entry)
        return Looked(evidence, case.seen())
