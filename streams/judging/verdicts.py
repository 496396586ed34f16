"""Dresses a judgement as a verdict: ids, times, hashes and what was missing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

import msgspec

from rules.message import Message
from rules.reputation import Reputation, trust
from rules.ruleset import RuleSet
from rules.schema.policy import ReputationPolicy
from rules.verdict import (
    SCHEMA,
    Judgement,
    ModelNote,
    Reason,
    Shadow,
    Source,
    StandingChange,
    StandingNote,
    Verdict,
)
from streams.wire.writing import rfc3339, rounded


class KeyedHash:
    """Hashes texts with a secret, so that a hash can't be looked up in a list of known texts.

    Args:
        secret: At most 64 bytes count; empty gives a plain BLAKE2b.
    """

    def __init__(self, secret: bytes) -> None:
        self._start = blake2b(digest_size=16, key=secret[:64])
        self._last = (b"", self.of(b""))

    def of(self, *parts: str | bytes) -> str:
        """Return 32 hexadecimal digits; the parts are kept apart by a byte that UTF-8 has not."""
        state = self._start.copy()
        for part in parts:
            state.update(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass"))
            state.update(b"\xff")
        return state.hexdigest()

    def of_text(self, data: bytes) -> str:
        """Return what `of` does of a text in UTF-8, in less time."""
        last, found = self._last
        if data != last:  # the plain view of a text in small letters is that text
            state = self._start.copy()
            state.update(data + b"\xff")
            found = state.hexdigest()
            self._last = (data, found)
        return found

    def content(self, message: Message) -> str:
        """Return the hash of everything that is judged of a message, to know an unchanged edit by."""
        if not (message.entities or message.attachments or message.mentions):
            return self.of_text(message.text.encode())
        marked = (message.entities, message.attachments, message.mentions)
        return self.of(message.text, msgspec.json.encode(marked))


class Stamp(msgspec.Struct, frozen=True):
    """What all verdicts of a batch share.

    Attributes:
        judged_at: RFC 3339.
        show_matched: Whether the matched text stands on verdicts at all.
    """

    rules: RuleSet
    judged_at: str
    model: ModelNote | None = None
    show_matched: bool = True


def verdict_of(
    message: Message,
    judgement: Judgement,
    stamp: Stamp,
    *,
    verdict_id: str,
    now: float,
    text_hash: str | None,
    model_scores: Mapping[str, float] | None = None,
    shown_scores: dict[str, float] | None = None,
    standing: tuple[Reputation, Reputation] | None = None,
    missing: tuple[str, ...] = (),
    repeat: bool = False,
    source: Source | None = None,
    raid: str | None = None,
) -> Verdict:
    """Return the verdict as it goes out.

    Args:
        now: The record's time, which a hold runs from.
        shown_scores: The model's, rounded already; None where they are not.
    """
    j = judgement
    said = shown_scores if shown_scores is not None else _rounded(model_scores or {})
    if j.quiet:
        # Most are, and naming all that has its default takes longer than the rest.
        return Verdict(
            verdict_id, message.id, j.action, message.tenant, message.platform, message.channel, message.kind,
            stamp.rules.hash, stamp.judged_at, SCHEMA, j.decided_by,
            message.author.id if message.author else None,
            scores=said if j.scores is model_scores else _rounded(j.scores),
            model_scores=said,
            text_hash=text_hash,
            standing=standing and _change(*standing, now, stamp.rules),
            raid=raid,
            repeat=repeat,
            missing=missing,
            model=stamp.model,
            source=source,
        )  # fmt: skip
    held = j.hold_s is not None
    return Verdict(
        id=verdict_id,
        message_id=message.id,
        action=j.action,
        tenant=message.tenant,
        platform=message.platform,
        channel=message.channel,
        kind=message.kind,
        ruleset=stamp.rules.hash,
        judged_at=stamp.judged_at,
        schema=SCHEMA,
        decided_by=j.decided_by,
        author=message.author.id if message.author else None,
        label=j.label,
        labels=j.labels,
        scores=_rounded(j.scores),
        model_scores=said,
        reasons=tuple(_shown(reason, stamp.show_matched) for reason in j.reasons) if j.reasons else (),
        would_be=j.would_be,
        lowered_by=j.lowered_by,
        shadow=j.shadow if stamp.show_matched else tuple(map(_unnamed, j.shadow)),
        silent=j.silent,
        tags=j.tags,
        policy=j.policy,
        user_message=j.user_message,
        mask=j.mask,
        queue=j.queue,
        priority=j.priority,
        hold_until=rfc3339(now + j.hold_s) if held else None,  # type: ignore[operator]
        on_expiry=j.on_expiry if held else None,
        text_hash=text_hash,
        campaign=j.campaign,
        standing=standing and _change(*standing, now, stamp.rules),
        raid=raid,
        repeat=repeat,
        missing=missing,
        model=stamp.model,
        source=source,
    )


def evidence_of(verdict: Verdict) -> tuple[str, ...]:
    """Return what spoke against a message: names of rules, and "model:<label>" of labels it reached."""
    rules = [reason.rule for reason in verdict.reasons if reason.weight >= 0]
    model = [f"model:{label}" for label in verdict.labels if label in verdict.model_scores]
    return tuple(dict.fromkeys((*rules, *model)))


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {label: rounded(score) for label, score in scores.items()}


def _shown(reason: Reason, show_matched: bool) -> Reason:
    matched = reason.matched if show_matched else None
    weight = rounded(reason.weight)
    return Reason(reason.rule, reason.label, weight, matched, reason.span, reason.view, reason.seen)


def _unnamed(shadow: Shadow) -> Shadow:
    return msgspec.structs.replace(shadow, matched=None)


def _change(before: Reputation, after: Reputation, now: float, rules: RuleSet) -> StandingChange:
    terms = rules.policy.reputation
    strikes = terms.strikes_at(before, now)
    note = _note(before, strikes, terms)
    if after is before:
        return StandingChange(note, note)
    if after.ledger is not before.ledger:  # else they are the same, however they were halved on the way
        strikes = terms.strikes_at(after, now)
    return StandingChange(note, _note(after, strikes, terms))


def _note(reputation: Reputation, strikes: float, terms: ReputationPolicy) -> StandingNote:
    noted = _new_note if strikes else _kept_note  # without strikes it is the same at any time
    return noted(strikes, reputation.good, reputation.messages, terms.good_for_half_trust)


def _new_note(strikes: float, good: int, messages: int, good_for_half: float) -> StandingNote:
    return StandingNote(
        rounded(strikes), max(0, good), messages, rounded(trust(good, strikes, good_for_half))
    )


_kept_note = lru_cache(65_536)(_new_note)
