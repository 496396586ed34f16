"""Languages that put endings one behind the other, with vowels that fit the word's own: Turkish, Finnish."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

from rules.text.endings.forms import Forms, but_last, last_of

# -- Turkish: A is a or e, I is ı, i, u or ü, D is d or t, by what stands before it.

_VOWELS = "aeıioöuü"
_FRONT = "eiöü"
_ROUNDED = "oöuü"
_VOICELESS = "fstkçşhp"
_SOFTENED = {"k": "ğ", "p": "b", "ç": "c", "t": "d"}

_AFTER_CONSONANT = {
    "owner": ("", "Im", "In", "I", "ImIz", "InIz"),
    "case": ("", "I", "A", "DA", "DAn", "In", "lA", "cA"),
    "is": ("", "Im", "Iz", "sIn", "sInIz", "DIr", "DI", "mIş"),
}
_AFTER_VOWEL = {
    "owner": ("", "m", "n", "sI", "mIz", "nIz"),
    "case": ("", "yI", "yA", "DA", "DAn", "nIn", "ylA", "cA"),
    "is": ("", "yIm", "yIz", "sIn", "sInIz", "DIr", "yDI", "ymIş"),
}
# Behind "his": salağını, salağına.
_AFTER_THIRD = ("", "nI", "nA", "nDA", "nDAn", "nIn", "ylA")


def turkish(word: str) -> Iterator[Forms]:
    """Nouns and adjectives: many, whose, in which case, who is one."""
    vowel = last_of(word, _VOWELS)
    if not vowel or not word.isalpha():
        return
    tails = _turkish_tails(vowel, word[-1] in _VOWELS, word[-1] in _VOICELESS)
    yield Forms(word, tails)
    # A word of one syllable keeps its consonant: bok, boku; boğa is a bull.
    if word[-1] in _SOFTENED and sum(letter in _VOWELS for letter in word) > 1:
        soft = frozenset(tail for tail in tails if tail[0] in _VOWELS)
        yield Forms(but_last(word) + _SOFTENED[word[-1]], soft)


@cache
def _turkish_tails(vowel: str, open_end: bool, voiceless: bool) -> frozenset[str]:
    # A word with the same end, which has all that endings depend on.
    stem = vowel if open_end else vowel + ("t" if voiceless else "l")
    forms = {stem, _spelled(stem, "lAr"), _spelled(stem, "lIk")}
    for number, owner in product((stem, _spelled(stem, "lAr")), range(6)):
        owned = _spelled(number, _slot(number, "owner")[owner])
        cases = _AFTER_THIRD if _slot(number, "owner")[owner] in ("I", "sI") else _slot(owned, "case")
        for declined in [_spelled(owned, case) for case in cases]:
            forms.update(_spelled(declined, being) for being in _slot(declined, "is"))
    return frozenset(form[len(stem) :] for form in forms) - {""}


def _slot(form: str, name: str) -> tuple[str, ...]:
    return (_AFTER_VOWEL if form[-1] in _VOWELS else _AFTER_CONSONANT)[name]


def _spelled(form: str, ending: str) -> str:
    """Return a form with an ending whose letters fit it."""
    for letter in ending:
        vowel = last_of(form, _VOWELS)
        if letter == "A":
            form += "e" if vowel in _FRONT else "a"
        elif letter == "I":
            front, rounded = vowel in _FRONT, vowel in _ROUNDED
            form += ("ü" if rounded else "i") if front else ("u" if rounded else "ı")
        elif letter == "D":
            form += "t" if form[-1] in _VOICELESS else "d"
        elif letter == "c":
            form += "ç" if form[-1] in _VOICELESS else "c"
        else:
            form += letter
    return form


# -- Finnish: A is a or ä, V the stem's last vowel once more.

_CASES = ("", "n", "t", "A", "tA", "nA", "ksi", "ssA", "stA", "Vn", "llA", "ltA", "lle", "ttA")
_OWNERS = ("ni", "si", "nsA", "mme", "nne")
_CLITICS = ("", "kin", "kO", "kAAn", "hAn", "pA")
_MANY = ("A", "tA", "en", "den", "tten", "nA", "ksi", "ssA", "stA", "in", "hin", "llA", "ltA", "lle")
# Consonants that are weaker in a closed syllable: vittu, vitun.
_GRADES = (
    ("kk", "k"), ("pp", "p"), ("tt", "t"), ("nk", "ng"),
    ("mp", "mm"), ("nt", "nn"), ("lt", "ll"), ("rt", "rr"),
)  # fmt: skip


def finnish(word: str) -> Iterator[Forms]:
    """Nouns and adjectives in their cases, one and many, with what may hang on them."""
    if word.endswith("nen"):
        stem = but_last(word, 3)
        yield _finnish(f"{stem}se", _CASES)
        yield Forms(f"{stem}s", frozenset(_clung(stem, ("tA", "ten"))))
        yield _finnish(f"{stem}si", _MANY)
        return
    if not word.isalpha() or word[-1] not in "aeioöuyä":
        return
    for stem in {word, _weakened(word)}:
        yield _finnish(f"{stem}e" if stem[-1] == "e" else stem, _CASES)
        yield from _many(stem)


def _many(stem: str) -> Iterator[Forms]:
    """Yield the forms of more than one: huoria, homoja, idiootteja, runkkareita."""
    bare, last = but_last(stem), stem[-1]
    if last in "aä":
        yield _finnish(f"{bare}i", _MANY)
        yield _finnish(f"{bare}oj" if last == "a" else f"{bare}öj", ("A", "en"))
    elif last == "i":
        yield _finnish(f"{bare}ei", _MANY)
        yield _finnish(f"{bare}ej", ("A",))
        yield _finnish(f"{bare}i", ("en",))
    elif last in "oöuy":
        yield _finnish(f"{stem}i", _MANY)
        yield _finnish(f"{stem}j", ("A", "en"))
    else:
        yield _finnish(f"{stem}i", _MANY)


def _finnish(stem: str, cases: tuple[str, ...]) -> Forms:
    ends = (*cases, *(_OWNERS if "" in cases else ()))
    return Forms(stem, frozenset(_clung(stem, ends)) - {""})


def _clung(stem: str, ends: tuple[str, ...]) -> Iterator[str]:
    back = any(one in "aou" for one in stem)
    for end, clitic in product(ends, _CLITICS):
        spelled = (end + clitic).replace("V", stem[-1])
        yield spelled.replace("A", "a" if back else "ä").replace("O", "o" if back else "ö")


def _weakened(word: str) -> str:
    for strong, weak in _GRADES:
        if but_last(word).endswith(strong):
            return but_last(word, len(strong) + 1) + weak + word[-1]
    return word
