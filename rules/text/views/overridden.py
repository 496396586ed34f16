"""Text that a right-to-left override shows from behind: "kcuf" after one is read as it is seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from rules.fold import Folded
from rules.text.views.reading import Edit

OVERRIDE = "\u202e"
# To the end of the override, of the paragraph or of the text.
_RUN = re.compile(f"{OVERRIDE}([^\u202c\n\r\u2029]+)")


def edits(folded: Folded) -> Iterator[Edit]:
    """Yield what the plain view spells from behind, letter by letter."""
    runs = [match.span(1) for match in _RUN.finditer(folded.typed)]
    if not runs:
        return
    number = 0
    where: list[int | None] = []
    for at in range(len(folded.text)):
        start, _ = folded.span(at, at + 1)
        while number < len(runs) and runs[number][1] <= start:
            number += 1
        where.append(number if number < len(runs) and runs[number][0] <= start else None)
    first = 0
    for run, members in groupby(where):
        last = first + sum(1 for _ in members)
        if run is not None and last - first > 1:
            places = [(at, at + 1) for at in reversed(range(first, last))]
            yield Edit(first, last, folded.text[first:last][::-1], places)
        first = last
