"""Words with stars in the place of some letters, compared with the words of all terms: "f*ck", "s#x"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.text.views.reading import AMBIGUOUS, Edit, Vocabulary, tokens_with

MASKS = "*#%&•●_-"
_LETTERS = r"(?:'?[^\W_])+"
_MASKED = re.compile(rf"(?<!['\w{MASKS}])[^\W_](?:'?[^\W_])*(?:'?[{MASKS}]+{_LETTERS})+(?![\w{MASKS}])")
_MASK = re.compile(f"[{MASKS}]")
_NEIGHBOUR = re.compile(rf" +([\w{MASKS}]+)")
_NEIGHBOUR_BEFORE = re.compile(rf"(?<![\w{MASKS}])([\w{MASKS}]{{1,30}}) +$")
_NEAR = 40  # no further back, or a long text takes quadratic time
SHORTEST = 4  # "T_T" is a face


def undo(text: str, vocabulary: Vocabulary, variant: int = 0) -> list[Edit]:
    """Return what the step changes: each masked word becomes the variant-th that it may be.

    Words that stand beside it in the same term rule others out: "kill y**r family".
    """
    spans = tokens_with(_MASK, text)
    found = (match for start, end in spans for match in _MASKED.finditer(text, start, end))
    masked = [match for match in found if _is_masked(match[0])]
    ways: list[tuple[int, Sequence[str]]] = []
    edits = []
    for match in masked:
        fitting = vocabulary.fitting(_shape(match[0]))
        before, after = (
            _NEIGHBOUR_BEFORE.search(text, max(0, match.start() - _NEAR), match.start()),
            _NEIGHBOUR.match(text, match.end()),
        )
        known: Sequence[str] = (before[1],) if before else ()
        if ways and before and ways[-1][0] == before.end(1):
            known = ways[-1][1]
        then: Sequence[str] = (after[1],) if after else ()
        if after and _is_masked(after[1]):
            then = vocabulary.fitting(_shape(after[1]))
        near = [one for one in fitting if any(vocabulary.together(each, one) for each in known)] or [
            one for one in fitting if any(vocabulary.together(one, each) for each in then)
        ]
        fitting = near or fitting
        ways.append((match.end(), fitting))
        if fitting and (not variant or len(fitting) > 1):
            marks = AMBIGUOUS if len(fitting) > 1 else 0
            edits.append(_unmasked(match, fitting[min(variant, len(fitting) - 1)], marks))
        elif fitting:
            edits.append(_unmasked(match, fitting[0]))
    return edits


def _shape(masked: str) -> str:
    """Return what a masked word leaves open as stars; "d*n't" is "d*nt", as hasty people write it."""
    return _MASK.sub("*", masked.replace("'", ""))


def _unmasked(match: re.Match[str], word: str, marks: int = 0) -> Edit:
    places = [(at, at + 1) for at in range(*match.span()) if match.string[at] != "'"]
    return Edit(*match.span(), word, places, marks)


def _is_masked(word: str) -> bool:
    stars = len(_MASK.findall(word))
    return len(word) >= SHORTEST and 0 < 2 * stars <= len(word)
