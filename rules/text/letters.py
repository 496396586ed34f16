"""Undoes what certainly is a disguise, code point by code point, and remembers where each one came from."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

# Control, zero-width, bidi, tag and variation characters, fillers: Default_Ignorable_Code_Point
# of the Unicode Standard, with C0, C1 and the annotation characters; joiners have their own rule.
_UNSEEN = (
    "\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)

_RESPELLED = (
    dict.fromkeys("\t\n\x0b\x0c\r\x85\u1680\u2028\u2029\u2800", " ")
    | dict.fromkeys("‘’‛′´ʻʼʽ", "'")
    | dict.fromkeys("‐‑‒−", "-")
    | dict.fromkeys("™℠", " ")  # NFKC would make "nitro™" the word "nitrotm"
    | {chr(code): "\ufffd" for code in range(0xD800, 0xE000)}  # lone surrogates
)

_ODD = re.compile(f"[{_UNSEEN}{''.join(_RESPELLED)}]")

# What no alphabet needs, and rules don't see: strokes through letters and rings around them, marks for
# symbols, of phoneticians and of medieval scribes; and what stretches an Arabic word. Marks that some
# language writes stay, on whatever letter: Yoruba, Taiwanese and Guarani have letters of their own.
_NEEDLESS = (
    "\u0316-\u0319\u031c-\u0322\u032a-\u032c\u0332-\u033f\u0346-\u034e\u0350-\u0357\u0359-\u035c\u035f\u0362-\u036f"
    "\u0488\u0489\u0640\u07fa\u1ab0-\u1ace\u1dc0-\u1dff\u20d0-\u20f0\ua670-\ua672"
)
_PARENTHESISED = {
    **{chr(0x249C + number): chr(ord("a") + number) for number in range(26)},
    **{chr(0x1F110 + number): chr(ord("a") + number) for number in range(26)},
}
_PLAIN_RESPELLED = _RESPELLED | _PARENTHESISED
# Beyond U+FFFF a class is tried part by part, so ranges there take half the time that letters take.
_ODD_OR_NEEDLESS = re.compile(
    f"[{_UNSEEN}{_NEEDLESS}\u249c-\u24b5\U0001f110-\U0001f129{''.join(_RESPELLED)}]"
)

# Three marks on one letter that don't make one letter with it are a heap; Vietnamese and polytonic
# Greek do. Of a heap the bare letter is left.
_HEAP = re.compile(r"[^\W\d_][\u0300-\u034e\u0350-\u036f]{2,}")
_PERHAPS_HEAP = re.compile(r"[\u0300-\u034e\u0350-\u036f]{2}")
_HEAPED = 3

_ASCII = {code: _RESPELLED.get(chr(code)) for code in (*range(32), 127)}
_ASCII_CASELESS = _ASCII | {code: chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}

# Persian parts its prefixes with a ZWNJ; in Indic scripts a joiner beside a virama chooses the
# form of a conjunct, and Bengali writes RA, ZWJ, virama (UAX #31, 2.3). Anywhere else a joiner
# shows nothing, and parts a word only for machines.
_ARABIC = "\u0620-\u065f\u066e-\u06d3\u06d5-\u06dc\u06ee\u06ef\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff"
_INDIC = "\u0978-\u097f\u09f0\u09f1\u0b71\u0d7a-\u0d7f\u0dba-\u0dc6" + "".join(
    f"{chr(block + 0x05)}-{chr(block + 0x39)}{chr(block + 0x58)}-{chr(block + 0x61)}"
    for block in range(0x0900, 0x0E00, 0x80)
)  # letters only: a mark in front of a virama might be sorted behind it
_VIRAMA = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"
_NUKTA = "\u093c\u09bc\u0a3c\u0abc\u0b3c"
_AFTER_VIRAMA = f"(?:(?<=[{_INDIC}][{_VIRAMA}])|(?<=[{_INDIC}][{_NUKTA}][{_VIRAMA}]))"
_IDLE_JOINER = re.compile(
    f"(?!(?<=[{_ARABIC}])\u200c[{_ARABIC}]"
    f"|{_AFTER_VIRAMA}(?:\u200d|\u200c[{_INDIC}])"
    f"|(?<=[{_INDIC}])\u200d[{_VIRAMA}])"
    "[\u200c\u200d]"
)

# Putting marks into canonical order takes quadratic time: half a second for 32,000 of them on
# one letter. No language needs more than a handful (UAX #15, Stream-Safe Text Format: 30).
_MAX_MARKS = 30
_PERHAPS_MARKS = re.compile(rf"[^\w\0-\x7f]{{{_MAX_MARKS + 1},}}")
_DROPPED = "\u034f"  # one of the unseen
_ON_LETTERS = re.compile(f"(?![\u0640\u07fa])[{_NEEDLESS}{_DROPPED}]")

_ASCII_RUN = re.compile(r"[\0-\x7f]{2,}")

# Letters whose plain view is one code point, their small letter, whatever stands beside them; most
# texts hold nothing else. The insides of a character class, in scripts that have spaces, and in others.
_SIMPLE = (
    " -~¡-§©«¬®°±¶·»¿À-ÞàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿĀ-įıĴ-ľŁ-ňŊ-ž"
    "\u0386\u0388-\u038a\u038c\u038e-\u038f\u0391-\u03af\u03b1-\u03c1\u03c3-\u03ce\u0400-\u0482\u048a-\u052f\u0531-\u0556\u0561-\u0586"
    "\u05d0-\u05ea\u060c\u061b\u061f\u0620-\u063f\u0641-\u064a\u0660-\u066d\u0671-\u0674\u0679-\u06d3\u06f0-\u06f9"
    "\u10d0-\u10fa\u1e00-\u1e95\u1ea0-\u1ef9\u2013-\u2014\u201c-\u201f\u2020-\u2022\u2030\u2039\u203a\u20ac\u20bd"
    "\u2190-\u21ff\u2500-\u27bf\uac00-\ud7a3\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001faff"
)
_SIMPLE_UNSPACED = "\u3001\u3002\u3008-\u3011\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff"
_simple_text = re.compile(f"[{_SIMPLE}]*").fullmatch
_simple_unspaced_text = re.compile(f"[{_SIMPLE}{_SIMPLE_UNSPACED}]*").fullmatch

# What telephones put between such letters, and how it is spelled whatever stands beside it; some of it
# becomes none or several, as ß does, which casefold knows.
_USUAL = (
    dict.fromkeys("\t\n\r\xa0\u2009\u202f\u3000", " ")
    | dict.fromkeys("‘’´", "'")
    | {chr(0xFEE0 + code): chr(code) for code in range(ord("!"), ord("~") + 1)}
    | {"…": "...", "\u200b": "", "\u200d": "", "\ufe0f": ""}
)
_UNEVEN = re.compile("[…\u200b\u200d\ufe0fßẞ]")
_usual = re.compile(f"[{''.join(map(re.escape, _USUAL))}]")
_usual_text = re.compile(f"[{_SIMPLE}ßẞ{''.join(_USUAL)}]*").fullmatch
_usual_unspaced_text = re.compile(f"[{_SIMPLE}{_SIMPLE_UNSPACED}ßẞ{''.join(_USUAL)}]*").fullmatch

# Two are enough for all that was ever seen; the bound keeps the time linear whatever comes.
_ROUNDS = 8


class Letters(NamedTuple):
    """The plain view of a text, and what is known of it without looking closer.

    Attributes:
        text: See `rules.fold.Folded`.
        level: Each code point stands where the typed one stands that it came from.
        easy: It holds no marks, no joiners and no script without spaces: words are runs of `\\w`.
    """

    text: str
    level: bool
    easy: bool


def plain(typed: str) -> Letters:
    """Return the plain view of a text."""
    if typed.isascii():
        if typed.isprintable():
            return Letters(typed.lower(), True, True)
        text = typed.translate(_ASCII_CASELESS)
        return Letters(text, len(text) == len(typed), True)
    if _simple_text(typed):
        return Letters(typed.casefold(), True, True)
    if _simple_unspaced_text(typed):
        return Letters(typed.casefold(), True, False)
    if _usual_unspaced_text(typed):
        text = _usual.sub(_usually, typed).casefold()
        return Letters(text, _UNEVEN.search(typed) is None, _usual_text(typed) is not None)
    return Letters(_settled(typed, _needed, _caseless), False, False)


def undisguised(typed: str) -> str:
    """Return the plain view with its case kept."""
    if typed.isascii():
        return typed if typed.isprintable() else typed.translate(_ASCII)
    return typed if _simple_unspaced_text(typed) else _settled(typed, _seen, _cased)


def origins(typed: str) -> list[tuple[int, int]]:
    """Return, for each code point of the plain view, the half-open range as typed that it came from.

    This takes the steps of `plain` once more, a letter with its marks at a time: no
    normalisation reaches beyond that.
    """
    text, spans = typed, [(at, at + 1) for at in range(len(typed))]
    if plain(typed).level:
        return spans
    for _ in range(_ROUNDS):
        before = text
        text, spans = _traced(_ODD_OR_NEEDLESS, _cleared(_shortened(text)), spans)
        text, spans = _traced_letters(text, spans)
        text, spans = _traced(_IDLE_JOINER, text, spans)
        if text == before:
            break
    return spans


def _settled(text: str, seen: Callable[[str], str], normalised: Callable[[str], str]) -> str:
    for _ in range(_ROUNDS):
        before = text
        text = normalised(seen(text))
        if "\u200d" in text or "\u200c" in text:
            text = _IDLE_JOINER.sub("", text)
        if text == before:
            break
    return text


def _seen(text: str) -> str:
    return _ODD.sub(_respelled, _shortened(text))


def _needed(text: str) -> str:
    return _ODD_OR_NEEDLESS.sub(_respelled, _cleared(_shortened(text)))


def _cased(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _caseless(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # As "İ" is folded; an i has its dot already.
    return text.replace("i\u0307", "i") if "\u0307" in text else text


_caseless_letter = lru_cache(maxsize=4096)(_caseless)


def _usually(match: re.Match[str]) -> str:
    return _USUAL[match[0]]


def _respelled(match: re.Match[str]) -> str:
    return _PLAIN_RESPELLED.get(match[0], "")


def _shortened(text: str) -> str:
    return _PERHAPS_MARKS.sub(_shortened_run, text)


def _shortened_run(run: re.Match[str]) -> str:
    letters, marks = [], 0
    for letter in run[0]:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        letters.append(letter if marks <= _MAX_MARKS else _DROPPED)
    return "".join(letters)


def _cleared(text: str) -> str:
    return _HEAP.sub(_cleared_heap, text) if _PERHAPS_HEAP.search(text) else text


def _cleared_heap(heap: re.Match[str]) -> str:
    parts = unicodedata.normalize("NFD", heap[0])
    is_heap = (
        len(parts) > _HEAPED
        and all(map(unicodedata.combining, parts[1:]))
        and len(unicodedata.normalize("NFC", heap[0])) > 1
    )
    return parts[0] + _DROPPED * (len(heap[0]) - 1) if is_heap else heap[0]


def _traced(
    pattern: re.Pattern[str], text: str, spans: list[tuple[int, int]]
) -> tuple[str, list[tuple[int, int]]]:
    """Respell the single code points that the pattern finds, and keep their spans beside them."""
    letters, kept, end = [], [], 0
    for match in pattern.finditer(text):
        at = match.start()
        spelled = _respelled(match)
        letters += [text[end:at], spelled]
        kept += spans[end:at]
        if kept and _ON_LETTERS.match(match[0]):
            kept[-1] = (kept[-1][0], spans[at][1])  # what stood on a letter belongs to it
        kept += [spans[at]] * len(spelled)
        end = at + 1
    return "".join(letters) + text[end:], kept + spans[end:]


def _traced_letters(text: str, spans: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    letters: list[str] = []
    traced: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        run = text[start].isascii() and _ASCII_RUN.match(text, start)
        if run:
            # In ASCII each letter is its own; only the last of a run may have marks behind it.
            end = run.end() - 1
            letters.append(text[start:end].lower())
            traced += spans[start:end]
        else:
            end = start + 1
            while end < len(text) and _joins(text[end]):
                end += 1
            piece = _caseless_letter(text[start:end])
            letters.append(piece)
            traced += [(spans[start][0], spans[end - 1][1])] * len(piece)
        start = end
    return "".join(letters), traced


@lru_cache(maxsize=4096)
def _joins(letter: str) -> bool:
    """Whether normalisation may draw this code point to the one before it."""
    if letter < "\u0300":
        return False
    first = unicodedata.normalize("NFKC", letter)[0]
    # Marks; vowels and finals of Hangul; Kirat Rai vowels, which are letters to Unicode 16.
    return (
        unicodedata.category(first)[0] == "M"
        or "\u1160" <= first <= "\u11ff"
        or "\U00016d63" <= first <= "\U00016d6a"
    )
