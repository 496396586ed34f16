"""Words whose letters stand apart: rows of letters, and words with signs in them, "fu-ck", "n~i~tro"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import accumulate, islice, pairwise, product
from typing import NamedTuple

from rules.text.views import leet, lookalikes, stretched
from rules.text.views.reading import MARKS, Edit, Span, Step, Vocabulary, tokens_with
from rules.text.views.rows import DIGIT, EMOJI, LEADING, LETTER, MOST_WAYS, PIECES, SHORT, find_rows, read_row
from rules.text.words import NO_SPACES, UNSPACED

_INNER_SIGNS = f'.,;:/|~*+=•·…_^"`<>()\\[\\]{{}}\\\\!?–—・∙⋅°○→×÷{EMOJI}-'
# From the first of a run of signs, or "::::::" takes quadratic time.
_INNER = re.compile(rf"(?<=[^\s'{_INNER_SIGNS}])'*+[{_INNER_SIGNS}]['{_INNER_SIGNS}]*+[^\W_]")
# A word with signs in it, of a script with spaces or of one without: in "免费n~i~tro" it is "nitro".
_SPACED = rf"(?:(?![{NO_SPACES}]){LETTER}|[0-9])"
_UNSPACED = rf"(?:(?=[{NO_SPACES}]){LETTER})"
_CUT = re.compile(
    rf"(?:(?<![\w{MARKS}])|(?<=[{NO_SPACES}])(?=[a-z]))"
    rf"(?:{_SPACED}+(?:['{_INNER_SIGNS}]+{_SPACED}+)+(?![\w{MARKS}])"
    rf"|{_UNSPACED}+(?:[{_INNER_SIGNS}]+{_UNSPACED}+)+)"
)
_WORD_BEFORE = re.compile(rf"((?:{LETTER}|[0-9]){{1,30}}) +$")
_WORD_BEHIND = re.compile(rf" +((?:{LETTER}|[0-9])+)")
_NEAR = 40  # no further back, or a long text takes quadratic time
# Both halves of "pen.is" are words: the dot may be that of a sentence.
_COMMON = (
    SHORT
    | LEADING
    | frozenset(
        """
    pen cum ass tit as has was hit pass put ten per con part men the ex co re un pre
    """.split()  # noqa: SIM905 (as above)
    )
)
# What may stand between two words, as emoji may; a star or a bar doesn't. In scripts without spaces more may.
_JOINTS = frozenset('.,;:!?/-–—…"()')
_STOPS = _JOINTS - frozenset("-–—")  # "shhh...it's a trap"
_UNSPACED_JOINTS = _JOINTS - frozenset("-") | frozenset("=+`<>[]{}\\・∙⋅°○→×÷")
_LONGEST = 24
_FROM_LETTERS = 4  # of a word that is disguised and cut
_TOGETHER = (0.9, 1.1)  # what it is worth that words stand together in a term; in the second try more


class _Joined(NamedTuple):
    """A word that was cut, put together; it is one only beside others unless sure."""

    edit: Edit
    sure: bool = True


def undo(text: str, vocabulary: Vocabulary, *, rows: bool = True) -> Iterator[list[Edit]]:
    """Yield what the step changes; the second time "s i e g h e i l" rather is two words of a term than one.

    Without `rows` there are no letters apart.
    """
    apart = list(find_rows(text)) if rows else []
    # Of two that begin at one place the longer one goes first.
    spans = [(start, -end, True) for start, end in apart] + [
        (start, -end, False) for start, end in _cuts(text)
    ]
    spans.sort()
    for together in _TOGETHER[: 2 if apart else 1]:
        yield list(_sure(list(_joined(spans, text, vocabulary, together)), text, vocabulary))


def may_be_cut(word: str, vocabulary: Vocabulary) -> bool:
    """Return whether signs in this word may part one of a term."""
    return any(_cut(word, start, end, vocabulary) for start, end in _cuts(word))


def _joined(
    spans: Iterable[tuple[int, int, bool]], text: str, vocabulary: Vocabulary, together: float
) -> Iterator[_Joined]:
    done = 0
    for start, minus_end, apart in spans:
        if start >= done:
            row = read_row(text, start, -minus_end, vocabulary, together) if apart else None
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


def _cut(text: str, start: int, end: int, vocabulary: Vocabulary) -> _Joined | None:
    """Read a word with signs in it; the whole of it must be a word of a term."""
    pieces = [match.span() for match in PIECES.finditer(text, start, end)]
    words = [text[first:last] for first, last in pieces]
    joined = "".join(words)
    signs = set(text[start:end]).difference(joined)
    if " " in signs or signs <= {"'"} or len(joined) < 2:
        return None
    unspaced = joined > "\u2e80" and UNSPACED.match(joined) is not None
    marks = 0
    if unspaced:
        known = not _are_joints(signs, _UNSPACED_JOINTS) and _spans_a_cut(words, vocabulary)
    else:
        known = vocabulary.knows(joined) or vocabulary.begins(joined)
    places = [(at, at + 1) for first, last in pieces for at in range(first, last)]
    if not (known or unspaced):
        joined, marks = _undisguised(joined, vocabulary, held=signs.isdisjoint(_STOPS))
        known = marks != 0
        if len(joined) < len(places):
            places = [(start, end)] * len(joined)
    if not known:
        return None
    edit = Edit(start, end, joined, places, marks)
    two_words = _are_joints(signs, _JOINTS) and all(
        word in _COMMON or (len(word) > 3 and vocabulary.knows(word)) for word in words
    )
    alone = unspaced or vocabulary.begins(joined) or vocabulary.stands_alone(joined)
    sure = not two_words if alone else _stands_beside(text, start, end, joined, vocabulary)
    return _Joined(edit, sure and not joined.isdigit())


def _are_joints(signs: Set[str], joints: Set[str]) -> bool:
    return not signs.isdisjoint(joints) or any(one >= "\u2600" for one in signs)


def _undisguised(joined: str, vocabulary: Vocabulary, *, held: bool) -> tuple[str, int]:
    """Return a word that isn't known as one that is, and the step that it took; as it is where none does."""
    if not joined.isascii():
        spelled = lookalikes.respelled(joined, vocabulary)
        if spelled != joined and vocabulary.knows(spelled):
            return spelled, Step.LOOKALIKES.bit
    if len(joined) >= _FROM_LETTERS and 2 * len(DIGIT.findall(joined)) < len(joined):
        ways = map("".join, islice(product(*leet.meant(joined)), MOST_WAYS)) if DIGIT.search(joined) else ()
        if (way := next(filter(vocabulary.knows, ways), None)) is not None:
            return way, Step.LEET.bit
        if held and (way := stretched.unheld(joined, vocabulary)) is not None:
            return way, Step.STRETCHED.bit
    return joined, 0


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
