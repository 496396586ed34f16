"""What is known of a message of a log before it is decided: when it was said, what was found and seen."""

from __future__ import annotations

import time
from datetime import UTC
from typing import NamedTuple

from rules.finding.behaviour import Lately
from rules.finding.evidence import Evidence
from rules.message import DELETED, Message


def time_of(message: Message) -> float:
    """Return the time to judge at, in epoch seconds: as in the pump, never in the future."""
    sent, clock = message.sent_at, time.time()
    if sent is None:
        return clock
    # A time without its zone is read as UTC: the machine's own zone must not change a verdict.
    return min(clock, (sent if sent.tzinfo else sent.replace(tzinfo=UTC)).timestamp())


def is_read(message: Message) -> bool:
    """Return whether models are asked about a message: not about deletions, nor where there is no text."""
    return bool(message.text) and message.kind is not DELETED


class Looked(NamedTuple):
    """A message of a log.

    Attributes:
        evidence: What was found in it, and in its author's bits of words before it.
        seen: What its author did lately; None where nobody can say.
    """

    evidence: Evidence
    seen: Lately | None = None
