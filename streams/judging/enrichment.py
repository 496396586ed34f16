"""Reads a batch's records, and gathers what there is to know of each message before it is decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from rules.message import Kind
from rules.ruleset import RuleSet
from rules.switches import Switches
from streams.errors import StoreError, UnreadableError
from streams.judging.behaviour import Observer
from streams.judging.cases import MAX_CLOCK_SKEW_S, UNSEEN, Case, Live, judging_failed, time_of
from streams.judging.outbox import Record
from streams.judging.perception import Perception
from streams.judging.turns import Turns, batched
from streams.judging.watch import Watch
from streams.store.desk import Desk
from streams.store.standings import Ask
from streams.wire.reading import read_message

log = structlog.get_logger(__name__)

# Told of each record that comes to nothing, and why.
Refuse = Callable[[Record, UnreadableError], None]


async def read_batch(records: Sequence[Record], now: float, refuse: Refuse, turns: Turns) -> list[Case]:
    """Return the records that hold a message, in their order."""
    cases = []
    latest = now + MAX_CLOCK_SKEW_S
    for some in batched(records):
        await turns.give_if_due()
        for record in some:
            try:
                message = read_message(record.value)
                at = record.at if 0.0 < record.at <= latest else time_of(record, now)
                cases.append(Case(record, message, at, message.author_key))
            except UnreadableError as error:
                refuse(record, error)
            except Exception as error:  # noqa: BLE001 - one message must not cost its neighbours
                refuse(record, judging_failed(error))
    return cases


class Enricher:
    """Asks rules, models, the desk and the observer about the messages of a batch.

    Args:
        perception: Says what the models make of texts.
        desk: Knows the authors' standings.
        observer: Sees what authors do, or None to judge without.
    """

    def __init__(self, perception: Perception, desk: Desk, observer: Observer | None) -> None:
        self._perception = perception
        self._desk = desk
        self._observer = observer

    async def enrich(
        self,
        read: Sequence[Case],
        at: float,
        rules: RuleSet,
        switches: Switches,
        topic_id: str,
        refuse: Refuse,
        turns: Turns,
        *,
        moving: bool,
    ) -> tuple[list[Case], dict[str, Live]]:
        """Write on each case what there is to know of it; return those that went well, and the authors.

        Args:
            moving: The authors' standings will move.
        """
        # The store answers while we scan; the task gets its turn once, so that the question is sent.
        tasks = [looking_up := asyncio.create_task(self._look_up(read, at, rules, moving=moving))]
        try:
            await asyncio.sleep(0)
            cases = await self._scan(read, rules, refuse, turns)
            # Begins when we wait for the store: what is scored on this thread is scored meanwhile.
            tasks.append(scoring := asyncio.create_task(self._perception.score(cases, switches)))  # type: ignore[arg-type]
            lives = await looking_up
            await self._observe(cases, rules, topic_id, turns, lives, noting=moving)
            await scoring
        finally:
            for task in tasks:
                task.cancel()
        return cases, lives

    async def _scan(self, read: Sequence[Case], rules: RuleSet, refuse: Refuse, turns: Turns) -> list[Case]:
        """Find the evidence of each; return those with which that went well."""
        cases: list[Case] = []
        for some in batched(read):
            await turns.give_if_due()
            cases += self._scan_some(some, rules, refuse)
        return cases

    def _scan_some(self, some: Sequence[Case], rules: RuleSet, refuse: Refuse) -> Sequence[Case]:
        try:
            found = rules.scan_all([case.message for case in some])
            for case, evidence in zip(some, found, strict=True):
                case.evidence = evidence
        except Exception as error:  # noqa: BLE001 - one message must not cost its neighbours
            if len(some) == 1:
                refuse(some[0].record, judging_failed(error))
                return ()
            return [case for one in some for case in self._scan_some([one], rules, refuse)]
        return some

    async def _observe(
        self,
        cases: Sequence[Case],
        rules: RuleSet,
        topic_id: str,
        turns: Turns,
        lives: Mapping[str, Live],
        *,
        noting: bool,
    ) -> None:
        """See of each what others do, and what may hold of its author; where nobody can, say so."""
        if not rules.behaviour or not cases:
            return
        if self._observer is not None:
            try:
                watch = Watch(self._observer, rules.behaviour, topic_id)
                await watch.remember(cases, turns)
                if not self._desk.away:
                    await watch.look_round(known=lambda author: lives[author].reputation, noting=noting)
                    if noting:  # each will be on its author's trail for the next
                        _sift(self._observer, cases, rules, lives)
                    return
            except StoreError as error:
                log.warning("behaviour_unknown", messages=len(cases), error=str(error))
            except Exception:
                log.exception("behaviour_failed", messages=len(cases))
        for case in cases:
            case.missing += (UNSEEN,)

    async def _look_up(
        self, cases: Sequence[Case], now: float, rules: RuleSet, *, moving: bool
    ) -> dict[str, Live]:
        """Load the authors' standings, and where these will be moved what was made of each message before."""
        messages: dict[str, list[str]] = {}
        for case in cases:
            if case.author is not None:
                recalled = messages.setdefault(case.author, [])
                if moving or case.message.kind is Kind.EDITED:
                    recalled.append(case.message.id)
        asks = [Ask(author, tuple(ids)) for author, ids in messages.items()]
        trails = bool(rules.behaviour) and self._observer is not None
        standings = await self._desk.load(asks, now, trails=trails) if asks else []
        return {ask.author: Live(standing) for ask, standing in zip(asks, standings, strict=True)}


def _sift(observer: Observer, cases: Sequence[Case], rules: RuleSet, lives: Mapping[str, Live]) -> None:
    try:
        observer.sift(cases, lives, rules.alarm)
    except Exception:  # then each author is asked, which only takes longer
        log.exception("sifting_failed", messages=len(cases))
        for case in cases:
            case.may_hold = None
