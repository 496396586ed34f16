"""What follows from human decisions: revisions, strikes that go back, rulings on texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import structlog

from rules.ruleset import RuleSet
from rules.verdict import SCHEMA, Action, Verdict
from streams.control.rulings import RULING, TextRuling
from streams.errors import UnreadableError
from streams.judging.outbox import Record
from streams.judging.verdicts import KeyedHash
from streams.kafka.topics import Topics
from streams.metrics import Metrics
from streams.store.standings import (
    Ask,
    AuthorEffects,
    Decided,
    Reported,
    Reversal,
    StandingStore,
    partition_id,
)
from streams.wire.records import REVIEW, Decision, Feedback, Reports, ReviewItem, Scope, record_key
from streams.wire.writing import Output, cloud_event, dead_letter_headers, encode, rfc3339, rounded

log = structlog.get_logger(__name__)

# What becomes of the message; the other decisions revise nothing.
ACTIONS = {
    Decision.APPROVE: Action.ALLOW,
    Decision.OVERTURN: Action.ALLOW,
    Decision.REMOVE: Action.REMOVE,
}
# Reports whose credibility comes to so much are urgent: two trusted members, or many half-known ones.
HIGH = 1.0
_decoder = msgspec.json.Decoder(Feedback)


def read_feedback(raw: bytes | None) -> Feedback:
    """Return the decision in a record's value.

    Raises:
        UnreadableError: It can't be read, or whoever decides may not.
    """
    try:
        found = _decoder.decode(raw or b"")
    except msgspec.ValidationError as error:
        raise UnreadableError("field", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableError("not_json" if raw else "empty", str(error)) from error
    if found.role == "user" and found.decision is not Decision.REPORT:
        raise UnreadableError("not_allowed", f"a user may report, not {found.decision}", field="role")
    if found.role == "moderator" and found.scope is Scope.TENANT:
        raise UnreadableError("not_allowed", "a moderator speaks for a channel", field="scope")
    return found


class Followed(NamedTuple):
    """What follows from some decisions.

    Attributes:
        outputs: Records to produce.
        effects: To be saved once they are confirmed.
        rulings: For this worker at once; the others read them.
    """

    outputs: list[Output]
    effects: list[AuthorEffects]
    rulings: list[TextRuling]


class Clerk:
    """Follows human decisions.

    Args:
        partitions: Number of partitions of each output topic, by its name.
        store: Numbers the revisions, so that a decision that is read twice makes one.
        rules: Returns the rule set in force.
    """

    def __init__(
        self,
        topics: Topics,
        partitions: Mapping[str, int],
        store: StandingStore,
        *,
        rules: Callable[[], RuleSet],
        secret: bytes,
        worker: str,
        metrics: Metrics,
    ) -> None:
        self._topics = topics
        self._partitions = partitions
        self._store = store
        self._rules = rules
        self._hash = KeyedHash(secret)
        self._source = f"/chatsieve/{worker}"
        self._metrics = metrics

    async def follow(self, topic_id: str, records: Sequence[Record], now: float) -> Followed:
        """Return what follows from records of `mod.feedback`; one that can't be followed is a dead letter.

        Raises:
            StoreError: The store doesn't answer; trying again is safe.
        """
        followed = Followed([], [], [])
        read: list[tuple[Record, Feedback]] = []
        for record in records:
            try:
                read.append((record, read_feedback(record.value)))
            except UnreadableError as error:
                followed.outputs.append(self._refused(record, error))
        revising = [(record, one) for record, one in read if one.decision in ACTIONS]
        decided = [Decided(author_of(one), base_of(one.verdict_id), one.id) for _, one in revising]
        numbers = await self._store.numbered(decided)
        for (record, one), number in zip(revising, numbers, strict=True):
            if number:
                self._revise(followed, topic_id, record, one, number, now)
            else:
                often = UnreadableError("too_many", f"{base_of(one.verdict_id)} was decided on too often")
                followed.outputs.append(self._refused(record, often))
        reports = [(record, one) for record, one in read if one.decision is Decision.REPORT]
        followed.outputs.extend(await self._reports(reports, now))
        for _, one in read:
            self._metrics.feedback.labels(one.decision).inc()
        return followed

    def _revise(
        self, followed: Followed, topic_id: str, record: Record, one: Feedback, number: int, now: float
    ) -> None:
        verdict = self._revision(one, number, now)
        headers = cloud_event(verdict.id, SCHEMA, self._source, verdict.judged_at)
        for topic in (self._topics.verdicts, self._topics.actions):
            where = _partition(one.verdict_id, record.partition) % self._partitions[topic]
            followed.outputs.append(Output(topic, where, one.key, encode(verdict), headers))
        if one.text_hash is not None:
            ruling = self._ruling(one)
            headers = cloud_event(f"ruling/{one.id}", RULING, self._source, verdict.judged_at)
            followed.outputs.append(Output(self._topics.control, 0, ruling.key, encode(ruling), headers))
            followed.rulings.append(ruling)
        if one.decision is Decision.OVERTURN and one.author is not None:
            reversal = Reversal(record.offset, record.at, base_of(one.verdict_id))
            where_from = partition_id(topic_id, record.partition)
            followed.effects.append(AuthorEffects(author_of(one), where_from, (reversal,)))

    async def _reports(self, reports: Sequence[tuple[Record, Feedback]], now: float) -> list[Output]:
        """Return review items that say how many report a verdict, and what their word weighs."""
        reporters = [
            record_key(one.tenant, one.platform, one.reviewer).decode("utf-8", "surrogatepass")
            for _, one in reports
        ]
        standings = await self._store.load([Ask(reporter) for reporter in reporters], now)
        terms = self._rules().policy.reputation
        counted = await self._store.reported([
            Reported(author_of(one), base_of(one.verdict_id), who, terms.trust(standing.reputation, now))
            for (_, one), who, standing in zip(reports, reporters, standings, strict=True)
        ])  # fmt: skip
        return [
            self._review(record, one, Reports(number, rounded(credibility)), now)
            for (record, one), (number, credibility) in zip(reports, counted, strict=True)
        ]

    def _review(self, record: Record, one: Feedback, reports: Reports, now: float) -> Output:
        verdict = Verdict(
            id=one.verdict_id, message_id=one.message_id, action=Action.FLAG, tenant=one.tenant,
            platform=one.platform, channel=one.channel, kind="created", ruleset=self._rules().hash,
            judged_at=rfc3339(now), schema=SCHEMA, decided_by="reports", author=one.author,
            queue="reports", priority="high" if reports.credibility >= HIGH else None,
            text_hash=one.text_hash,
        )  # fmt: skip
        headers = cloud_event(f"report/{one.id}", REVIEW, self._source, verdict.judged_at)
        topic = self._topics.review
        where = _partition(one.verdict_id, record.partition) % self._partitions[topic]
        return Output(topic, where, one.key, encode(ReviewItem(verdict, reports=reports)), headers)

    def _revision(self, one: Feedback, number: int, now: float) -> Verdict:
        base = base_of(one.verdict_id)
        return Verdict(
            id=f"{base}#{number}",
            message_id=one.message_id,
            action=ACTIONS[one.decision],
            tenant=one.tenant,
            platform=one.platform,
            channel=one.channel,
            kind="created",
            ruleset=self._rules().hash,
            judged_at=rfc3339(now),
            schema=SCHEMA,
            decided_by=f"human:{one.id}",
            author=one.author,
            text_hash=one.text_hash,
            revision=number,
            supersedes=f"{base}#{number - 1}" if number > 1 else base,
        )

    def _ruling(self, one: Feedback) -> TextRuling:
        in_channel = one.scope is Scope.CHANNEL
        return TextRuling(
            id=one.id,
            verdict_id=base_of(one.verdict_id),
            action=ACTIONS[one.decision],
            text_hash=one.text_hash or "",
            tenant=one.tenant,
            platform=one.platform if in_channel else None,
            channel=one.channel if in_channel else None,
            at=_zoned(one.at),
            author=self._hash.of(author_of(one)) if one.author is not None else None,
            evidence=one.evidence,
            expires_at=_zoned(one.expires_at) if one.expires_at else None,
        )

    def _refused(self, record: Record, error: UnreadableError) -> Output:
        self._metrics.deadletters.labels(error.reason).inc()
        log.warning("feedback_refused", reason=error.reason, partition=record.partition, offset=record.offset)
        topic = self._topics.deadletters
        headers = dead_letter_headers(
            error, self._topics.feedback, record.partition, record.offset, record.headers
        )
        where = record.partition % self._partitions[topic]
        return Output(topic, where, record.key, record.value, headers)


def author_of(one: Feedback) -> str:
    """Return the key of the standing that a decision is about."""
    return one.key.decode("utf-8", "surrogatepass")


def base_of(verdict_id: str) -> str:
    """Return a verdict's id without a revision's number."""
    return verdict_id.partition("#")[0]


def _partition(verdict_id: str, default: int) -> int:
    """Return the partition of the record that was judged, so that revisions come behind their verdict."""
    parts = base_of(verdict_id).rsplit("/", 2)
    if len(parts) == 3 and parts[0] != "api" and parts[1].isdigit():
        return int(parts[1])
    return default


def _zoned(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
