"""Undoes disguises that show without knowing any word, for the model, which bears a wrong guess.

Rules look for terms: they undo more, but only where a term comes of it (rules/text/views). Here nothing is
looked up: letters of two alphabets in one word, words struck through or upside down, letters
one by one with the same sign between them, digits and signs among letters. Case stays as typed.
"""

import re
import unicodedata

from rules.text.letter_shapes import CAPITAL, ONLY_UPSIDE_DOWN, SMALL, TO_CYRILLIC, UPSIDE_DOWN

# Letters of Turkish, Ewe and Berber, which stand among plain ones by right.
_AT_HOME = "ıƒʋɣ"
_LATIN = {shape: letter for shape, letter in SMALL.items() if shape not in _AT_HOME} | {
    shape.upper(): letter.upper() for shape, letter in CAPITAL.items()
}
_LATIN["\u0406"] = "I"  # TR39 has it with l, as which nobody reads it in a shout
_TO_LATIN = str.maketrans(_LATIN)
_TO_CYRILLIC = str.maketrans(TO_CYRILLIC | {one.upper(): like.upper() for one, like in TO_CYRILLIC.items()})
_ALIKE, _ASCII_LETTER = re.compile(f"[{''.join(_LATIN)}]"), re.compile("[A-Za-z]")
_WORD = re.compile(r"\w{3,}")
_FEWEST_ALIKE = 3  # "μm" is a unit

# Strokes through letters and bows over two, which no language needs; other marks beside them are no accents.
_STRUCK = re.compile("[\u0334-\u0338\u0360-\u0362]")
_MARKED_WORD = re.compile(r"[\w\u0300-\u036f]+")

_PERHAPS_TURNED = re.compile(f"[{''.join(ONLY_UPSIDE_DOWN)}]")
_TURNED = re.compile(f"(?<!\\w)[{''.join(UPSIDE_DOWN)}]{{2,}}+(?!\\w)")
_FEWEST_TURNED = 2  # "ɔno" is a word of Akan
_UPRIGHT = str.maketrans(UPSIDE_DOWN)
# What English is full of: most words hold more of it than their mirror images.
_PAIRS = frozenset(
    """
    al an ar as at be ch ck de do ea ed ee el en er es et ha he hi ho ic id in io is it ki la le li
    ll lo ma me mo mu my nd ng no nt of ol om on oo or ou pe pi ra re ri ro sa se sh si so ss st su
    te th ti to tu ty un ur us ut ve wa we wh wi yo
    """.split()  # noqa: SIM905 (a list wouldn't fit)
)

# Begins with what is rare in chat, or with a space, behind which hardly any letter stands alone.
_PERHAPS_ROW = re.compile(r"[ .\-_*|~+=/\\][A-Za-zА-Яа-яЁё][ .\-_*|~+=/\\][A-Za-zА-Яа-яЁё](?!\w)")
_LETTER = "[A-Za-zА-Яа-яЁё]"
_ROW = re.compile(
    rf"(?<![\w'’])(?:{_LETTER}(?P<sign>[.\-_*|~+=/\\]){_LETTER}(?:(?P=sign){_LETTER})+"
    r"|[A-Za-z](?: [A-Za-z]){2,}|[А-Яа-яЁё](?: [А-Яа-яЁё]){3,})(?![\w'’])"
)

_SPELLED = str.maketrans("0134578$@!29+|", "oieastbsaizgtl")
_LEET_SIGN = re.compile(
    r"[0134579$@!](?:(?<=[A-Za-z].)[0134579$@!]?[A-Za-z]|(?<=[A-Za-z]\$)|(?<![\w.,:$@!+\-].)(?<!@)[A-Za-z]{3})"
)
_LEET = re.compile(
    r"(?<!\S)([\"'(*]*+)((?![0-9]{2})[A-Za-z0-9$@!|+]{2,15}[A-Za-z0-9$@|+])([.,!?\"')*:;]*+)(?!\S)"
)
_FEWEST_LETTERS = 2


def legible(text: str) -> str:
    """Return a text in which such disguises are undone; it takes linear time."""
    if not text.isascii():
        if _STRUCK.search(text):
            text = _MARKED_WORD.sub(_without_marks, text)
        if _ALIKE.search(text) and _ASCII_LETTER.search(text):
            text = _WORD.sub(_of_one_script, text)
        if _PERHAPS_TURNED.search(text):
            text = _TURNED.sub(_upright, text)
    if _PERHAPS_ROW.search(text):
        text = _ROW.sub(_together, text)
    return _LEET.sub(_spelled, text) if _LEET_SIGN.search(text) else text


def _without_marks(match: re.Match[str]) -> str:
    if not _STRUCK.search(match[0]):
        return match[0]
    return "".join(one for one in unicodedata.normalize("NFD", match[0]) if not unicodedata.combining(one))


def _of_one_script(match: re.Match[str]) -> str:
    word = match[0]
    if word.isascii() or not _ASCII_LETTER.search(word) or not _ALIKE.search(word):
        return word
    if sum(map(str.isalpha, word)) < _FEWEST_ALIKE:
        return word
    latin, cyrillic = word.translate(_TO_LATIN), word.translate(_TO_CYRILLIC)
    ways = [way for way in (latin, cyrillic) if _is_pure(way)]
    if len(ways) == 2 and 2 * sum(one.isascii() for one in word) < len(word):
        return cyrillic
    return ways[0] if ways else word


def _is_pure(word: str) -> bool:
    letters = [one for one in word if one.isalpha()]
    return all(one < "\u0250" for one in letters) or all("\u0400" <= one <= "\u04ff" for one in letters)


def _upright(match: re.Match[str]) -> str:
    if sum(one in ONLY_UPSIDE_DOWN for one in match[0]) < _FEWEST_TURNED:
        return match[0]
    word = match[0].translate(_UPRIGHT)
    return max(word[::-1], word, key=lambda way: sum(way[at : at + 2] in _PAIRS for at in range(len(way))))


def _together(match: re.Match[str]) -> str:
    return match[0][::2]


def _spelled(match: re.Match[str]) -> str:
    before, word, behind = match.groups()
    letters = sum(one.isalpha() for one in word)
    if letters < _FEWEST_LETTERS or not _LEET_SIGN.search(word):
        return match[0]
    if word[0] == "1" and word[1] in "aeiouy":
        word = "l" + word[1:]
    return before + word.replace("11", "ll").translate(_SPELLED) + behind
