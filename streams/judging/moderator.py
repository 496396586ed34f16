"""Judges a batch of records: read and enriched, decided in order, said."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from rules.decide import decide
from rules.finding.trail import LAYOUT
from rules.message import DELETED, EDITED, Message
from rules.reputation import Reputation
from rules.ruleset import Evidence, RuleSet
from rules.rulings import Ruling
from rules.switches import NONE as NO_SWITCHES
from rules.switches import Switches
from rules.verdict import ALLOW, RAID, Judgement, ModelNote, Source, Verdict
from streams.control.rulings import Rulings
from streams.errors import UnreadableError
from streams.judging.behaviour import Observer
from streams.judging.brake import Brake
from streams.judging.cases import Case, Live, charge_of, judging_failed
from streams.judging.counting import count_batch, count_verdict
from streams.judging.enrichment import Enricher, read_batch
from streams.judging.fragments import holds_fragment
from streams.judging.outbox import Outbox, Record
from streams.judging.perception import Perception, Scores
from streams.judging.raids import Raids
from streams.judging.turns import Turns, batched
from streams.judging.verdicts import KeyedHash, Stamp, verdict_of
from streams.metrics import Metrics
from streams.store.desk import Desk
from streams.store.standings import (
    UNSPECIFIED,
    AuthorEffects,
    Effect,
    Recall,
    partition_id,
)
from streams.wire.records import ControlEvent
from streams.wire.writing import Output, rfc3339

log = structlog.get_logger(__name__)


class Judged(NamedTuple):
    """What came of a batch.

    Attributes:
        outputs: Records to produce, in the order of their input.
        effects: Each author's effects, to be saved once the outputs are confirmed.
    """

    outputs: list[Output]
    effects: list[AuthorEffects]


class Asked(NamedTuple):
    """A message to be judged without a record, and what its verdict shall be called."""

    verdict_id: str
    message: Message


class Moderator:
    """Judges batches; holds what outlives a batch: the rule set in force, the brake, the raids.

    Args:
        current: Returns the rule set in force; asked once a batch.
        outbox: Makes records of what was decided.
        topic: Where the records come from.
        model: Scores texts, or None to judge without.
        shadow_model: Scores them too; what that would have led to is counted, and no more.
        switches: Returns what operators have turned down, as far as it is in force; asked once a batch.
        observer: Sees what authors do, or None to judge without.
        raids: Knows where there is one, and is told of those that rules see; None for none.
        rulings: What humans decided on texts.
    """

    def __init__(
        self,
        *,
        current: Callable[[], RuleSet],
        desk: Desk,
        outbox: Outbox,
        metrics: Metrics,
        topic: str,
        secret: bytes = b"",
        model: Scores | None = None,
        model_note: ModelNote | None = None,
        shadow_model: Scores | None = None,
        show_matched: bool = True,
        switches: Callable[[], Switches] = lambda: NO_SWITCHES,
        observer: Observer | None = None,
        raids: Raids | None = None,
        rulings: Rulings | None = None,
    ) -> None:
        self._current = current
        self._switches = switches
        self._outbox = outbox
        self._metrics = metrics
        self._topic = topic
        self._hash = KeyedHash(secret)
        self._enricher = Enricher(Perception(model, shadow_model), desk, observer)
        self._model_note = model_note
        self._show_matched = show_matched
        self._observer = observer
        self._raids = raids
        self._rulings = rulings if rulings is not None else Rulings()
        self._brake = Brake(self._brake_changed)

    async def judge(self, topic_id: str, records: Sequence[Record]) -> Judged:
        """Judge records of `chat.messages`, in the order of each partition's offsets.

        Each record comes out as one verdict or one dead letter. The effects are the
        caller's to note at the desk, before the next batch is judged.
        """
        rules, switches = self._current(), self._switches()
        started = time.time()
        stamp = Stamp(rules, rfc3339(started), self._model_note, self._show_matched)
        outputs: list[Output] = []
        turns = Turns()

        def refuse(record: Record, error: UnreadableError) -> None:
            outputs.append(self._outbox.refused(record, error))

        read = await read_batch(records, started, refuse, turns)
        newest = max((case.at for case in read), default=started)
        cases, lives = await self._enricher.enrich(
            read, newest, rules, switches, topic_id, refuse, turns, moving=True
        )
        said = Counter[tuple[str, str]]()
        for some in batched(cases):
            await turns.give_if_due()
            decided: list[tuple[Case, Verdict]] = []
            for case in some:
                try:
                    verdict = self._decide(case, rules, switches, stamp, topic_id, lives)
                except Exception as error:  # noqa: BLE001 - one message must not cost its neighbours
                    refuse(case.record, judging_failed(error))
                    if case.author is not None:
                        lives[case.author].astray = True
                else:
                    decided.append((case, verdict))
            for case, verdict in decided:
                said[verdict.action, verdict.label or ""] += 1
                if verdict.repeat or verdict.shadow or verdict.lowered_by:
                    count_verdict(self._metrics, verdict)
                outputs += self._outbox.published(verdict, case.message, case.record)
        count_batch(self._metrics, cases, said)
        if cases:
            self._brake.settle(newest)
        if self._raids is not None:
            self._raids.settle()
        outputs += self._outbox.events()
        effects = [
            AuthorEffects(author, partition, tuple(found))
            for author, live in lives.items()
            for partition, found in live.effects.items()
        ]
        return Judged(outputs, effects)

    async def ask(self, asked: Sequence[Asked]) -> list[Verdict | UnreadableError]:
        """Judge messages that lie on no topic, in their order, each at the standing that its author has.

        Nothing is produced and nobody's standing moves, so they don't see each other either. One whose
        judging fails has the error in its place.
        """
        rules, switches, now = self._current(), self._switches(), time.time()
        stamp = Stamp(rules, rfc3339(now), self._model_note, self._show_matched)
        answers: dict[int, Verdict | UnreadableError] = {}

        def refuse(record: Record, error: UnreadableError) -> None:
            answers[record.offset] = error

        read = [
            Case(Record(0, n, now, None, None), each.message, now, each.message.author_key)
            for n, each in enumerate(asked)
        ]
        cases, lives = await self._enricher.enrich(
            read, now, rules, switches, "", refuse, Turns(), moving=False
        )
        for case in cases:
            number = case.record.offset
            live = lives[case.author] if case.author is not None else None
            before = live.reputation if live is not None else None
            try:
                edited = case.message.kind is EDITED
                content_hash = self._hash.content(case.message) if edited else ""
                judgement = self._judgement(case, live, rules, switches, content_hash, repeat=False)
                standing = (before, before) if before is not None else None
                answers[number] = self._verdict(case, judgement, stamp, asked[number].verdict_id, standing)
            except Exception as error:  # noqa: BLE001 - one message must not cost its neighbours
                refuse(case.record, judging_failed(error))
        return [answers[number] for number in range(len(asked))]

    # -- one message

    def _decide(
        self,
        case: Case,
        rules: RuleSet,
        switches: Switches,
        stamp: Stamp,
        topic_id: str,
        lives: dict[str, Live],
    ) -> Verdict:
        message, record, now = case.message, case.record, case.at
        live = lives[case.author] if case.author is not None else None
        where = partition_id(topic_id, record.partition)
        repeat = live is not None and live.marks.get(where, -1) >= record.offset
        content_hash = self._hash.content(message)
        before = current = live.reputation if live is not None else None
        judgement = self._judgement(case, live, rules, switches, content_hash, repeat=repeat)
        if live is not None and not repeat:
            counts = not (message.author and (message.author.bot or message.author.relay))
            # An image that nobody has looked at is no good message.
            good = counts and judgement.action is ALLOW and bool(message.text)
            remembered = Recall(content_hash, judgement.action, judgement.strike, good)
            charge = charge_of(judgement, message, counts, rules) if judgement.strike else UNSPECIFIED
            effect = Effect(
                record.offset, now, message.id, message.kind, remembered, counts, charge, case.entry
            )
            live.effects.setdefault(where, []).append(effect)
            current = live.move(effect, where, rules)
            if self._raids is not None and judgement.reasons:
                self._tell_of_raid(judgement, message, now, rules)
            if judgement.strict_causes:
                self._brake.feed(judgement, message, before, rules, now)
        return self._verdict(
            case,
            judgement,
            stamp,
            f"{topic_id}/{record.partition}/{record.offset}",
            (before, current) if before is not None and current is not None else None,
            repeat=repeat,
            source=Source(self._topic, record.partition, record.offset),
        )

    def _verdict(
        self,
        case: Case,
        judgement: Judgement,
        stamp: Stamp,
        verdict_id: str,
        standing: tuple[Reputation, Reputation] | None,
        *,
        repeat: bool = False,
        source: Source | None = None,
    ) -> Verdict:
        message = case.message
        if message.author is None:
            case.missing += ("author",)
        elif standing is None:
            case.missing += ("standing",)
        if message.attachments:
            case.missing += ("attachments",)
        return verdict_of(
            message,
            judgement,
            stamp,
            verdict_id=verdict_id,
            now=case.at,
            text_hash=case.text_hash
            or (self._hash.of_text(case.evidence.folded.data) if message.text else None),
            model_scores=case.scores,
            shown_scores=case.rounded,
            standing=standing,
            missing=case.missing,
            repeat=repeat,
            source=source,
            raid=case.raid.id if case.raid is not None else None,
        )

    def _judgement(
        self,
        case: Case,
        live: Live | None,
        rules: RuleSet,
        switches: Switches,
        content_hash: str,
        *,
        repeat: bool,
    ) -> Judgement:
        """Return what is decided at the author's standing; the content's hash is looked at for edits only."""
        message, now = case.message, case.at
        before = live.reputation if live is not None else None
        case.raid = self._raids.at(message) if self._raids is not None else None
        if case.entry:
            case.look_back(live, repeat=repeat)
        if message.kind is DELETED:
            return Judgement(ALLOW, decided_by="deleted")
        ruling = self._ruling(case, now) if self._rulings else None
        if message.kind is EDITED and ruling is None and live is not None:
            recall = live.recalls.get(message.id)
            if recall is not None and recall.content_hash == content_hash:
                return Judgement(
                    recall.action, decided_by="unchanged", strike=recall.strike, good=recall.good
                )
        evidence, braked = self._evidence(case, rules), self._brake.tripped(message.tenant)
        seen = case.seen()
        lower = case.raid.lower if case.raid is not None else 0.0
        judgement = decide(
            message, evidence, rules, scores=case.scores, reputation=before, now=now,
            braked=braked, switches=switches, seen=seen, lower=lower, ruling=ruling,
        )  # fmt: skip
        if case.shadow_scores is not None:
            shadow = decide(
                message, evidence, rules, scores=case.shadow_scores, reputation=before, now=now,
                braked=braked, switches=switches, seen=seen, lower=lower, ruling=ruling,
            )  # fmt: skip
            self._metrics.shadow_model.labels(judgement.action, shadow.action).inc()
        return judgement

    def _tell_of_raid(self, judgement: Judgement, message: Message, now: float, rules: RuleSet) -> None:
        why = next((one for one in judgement.reasons if one.label == RAID), None)
        if why is not None and self._raids is not None:
            self._raids.seen(message, now, f"{why.rule}: {why.seen or 'seen'}", rules.policy.raid)

    def _evidence(self, case: Case, rules: RuleSet) -> Evidence:
        """Return what was found in a message, and in the author's bits of words before it."""
        trail = case.trail
        if not trail or self._observer is None or not holds_fragment(case.entry):
            return case.evidence
        parts = self._observer.joined(LAYOUT.unpack(case.entry), trail)
        return rules.joined(case.message, case.evidence, parts) if len(parts) > 1 else case.evidence

    def _ruling(self, case: Case, now: float) -> Ruling | None:
        """Return what a human decided on the same text."""
        if not case.message.text:
            return None
        case.text_hash = self._hash.of_text(case.evidence.folded.data)
        return self._rulings.on(
            case.message, case.text_hash, now, lambda: self._hash.of(case.author) if case.author else None
        )

    # -- the brake

    def _brake_changed(self, cause: str, tenant: str, on: bool, authors: int) -> None:
        event = "brake_on" if on else "brake_off"
        (log.warning if on else log.info)(event, cause=cause, tenant=tenant, authors=authors)
        at = rfc3339(time.time())
        self._outbox.announce(
            ControlEvent(event, self._outbox.worker, at, cause=cause, tenant=tenant, authors=authors)
        )
