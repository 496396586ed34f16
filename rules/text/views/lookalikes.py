"""Letters of another script that look like those of a word's own: "discоrd" with a Cyrillic о (Unicode TR39).

Only inside words of mixed scripts, and only where the word then is of one script: an honest
Cyrillic, Greek or Armenian word is never folded into a Latin one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from rules.text.letter_shapes import (
    CAPITAL,
    ENCLOSED,
    ONLY_UPSIDE_DOWN,
    SMALL,
    SMALL_CAPITALS,
    TO_CYRILLIC,
    UPSIDE_DOWN,
)
from rules.text.views.reading import Edit, Vocabulary

_OF_WORD = f"[\\w{''.join(ENCLOSED)}]"
_WORD = re.compile(f"{_OF_WORD}+")
_TURNED = f"[{''.join(UPSIDE_DOWN)}]+"
_FLIPPED = re.compile(f"(?<!{_OF_WORD}){_TURNED}(?: +{_TURNED})*(?!{_OF_WORD})")
_TURKISH = re.compile("[ğşçöü]")
# By itself a small capital is a sign of phoneticians.
_FROM_SMALL_CAPITALS = 2
_FROM_DOTLESS = 4  # letters of a word in which ı may be an i
_INDICATORS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))
# Two indicators are a flag, unless others beside them spell words.
_SPELLED_OUT = re.compile("[\U0001f1e6-\U0001f1ff]{3,}")


def undo(text: str, vocabulary: Vocabulary, capitals: frozenset[int] = frozenset()) -> Iterator[list[Edit]]:
    """Yield what the step changes; `capitals` are the places of the plain view that were typed as such."""
    if text.isascii():
        return
    edits = list(_turned(text, vocabulary)) if not ONLY_UPSIDE_DOWN.isdisjoint(text) else []
    taken = [edit.end for edit in edits]
    respelled: list[Edit] = []
    turkish = _TURKISH.search(text) is not None
    flags = _SPELLED_OUT.search(text) is None
    lone = sum(one in SMALL_CAPITALS for one in text) < _FROM_SMALL_CAPITALS
    for match in _WORD.finditer(text):
        beside = bisect_right(taken, match.start())
        if (
            match[0].isascii()
            or not ONLY_UPSIDE_DOWN.isdisjoint(match[0])
            or (beside < len(taken) and edits[beside].start < match.end())
        ):
            continue
        spelled = _spelled(
            match[0], match.start(), vocabulary, capitals, turkish=turkish, flags=flags, lone=lone
        )
        if spelled != match[0]:
            respelled.append(Edit(*match.span(), spelled))
    yield sorted([*edits, *respelled])


def respelled(letters: str, vocabulary: Vocabulary) -> str:
    """Return letters that stood apart as `undo` would spell the word that they make."""
    return _spelled(letters, 0, vocabulary, frozenset(), turkish=False, flags=False, lone=False)


def _spelled(
    word: str,
    start: int,
    vocabulary: Vocabulary,
    capitals: frozenset[int],
    *,
    turkish: bool,
    flags: bool,
    lone: bool,
) -> str:
    cyrillic_too = any("\u0400" <= one <= "\u04ff" for one in word)
    if not (cyrillic_too or any(one in SMALL or one in CAPITAL or one in ENCLOSED for one in word)):
        return word
    letters = [one for one in word if one.isalpha() or one in ENCLOSED]
    own = [one for one in letters if _is_latin(one)]
    small = not SMALL_CAPITALS.isdisjoint(letters) and not lone
    if not (own or small or any(one in ENCLOSED for one in letters)):
        return word
    if flags and len(letters) == 2 and set(letters) <= _INDICATORS:
        return word
    folded = "".join(_shape(one, start + at in capitals) for at, one in enumerate(word))
    choices = [folded] if all(_is_latin(one) for one in folded if one.isalpha()) else []
    if "ı" in word:  # a letter of Turkish
        kept = "".join(is_ if was != "ı" else was for was, is_ in zip(word, folded, strict=True))
        choices = [kept] if turkish or len(word) < _FROM_DOTLESS else [*choices, kept]
    if cyrillic_too:
        cyrillic = "".join(TO_CYRILLIC.get(one, one) for one in word)
        if all("\u0400" <= one <= "\u04ff" for one in cyrillic if one.isalpha()):
            choices.append(cyrillic)
            if 2 * len(own) < len(letters):
                choices.reverse()
    return next((one for one in choices if vocabulary.knows(one)), choices[0] if choices else word)


def _shape(letter: str, capital: bool) -> str:
    if letter.isascii():
        return letter
    if capital and letter in CAPITAL:
        return CAPITAL[letter]
    return SMALL.get(letter) or CAPITAL.get(letter) or ENCLOSED.get(letter, letter)


def _is_latin(letter: str) -> bool:
    return letter.isascii() or "\u00c0" <= letter <= "\u02af" or "\u1d00" <= letter <= "\u1eff"


def _turned(text: str, vocabulary: Vocabulary) -> Iterator[Edit]:
    """Yield runs that stand upside down: read from behind, as a whole, else "you" comes before "fuck"."""
    for match in _FLIPPED.finditer(text):
        run = match[0]
        odd = sum(one in ONLY_UPSIDE_DOWN for one in run)
        turned = "".join(UPSIDE_DOWN.get(one, one) for one in run[::-1])
        if len(run) >= 3 and (4 * odd >= len(run) or (odd and vocabulary.knows(turned))):
            end = match.end()
            places = [(end - 1 - at, end - at) for at in range(len(run))]
            yield Edit(match.start(), end, turned, places)
