"""The doors to all languages whose endings are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules.text.endings.attached import arabic, korean
from rules.text.endings.changed import german, russian, spanish
from rules.text.endings.forms import Forms, Inflect
from rules.text.endings.lined_up import finnish, turkish

LANGUAGES: Mapping[str, Inflect] = {
    "ar": arabic,
    "de": german,
    "es": spanish,
    "fi": finnish,
    "ko": korean,
    "ru": russian,
    "tr": turkish,
}
# The beginnings of other words are shorter: göt is in götürmek, sik in sikke. Korean syllables say more.
_SHORTEST = 3
_SHORTEST_BYTES = 4
_SHORTEST_KOREAN = 2


def forms_of(word: str, languages: Iterable[str]) -> list[Forms]:
    """Return the forms that a folded word takes in these languages.

    Many forms of a short word are left out: of three ASCII letters, two others, or one Korean syllable.
    """
    found = {form for lang in sorted(languages) for form in LANGUAGES[lang](word)}
    return [form for form in found if form.words is not None or _is_long(form.stem)]


def _is_long(stem: str) -> bool:
    if "\uac00" <= stem[0] <= "\ud7a3":
        return len(stem) >= _SHORTEST_KOREAN
    return len(stem) >= _SHORTEST and len(stem.encode()) >= _SHORTEST_BYTES
