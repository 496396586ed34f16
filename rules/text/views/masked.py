"""Words with stars in the place of some letters, compared with the words of all terms: "f*ck", "s#x"."""

from __future__ import annotations

import re

from rules.text.views.reading import AMBIGUOUS, Edit, Vocabulary

MASKS = "*#%&•●_-"
_MASKED = re.compile(rf"(?<![\w{MASKS}])[^\W_]+(?:[{MASKS}]+[^\W_]+)+(?![\w{MASKS}])")
_MASK = re.compile(f"[{MASKS}]")
SHORTEST = 4  # "T_T" is a face


def undo(text: str, vocabulary: Vocabulary, variant: int = 0) -> list[Edit]:
    """Return what the step changes: each masked word becomes the variant-th that it may be."""
    edits = []
    for match in _MASKED.finditer(text):
        word = match[0]
        if len(word) < SHORTEST or 2 * len(_MASK.findall(word)) > len(word):
            continue
        fitting = vocabulary.fitting(_MASK.sub("*", word))
        if fitting and (not variant or variant < len(fitting)):
            marks = AMBIGUOUS if len(fitting) > 1 else 0
            edits.append(Edit.same_length(match.start(), fitting[variant], marks))
    return edits
