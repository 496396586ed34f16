"""What each term in the index stands for: a rule, and perhaps a part of its term; and where they stand."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from rules.finding.armed import Armed
from rules.finding.evidence import Place, Span
from rules.finding.keywords import Found, Term
from rules.finding.terms import Parts, find_together
from rules.fold import Folded
from rules.text.views.reading import Step

# In these ı is no look-alike of i: sıktı, "squeezed", is no sikti.
_TWO_LETTERS_I = frozenset({"az", "tr"})


class Owner(NamedTuple):
    """What a term in the index stands for: a rule, and the part of a term of several parts.

    It counts in messages of some languages, or where there are none in all. Without the `anchor`, the
    number of another part, the term isn't there.
    """

    rule: int
    parts: Parts | None = None
    part: int = 0
    languages: frozenset[str] = frozenset()
    anchor: int = 0


def indexed(rules: Sequence[Armed]) -> tuple[list[Term], list[Owner]]:
    """Return the terms of all rules, each with its own number, and what each number stands for."""
    terms: list[Term] = []
    owners: list[Owner] = []
    asked = {name for armed in rules for name in armed.needs}
    for number, armed in enumerate(rules):
        weighty = not armed.spares and (not armed.pleads or armed.id in asked)
        for parts in armed.terms:
            anchor = len(owners) + parts.together.index(parts.anchor)
            for part, text in enumerate((*parts.together, *parts.without)):
                alone = weighty and text is parts.anchor
                terms.append(
                    Term(text, len(owners), alone=alone, endings=parts.endings, unaccented=armed.unaccented)
                )
                owners.append(Owner(number, None if parts.single else parts, part, parts.languages, anchor))
    return terms, owners


def locate(
    owners: Sequence[Owner], place: Place, folded: Folded, terms: Sequence[Found]
) -> Iterator[tuple[Owner, Span, int]]:
    """Yield where the terms of rules that act here stand, in code points as typed, and by which steps.

    Args:
        owners: By a term's number, as `indexed` returns them.
        terms: What was found in the text.
    """
    apart: dict[tuple[int, int], tuple[Owner, Armed, dict[int, dict[Span, int]]]] = {}
    there = {found.owner for found in terms}
    for found in terms:
        owner = owners[found.owner]
        if owner.parts is not None and owner.anchor not in there:  # as with most
            continue
        armed = place.active[owner.rule]
        if armed is None or not armed.sees(found.steps):
            continue
        if found.steps and owner.languages & _TWO_LETTERS_I and _reads_dotless(found, folded):
            continue
        if owner.parts is None:
            yield owner, folded.span(found.start, found.end), found.steps
        else:
            key = (owner.rule, found.owner - owner.part)
            _, _, places = apart.setdefault(key, (owner, armed, {}))
            places.setdefault(owner.part, {})[found.start, found.end] = found.steps
    for owner, armed, places in apart.values():
        assert owner.parts is not None
        if not owner.parts.complete(places):
            continue
        listed = {part: list(stands) for part, stands in places.items()}
        steps = [sorted(each.items()) for each in places.values()]
        for start, end in find_together(owner.parts, listed, folded.text, armed.rule.within):
            yield owner, folded.span(start, end), _steps_between(steps, start, end)


def _reads_dotless(found: Found, folded: Folded) -> bool:
    """Return whether a letter ı was read as i to find it."""
    return bool(found.steps & Step.LOOKALIKES.bit) and "ı" in folded.text[found.start : found.end]


def _steps_between(stands: Iterable[Sequence[tuple[Span, int]]], start: int, end: int) -> int:
    """Return what had to be undone to find all parts of a term between two places, each at its plainest."""
    steps = 0
    for ascending in stands:
        behind = islice(ascending, bisect_left(ascending, ((start, 0), 0)), None)
        near = takewhile(lambda one: one[0][0] < end, behind)
        steps |= min((bits for (_, last), bits in near if last <= end), default=0)
    return steps
