"""All readings of a text that may be disguised, and the signs by which one is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from rules.fold import Folded
from rules.text.letter_shapes import CAPITAL, ENCLOSED, ONLY_UPSIDE_DOWN, SMALL, SMALL_CAPITALS
from rules.text.views import leet, lookalikes, masked, overridden, rows, separated, stretched, tall
from rules.text.views.reading import MARKS, Edit, Reading, Step, Vocabulary

# `(.)\1\1` has no linear automaton, hence the letters that people hold, one by one; `held` sees the others.
_HELD = (
    "abcdefghijklmnopqrstuvwxyzäöüñçéáíóúабвгдежзийклмнопрстуфхцчшщъыьэюяαειοσ"
    "ابتثجحخدذرزسشصضطظعغفقكلمنهويअआकनरसมกนอ啊哈操草傻日死ああ"
)
_ODD_LATIN = "".join(sorted(SMALL_CAPITALS | ONLY_UPSIDE_DOWN | set(ENCLOSED) | set("ıɡɑƒʋɩ")))
_OTHERS = "".join(sorted({*SMALL, *CAPITAL} - set(_ODD_LATIN)))
_ONE = r"\pL\pM*"
_GAP = r"[^\pL\pM\pN']{1,4}"  # "i'm in" are no letters apart; "f'u'c'k" are
_SPACED = r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{Devanagari}]"  # where emoji don't part words
_BEFORE, _AFTER = r"(?:^|[^\pL\pM\pN'])", r"(?:[^\pL\pM\pN]|$)"

HELD, LEET, CUT, ROW, ALIKE, BEHIND, TALL = (1 << number for number in range(7))
ALL_SIGNS = HELD | LEET | CUT | ROW | ALIKE | BEHIND | TALL
# RE2 expressions by what they may be a sign of. They are looked for in the same pass as the patterns
# of the rules, so that a text without a disguise pays next to nothing.
SIGNS = (
    (HELD, "|".join(letter * 3 for letter in dict.fromkeys(_HELD))),
    # Not behind the slashes of links, here and below.
    (
        LEET,
        rf"(?:^|\s)[^\s/]*[\p{{Latin}}\p{{Cyrillic}}][0-9@$!|+(€¢£¥{leet.EMOJI}]+[\p{{Latin}}\p{{Cyrillic}}]",
    ),
    (LEET, r"(?:^|[^0-9a-z.,:])[013457$][a-z]{3}|[a-z]\$+(?:[^0-9a-z]|$)"),
    (LEET, r"(?:^|\s)[^\s/]*[\p{Latin}\p{Cyrillic}]{3}[013457@](?:[^0-9@\pL]|$)"),
    (CUT, r"(?:^|\s)[^\s/]*[\pL\pM]'?[.,;:|~*#%&+=•●·…_^-]+'?[\pL\pM]"),
    (CUT, rf"(?:^|\s)[^\s/]*{_SPACED}'?[.,;:|~*#%&+=•●·…_^\"`<>()\[\]{{}}\\!?–—・∙⋅°○→×÷-]+'?{_SPACED}"),
    (CUT, r"(?:^|\s)[^\s/.]*[\pL\pM]/+[\pL\pM]"),
    (CUT, rf"{_SPACED}[{rows.EMOJI}]+{_SPACED}"),
    (ROW, f"{_BEFORE}{_ONE}'{_ONE}'{_ONE}"),
    (ROW, f"{_BEFORE}{_ONE}{_GAP}(?:{_ONE}|[0-9]){_GAP}{_ONE}(?:{_ONE})?{_AFTER}"),
    (ROW, f"{_BEFORE}{_ONE}{_ONE}{_GAP}{_ONE}{_GAP}{_ONE}{_AFTER}"),
    (
        ALIKE,
        rf"\p{{Latin}}[{_OTHERS}]|[{_OTHERS}][a-z]|[{_ODD_LATIN}]|[a-z]\p{{Cyrillic}}|\p{{Cyrillic}}[a-z]",
    ),
)

# What may be, which takes a sixth of the time to tell.
_PERHAPS_HELD = re.compile(rf"([^\0-\x7f])\1\1|[{MARKS}]")
_HELD_OTHER = re.compile(rf"(?![a-z{_HELD}ㅋㅎㅠㅜ]{{2}}){stretched.HELD}")

_MOST = 12  # readings of a text; what it takes more disguises to hide nobody reads either

_Undo = Callable[[str, Vocabulary], Iterable[list[Edit]]]


def readings(folded: Folded, signs: int, vocabulary: Vocabulary) -> Iterator[Reading]:
    """Yield the readings of a text in which something was undone, in one step or several.

    `signs` are those that the plain view bears; behind a step that changed it all others are tried.
    """
    made: list[Reading | None] = [None]  # the plain view, made ready when something changes it
    seen = {folded.text}
    for step, sign, undo in _steps(folded, signs):
        for number in reversed(range(len(made))):
            reading = made[number]
            if reading is None and not signs & sign:
                continue
            text = folded.text if reading is None else reading.text
            for edits in undo(text, vocabulary):
                if not edits or len(made) >= _MOST:
                    break
                one = (reading or Reading.of(folded.text)).edited(edits, step)
                if one.text not in seen:
                    seen.add(one.text)
                    made.append(one)
                    yield one


def may_be_cut(word: str, vocabulary: Vocabulary) -> bool:
    """Return whether a word with signs in it may be read as another, depending on what stands beside it."""
    return separated.may_be_cut(word, vocabulary) or masked.may_be(word, vocabulary)


def other_signs(folded: Folded) -> int:
    """Return the signs that a text that isn't ASCII bears beyond those in SIGNS and TALL."""
    signs = BEHIND if overridden.OVERRIDE in folded.typed else 0
    return signs | HELD if _PERHAPS_HELD.search(folded.text) and _HELD_OTHER.search(folded.text) else signs


def _steps(folded: Folded, signs: int) -> Iterator[tuple[Step, int, _Undo]]:
    # Of the plain view alone, since they go first.
    if signs & BEHIND:
        yield Step.LOOKALIKES, BEHIND, lambda _text, _: [list(overridden.edits(folded))]
    if signs & TALL:
        yield (
            Step.LOOKALIKES,
            TALL,
            lambda text, _vocabulary: [list(tall.edits(folded))] * (text == folded.text),
        )
    capitals = _capitals(folded) if signs & ALIKE else frozenset()
    yield Step.LOOKALIKES, ALIKE, partial(lookalikes.undo, capitals=capitals)
    yield Step.SEPARATED, CUT | ROW, partial(separated.undo, rows=bool(signs & (ROW | ALIKE)))
    yield Step.LEET, LEET, leet.undo
    yield Step.STRETCHED, HELD, stretched.undo
    yield Step.MASKED, CUT, masked.undo


def _capitals(folded: Folded) -> frozenset[int]:
    """Return the places of the plain view where a capital was typed that isn't ASCII."""
    typed = folded.typed
    if not any(one.isupper() for one in typed if not one.isascii()):
        return frozenset()
    places = range(len(folded.text))
    return frozenset(at for at in places if typed[folded.span(at, at + 1)[0]].isupper())
