"""What goes over the wire of the API, and how it becomes values or problems."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from rules.message import Message
from rules.verdict import Verdict
from streams.errors import UnreadableError
from streams.problems import Fault, Problem, ProblemDetails, pointer
from streams.wire.reading import read_message, read_offline
from streams.wire.records import Decision, Name, Place, Scope

# Messages that a batch may hold.
BATCH = 100


class Mode(StrEnum):
    """ASK judges and leaves no trace; RECORD also sends the message to a worker, whose verdict counts."""

    ASK = "ask"
    RECORD = "record"


class JudgeRequest(msgspec.Struct):
    """One message, as on `chat.messages`; to ask, only `text` is required."""

    message: msgspec.Raw
    mode: Mode = Mode.ASK


class BatchRequest(msgspec.Struct):
    """Up to 100 messages."""

    messages: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=BATCH)]
    mode: Mode = Mode.ASK


class Recorded(msgspec.Struct, frozen=True):
    """The record that a worker judges; its verdict's id ends in "/partition/offset"."""

    topic: str
    partition: int
    offset: int


class JudgeAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The verdict on a message.

    Attributes:
        provisional: A worker judges the message too, and its verdict counts: it sees what was said before.
        verdict: There unless judging this message failed.
        recorded: With `mode: record`, where the message lies.
        problem: In a batch, why there is no verdict.
    """

    provisional: bool
    verdict: Verdict | None = None
    recorded: Recorded | None = None
    problem: ProblemDetails | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """One answer for each message, in their order."""

    answers: list[JudgeAnswer]


class ReviewPage(msgspec.Struct, frozen=True):
    """What waits for a human, oldest first.

    Attributes:
        items: As on `mod.review`: the verdict, and the message unless texts are switched off.
        next: The `cursor` of the next page; null on the last.
    """

    items: list[msgspec.Raw]
    next: str | None


class FeedbackRequest(msgspec.Struct, kw_only=True):
    """A human decision on a verdict.

    Attributes:
        verdict_id: Of a verdict that is to be acted on or reviewed. One that is no longer known here needs
            its `message_id`, `platform`, `channel`, `author` and `text_hash` told again.
    """

    verdict_id: Name
    decision: Decision
    reviewer: Name
    role: str | None = None
    scope: Scope = Scope.CHANNEL
    reason: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    expires_at: datetime | None = None
    message_id: Name | None = None
    platform: Place | None = None
    channel: Name | None = None
    author: Name | None = None
    text_hash: str | None = None


class FeedbackAnswer(msgspec.Struct, frozen=True):
    """The decision lies on `mod.feedback` under this id."""

    id: str


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the API is; "degraded" still judges, and verdicts say what is missing."""

    status: str
    ruleset: str
    store: str
    model: str | None = None


def read_messages(raws: list[msgspec.Raw], mode: Mode, request_id: str, where: str) -> list[Message]:
    """Return the messages; one that makes no sense refuses all, so that nothing is half done.

    Args:
        where: JSON Pointer of the messages, with "#" for the number.

    Raises:
        Problem: Some don't fit; each is named.
    """
    messages: list[Message] = []
    faults: list[Fault] = []
    for number, raw in enumerate(raws):
        try:
            if mode is Mode.RECORD:
                messages.append(read_message(bytes(raw)))
            else:
                messages.append(read_offline(bytes(raw), f"{request_id}/{number}"))
        except UnreadableError as error:
            at = where.replace("#", str(number)) + pointer(error.field or "")
            faults.append(Fault(str(error), at))
    if faults:
        raise Problem("invalid", "a message can't be read; nothing was judged", errors=tuple(faults))
    return messages
