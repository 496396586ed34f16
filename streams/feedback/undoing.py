"""Finds what a rule did in a stretch of time, and puts decisions on `mod.feedback` that undo it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition

from rules.verdict import Action, Verdict
from streams.errors import BrokerError
from streams.feedback.decisions import base_of
from streams.kafka.access import ANSWER_S, Access, admin, consumer
from streams.kafka.records import produce
from streams.kafka.topics import Topics, bounds, partitions_of
from streams.wire.records import FEEDBACK, Decision, Feedback, Scope
from streams.wire.writing import cloud_event, encode, rfc3339

BATCH = 500
# How often it is looked whether workers follow.
LOOK_S = 0.5
_decoder = msgspec.json.Decoder(Verdict)


class Asked(NamedTuple):
    """Which verdicts are meant: of a rule, judged from `since` until before `until`, epoch seconds."""

    rule: str
    since: float
    until: float
    tenant: str | None = None
    channel: str | None = None

    def means(self, verdict: Verdict) -> bool:
        """Return whether the rule did this: settled it, or weighed most in what reached the step."""
        at = datetime.fromisoformat(verdict.judged_at).timestamp()
        return (
            verdict.action is not Action.ALLOW
            and not verdict.revision
            and self.since <= at < self.until
            and self.tenant in (None, verdict.tenant)
            and self.channel in (None, verdict.channel)
            and cause_of(verdict) == self.rule
        )


class Done(NamedTuple):
    """What a rule did.

    Attributes:
        verdicts: By id, what stands.
        revised: How many others have been decided on since, by whomever.
    """

    verdicts: dict[str, Verdict]
    revised: int

    @property
    def authors(self) -> int:
        """How many different people's messages these were."""
        return len({(one.tenant, one.platform, one.author) for one in self.verdicts.values()})


def cause_of(verdict: Verdict) -> str | None:
    """Return the rule that a verdict's strike is booked on; None where only the model spoke."""
    if not verdict.decided_by.startswith("ladder:"):
        return verdict.decided_by
    against = (one for one in verdict.reasons if one.weight > 0 and one.label == verdict.label)
    strongest = max(against, key=lambda one: one.weight, default=None)
    return strongest.rule if strongest else None


def done_by(access: Access, topics: Topics, asked: Asked, progress: Callable[[int, int], None]) -> Done:
    """Return what a rule did, from `mod.verdicts`, which is read from then until now.

    Raises:
        BrokerError: The broker doesn't answer, or there is no such topic.
    """
    meant: dict[str, Verdict] = {}
    revised: set[str] = set()
    for verdict in _since(access, topics.verdicts, asked.since, progress):
        if verdict.revision:
            revised.add(base_of(verdict.id))
        elif asked.means(verdict):
            meant.setdefault(verdict.id, verdict)
    standing = {name: one for name, one in meant.items() if name not in revised}
    return Done(standing, len(meant) - len(standing))


def undo(
    access: Access,
    topics: Topics,
    verdicts: Sequence[Verdict],
    *,
    reviewer: str,
    reason: str,
    progress: Callable[[int], None],
) -> None:
    """Decide that these verdicts were wrong; the workers do the rest. Deciding twice is as once.

    No text is spared by it: it is the rule that is to be mended.

    Raises:
        BrokerError: The broker doesn't answer; what was written counts, and trying again is safe.
    """
    at = datetime.now(UTC)
    headers = cloud_event(f"undo/{at.timestamp()}", FEEDBACK, "/chatsieve/operator", rfc3339(at.timestamp()))
    for start in range(0, len(verdicts), BATCH):
        some = [_decision(one, reviewer, reason, at) for one in verdicts[start : start + BATCH]]
        produce(access, topics.feedback, [(one.key, encode(one)) for one in some], headers)
        progress(len(some))


def _decision(verdict: Verdict, reviewer: str, reason: str, at: datetime) -> Feedback:
    return Feedback(
        id=f"undo/{verdict.id}",
        verdict_id=verdict.id,
        decision=Decision.OVERTURN,
        reviewer=reviewer,
        message_id=verdict.message_id,
        at=at,
        tenant=verdict.tenant,
        platform=verdict.platform,
        channel=verdict.channel,
        author=verdict.author,
        role="staff",
        scope=Scope.TENANT,
        reason=reason,
    )


def wait_until_revised(
    access: Access,
    topics: Topics,
    since: float,
    names: set[str],
    within_s: float,
    progress: Callable[[int], None],
) -> set[str]:
    """Return the ids that have no revision yet when all have one, or when time is up."""
    patience = time.monotonic() + within_s
    left = set(names)
    while left and time.monotonic() < patience:
        before = len(left)
        for verdict in _since(access, topics.verdicts, since, lambda *_: None):
            if verdict.revision:
                left.discard(base_of(verdict.id))
        progress(before - len(left))
        time.sleep(LOOK_S if left else 0.0)
    return left


def _since(
    access: Access, topic: str, since: float, progress: Callable[[int, int], None]
) -> Iterator[Verdict]:
    """Yield the verdicts from a time on, up to what is there now."""
    with admin(access) as client:
        its = partitions_of(client, topic)
    with consumer(access, its) as reader:
        begins, ends = bounds(reader, its)
        starts = _offsets(reader, its, since, begins, ends)
        for tp in its:
            reader.seek(tp, starts[tp])
        total, read = sum(ends[tp] - starts[tp] for tp in its), 0
        heard = time.monotonic()
        while any(reader.position(tp) < ends[tp] for tp in its):
            for found in reader.poll(timeout_ms=200, max_records=BATCH).values():
                read, heard = read + len(found), time.monotonic()
                yield from _verdicts(found)
            progress(read, total)
            if time.monotonic() - heard > ANSWER_S:
                raise BrokerError(f"{topic} can't be read to its end: are all its partitions up?")


def _offsets(
    reader: KafkaConsumer,
    its: Sequence[TopicPartition],
    since: float,
    begins: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """Return where to begin: at the first record of that time or later."""
    found = reader.offsets_for_times({tp: int(since * 1000) for tp in its})
    return {tp: max(begins[tp], at.offset) if (at := found.get(tp)) is not None else ends[tp] for tp in its}


def _verdicts(records: Sequence[Any]) -> Iterator[Verdict]:
    for record in records:
        try:
            yield _decoder.decode(record.value or b"")
        except msgspec.MsgspecError:
            continue  # by a later version
