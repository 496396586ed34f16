"""Terms of several parts: `A & B ~ C` is A and B in any order, near each other, without a C near them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from rules.errors import PatternError
from rules.text.words import word_starts

_AND = re.compile(r"\s+&\s+")
_WITHOUT = re.compile(r"\s+~\s+")
Span = tuple[int, int]


class Parts(msgspec.Struct, frozen=True):
    """A term that was taken apart; each part is a term of its own.

    Attributes:
        together: All of these must stand together.
        without: None of these may stand with them.
        languages: It counts in messages of these; empty where it counts in all.
        endings: Languages in whose forms its words are found too.
    """

    together: tuple[str, ...]
    without: tuple[str, ...] = ()
    languages: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()

    @property
    def single(self) -> bool:
        return len(self.together) == 1 and not self.without

    def complete(self, found: Mapping[int, object]) -> bool:
        """Return whether every part of `together` is among the numbers of parts that were found."""
        parts = len(self.together)
        return len(found) >= parts and all(number in found for number in range(parts))

    @property
    def anchor(self) -> str:
        """The part of `together` that is rarest in texts, as far as its length tells."""
        return max(self.together, key=len)


def split_term(
    text: str, languages: frozenset[str] = frozenset(), endings: frozenset[str] = frozenset()
) -> Parts:
    """Take a term apart at its ` & ` and ` ~ `.

    Raises:
        PatternError: When there is nothing beside one of them.
    """
    together, *without = _WITHOUT.split(f" {text} ")
    parts = Parts(_stripped(_AND.split(f" {together} ")), _stripped(without), languages, endings)
    if not all((*parts.together, *parts.without)):
        raise PatternError(f'"{text}": write a term on both sides of & and ~')
    if any(_AND.search(part) for part in parts.without):
        raise PatternError(f'"{text}": write every & before the first ~')
    return parts


def find_together(
    parts: Parts, found: Mapping[int, Sequence[Span]], text: str, within: int | None
) -> Iterator[Span]:
    """Yield where all parts stand together, ascending and without overlaps.

    Args:
        found: Where each part was found, by its number: those of `together`, then those of `without`.
        text: The plain view, which the spans refer to.
        within: No two parts that stand together begin more than this many words apart, and
            nothing counts as `without` that begins farther away; None for the whole message.
    """
    if not parts.complete(found):
        return
    starts = word_starts(text)
    reach = len(text) if within is None else within
    barred = sorted(
        _word(starts, span)
        for number in range(len(parts.together), len(parts.together) + len(parts.without))
        for span in found.get(number, ())
    )
    ended = 0
    for first, last, span in _windows(len(parts.together), found, starts):
        near = last - first <= reach and span[0] >= ended
        if near and not _any_between(barred, last - reach, first + reach):
            yield span
            ended = span[1]


def _windows(
    parts: int, found: Mapping[int, Sequence[Span]], starts: Sequence[int]
) -> Iterator[tuple[int, int, Span]]:
    """Yield the smallest groups that hold every part: first and last word, and the span."""
    latest: dict[int, tuple[int, Span]] = {}
    everything = sorted((span, number) for number in range(parts) for span in found[number])
    for span, number in everything:
        latest[number] = (_word(starts, span), span)
        if len(latest) == parts:
            words = [word for word, _ in latest.values()]
            spans = [place for _, place in latest.values()]
            yield min(words), max(words), (min(spans)[0], max(end for _, end in spans))


def _word(starts: Sequence[int], span: Span) -> int:
    return bisect_right(starts, span[0]) - 1


def _any_between(ascending: Sequence[int], lowest: int, highest: int) -> bool:
    return bisect_left(ascending, lowest) < bisect_right(ascending, highest)


def _stripped(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for part in parts)
