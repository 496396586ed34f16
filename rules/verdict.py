"""What came of a message: evidence, reasons and the action, in the terms of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

# Labels that the model and rules share; a pack may add its own under "custom.".
MODEL_LABELS = (
    "spam", "scam", "toxic", "insult", "hate", "threat",
    "sexual", "profanity", "self_harm", "terrorism",
)  # fmt: skip
RULE_LABELS = ("child_safety", "privacy", "contraband", "violence")
RAID = "raid"
BEHAVIOUR_LABELS = ("flood", "campaign", RAID)

SCHEMA = "mod.verdict.v1"


class Action(StrEnum):
    """What should be done with a message, from the mildest to the strictest.

    HOLD means hidden until a human decides or it expires.
    """

    ALLOW = "allow"
    FLAG = "flag"
    HOLD = "hold"
    REMOVE = "remove"

    @property
    def rank(self) -> int:
        """0 for allow to 3 for remove."""
        return _RANKS[self]

    @property
    def strict(self) -> bool:
        """Takes the message out of sight."""
        return self.rank >= 2

    @property
    def milder(self) -> Action:
        """One step down; allow stays allow."""
        return LADDER[max(0, self.rank - 1)]

    @property
    def stricter(self) -> Action:
        """One step up; remove stays remove."""
        return LADDER[min(self.rank + 1, len(LADDER) - 1)]


LADDER = tuple(Action)
# At hand, as in rules.message.
ALLOW, FLAG, HOLD, REMOVE = LADDER
_RANKS = {action: rank for rank, action in enumerate(LADDER)}


class Hit(msgspec.Struct, frozen=True):
    """One piece of evidence about a message.

    Attributes:
        rule: Name of the rule that fired, unique in its rule set: "scam/gift-card".
        label: What the evidence speaks of.
        weight: Log-odds added to the label's score; below 0 it speaks in the author's favour.
        span: Half-open range of code points in the text as typed, or None where
            the whole message is the evidence.
        view: Which reading of the text it was found in: "typed", "plain", …
        seen: What the author did, where that is the evidence: "7 messages in 10 s".
    """

    rule: str
    label: str
    weight: float
    span: tuple[int, int] | None = None
    view: str = "plain"
    seen: str | None = None


class Campaign(msgspec.Struct, frozen=True):
    """Messages of several authors that say nearly the same.

    Attributes:
        id: The same for most of its messages, while it lasts.
        size: Authors so far, this one included.
    """

    id: str
    size: int


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """A hit as a consumer of verdicts sees it.

    Attributes:
        matched: The typed text under the span, at most 64 code points; left out when
            the rule or a setting hides it.
        seen: What the author did, where that is the evidence: "7 messages in 10 s".
    """

    rule: str
    label: str
    weight: float
    matched: str | None = None
    span: tuple[int, int] | None = None
    view: str | None = None
    seen: str | None = None


class Shadow(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a rule in shadow would have done, had it been live; also one that isn't rolled out to the author.

    Attributes:
        matched: What it found first, as in a reason.
        seen: What the author did, as in a reason.
    """

    rule: str
    label: str
    action: Action
    matched: str | None = None
    span: tuple[int, int] | None = None
    seen: str | None = None


class Silent(msgspec.Struct, frozen=True):
    """A rule of whose lists words stand in the message and don't count, since it is in another language.

    Attributes:
        languages: Those in which the words would count.
        why: What is taken to be the message's language, and who says so.
    """

    rule: str
    languages: tuple[str, ...]
    why: str


class StandingNote(msgspec.Struct, frozen=True):
    """An author's standing in round numbers, before or after a message.

    Attributes:
        strikes: Strikes left after halving with time.
        good: Good messages to their credit.
        messages: Messages judged so far.
        trust: From 0 (newcomer) towards 1.
    """

    strikes: float
    good: int
    messages: int
    trust: float


class StandingChange(msgspec.Struct, frozen=True):
    """Standing before and after this message."""

    before: StandingNote
    after: StandingNote


class ModelNote(msgspec.Struct, frozen=True):
    """Which model spoke: its name and the first characters of its checksum."""

    name: str
    hash: str


class Source(msgspec.Struct, frozen=True):
    """The record that was judged."""

    topic: str
    partition: int
    offset: int


class Judgement(msgspec.Struct, frozen=True):
    """What `decide` says of a message: a verdict before it has an id and a time.

    Attributes:
        action: What to do.
        label: The label that settled the action; None when nothing did.
        labels: Labels at or over the lowest step of their ladder, highest score first.
        scores: Probability of each label that has a model's word or evidence.
        reasons: The evidence, strongest first.
        decided_by: The ladder step ("ladder:scam:remove") or the rule that settled it;
            "nothing" when no step was reached.
        cause: What a brake counts and a strike is booked on: the rule behind the action,
            "model:<label>" where no rule stands behind it, None for allow.
        strict_causes: Causes of every hold or remove that was on the table before brakes,
            those of final rules left out: what a brake counts.
        would_be: The action that an exemption, a brake or a switch held back.
        lowered_by: Names of what lowered it: "exempt/staff", "brake:scam/gift-card".
        silent: Rules that the message's language keeps from counting, by the order of the text.
        strike: Strikes this verdict costs its author.
        good: The message counts as a good one.
        mask: Spans to star out, ascending, in code points of the text as typed.
        hold_s: Seconds until a hold expires; None unless the action is hold.
        on_expiry: What consumers do when a hold expires.
        campaign: The campaign that a rule found the message to be part of.
        quiet: No rule fired and no step was reached: all but scores and `good` have their defaults.
    """

    action: Action
    label: str | None = None
    labels: tuple[str, ...] = ()
    scores: Mapping[str, float] = {}
    reasons: tuple[Reason, ...] = ()
    decided_by: str = "nothing"
    cause: str | None = None
    strict_causes: tuple[str, ...] = ()
    would_be: Action | None = None
    lowered_by: tuple[str, ...] = ()
    shadow: tuple[Shadow, ...] = ()
    silent: tuple[Silent, ...] = ()
    strike: float = 0.0
    good: bool = False
    tags: tuple[str, ...] = ()
    policy: str | None = None
    user_message: dict[str, str] | None = None
    mask: tuple[tuple[int, int], ...] = ()
    queue: str | None = None
    priority: str | None = None
    hold_s: float | None = None
    on_expiry: Action | None = None
    campaign: Campaign | None = None
    quiet: bool = False


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything needed to explain, appeal or replay what was decided.

    Fields that have no value are left out of the JSON. Scores and weights carry
    4 significant digits. The message's text is never in it.

    Attributes:
        id: "topic-uuid/partition/offset"; a revision appends "#n"; a verdict without
            a record is "api/request-id/n". Of equal ids the first counts.
        model_scores: The model's own calibrated probabilities, before evidence.
        missing: What was not available: "model", "standing", "behaviour", "attachments", "text:middle".
        hold_until: RFC 3339; when a hold expires.
        raid: Id of the order by which ladders were lowered here, since there was a raid on the channel.
        text_hash: Keyed hash of the plain view, so that equal texts can be recognised.
        repeat: The record had been judged before; nothing was moved by this verdict.
        ruleset: Content hash of the rule set that judged.
        judged_at: RFC 3339.

    The others are described at Judgement, Message and their own types.
    """

    id: str
    message_id: str
    action: Action
    tenant: str
    platform: str
    channel: str
    kind: str
    ruleset: str
    judged_at: str
    schema: str
    decided_by: str
    author: str | None = None
    label: str | None = None
    labels: tuple[str, ...] = ()
    scores: dict[str, float] = {}
    model_scores: dict[str, float] = {}
    reasons: tuple[Reason, ...] = ()
    would_be: Action | None = None
    lowered_by: tuple[str, ...] = ()
    shadow: tuple[Shadow, ...] = ()
    silent: tuple[Silent, ...] = ()
    tags: tuple[str, ...] = ()
    policy: str | None = None
    user_message: dict[str, str] | None = None
    mask: tuple[tuple[int, int], ...] = ()
    queue: str | None = None
    priority: str | None = None
    hold_until: str | None = None
    on_expiry: Action | None = None
    text_hash: str | None = None
    campaign: Campaign | None = None
    raid: str | None = None
    standing: StandingChange | None = None
    revision: int = 0
    supersedes: str | None = None
    repeat: bool = False
    missing: tuple[str, ...] = ()
    model: ModelNote | None = None
    source: Source | None = None
