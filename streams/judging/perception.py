"""Asks the models for their word on the messages of a batch; on many, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from rules.fold import readable
from rules.switches import Switches
from streams.judging.cases import Case
from streams.judging.looked import is_read

log = structlog.get_logger(__name__)

# Code points that are scored at once, which takes some 3 ms; a thread for them would cost a tenth of that,
# and what they take from one core's cache to another's.
FEW = 8_000


class Word(NamedTuple):
    """What a model says of a text: probabilities by label, as they are and with 4 significant digits."""

    scores: dict[str, float]
    rounded: dict[str, float]


class Scores(Protocol):
    """The model, as far as judging needs it."""

    @property
    def labels(self) -> Sequence[str]:
        """What the columns of a result speak of."""

    def score(self, texts: Sequence[str]) -> NDArray:  # type: ignore[type-arg]
        """Return probabilities of shape (len(texts), len(labels))."""


class Perception:
    """The models of a worker.

    Args:
        model: Scores texts, or None to judge without.
        shadow: Scores them too; what that would have led to is counted, and no more.
    """

    def __init__(self, model: Scores | None = None, shadow: Scores | None = None) -> None:
        self._model = model
        self._shadow = shadow

    async def score(self, cases: Sequence[Case], switches: Switches) -> None:
        """Write on each case what the models say of it, or that they say nothing."""
        asked = [case for case in cases if is_read(case.message)]
        if self._model is None and self._shadow is None:
            _miss_model(asked)
            return
        if switches:
            asked = [case for case in asked if not _silenced(case, switches)]
        texts = [
            readable(
                case.message.text,
                case.message.entities,
                linked=case.evidence.links is None or len(case.evidence.links) > 0,
            )
            for case in asked
        ]
        scores = await _said("live", self._model, texts)
        for case, found in zip(asked, await _said("shadow", self._shadow, texts), strict=False):
            case.shadow_scores = found.scores
        if not scores:
            _miss_model(asked)
        for case, found in zip(asked, scores, strict=False):
            case.scores, case.rounded = found


async def _said(which: str, model: Scores | None, texts: Sequence[str]) -> list[Word]:
    """Return a model's word for each text; nothing without a model, and when it fails."""
    if model is None or not texts:
        return []
    try:
        if sum(map(len, texts)) <= FEW:
            rows = model.score(texts)
        else:
            rows = await asyncio.to_thread(model.score, texts)
        labels = model.labels
        return [
            Word(dict(zip(labels, row, strict=True)), dict(zip(labels, shown, strict=True)))
            for _, row, shown in zip(texts, rows.tolist(), rounded(rows).tolist(), strict=True)
        ]
    except Exception:
        log.exception("model_failed", model=which, messages=len(texts))
        return []


def rounded(scores: NDArray) -> NDArray:  # type: ignore[type-arg]
    """Return each probability as `wire.writing.rounded` does, all at once; below 1e-12 with fewer digits."""
    numbers = np.asarray(scores, np.float64)
    scale = 10.0 ** (3.0 - np.floor(np.log10(np.maximum(numbers, 1e-12))))
    return np.asarray(np.rint(numbers * scale) / scale)


def _miss_model(cases: Sequence[Case]) -> None:
    for case in cases:
        case.missing += ("model",)


def _silenced(case: Case, switches: Switches) -> bool:
    """Note on a case that a switch keeps the model from it."""
    switch = switches.silences_model(case.message)
    if switch is not None:
        case.missing += ("model", switch.name)
    return switch is not None
