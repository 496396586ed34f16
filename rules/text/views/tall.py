"""A capital I in the place of a small l, which many fonts draw alike: "kiII yourseIf"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.fold import Folded
from rules.text.views.reading import Edit

_SMALL = "[a-zß-öø-ÿ]"
# Behind small letters: what begins a word, or stands in one of capitals, is an I.
_TALL = re.compile(f"(?<={_SMALL}{{2}})I+|(?<={_SMALL})I+(?={_SMALL}{{2}})|(?<={_SMALL}['’])II")


# Whether a text as typed holds one; the search for one character that it begins with costs little.
is_tall = re.compile(f"I(?:(?<={_SMALL}{{2}}I)|(?<={_SMALL}I)(?=I*{_SMALL}{{2}})|(?<={_SMALL}['’]I)I)").search


def edits(folded: Folded) -> Iterator[Edit]:
    """Yield where the plain view has an i that was typed as such a letter."""
    tall = {at for match in _TALL.finditer(folded.typed) for at in range(*match.span())}
    for at, letter in enumerate(folded.text):
        if letter == "i" and folded.span(at, at + 1)[0] in tall:
            yield Edit(at, at + 1, "l")
