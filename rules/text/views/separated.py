"""Words whose letters stand apart: "f u c k", "f.u.c.k", "fu-ck", also over line breaks.

A row of letters is read as words only where it falls into words of terms and a few short
common ones without a rest: "p a s s" holds no "ass", "g r a p e s" no "rape".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from rules.text.views.reading import Edit, Span, Vocabulary, tokens_with

_MARKS = (
    "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    + "".join(
        f"{chr(at)}-{chr(at + 3)}{chr(at + 0x3A)}-{chr(at + 0x3C)}{chr(at + 0x3E)}-{chr(at + 0x4D)}"
        for at in range(0x0900, 0x0D80, 0x80)
    )
)
_LETTER = rf"[^\W\d_][{_MARKS}]*"
_PART = rf"(?:[^\W_]|[{_MARKS}])"
SIGNS = ".,;:/|~*+=•·…_'\"()\\[\\]{}<>!?^-"
_GAP = rf"(?:[{SIGNS}]+| [{SIGNS}]* ?)"
# A row begins and ends where words do: in "fa.t c.o.w-bell" the last piece is one of "cowbell".
_ROW = re.compile(
    rf"(?<!{_PART})(?<!{_PART}[{SIGNS}])(?<!{_PART}[{SIGNS}][{SIGNS}]){_LETTER}(?:{_LETTER})?"
    rf"(?:{_GAP}{_LETTER}(?:{_LETTER})?(?!{_PART}))+(?![{SIGNS}]+{_PART})"
)
_PIECES = re.compile(rf"(?:{_LETTER})+")
_INNER = re.compile(r"[.,;:/|~*+=•·…_^-](?<=\S.)[.,;:/|~*+=•·…_^-]*[^\s\d]")
_CUT = re.compile(rf"(?<![\w{_MARKS}])(?:{_LETTER})+(?:[.,;:/|~*+=•·…_^-]+(?:{_LETTER})+)+(?![\w{_MARKS}])")

_SHORT = frozenset(
    """
    a i u am an and are at be do for get go he her him his i'm if in is it its me my no not of off on or our
    out she so that the them they this to up us we who will with you your de du der die das den dem ein eine
    ich ist la las le les los el en es e o os um uma que te tu se
    """.split()  # noqa: SIM905 (a list wouldn't fit)
)
# Both halves of "pen.is" are words: the dot may be that of a sentence.
_COMMON = _SHORT | frozenset(
    """
    pen cum ass tit as has was hit pass put ten per con part men the ex co re un pre
    """.split()  # noqa: SIM905 (as above)
)
# What may stand between two words; a star or a bar doesn't.
_JOINTS = ".,;:/-…"
_LONGEST = 24


def undo(text: str, vocabulary: Vocabulary) -> list[Edit]:
    """Return what the step changes."""
    edits: list[Edit] = []
    done = 0
    # Of two that begin at one place the longer one goes first.
    for start, end in sorted([*_spans(_ROW, text), *_cuts(text)], key=lambda span: (span[0], -span[1])):
        if start < done:
            continue
        edit = _row(text, start, end, vocabulary) or _cut(text, start, end, vocabulary)
        if edit is not None:
            edits.append(edit)
            done = end
    return edits


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    return (match.span() for match in pattern.finditer(text))


def _cuts(text: str) -> Iterator[Span]:
    for start, end in tokens_with(_INNER, text):
        yield from (match.span() for match in _CUT.finditer(text, start, end))


def _row(text: str, start: int, end: int, vocabulary: Vocabulary) -> Edit | None:
    """Read a row of letters, at least three of which stand alone, or two beside pieces of two."""
    pieces = [match.span() for match in _PIECES.finditer(text, start, end)]
    single = sum(last - first == 1 or _is_one(text[first:last]) for first, last in pieces)
    if single < 2 or len(pieces) < 3:
        return None
    letters = "".join(text[first:last] for first, last in pieces)
    places = [at for first, last in pieces for at in range(first, last)]
    # Pieces that end at a place, by their length: "at" in "n i t r o at" is a word of its own.
    whole: dict[int, int] = {}
    filled = 0
    for first, last in pieces:
        filled += last - first
        if last - first > 1:
            whole[filled] = last - first
    # Where signs stand between letters, mere spaces stand between words.
    gaps = [text[before:after] for (_, before), (after, _) in pairwise(pieces)]
    ends = accumulate(last - first for first, last in pieces)
    borders = [end for end, gap in zip(ends, gaps, strict=False) if gap.isspace()]
    words = _tiled(letters, whole, vocabulary, borders if len(borders) < len(gaps) else ())
    if words is None and 0 < len(borders) < len(gaps):
        words = _tiled(letters, whole, vocabulary)
    if words is None:
        return None
    spelled: list[str] = []
    spans: list[Span] = []
    at = 0
    for word in words:
        if spelled:
            spelled.append(" ")
            spans.append((places[at - 1] + 1, places[at]) if places[at - 1] + 1 < places[at] else spans[-1])
        spelled.append(word)
        spans += [(place, place + 1) for place in places[at : at + len(word)]]
        at += len(word)
    return Edit(start, end, "".join(spelled), spans)


def _is_one(piece: str) -> bool:
    return sum(one.isalpha() for one in piece) == 1


def _tiled(
    letters: str, whole: dict[int, int], vocabulary: Vocabulary, borders: Sequence[int] = ()
) -> list[str] | None:
    """Return the fewest words that a row falls into, one of a term among them; None where it doesn't.

    No word goes across a border.
    """
    # By the last word's length: the cost, the length of the one before, and whether a term's is among them.
    # A single letter that is no word of its own is one beside a word that it stands with in some term:
    # the word before it, or, where its length is written as -1, the word behind it.
    best: list[dict[int, tuple[float, int, bool]]] = [{0: (0.0, 0, False)}]
    best += [{} for _ in letters]
    for end in range(1, len(letters) + 1):
        border = bisect_left(borders, end)
        since = borders[border - 1] if border else 0
        for length in range(1, min(end - since, _LONGEST) + 1):
            start, word = end - length, letters[end - length : end]
            if not best[start]:
                continue
            known = length > 1 and vocabulary.knows(word)
            itself = known or word in _SHORT or whole.get(end) == length
            if not itself and length > 1:
                continue
            known = known and (length > 2 or word > "\u2e80")
            ways, alone = [], []
            for before, (cost, _, is_known) in best[start].items():
                together = vocabulary.together(letters[start - abs(before) : start], word)
                way = (cost + 1 - together * 0.9, before, is_known or known)
                if together or (itself and before >= 0):
                    ways.append(way)
                elif length == 1 and before >= 0:
                    alone.append(way)
            if ways:
                best[end][length] = min(ways)
            if alone:
                best[end][-1] = min(alone)
    words: list[str] = []
    at = len(letters)
    ends = [one for one in best[at] if one > 0]
    length = min(ends, key=lambda one: (not best[at][one][2], best[at][one][0]), default=0)
    if not length or not best[at][length][2]:
        return None
    while at:
        words.append(letters[at - abs(length) : at])
        at, length = at - abs(length), best[at][length][1]
    return words[::-1]


def _cut(text: str, start: int, end: int, vocabulary: Vocabulary) -> Edit | None:
    """Read a word with signs in it; the whole of it must be a word of a term."""
    pieces = [match.span() for match in _PIECES.finditer(text, start, end)]
    words = [text[first:last] for first, last in pieces]
    joined = "".join(words)
    if any(one == " " for one in text[start:end]) or len(joined) < 2:
        return None
    if not (vocabulary.knows(joined) or vocabulary.begins(joined)):
        return None
    joint = any(one in _JOINTS for one in text[start:end])
    if joint and all(word in _COMMON or (len(word) > 3 and vocabulary.knows(word)) for word in words):
        return None
    return Edit(start, end, joined, [(at, at + 1) for first, last in pieces for at in range(first, last)])
