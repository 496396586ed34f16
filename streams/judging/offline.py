"""Judges without a broker and a store: lines of JSON in, verdicts out, order kept."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from rules.decide import decide
from rules.explain import Explanation, explain
from rules.fold import readable
from rules.message import Kind, Message
from rules.reputation import Reputation
from rules.ruleset import Evidence, RuleSet
from rules.switches import NONE as NO_SWITCHES
from rules.switches import Switches
from rules.verdict import Action, Judgement, ModelNote, Verdict
from streams.errors import ConfigurationError, UnreadableError
from streams.judging.looked import Looked, is_read, time_of
from streams.judging.verdicts import KeyedHash, Stamp, verdict_of
from streams.wire.reading import MAX_RECORD_BYTES, read_offline
from streams.wire.writing import encode, rfc3339

if TYPE_CHECKING:
    from models import Moved
    from streams.judging.onlooker import Onlooker
    from streams.judging.perception import Scores

BATCH = 256


class Refusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands in the place of a line that can't be read.

    Attributes:
        error: The short reason, as in a dead letter's header.
        line: Counted from 1.
    """

    error: str
    detail: str
    line: int
    field: str | None = None


class Offline:
    """Judges messages with a rule set and perhaps a model; one after the other where rules ask for behaviour.

    Args:
        standing: What every author's reputation is taken to be; None is unknown.
        switches: What is taken to be turned down.
    """

    def __init__(
        self,
        rules: RuleSet,
        *,
        model: Scores | None = None,
        model_note: ModelNote | None = None,
        secret: bytes = b"",
        standing: Reputation | None = None,
        show_matched: bool = True,
        switches: Switches = NO_SWITCHES,
    ) -> None:
        self._rules = rules
        self._model = model
        self._model_note = model_note
        self._hash = KeyedHash(secret)
        self._standing = standing
        self._show_matched = show_matched
        self._switches = switches
        self._onlooker: Onlooker | None = None
        if rules.behaviour:
            # What it needs takes a second to import.
            from streams.judging.onlooker import Onlooker

            self._onlooker = Onlooker(rules, secret=secret, standing=standing)

    def looked(self, messages: Sequence[Message]) -> list[Looked | None]:
        """Return what is found in each message, and what its author did before; None where that fails."""
        found = [self._scanned(message) for message in messages]
        if self._onlooker is None:
            return [Looked(one) if one is not None else None for one in found]
        good = [(each, one) for each, one in zip(messages, found, strict=True) if one is not None]
        seen = iter(self._onlooker.look(good))
        return [next(seen) if one is not None else None for one in found]

    def _scanned(self, message: Message) -> Evidence | None:
        try:
            return self._rules.scan(message)
        except Exception:  # noqa: BLE001 - whoever judges it is told
            return None

    def scores(self, messages: list[Message]) -> list[dict[str, float] | None]:
        """Return the model's probabilities by label for each message; None where it isn't asked."""
        found: list[dict[str, float] | None] = [None] * len(messages)
        numbers = [number for number, message in enumerate(messages) if is_read(message)]
        if self._model is None or not numbers:
            return found
        read = [messages[number] for number in numbers]
        rows = self._model.score([readable(message.text, message.entities) for message in read])
        for number, row in zip(numbers, rows, strict=True):
            found[number] = dict(zip(self._model.labels, map(float, row), strict=True))
        return found

    def judge(
        self,
        message: Message,
        verdict_id: str,
        scores: dict[str, float] | None,
        looked: Looked | None = None,
    ) -> Verdict:
        """Return the verdict on one message; its `sent_at` is taken for the time, else the clock.

        Args:
            looked: From `looked`; without it the message is taken by itself.
        """
        looked = looked or Looked(self._rules.scan(message))
        now = time_of(message)
        if self._switches.silences_model(message) is not None:
            scores = None
        missing = [] if scores is not None or not is_read(message) else ["model"]
        if self._standing is None:
            missing.append("standing")
        if self._rules.behaviour and looked.seen is None:
            missing.append("behaviour")
        if message.attachments:
            missing.append("attachments")
        return verdict_of(
            message,
            self.judgement(message, scores, looked),
            Stamp(self._rules, rfc3339(time.time()), self._model_note, self._show_matched),
            verdict_id=verdict_id,
            now=now,
            text_hash=self._hash.of_text(looked.evidence.folded.data) if message.text else None,
            model_scores=scores,
            missing=tuple(missing),
        )

    def judgement(
        self, message: Message, scores: dict[str, float] | None, looked: Looked | None = None
    ) -> Judgement:
        """Return what is decided about a message, before it is dressed as a verdict."""
        looked = looked or Looked(self._rules.scan(message))
        if message.kind is Kind.DELETED:
            return Judgement(Action.ALLOW, decided_by="deleted")
        return decide(
            message, looked.evidence, self._rules,
            scores=scores, reputation=self._standing, now=time_of(message), switches=self._switches,
            seen=looked.seen,
        )  # fmt: skip

    def moved(self, message: Message, label: str) -> list[Moved]:
        """Return which words of the text, as the model reads it, moved its score of a label.

        Raises:
            ConfigurationError: Without a model, or when it doesn't know the label.
        """
        if self._model is None:
            raise ConfigurationError("no model scores here: name one with --model")
        if label not in self._model.labels:
            known = ", ".join(self._model.labels)
            raise ConfigurationError(f"the model knows no label {label!r}; it knows {known}")
        from models import words_that_moved

        return words_that_moved(self._model, readable(message.text, message.entities), label)

    def explain(self, message: Message) -> Explanation:
        """Return what is decided about a message, taken apart for a person."""
        (scores,) = self.scores([message])
        return explain(
            message,
            self._rules.scan(message),
            self._rules,
            scores=scores,
            reputation=self._standing,
            now=time_of(message),
            switches=self._switches,
        )

    def answer(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Return one JSON object a line, in order: a verdict, or an object with `error`."""
        batch: list[tuple[int, Message | Refusal]] = []
        for number, line in enumerate(lines, 1):
            batch.append((number, _read(line, number)))
            if len(batch) == BATCH:
                yield from self._answer(batch)
                batch = []
        yield from self._answer(batch)

    def _answer(self, batch: list[tuple[int, Message | Refusal]]) -> Iterator[bytes]:
        messages = [item for _, item in batch if isinstance(item, Message)]
        scores = iter(self.scores(messages) if messages else ())
        looked = iter(self.looked(messages))
        for number, item in batch:
            if isinstance(item, Message):
                yield encode(self._verdict(item, number, next(scores), next(looked)))
            else:
                yield encode(item)

    def _verdict(
        self, message: Message, line: int, scores: dict[str, float] | None, looked: Looked | None
    ) -> Verdict | Refusal:
        try:
            return self.judge(message, f"api/line-{line}/0", scores, looked)
        except Exception as error:  # noqa: BLE001 - one line must not cost the lines behind it
            return Refusal("judging", f"judging it failed: {type(error).__name__}: {error}", line)


def _read(line: bytes, number: int) -> Message | Refusal:
    try:
        return read_offline(line, f"line-{number}")
    except UnreadableError as error:
        return Refusal(error.reason, str(error), number, error.field)


def lines_of(source: BinaryIO) -> Iterator[bytes]:
    r"""Return the lines of a stream, which end at \n bytes only, without their ends.

    Of a line over the size limit only so much is kept that it is known to be over it.
    """
    limit = MAX_RECORD_BYTES + 2
    while line := source.readline(limit):
        rest = line
        while not rest.endswith(b"\n") and (rest := source.readline(limit)):
            pass
        yield line.removesuffix(b"\n")


class _Recorded(msgspec.Struct):
    """A record with its key and time beside the message."""

    value: msgspec.Raw


def message_in(line: bytes) -> bytes:
    """Return the message of a line: the line itself, or its `value` where it is a record."""
    if b'"value"' in line:
        with contextlib.suppress(msgspec.MsgspecError):
            return bytes(msgspec.json.decode(line, type=_Recorded).value)
    return line
