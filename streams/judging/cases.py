"""A message on its way through a batch, and its author's standing as it moves."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from rules.finding.behaviour import QUIET, Done, Lately, LookedBack, Wave
from rules.finding.likeness import Kin
from rules.finding.trail import LAYOUT, before, prolonged
from rules.message import Message
from rules.reputation import Reputation, after
from rules.ruleset import Evidence, RuleSet
from rules.verdict import Judgement
from streams.control.orders import RaidOrder
from streams.errors import UnreadableError
from streams.judging.fragments import is_short
from streams.judging.outbox import Record
from streams.store.standings import Charge, Effect, PartitionId, Recall, Standing, settle

log = structlog.get_logger(__name__)

# A record from the future would halve every strike of its author; clocks may differ by this much.
MAX_CLOCK_SKEW_S = 300.0


# What is missing where nobody knows what authors did.
UNSEEN = "behaviour"


class Case(msgspec.Struct, gc=False):
    """A message on its way through a batch.

    Attributes:
        at: Epoch seconds, see `time_of`.
        entry: What its author's trail will say of it; b"" where it isn't counted, or nobody watches.
        may_hold: All that may hold of what rules ask of behaviour; None where nobody knows yet.
        trail: What its author said before; None where that isn't known, or nobody asks.
        kin: What it is like; None where nobody said anything like it.
        wave: The new authors in its channel, where its own is one.
        scores, rounded: The model's, as they are and as they are shown.
        missing: What was not available to judge it by.
    """

    record: Record
    message: Message
    at: float
    author: str | None
    evidence: Evidence = msgspec.UNSET  # type: ignore[assignment]  # until it is scanned
    scores: dict[str, float] | None = None
    rounded: dict[str, float] | None = None
    shadow_scores: dict[str, float] | None = None
    entry: bytes = b""
    may_hold: Sequence[Done] | None = None
    trail: bytes | None = None
    kin: Kin | None = None
    wave: Wave | None = None
    raid: RaidOrder | None = None
    text_hash: str | None = None
    missing: tuple[str, ...] = ()

    def seen(self) -> Lately | None:
        """Return what the author did lately; None where it isn't known or isn't counted."""
        if not self.entry or (self.missing and UNSEEN in self.missing):
            return None
        if self.may_hold is not None:
            return Lately(self.may_hold, self.kin, self.wave) if self.may_hold else QUIET
        if self.trail is None:
            return None
        return LookedBack(LAYOUT.unpack(self.entry), self.trail, self.kin, self.wave)

    def look_back(self, live: Live | None, *, repeat: bool) -> None:
        """Set what its author said before, where that is known and anybody need ask.

        Args:
            repeat: It was judged before, so that its author's trail goes on behind it.
        """
        if live is None or live.reputation is None:
            self.may_hold = None
            return
        if repeat:
            live.astray = True
        if live.astray:
            self.may_hold = None
        if self.may_hold is None or is_short(self.entry):
            trail = live.trail
            self.trail = before(trail, LAYOUT.unpack(self.entry)) if repeat else trail


class Live:
    """An author's standing as it moves through a batch; None while the store is away."""

    __slots__ = ("_fresh", "_trail", "astray", "effects", "marks", "recalls", "reputation")

    def __init__(self, standing: Standing | None) -> None:
        self.reputation: Reputation | None = standing.reputation if standing else None
        self.marks = standing.marks if standing else {}
        self.recalls: dict[str, Recall] = standing.recalls if standing else {}
        self.effects: dict[PartitionId, list[Effect]] = {}
        # A message of the batch is not on the trail as was foreseen: it was there before, or failed.
        self.astray = False
        self._trail = standing.trail if standing else b""
        self._fresh: list[bytes] = []

    @property
    def trail(self) -> bytes:
        """What the author said so far."""
        if self._fresh:  # most say one thing in a batch, and nobody asks again
            self._trail = prolonged(self._trail, self._fresh)
            self._fresh = []
        return self._trail

    def move(self, effect: Effect, where: PartitionId, rules: RuleSet) -> Reputation | None:
        """Let an effect move the standing; return what it is then."""
        self.marks[where] = effect.offset
        if self.reputation is None:
            return None
        if effect.entry:
            self._fresh.append(effect.entry)
        delta, remember = settle(effect, self.recalls.get(effect.message), where)
        if remember is not None:
            self.recalls[effect.message] = remember
        self.reputation = after(self.reputation, delta, rules.policy.reputation.half_life_s)
        return self.reputation


def charge_of(judgement: Judgement, message: Message, counts: bool, rules: RuleSet) -> Charge:
    """Return what a strike is booked on; the model's word alone costs no more than so much a day."""
    alone = judgement.cause is not None and judgement.cause.startswith("model:")
    return Charge(
        judgement.label or "",
        rules.hash,
        rules.policy.reputation.model_alone_a_day if alone else None,
        counts and bool(message.text),
    )


def time_of(record: Record, now: float) -> float:
    """Return a record's time: not in the future, and ours where it has none, which Kafka writes as -1."""
    return min(record.at, now + MAX_CLOCK_SKEW_S) if record.at > 0 else now


def judging_failed(error: Exception) -> UnreadableError:
    """Return why a record goes to the dead letters whose judging raised this; the log has the place."""
    # The error's own words may quote the message, which no log may hold.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    at = f"{Path(frame.filename).name}:{frame.lineno}"
    log.error("judging_failed", error=type(error).__name__, at=at)
    return UnreadableError("judging", f"judging it failed: {type(error).__name__}")
