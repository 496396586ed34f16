"""Says which terms of a list are idle: written twice, found by another one already, or never found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rules.errors import PatternError
from rules.finding.terms import split_term
from rules.fold import fold
from rules.text.borders import is_word
from rules.text.words import in_word

_STARS = re.compile(r"(\*?)(.*?)((?<!\\)\*)?")
# An infix of fewer letters is in every other word.
_SHORT = 3


class Form(NamedTuple):
    """A term as it is looked for: its letters, and whether a word may go on before and behind them."""

    text: str
    before: bool
    after: bool


class Line(NamedTuple):
    """A term, the line that it is written on, and how severe it is."""

    line: int
    text: str
    severity: int = 1


class Remark(NamedTuple):
    """What could be better, in a sentence, and the line to look at."""

    line: int
    message: str


def idle_terms(terms: Sequence[Line], *, nested: bool = True) -> Iterator[Remark]:
    """Yield what could be taken out of terms that stand together.

    `nested` terms, which others find already, are such.
    """
    first: dict[Form, Line] = {}
    single: dict[Form, Line] = {}
    for term in terms:
        form = form_of(term.text)
        known = first.setdefault(form, term)
        if known is not term:
            yield Remark(term.line, _twice(term, known))
        elif not _is_joined(term.text):
            single[form] = term
            if form.before and form.after and len(form.text) < _SHORT and in_word(form.text[0]):
                yield Remark(term.line, f'"{term.text}" is in every other word; write more of it')
    covers = _Covers(single)
    for form, term in single.items() if nested else ():
        other = covers.other(form)
        if other is not None and other.severity == term.severity:
            yield Remark(
                term.line,
                f'"{term.text}" is found by "{other.text}" (line {other.line}) already; take it out',
            )


def never_found(text: str) -> str | None:
    """Return why a term can never be found, or None where it can."""
    try:
        parts = split_term(text)
    except PatternError:
        return None
    together = list(map(form_of, parts.together))
    for part in parts.without:
        if any(_covers(form_of(part), form) for form in together):
            return f'"{text}" is never found: "{part}" is in what it must stand without'
    return None


def form_of(text: str) -> Form:
    """Return a term as it is looked for; one of several parts as a whole."""
    match = _STARS.fullmatch(text.strip())
    before, body, after = match.groups() if match else ("", text, None)
    return Form(" ".join(fold(body.replace("\\*", "*")).text.split()), bool(before), bool(after))


def _twice(term: Line, known: Line) -> str:
    alike = "" if known.text == term.text else f' as "{known.text}"'
    return f'"{term.text}" stands here twice{alike} (first in line {known.line}); take one out'


def _is_joined(text: str) -> bool:
    return " & " in text or " ~ " in text


def _covers(one: Form, other: Form) -> bool:
    """Return whether wherever the other is found, this one is too."""
    at = other.text.find(one.text)
    while at >= 0:
        if _stands(one, other, at):
            return True
        at = other.text.find(one.text, at + 1)
    return False


def _stands(one: Form, other: Form, at: int) -> bool:
    end = at + len(one.text)
    if not one.text:
        return False
    free_before = one.before or not in_word(one.text[0])
    free_after = one.after or not in_word(one.text[-1])
    before = not other.before if at == 0 else not in_word(other.text[at - 1])
    after = not other.after if end == len(other.text) else not in_word(other.text[end])
    whole = is_word(other.text, at, end, before=not one.before, behind=not one.after)
    return whole and (free_before or before) and (free_after or after)


class _Covers:
    """Looks for a term that finds whatever another one does, without comparing each with each."""

    def __init__(self, forms: dict[Form, Line]) -> None:
        self._by_text: dict[str, list[tuple[Form, Line]]] = {}
        for form, term in forms.items():
            self._by_text.setdefault(form.text, []).append((form, term))
        self._anywhere = sorted({len(form.text) for form in forms if form.before})
        self._at_words = sorted({len(form.text) for form in forms if not form.before})

    def other(self, form: Form) -> Line | None:
        """Return a term that covers the form and isn't the form itself."""
        text = form.text
        for at in range(len(text)):
            begins = at == 0 or not in_word(text[at - 1]) or not in_word(text[at])
            for length in (*self._anywhere, *(self._at_words if begins else ())):
                for one, term in self._by_text.get(text[at : at + length], ()):
                    if len(one.text) == length and one != form and _stands(one, form, at):
                        return term
        return None
