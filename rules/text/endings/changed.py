"""Languages in which the end of a word changes with number, case and gender: Russian, German, Spanish."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from rules.text.endings.forms import Forms, but_last, last_of

# -- Russian: what follows when the word's own end is gone. The bare stem is another word: сук is no сука.

_PLURAL = ("ам", "ами", "ах", "ям", "ями", "ях")
_NOUNS = {
    "а": ("а", "ы", "и", "е", "у", "ой", "ою", "ей", *_PLURAL),
    "я": ("я", "и", "е", "ю", "ей", "ею", "ь", *_PLURAL),
    "о": ("о", "а", "у", "ом", "е", *_PLURAL),
    "е": ("е", "я", "ю", "ем", "а", "у", *_PLURAL),
    "ь": ("ь", "и", "ю", "ью", "я", "ем", "е", "ей", *_PLURAL),
    "й": ("й", "я", "ю", "ем", "е", "и", "ев", *_PLURAL),
}
_MASCULINE = ("", "а", "у", "ом", "е", *_PLURAL)
# What more there is depends on the last consonant: дауны, but мудаки; идиотов, but алкашей.
_HUSHING = "жшчщ"
_VELAR = "гкх"
_ADJECTIVE = (
    "ый", "ий", "ой", "ого", "его", "ому", "ему", "ым", "им", "ом", "ем", "ая", "яя", "ую", "юю", "ое", "ее",
    "ые", "ие", "ых", "их", "ыми", "ими", "ей", "ою",
)  # fmt: skip
_ADJECTIVE_ENDS = ("ый", "ий", "ой")
# A vowel that is gone as soon as something follows: ублюдок, ублюдки.
_FLEETING = {"ок": "к", "ек": "к", "ёк": "ьк", "ец": "ц", "ел": "л", "ёл": "л"}


def russian(word: str) -> Iterator[Forms]:
    """Nouns and adjectives in their cases; verbs are left as they are listed."""
    if word.endswith(_ADJECTIVE_ENDS) and len(word) > 4:
        yield Forms(but_last(word, 2), frozenset(_ADJECTIVE))
    elif word[-1] in _NOUNS and len(word) > 3:
        yield Forms(but_last(word), frozenset(_NOUNS[word[-1]]))
    elif word[-1].isalpha() and not word.endswith("ть"):
        yield _masculine(word)
        if word[-2:] in _FLEETING:
            short = but_last(word, 2) + _FLEETING[word[-2:]]
            yield Forms(short, _masculine(short).tails - {""})


def _masculine(word: str) -> Forms:
    last = word[-1]
    many = "и" if last in _HUSHING + _VELAR else "ы"
    of_many = ("ей", "ем") if last in _HUSHING else ("ев", "ем") if last == "ц" else ("ов",)
    return Forms(word, frozenset((*_MASCULINE, many, *of_many)))


# -- German

_UMLAUTS = {"a": "ä", "o": "ö", "u": "ü"}
_AFTER_E = frozenset(("", "n", "s"))
_AFTER_EL_OR_ER = frozenset(("", "n", "s", "in", "innen"))
_AFTER_OTHERS = frozenset(("", "e", "en", "es", "em", "s"))


def german(word: str) -> Iterator[Forms]:
    """Nouns and adjectives in number and case, with the umlaut that some have: Arschlöcher."""
    if word.endswith("e"):
        yield Forms(word, _AFTER_E)
    elif word.endswith(("el", "er")):
        yield Forms(word, _AFTER_EL_OR_ER)
    elif word[-1].isalpha():
        yield Forms(word, _AFTER_OTHERS)
        vowel = last_of(word, "aeiouäöü")
        at = word.rfind(vowel)
        if vowel in _UMLAUTS and word[at - 1 : at + 1] not in ("au", "eu"):
            yield Forms(word[:at] + _UMLAUTS[vowel] + word[at + 1 :], frozenset(("e", "en", "er", "ern")))


# -- Spanish


def spanish(word: str) -> Iterator[Forms]:
    """One and many. Which gender there is lists say: joto and jota, polla and pollo are different things."""
    if word[-1] in "aeoéáíóú":
        yield Forms(word, frozenset(("", "s")))
    elif word.endswith("z"):
        yield Forms(but_last(word), frozenset(("z", "ces")))
    elif word[-1] in "nrldj":
        yield Forms(word, frozenset(("", "es")))
        if word[-1] == "n" and word[-2] in "áéíóú":  # maricones, but imbéciles
            yield Forms(_unaccented(word), frozenset(("es",)))


def _unaccented(word: str) -> str:
    letters = unicodedata.normalize("NFD", word).replace("\u0301", "")
    return unicodedata.normalize("NFC", letters)
