"""Letters that are held: "fuuuuck". Three or more stand for one or two, fewer for themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product
from typing import NamedTuple

from rules.text.views.reading import MARKS, Edit, Span, Vocabulary

# Letters with their marks, or marks alone: "हराााामी".
HELD = rf"([^\W\d_][{MARKS}]{{0,3}}?|[{MARKS}])\1\1+"
_HELD = re.compile(HELD)
_WORD = re.compile(rf"(?:[^\W\d_]|[{MARKS}])+")
_OF_WORD = re.compile(rf"[^\W\d_]|[{MARKS}]")
_RUN = re.compile(rf"{HELD}|(.)")
_MOST = 32


class _Run(NamedTuple):
    """Where a letter is held, itself, and how often it may be meant."""

    start: int
    end: int
    letter: str
    counts: tuple[int, ...]


_Word = tuple[int, int, list[_Run], list[tuple[int, ...]]]


def undo(text: str, vocabulary: Vocabulary) -> Iterator[list[Edit]]:
    """Yield what the step changes: the first way that is known, else one letter; then the next, else two."""
    words = list(_words(text, vocabulary))
    for variant in range(2):
        yield [
            Edit(start, end, *_spelled(runs, ways[min(variant, len(ways) - 1)]))
            for start, end, runs, ways in words
        ]


def unheld(word: str, vocabulary: Vocabulary) -> str | None:
    """Return what a word is without the letters that are held, if that is one of a term."""
    ways = (
        spelled for _, _, runs, ways in _words(word, vocabulary) for spelled, _ in [_spelled(runs, ways[0])]
    )
    return next(filter(vocabulary.knows, ways), None)


def _words(text: str, vocabulary: Vocabulary) -> Iterator[_Word]:
    """Yield the words in which letters are held, with their runs, and the counts that make sense."""
    done = 0
    for held in _HELD.finditer(text):
        if held.start() < done:
            continue
        start = held.start()
        while start > done and _OF_WORD.match(text, start - 1):
            start -= 1
        match = _WORD.match(text, start)
        assert match is not None
        done = match.end()
        runs = [_run(run) for run in _RUN.finditer(text, start, done)]
        yield start, done, runs, _ways(runs, vocabulary)


def _run(match: re.Match[str]) -> _Run:
    return _Run(*match.span(), match[1] or match[2], (1, 2) if match[1] else (1,))


def _ways(runs: list[_Run], vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    choices = [run.counts for run in runs]
    known = [
        counts
        for counts in islice(product(*choices), _MOST)
        if vocabulary.knows("".join([run.letter * count for run, count in zip(runs, counts, strict=True)]))
    ]
    return known or [tuple(each[0] for each in choices), tuple(each[-1] for each in choices)]


def _spelled(runs: list[_Run], counts: tuple[int, ...]) -> tuple[str, list[Span]]:
    pieces = [run.letter * count for run, count in zip(runs, counts, strict=True)]
    places = [(run.start, run.end) for run, piece in zip(runs, pieces, strict=True) for _ in piece]
    return "".join(pieces), places
