"""Terms as they are looked for: a folded literal, and on which sides of it no word may touch it."""

from __future__ import annotations

import re
from typing import NamedTuple

from rules.errors import PatternError
from rules.fold import fold
from rules.text.borders import is_word
from rules.text.endings.forms import Forms
from rules.text.words import UNSPACED, in_word


class Use(NamedTuple):
    """Who wants a literal, and on which sides no word may touch it, or go on from it without a space."""

    owner: int
    parted_before: bool
    parted_after: bool
    border_before: bool = False
    border_after: bool = False
    forms: Forms | None = None

    @classmethod
    def of(cls, owner: int, text: str, *, starred_before: bool, starred_after: bool) -> Use:
        """Return the use of a term that was written with these stars."""
        return cls(
            owner,
            not starred_before and in_word(text[0]),
            not starred_after and in_word(text[-1]),
            not starred_before and bool(UNSPACED.match(text[0])),
            not starred_after and bool(UNSPACED.match(text[-1])),
        )

    def stands(self, text: str, first: int, end: int, *, before: bool, after: bool) -> bool:
        """Return whether a literal stands there as it should; `before` and `after`: a word touches it."""
        if (before and self.parted_before) or (after and self.parted_after):
            return False
        if not (self.border_before or self.border_after):
            return True
        return is_word(text, first, end, before=self.border_before, behind=self.border_after)


_FORM = re.compile(r"(\*?)((?:\\\*|[^*])*)(\*?)")
_SPACES = re.compile(" +")


def parsed(text: str) -> tuple[str, bool, bool]:
    """Return a term folded, and whether a star stood before and after it."""
    if text.isascii() and text.isalnum():
        return text.lower(), False, False
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise PatternError(
            f'"{text}": a star stands before or behind the whole term; write \\* for a mere star'
        )
    spelled = _SPACES.sub(" ", fold(form[2].replace("\\*", "*")).text).strip()
    if not spelled:
        raise PatternError(f'"{text}": nothing that can be seen is left of this term; delete it')
    return spelled, bool(form[1]), bool(form[3])


_INNER = re.compile(r"(?<=[^\W_])['-](?=[^\W_])")
_FROM_BARE = 8


def without_joints(text: str) -> str | None:
    """Return a term as hasty people write it, "dont tell" for "don't tell".

    None where that is no other text, or may be another word.
    """
    bare = _INNER.sub("", text)
    return bare if bare != text and (" " in text or len(bare) >= _FROM_BARE) else None


# No word has more letters before or behind its stem.
_LONGEST_ENDING = 24


def form_at(forms: Forms, text: str, first: int, end: int) -> tuple[int, int] | None:
    """Return where the word stands that holds this stem, or None where it is none of its forms."""
    start, last = first, end
    while start > 0 and first - start < _LONGEST_ENDING and in_word(text[start - 1]):
        start -= 1
    while last < len(text) and last - end < _LONGEST_ENDING and in_word(text[last]):
        last += 1
    return (start, last) if text[start:first] in forms.heads and text[end:last] in forms.tails else None
