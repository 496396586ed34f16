"""Adds up the evidence for one label: of hits that overlap, the same stretch of text counts once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rules.verdict import Hit


class Weighed(NamedTuple):
    """What the evidence for one label comes to.

    Attributes:
        counted: The hits that count, strongest first.
        total: Their sum in log-odds, within the policy's bound.
    """

    counted: list[Hit]
    total: float

    @property
    def against(self) -> bool:
        """Whether it speaks against the author on the whole."""
        return self.total > 0


def weigh(hits: Sequence[Hit], bound: float) -> Weighed:
    """Return what hits of one label add up to, between -bound and bound."""
    if len(hits) == 1:
        counted = list(hits) if hits[0].weight else []
    else:
        counted = _heaviest([hit for hit in hits if hit.weight > 0])
        counted += _heaviest([hit for hit in hits if hit.weight < 0])
        counted.sort(key=lambda hit: (-abs(hit.weight), hit.rule))
    total = sum(hit.weight for hit in counted)
    return Weighed(counted, max(-bound, min(bound, total)))


def _heaviest(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits that don't overlap and weigh most together.

    For two hits that is the stronger one. Taking the strongest first would do for two,
    but then a further hit could lower the sum: one that overlaps two neighbours would
    replace both. Hits without a span overlap nothing.
    """
    whole = [hit for hit in hits if hit.span is None]
    spans = sorted(((hit.span, hit) for hit in hits if hit.span is not None), key=_by_end)
    if len(spans) < 2:
        return whole + [hit for _, hit in spans]
    return whole + _schedule(spans)


def _schedule(spans: Sequence[tuple[tuple[int, int], Hit]]) -> list[Hit]:
    """Solve weighted interval scheduling: for each prefix, the best sum with or without its last hit."""
    ends = [end for (_, end), _ in spans]
    best = [0.0]
    before = [bisect_right(ends, start, 0, index) for index, ((start, _), _) in enumerate(spans)]
    for index, (_, hit) in enumerate(spans):
        best.append(max(best[index], best[before[index]] + abs(hit.weight)))
    taken = []
    index = len(spans)
    while index:
        if best[index] == best[index - 1]:
            index -= 1
        else:
            taken.append(spans[index - 1][1])
            index = before[index - 1]
    return taken


def _by_end(one: tuple[tuple[int, int], Hit]) -> tuple[int, int, float, str]:
    (start, end), hit = one
    # Of equals the first by name is taken, so that a verdict doesn't hang on the order of files.
    return end, -start, -abs(hit.weight), hit.rule


def by_label(hits: Iterable[Hit]) -> dict[str, list[Hit]]:
    """Return the hits of each label; those without one are left out."""
    found: dict[str, list[Hit]] = {}
    for hit in hits:
        if hit.label:
            found.setdefault(hit.label, []).append(hit)
    return found
