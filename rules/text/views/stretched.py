"""Letters that are held: "fuuuuck". Three or more stand for one or two, fewer for themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product

from rules.text.views.reading import Edit, Span, Vocabulary

_HELD = re.compile(r"([^\W\d_])\1\1+")
_WORD = re.compile(r"[^\W\d_]+")
_MOST = 32


def undo(text: str, vocabulary: Vocabulary, variant: int = 0) -> list[Edit]:
    """Return what the step changes; the variant-th way that is known, else one letter or two."""
    return list(_edits(text, vocabulary, variant))


def _edits(text: str, vocabulary: Vocabulary, variant: int) -> Iterator[Edit]:
    done = 0
    for held in _HELD.finditer(text):
        if held.start() < done:
            continue
        start = held.start()
        while start > done and text[start - 1].isalpha():
            start -= 1
        match = _WORD.match(text, start)
        assert match is not None
        done = match.end()
        runs = list(_runs(text, start, done))
        yield Edit(start, done, *_read(runs, vocabulary, variant))


def _runs(text: str, start: int, end: int) -> Iterator[tuple[str, Span, tuple[int, ...]]]:
    """Yield letters with their places, and how many of them a run may stand for."""
    while start < end:
        last = start + 1
        while last < end and text[last] == text[start]:
            last += 1
        yield text[start], (start, last), (1, 2) if last - start > 2 else (last - start,)
        start = last


def _read(
    runs: list[tuple[str, Span, tuple[int, ...]]], vocabulary: Vocabulary, variant: int
) -> tuple[str, list[Span]]:
    counts = tuple(each[min(variant, len(each) - 1)] for _, _, each in runs)
    ways = [
        tried
        for tried in islice(product(*(each for _, _, each in runs)), _MOST)
        if vocabulary.knows("".join(run[0] * count for run, count in zip(runs, tried, strict=True)))
    ]
    if ways:
        counts = ways[min(variant, len(ways) - 1)]
    letters = "".join(run[0] * count for run, count in zip(runs, counts, strict=True))
    return letters, [run[1] for run, count in zip(runs, counts, strict=True) for _ in range(count)]
