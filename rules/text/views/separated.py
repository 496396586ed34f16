"""Words whose letters stand apart: "f u c k", "f.u.c.k", "fu-ck", also over line breaks.

A row of letters is read as words only where it falls into words of terms and a few short
common ones without a rest: "p a s s" holds no "ass", "g r a p e s" no "rape".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice, pairwise, product
from typing import NamedTuple

from rules.text.views import leet
from rules.text.views.reading import MARKS, Edit, Span, Step, Vocabulary, tokens_with
from rules.text.words import NO_SPACES, UNSPACED

_LETTER = rf"[^\W\d_][{MARKS}]*"
_PART = rf"(?:[^\W_]|[{MARKS}])"
SIGNS = ".,;:/|~*+=•·…_'\"()\\[\\]{}<>!?^-"
_BETWEEN = f"\u2600-\u27bf\U0001f300-\U0001faff{SIGNS}"  # letters stand apart by emoji too
_GAP = rf"(?:[{_BETWEEN}]+| [{_BETWEEN}]* ?)"


def _row_of(one: str) -> re.Pattern[str]:
    """Return an expression for a row of these, alone or by two.

    It begins and ends where words do: in "fa.t c.o.w-bell" the last piece is one of "cowbell".
    """
    return re.compile(
        rf"(?<!{_PART})(?<!{_PART}[{SIGNS}])(?<!{_PART}[{SIGNS}][{SIGNS}]){one}(?:{one})?"
        rf"(?:{_GAP}{one}(?:{one})?(?!{_PART}))+(?![{SIGNS}]+{_PART})"
    )


_ROW = _row_of(_LETTER)
_ROW_WITH_DIGITS = _row_of(rf"(?:{_LETTER}|[0-9])")
_DIGIT = re.compile("[0-9]")
_LETTERS = re.compile(_LETTER)
_INNER_SIGNS = ".,;:/|~*+=•·…_^-"
# From the first of a run of signs, or "::::::" takes quadratic time.
_INNER = re.compile(rf"(?<=[^\s'{_INNER_SIGNS}])'*+[{_INNER_SIGNS}]['{_INNER_SIGNS}]*+[^\W_]")
# A word with signs in it, of a script with spaces or of one without: in "免费n~i~tro" it is "nitro".
_SPACED = rf"(?:(?![{NO_SPACES}]){_LETTER}|[0-9])"
_UNSPACED = rf"(?:(?=[{NO_SPACES}]){_LETTER})"
_CUT = re.compile(
    rf"(?:(?<![\w{MARKS}])|(?<=[{NO_SPACES}])(?=[a-z]))"
    rf"(?:{_SPACED}+(?:['{_INNER_SIGNS}]+{_SPACED}+)+(?![\w{MARKS}])"
    rf"|{_UNSPACED}+(?:[{_INNER_SIGNS}]+{_UNSPACED}+)+)"
)
_WORD_BEFORE = re.compile(rf"((?:{_LETTER}|[0-9]){{1,30}}) +$")
_WORD_BEHIND = re.compile(rf" +((?:{_LETTER}|[0-9])+)")
_NEAR = 40  # no further back, or a long text takes quadratic time
_PIECES = re.compile(rf"(?:{_LETTER}|[0-9])+")

_SHORT = frozenset(
    """
    a i u am an and are at be do for get go he her him his i'm if in is it its me my no not of off on or our
    out she so that the them they this to up us we who will with you your de du der die das den dem ein eine
    ich ist la las le les los el en es e o os um uma que te tu se
    """.split()  # noqa: SIM905 (a list wouldn't fit)
)
_LONGEST_SHORT = max(map(len, _SHORT))
# Both halves of "pen.is" are words: the dot may be that of a sentence.
_COMMON = _SHORT | frozenset(
    """
    pen cum ass tit as has was hit pass put ten per con part men the ex co re un pre
    """.split()  # noqa: SIM905 (as above)
)
# What may stand between two words; a star or a bar doesn't. In scripts without spaces more may.
_JOINTS = ".,;:/-…"
_UNSPACED_JOINTS = frozenset(",.;:/=+…")
_LONGEST = 24
_MOST_WAYS = 8  # to read the digits of a row
_TOGETHER = (0.9, 1.1)  # what it is worth that words stand together in a term; in the second try more


class _Joined(NamedTuple):
    """A word that was cut, put together; it is one only beside others unless sure."""

    edit: Edit
    sure: bool = True


def undo(text: str, vocabulary: Vocabulary, *, rows: bool = True) -> Iterator[list[Edit]]:
    """Yield what the step changes; the second time "s i e g h e i l" rather is two words of a term than one.

    Without `rows` there are no letters apart.
    """
    apart = list(_rows(text)) if rows else []
    # Of two that begin at one place the longer one goes first.
    spans = [(start, -end, True) for start, end in apart] + [
        (start, -end, False) for start, end in _cuts(text)
    ]
    spans.sort()
    for together in _TOGETHER[: 2 if apart else 1]:
        yield list(_sure(list(_joined(spans, text, vocabulary, together)), text, vocabulary))


def _rows(text: str) -> Iterator[Span]:
    """Yield where letters stand apart, and where digits do among them: "r u l e 3 4", "n 1 t r o"."""
    yield from (match.span() for match in _ROW.finditer(text))
    if _DIGIT.search(text):
        found = (match for match in _ROW_WITH_DIGITS.finditer(text) if _DIGIT.search(match[0]))
        yield from (match.span() for match in found if _LETTERS.search(match[0]))


def may_be_cut(word: str, vocabulary: Vocabulary) -> bool:
    """Return whether signs in this word may part one of a term."""
    return any(_cut(word, start, end, vocabulary) for start, end in _cuts(word))


def _joined(
    spans: Iterable[tuple[int, int, bool]], text: str, vocabulary: Vocabulary, together: float
) -> Iterator[_Joined]:
    done = 0
    for start, minus_end, apart in spans:
        if start >= done:
            row = _row(text, start, -minus_end, vocabulary, together) if apart else None
            joined = _Joined(row) if row else _cut(text, start, -minus_end, vocabulary)
            if joined is not None:
                yield joined
                done = -minus_end


def _sure(found: Sequence[_Joined], text: str, vocabulary: Vocabulary) -> Iterator[Edit]:
    """Yield what is sure, and what stands beside it: "pen.is" may be two sentences, "pen.is s.u.c.k" no."""
    at = 0
    while at < len(found):
        last = at + 1
        while last < len(found) and text[found[last - 1].edit.end : found[last].edit.start].isspace():
            last += 1
        edits = [each.edit for each in found[at:last]]
        if any(each.sure for each in found[at:last]) or any(
            vocabulary.together(one.letters, other.letters) for one, other in pairwise(edits)
        ):
            yield from edits
        at = last


def _cuts(text: str) -> Iterator[Span]:
    for start, end in tokens_with(_INNER, text):
        yield from (match.span() for match in _CUT.finditer(text, start, end))


def _row(text: str, start: int, end: int, vocabulary: Vocabulary, together: float) -> Edit | None:
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
    parted = 0 < len(borders) < len(gaps)
    for way in _ways(letters):
        words = _tiled(way, whole, vocabulary, together, borders if parted else ())
        if words is None and parted and not _are_words(way, borders, vocabulary):
            words = _tiled(way, whole, vocabulary, together)
        if words is not None:
            break
    else:
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
    return Edit(start, end, "".join(spelled), spans, 0 if way == letters else Step.LEET.bit)


def _ways(letters: str) -> Iterator[str]:
    """Yield what a row may be: as it stands, then with its digits as letters."""
    yield letters
    if _DIGIT.search(letters):
        yield from map("".join, islice(product(*leet.meant(letters)), _MOST_WAYS))


def _is_one(piece: str) -> bool:
    return sum(one.isalpha() for one in piece) == 1


def _are_words(letters: str, borders: Sequence[int], vocabulary: Vocabulary) -> bool:
    words = (letters[start:end] for start, end in pairwise((0, *borders, len(letters))))
    return all(word in _SHORT or (len(word) > 1 and vocabulary.knows(word)) for word in words)


def _tiled(
    letters: str, whole: dict[int, int], vocabulary: Vocabulary, bonus: float, borders: Sequence[int] = ()
) -> list[str] | None:
    """Return the fewest words that a row falls into, one of a term among them; None where it doesn't.

    No word goes across a border.
    """
    # By the last word's length: the cost, the length of the one before, and whether a term's is among them.
    # A single letter that is no word of its own is one beside a word that it stands with in some term:
    # the word before it, or, where its length is written as -1, the word behind it.
    best: list[dict[int, tuple[float, int, bool]]] = [{0: (0.0, 0, False)}]
    best += [{} for _ in letters]
    for start in range(len(letters)):
        if not best[start]:
            continue
        border = bisect_right(borders, start)
        until = borders[border] if border < len(borders) else len(letters)
        longest = max(vocabulary.longest(letters[start : start + 3]), _LONGEST_SHORT)
        for end in range(start + 1, min(until, start + longest) + 1):
            length, word = end - start, letters[start:end]
            known = length > 1 and vocabulary.knows(word)
            itself = known or word in _SHORT or whole.get(end) == length
            if not itself and length > 1:
                continue
            known = known and (length > 2 or word > "\u2e80")
            ways, alone = [], []
            for before, (cost, _, is_known) in best[start].items():
                together = vocabulary.together(letters[start - abs(before) : start], word)
                way = (cost + 1 - together * bonus, before, is_known or known)
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
    ends = sorted(one for one in best[at] if one > 0)
    length = min(ends, key=lambda one: (not best[at][one][2], best[at][one][0]), default=0)
    if not length or not best[at][length][2]:
        return None
    while at:
        words.append(letters[at - abs(length) : at])
        at, length = at - abs(length), best[at][length][1]
    return words[::-1]


def _cut(text: str, start: int, end: int, vocabulary: Vocabulary) -> _Joined | None:
    """Read a word with signs in it; the whole of it must be a word of a term."""
    pieces = [match.span() for match in _PIECES.finditer(text, start, end)]
    words = [text[first:last] for first, last in pieces]
    joined = "".join(words)
    signs = set(text[start:end]).difference(joined)
    if " " in signs or signs <= {"'"} or len(joined) < 2:
        return None
    unspaced = joined > "\u2e80" and UNSPACED.match(joined) is not None
    if unspaced:
        known = signs.isdisjoint(_UNSPACED_JOINTS) and _spans_a_cut(words, vocabulary)
    else:
        known = vocabulary.knows(joined) or vocabulary.begins(joined)
    if not known:
        return None
    edit = Edit(start, end, joined, [(at, at + 1) for first, last in pieces for at in range(first, last)])
    two_words = not signs.isdisjoint(_JOINTS) and all(
        word in _COMMON or (len(word) > 3 and vocabulary.knows(word)) for word in words
    )
    alone = unspaced or vocabulary.begins(joined) or vocabulary.stands_alone(joined)
    sure = not two_words if alone else _stands_beside(text, start, end, joined, vocabulary)
    return _Joined(edit, sure and not joined.isdigit())


def _stands_beside(text: str, start: int, end: int, word: str, vocabulary: Vocabulary) -> bool:
    """Return whether a word that is no term by itself stands in one with the word before it or behind it."""
    before = _WORD_BEFORE.search(text, max(0, start - _NEAR), start)
    behind = _WORD_BEHIND.match(text, end)
    return (before is not None and vocabulary.together(before[1], word)) or (
        behind is not None and vocabulary.together(word, behind[1])
    )


def _spans_a_cut(words: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Return whether a term reaches over a cut in a script without spaces, where it may stand anywhere."""
    joined = "".join(words)
    for cut in islice(accumulate(map(len, words)), len(words) - 1):
        for start in range(max(0, cut - _LONGEST), cut):
            longest = max(vocabulary.longest(joined[start : start + 3]), 2)
            if any(vocabulary.knows(joined[start:end]) for end in range(cut + 1, start + longest + 1)):
                return True
    return False
