"""Rows of letters that stand apart: "f u c k", "f.u.c.k", also over line breaks.

A row is read as words only where it falls into words of terms and a few short common ones
without a rest: "p a s s" holds no "ass", "g r a p e s" no "rape". Where letters of it are disguised
themselves, that is undone here, since they are no words by themselves: "f.u.с.k" with a Cyrillic
с, "n 1 t r o", "f u u u c k".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, islice, pairwise, product
from typing import NamedTuple

from rules.text.views import leet, lookalikes
from rules.text.views.reading import MARKS, Edit, Span, Step, Vocabulary

LETTER = rf"[^\W\d_][{MARKS}]*"
_PART = rf"(?:[^\W_]|[{MARKS}])"
SIGNS = ".,;:/|~*+=•·…_'\"`()\\[\\]{}<>!?^\\\\-"
EMOJI = "\u2600-\u27bf\U0001f300-\U0001faff"  # letters stand apart by these too
_BETWEEN = f"{EMOJI}{SIGNS}"
_GAP = rf"(?:[{_BETWEEN}]+ ?| [{_BETWEEN}]* ?)"


def _row_of(one: str) -> re.Pattern[str]:
    """Return an expression for a row of these, alone or by two.

    It begins and ends where words do: in "fa.t c.o.w-bell" the last piece is one of "cowbell".
    """
    return re.compile(
        rf"(?<!{_PART})(?<!{_PART}[{SIGNS}])(?<!{_PART}[{SIGNS}][{SIGNS}]){one}(?:{one})?"
        rf"(?:{_GAP}{one}(?:{one})?(?!{_PART}))+(?![{SIGNS}]+{_PART})"
    )


_ROW = _row_of(LETTER)
_LEET = "0-9@$€¢£¥"
_ROW_WITH_DIGITS = _row_of(rf"(?:{LETTER}|[{_LEET}])")
DIGIT = re.compile(f"[{_LEET}]")
_LETTERS = re.compile(LETTER)
PIECES = re.compile(rf"(?:{LETTER}|[{_LEET}])+")

SHORT = frozenset(
    """
    a i u am and are at be do for get go he her him his i'm if is it its me my no not of off our out she so
    that the them they this to up us we who will with you your de du der die das den dem ich que tu
    """.split()  # noqa: SIM905 (a list wouldn't fit)
)
# Endings of longer words, too, "s p i c e" and "t i t a n", so these stand before a term or between borders.
LEADING = frozenset("an e ein eine el en es in ist la las le les los o on or os se te um uma y".split())  # noqa: SIM905
_LONGEST_SHORT = max(map(len, SHORT))
MOST_WAYS = 8  # to read the digits of a row
_HELD = 3  # so often a letter is written that is held


class _Piece(NamedTuple):
    """Letters of a row that stand together, and where; a letter that was held is written once."""

    letters: str
    start: int
    end: int

    def places(self) -> list[Span]:
        if len(self.letters) < self.end - self.start:
            return [(self.start, self.end)] * len(self.letters)
        return [(at, at + 1) for at in range(self.start, self.end)]


def find_rows(text: str) -> Iterator[Span]:
    """Yield where letters stand apart, and where digits do among them: "r u l e 3 4", "n 1 t r o"."""
    yield from (match.span() for match in _ROW.finditer(text))
    if DIGIT.search(text):
        found = (match for match in _ROW_WITH_DIGITS.finditer(text) if DIGIT.search(match[0]))
        yield from (match.span() for match in found if _LETTERS.search(match[0]))


def read_row(text: str, start: int, end: int, vocabulary: Vocabulary, together: float) -> Edit | None:
    """Read a row of letters, at least three of which stand alone, or two beside pieces of two."""
    pieces = [_Piece(match[0], *match.span()) for match in PIECES.finditer(text, start, end)]
    single = sum(len(piece.letters) == 1 or _is_one(piece.letters) for piece in pieces)
    if single < 2 or len(pieces) < 3:
        return None
    edit = _read(pieces, text, vocabulary, together)
    if edit is not None:
        return edit
    ways = list(filter(None, (_read(fewer, text, vocabulary, together) for fewer in _unheld(pieces))))
    # "n i i g g g g e r" is rather a term than a word that stands in one.
    ways.sort(key=lambda way: not any(map(vocabulary.stands_alone, way.letters.split(" "))))
    return ways[0]._replace(marks=ways[0].marks | Step.STRETCHED.bit) if ways else None


def _unheld(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """Yield a row with each letter that is written three times or more written once or twice."""
    runs = [list(run) for _, run in groupby(pieces, lambda piece: piece.letters)]
    counts = [(1, 2) if len(run) >= _HELD else (len(run),) for run in runs]
    if len(pieces) > sum(map(min, counts)):
        for chosen in islice(product(*counts), MOST_WAYS):
            yield [
                piece
                for run, count in zip(runs, chosen, strict=True)
                for piece in (*run[: count - 1], run[-1]._replace(start=run[count - 1].start))
            ]


def _read(pieces: Sequence[_Piece], text: str, vocabulary: Vocabulary, together: float) -> Edit | None:
    """Read the pieces of a row as words."""
    letters = "".join(piece.letters for piece in pieces)
    # Pieces that end at a place, by their length: "at" in "n i t r o at" is a word of its own.
    whole: dict[int, int] = {}
    ends = list(accumulate(len(piece.letters) for piece in pieces))
    for piece, filled in zip(pieces, ends, strict=True):
        if len(piece.letters) > 1:
            whole[filled] = len(piece.letters)
    # Where signs stand between letters, mere spaces stand between words.
    gaps = [text[one.end : other.start] for one, other in pairwise(pieces)]
    borders = [end for end, gap in zip(ends, gaps, strict=False) if gap.isspace()]
    parted = 0 < len(borders) < len(gaps)
    for way, steps in _ways(letters, vocabulary):
        words = _tiled(way, whole, vocabulary, together, borders if parted else ())
        if words is None and parted and not _are_words(way, borders, vocabulary):
            words = _tiled(way, whole, vocabulary, together)
        if words is not None:
            return _edit(words, pieces, steps)
    return None


def _edit(words: Sequence[str], pieces: Sequence[_Piece], steps: int) -> Edit:
    """Spell a row as words with spaces between them."""
    places = [place for piece in pieces for place in piece.places()]
    spelled: list[str] = []
    spans: list[Span] = []
    at = 0
    for word in words:
        if spelled:
            spelled.append(" ")
            before, behind = places[at - 1][1], places[at][0]
            spans.append((before, behind) if before < behind else spans[-1])
        spelled.append(word)
        spans += places[at : at + len(word)]
        at += len(word)
    return Edit(pieces[0].start, pieces[-1].end, "".join(spelled), spans, steps)


def _ways(letters: str, vocabulary: Vocabulary) -> Iterator[tuple[str, int]]:
    """Yield what a row may be, and the steps it took: as it stands, in one script, its digits as letters."""
    yield letters, 0
    steps = 0
    if not letters.isascii():
        spelled = lookalikes.respelled(letters, vocabulary)
        if spelled != letters:
            letters, steps = spelled, Step.LOOKALIKES.bit
            yield letters, steps
    if DIGIT.search(letters):
        for way in islice(product(*leet.meant(letters)), MOST_WAYS):
            yield "".join(way), steps | Step.LEET.bit


def _is_one(piece: str) -> bool:
    return sum(one.isalpha() for one in piece) == 1


def _are_words(letters: str, borders: Sequence[int], vocabulary: Vocabulary) -> bool:
    words = (letters[start:end] for start, end in pairwise((0, *borders, len(letters))))
    return all(word in SHORT or (len(word) > 1 and vocabulary.knows(word)) for word in words)


def _tiled(
    letters: str, whole: dict[int, int], vocabulary: Vocabulary, bonus: float, borders: Sequence[int] = ()
) -> list[str] | None:
    """Return the fewest words that a row falls into, one of a term among them; None where it doesn't.

    No word goes across a border. What is neither a term by itself nor short is one beside a word that it
    stands with in some term, or where it fills all between two borders.
    """
    # By the last word's length: the cost, the length of the one before, and whether a term's is among them.
    # The length is written below 0 where the word waits for the one behind it.
    best: list[dict[int, tuple[float, int, bool]]] = [{0: (0.0, 0, False)}]
    best += [{} for _ in letters]
    edges = {0, len(letters), *borders, *(at for end, length in whole.items() for at in (end - length, end))}
    for start in range(len(letters)):
        if not best[start]:
            continue
        border = bisect_right(borders, start)
        until = borders[border] if border < len(borders) else len(letters)
        longest = max(vocabulary.longest(letters[start : start + 3]), _LONGEST_SHORT)
        for end in range(start + 1, min(until, start + longest) + 1):
            length, word = end - start, letters[start:end]
            known = length > 1 and vocabulary.knows(word)
            sure = known and (length > 2 or word > "\u2e80")
            itself = (
                word in SHORT
                or whole.get(end) == length
                or (word in LEADING and (start == 0 or {start, end} <= edges))
                or (sure and (vocabulary.stands_alone(word) or {start, end} <= edges))
            )
            if not (itself or known or length == 1):
                continue
            ways, waiting = [], []
            for before, (cost, _, is_known) in best[start].items():
                together = vocabulary.together(letters[start - abs(before) : start], word)
                way = (cost + 1 - together * bonus, before, is_known or sure)
                if together or (itself and before >= 0):
                    ways.append(way)
                elif before >= 0:
                    waiting.append(way)
            if ways:
                best[end][length] = min(ways)
            if waiting:
                best[end][-length] = min(waiting)
    words: list[str] = []
    at = len(letters)
    ends = sorted(one for one in best[at] if one > 0)
    length = min(ends, key=lambda one: (not best[at][one][2], best[at][one][0]), default=0)
    if not length or not best[at][length][2]:
        return None
    while at:
        words.append(letters[at - abs(length) : at])
        at, length = at - abs(length), best[at][length][1]
    return words[::-1]
