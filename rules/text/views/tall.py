"""A capital I in the place of a small l, which many fonts draw alike: "kiII yourseIf"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.fold import Folded
from rules.text.views.reading import Edit

_SMALL = "[a-zß-öø-ÿ]"
# Behind small letters: what begins a word, or stands in one of capitals, is an I.
_TALL = re.compile(f"(?<={_SMALL}{{2}})I+|(?<={_SMALL})I+(?={_SMALL}{{2}})|(?<={_SMALL}['’])II")


def is_there(typed: str) -> bool:
    """Return whether a text as typed holds such a letter."""
    return "I" in typed and _TALL.search(typed) is not None


def edits(folded: Folded) -> Iterator[Edit]:
    """Yield where the plain view has an i that was typed as such a letter."""
    tall = {at for match in _TALL.finditer(folded.typed) for at in range(*match.span())}
    for at, letter in enumerate(folded.text):
        if letter == "i" and folded.span(at, at + 1)[0] in tall:
            yield Edit(at, at + 1, "l")
