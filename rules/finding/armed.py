"""A rule made ready: patterns compiled, lists read, conditions turned into functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from rules.finding.asked import Asked
from rules.finding.composites import Check
from rules.finding.link_search import LinkSearch
from rules.finding.patterns import Pattern
from rules.finding.terms import Parts
from rules.message import Message
from rules.schema.rule import Rule, Scope, Status, TermView
from rules.text.links import Link
from rules.text.views.reading import ALL_STEPS, AMBIGUOUS, Step
from rules.verdict import Hit


class Watch(NamedTuple):
    """What the model must say of a label for a rule to be worth asking: at least this probability."""

    label: str
    limit: float


class Armed:
    """A rule made ready to judge.

    Attributes:
        rule: As written.
        everywhere: Its scope leaves no place out.
        languages: It acts only on messages in these; empty where it acts on all.
        expires: Epoch seconds from which it is as good as gone.
        terms: What to look for in the plain view; for an allow rule, what spares.
        check: What must hold besides; None where nothing must.
        composite: It asks which other rules fired.
        needs: For a composite, rules of which one must have fired; empty where it can do without.
        pleads: All it does is to speak in the author's favour.
        restless: It may do something to a message in which nothing was found.
        watches: It may do something to it where the model says all of this.
        stirring: And where the author did all of this.
        waits: What it finds in a text counts for nothing unless the author did that.
        spares: For an allow rule, the names of the rules whose hits it spares.
        copies: For one that spares whole messages, the texts as `squeezed` returns them.
        weights: What one hit adds to which label, in log-odds; a rule without a label has ("", 0).
    """

    __slots__ = (
        "_steps",
        "check",
        "composite",
        "copies",
        "everywhere",
        "expires",
        "final",
        "id",
        "languages",
        "links",
        "needs",
        "patterns",
        "pleads",
        "restless",
        "rule",
        "searches",
        "shadow",
        "spares",
        "stirring",
        "terms",
        "waits",
        "watches",
        "weights",
    )

    def __init__(
        self,
        rule: Rule,
        *,
        weights: Sequence[tuple[str, float]],
        terms: Sequence[Parts] = (),
        patterns: Sequence[Pattern] = (),
        links: Sequence[LinkSearch] = (),
        check: Check | None = None,
        composite: bool = False,
        needs: frozenset[str] = frozenset(),
        restless: bool = False,
        watches: Sequence[Watch] = (),
        stirring: Sequence[Asked] = (),
        copies: frozenset[str] = frozenset(),
        spares: frozenset[str] = frozenset(),
    ) -> None:
        self.rule = rule
        self.id = rule.id
        self.final = rule.final
        self.shadow = rule.status is Status.SHADOW
        self.expires = math.inf if rule.expires is None else float(rule.expires)
        self.searches = rule.searches
        self._steps = steps_of(rule.views) | (0 if rule.final else AMBIGUOUS)
        self.everywhere = msgspec.structs.replace(rule.scope, languages=()) == Scope()
        self.languages = frozenset(rule.scope.languages)
        self.weights = tuple(weights) or (("", 0.0),)
        self.pleads = (
            all(weight < 0 for _, weight in self.weights)
            and not self.shadow
            and rule.rollout is None
            and not (rule.action or rule.at_most or rule.tags or rule.queue or rule.priority or rule.mask)
        )
        self.terms = tuple(terms)
        self.patterns = tuple(patterns)
        self.links = tuple(links)
        self.check = check
        self.composite = composite
        self.needs = needs
        self.restless = restless
        self.watches = tuple(watches)
        self.stirring = tuple(stirring)
        self.waits = rule.searches and bool(self.stirring)
        self.copies = copies
        self.spares = spares

    def sees(self, steps: int) -> bool:
        """Return whether the rule looks in the readings that took these steps."""
        return not steps & ~self._steps

    @property
    def unaccented(self) -> bool:
        """Its terms are looked for without accents too."""
        return TermView.UNACCENTED in self.rule.views

    @property
    def joins(self) -> bool:
        """It looks for words that an author split over successive messages."""
        return self.searches and (not self.rule.views or TermView.JOINED in self.rule.views)

    def covers(self, message: Message, lang: str | None) -> bool:
        """Return whether the rule acts where the message was said; None stands for any language."""
        if lang is not None and self.languages and lang not in self.languages:
            return False
        return self.everywhere or self.rule.scope.covers(message.tenant, message.channel, message.surface)

    def is_rolled_out_to(self, author: str | None) -> bool:
        """Return whether an author is among those for whom the rule acts, which is the same at any time."""
        share = self.rule.rollout
        if share is None or share >= 1.0:
            return True
        return author is not None and _place_of(self.id, author) < share

    def hits(self, span: tuple[int, int] | None, view: str, seen: str | None = None) -> list[Hit]:
        """Return what was found at a place, once for each label that it speaks of."""
        return [Hit(self.id, label, weight, span, view, seen) for label, weight in self.weights]

    def link_hits(self, links: Sequence[Link]) -> list[Hit]:
        """Return what its link searches find among the links of a text."""
        found = {link.span: search.view(link) for search in self.links for link in search.find(links)}
        return [hit for span, view in found.items() for hit in self.hits(span, view)]


def steps_of(views: Sequence[TermView]) -> int:
    """Return the bits of the steps that a rule's `views:` allow; none written allow all."""
    return (
        sum(Step(view).bit for view in set(views) - {TermView.PLAIN, TermView.JOINED}) if views else ALL_STEPS
    )


def _place_of(rule: str, author: str) -> float:
    """Return a place in [0, 1) that depends on both names: each rule begins with other authors."""
    digest = blake2b(f"{rule}\0{author}".encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64
