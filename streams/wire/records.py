"""What records hold beside verdicts: JSON by versioned schemas (docs/wire.md, docs/schemas/)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from rules.message import Attachment, Author, Entity, Kind, Message, Surface
from rules.verdict import Verdict

# The kinds of record beside messages and verdicts, as CloudEvents types and schemas name them.
REVIEW, CONTROL = "mod.review.v1", "mod.control.v1"
FEEDBACK, DEED = "mod.feedback.v1", "mod.deed.v1"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
# Tenant, platform and author are joined with "/" into keys, so the first two hold none.
Place = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[^/]+$")]


class MessageRecord(msgspec.Struct, rename={"author_": "author"}):
    """A chat message as platforms send it; unknown fields are ignored.

    Required: `id`, `author` (an id or an object), and `text` unless the message has
    `attachments` or is `deleted`; a deletion may also lack its author.
    """

    id: Name
    author_: Name | Author | None = None
    text: str | None = None
    tenant: Place = "default"
    platform: Place = "default"
    channel: Name = "default"
    surface: Surface = Surface.CHAT
    kind: Kind = Kind.CREATED
    sent_at: datetime | None = None
    lang: str | None = None
    reply_to: str | None = None
    mentions: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    attachments: tuple[Attachment, ...] = ()


class OfflineRecord(MessageRecord, rename={"author_": "author"}):
    """A line for `judge`: as MessageRecord, and only `text` is required."""

    id: Name = ""


class Reports(msgspec.Struct, frozen=True):
    """Users' reports of a verdict.

    Attributes:
        reporters: How many users reported it.
        credibility: What their words weigh together; a trusted member's nearly 1, a newcomer's nothing.
    """

    reporters: int
    credibility: float


class ReviewItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a human should see: the verdict, and the message unless texts are switched off.

    With `reports` the verdict stands for the one that was reported, under its id, and says no more
    of it than what the report said.
    """

    verdict: Verdict
    message: Message | None = None
    reports: Reports | None = None


class Decision(StrEnum):
    """What a human says of a verdict.

    APPROVE lets the message stay, CONFIRM agrees with what was done, REMOVE takes the message away. OVERTURN
    says that the verdict was wrong, so its strike goes back and the text is spared where the decision holds.
    REPORT is a user's word: it asks for a look and changes nothing.
    """

    APPROVE = "approve"
    CONFIRM = "confirm"
    REMOVE = "remove"
    OVERTURN = "overturn"
    REPORT = "report"


class Scope(StrEnum):
    """How far a decision on a text reaches: a channel's moderator speaks for it, staff for the tenant."""

    CHANNEL = "channel"
    TENANT = "tenant"


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A human decision on a verdict, on `mod.feedback`, keyed and partitioned like its message.

    Attributes:
        id: Of equal ids the first counts.
        verdict_id: The verdict that is spoken of; the fields of its message are copied from it.
        text_hash: As on the verdict.
        reviewer: Who decided, as the platform or the caller names them.
        role: What they are there: "moderator", "staff", "user". A user may only report, and a channel's
            moderator doesn't speak for the tenant.
        at: RFC 3339, when it was decided.
        evidence: What the verdict rests on: names of rules, and "model:<label>"; empty is all there is.
        expires_at: RFC 3339, until when it holds for the text; None is for good.
    """

    id: Name
    verdict_id: Name
    decision: Decision
    reviewer: Name
    message_id: Name
    at: datetime
    tenant: Place = "default"
    platform: Place = "default"
    channel: Name = "default"
    author: Name | None = None
    text_hash: str | None = None
    role: str | None = None
    scope: Scope = Scope.CHANNEL
    reason: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    expires_at: datetime | None = None
    evidence: tuple[Name, ...] = ()

    @property
    def key(self) -> bytes:
        """The key of the record: that of the message."""
        return record_key(self.tenant, self.platform, self.author)


class Outcome(StrEnum):
    """What came of a deed.

    FAILED was tried for minutes; IMPOSSIBLE can't be done there, or not by us; DRY_RUN wasn't meant to be.
    """

    DONE = "done"
    DRY_RUN = "dry_run"
    IMPOSSIBLE = "impossible"
    FAILED = "failed"


class DeedRecord(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a bridge did about a verdict on its platform, or couldn't do, on `mod.deeds`.

    Attributes:
        id: The verdict's id and the deed; of equal ids the first counts.
        bridge: Its name.
        deed: "delete", "hide", "unhide", "mask", "timeout", "untimeout", "warn" or "report".
        at: RFC 3339.
        reason: Why it isn't done, in words.
    """

    id: str
    bridge: str
    verdict_id: str
    deed: str
    outcome: Outcome
    message_id: str
    at: str
    tenant: str
    platform: str
    channel: str
    author: str | None = None
    reason: str | None = None


class ControlEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that operators and other workers should know, on `mod.control`.

    Attributes:
        event: "ruleset_accepted", "ruleset_rejected", "worker_alive", "worker_stopped", "brake_on",
            "brake_off" or "author_erased".
        worker: Which worker says so, or where a command was given.
        at: RFC 3339.
        ruleset: Hash in force after the event.
        reason: Why, in words; of a worker, why the newest files aren't in force.
        cause: The rule, or "model", that the brake holds.
        tenant: Where the brake holds it.
        authors: How many distinct established authors it reached in its window.
        since: RFC 3339, from when that rule set has been in force there.
        origin: Where it came from: "files", "last_good" (kept from an earlier run), "rollback" or "orders".
        added: Rules that are new by their id.
        removed: Rules that are gone.
        changed: Files that differ from those judged before, at most 20.
        orders: Ids of the orders that this worker follows.
        author: Keyed hash of an author of whom all was erased.
    """

    event: str
    worker: str
    at: str
    ruleset: str | None = None
    reason: str | None = None
    cause: str | None = None
    tenant: str | None = None
    authors: int | None = None
    since: str | None = None
    origin: str | None = None
    added: int | None = None
    removed: int | None = None
    changed: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    author: str | None = None


def record_key(tenant: str, platform: str, author: str | None) -> bytes:
    """Return the key under which an author's records lie in one partition."""
    return f"{tenant}/{platform}/{author or ''}".encode("utf-8", "surrogatepass")
