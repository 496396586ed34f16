"""Judges a log of messages under two rule sets, and gathers what changes, by the rule that changes it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from rules.message import Message
from rules.ruleset import RuleSet
from rules.verdict import Judgement
from streams.errors import UnreadableError
from streams.judging.offline import BATCH, Offline, message_in
from streams.wire.reading import read_offline

if TYPE_CHECKING:
    from streams.judging.perception import Scores


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message whose verdict changes; without its text unless that is asked for."""

    line: int
    id: str
    tenant: str
    channel: str
    text: str | None = None


class Changed(msgspec.Struct, frozen=True):
    """Verdicts that change in the same way, because of the same rule.

    Attributes:
        rule: Behind the stricter of the two verdicts; "model:<label>" where no rule is.
        was: The action under the old rule set; `now` is that under the new one.
        samples: The first few.
    """

    rule: str
    was: str
    now: str
    count: int
    samples: tuple[Sample, ...]


class Difference(msgspec.Struct, frozen=True):
    """What came of a log.

    Attributes:
        messages: Lines that were judged; `unreadable` are those that couldn't be.
        changed: Messages whose action or label changes; `stricter` and `milder` by action.
        changes: The most frequent first.
    """

    old: str
    new: str
    messages: int
    unreadable: int
    changed: int
    stricter: int
    milder: int
    changes: tuple[Changed, ...]


class Diff:
    """Takes lines and counts; `result` may be asked for at any time.

    Args:
        samples: How many messages are kept of each change.
        show_text: Whether their texts are kept too.
    """

    def __init__(
        self,
        old: RuleSet,
        new: RuleSet,
        *,
        model: Scores | None = None,
        samples: int = 3,
        show_text: bool = False,
    ) -> None:
        self._old, self._new = Offline(old, model=model), Offline(new, model=model)
        self._names = old.hash, new.hash
        self._samples = samples
        self._show_text = show_text
        self._line = self._messages = self._unreadable = self._stricter = self._milder = 0
        self._counts: dict[tuple[str, str, str], int] = {}
        self._found: dict[tuple[str, str, str], list[Sample]] = {}

    def take(self, lines: Iterable[bytes]) -> None:
        """Judge messages, one JSON object a line, in batches."""
        waiting = iter(lines)
        while batch := list(islice(waiting, BATCH)):
            self._take(batch)

    def _take(self, batch: list[bytes]) -> None:
        messages: list[tuple[int, Message]] = []
        for line in batch:
            self._line += 1
            try:
                messages.append((self._line, read_offline(message_in(line), f"line-{self._line}")))
            except UnreadableError:
                self._unreadable += 1
        said = [message for _, message in messages]
        scores = self._old.scores(said) if messages else []
        looks = zip(self._old.looked(said), self._new.looked(said), strict=True)
        for (number, message), known, (before, since) in zip(messages, scores, looks, strict=True):
            was = self._old.judgement(message, known, before)
            now = self._new.judgement(message, known, since)
            if (was.action, was.label) != (now.action, now.label):
                self._note(number, message, was, now)
        self._messages += len(messages)

    def _note(self, line: int, message: Message, was: Judgement, now: Judgement) -> None:
        stricter = now if now.action.rank >= was.action.rank else was
        self._stricter += now.action.rank > was.action.rank
        self._milder += now.action.rank < was.action.rank
        key = (stricter.cause or stricter.decided_by, _said(was, now), _said(now, was))
        self._counts[key] = self._counts.get(key, 0) + 1
        samples = self._found.setdefault(key, [])
        if len(samples) < self._samples:
            text = message.text if self._show_text else None
            samples.append(Sample(line, message.id, message.tenant, message.channel, text))

    def result(self) -> Difference:
        """Return what was found so far."""
        ordered = sorted(self._counts, key=lambda key: (-self._counts[key], key))
        return Difference(
            *self._names, self._messages, self._unreadable,
            sum(self._counts.values()), self._stricter, self._milder,
            tuple(Changed(*key, self._counts[key], tuple(self._found[key])) for key in ordered),
        )  # fmt: skip


def _said(one: Judgement, other: Judgement) -> str:
    """Name the action; with its label where that alone makes the difference."""
    return one.action.value if one.action is not other.action else f"{one.action} {one.label}"
