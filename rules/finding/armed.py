"""A rule made ready: patterns compiled, lists read, conditions turned into functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rules.finding.composites import Check
from rules.finding.patterns import Pattern
from rules.finding.terms import Parts
from rules.message import Message
from rules.schema.rule import Rule, Scope, Status
from rules.text.links import HostList, Link
from rules.verdict import Hit


class LinkSearch:
    """Which links are hits: those on a list, those off a list, or all where all are on a list."""

    __slots__ = ("_every", "_hosts", "_on")

    def __init__(self, hosts: HostList, *, on: bool = True, every: bool = False) -> None:
        self._hosts = hosts
        self._on = on
        self._every = every

    def find(self, links: Sequence[Link]) -> list[tuple[int, int]]:
        """Return the spans of the links that are hits."""
        found = [link.span for link in links if self._hosts.match(link) is self._on]
        return [] if self._every and len(found) < len(links) else found


class Armed:
    """A rule made ready to judge.

    Attributes:
        rule: As written.
        everywhere: Its scope leaves nothing out.
        expires: Epoch seconds from which it is as good as gone.
        terms: What to look for in the plain view; for an allow rule, what spares.
        check: What must hold besides; None where nothing must.
        composite: It asks which other rules fired.
        needs: For a composite, rules of which one must have fired; empty where it can do without.
        pleads: All it does is to speak in the author's favour.
        restless: It may do something to a message in which nothing was found.
        spares: For an allow rule, the names of the rules whose hits it spares.
        weights: What one hit adds to which label, in log-odds; a rule without a label has ("", 0).
    """

    __slots__ = (
        "check",
        "composite",
        "everywhere",
        "expires",
        "final",
        "id",
        "links",
        "needs",
        "patterns",
        "pleads",
        "restless",
        "rule",
        "searches",
        "shadow",
        "spares",
        "terms",
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
        spares: frozenset[str] = frozenset(),
    ) -> None:
        self.rule = rule
        self.id = rule.id
        self.final = rule.final
        self.shadow = rule.status is Status.SHADOW
        self.expires = math.inf if rule.expires is None else float(rule.expires)
        self.searches = rule.searches
        self.everywhere = rule.scope == Scope()
        self.weights = tuple(weights) or (("", 0.0),)
        self.pleads = (
            all(weight < 0 for _, weight in self.weights)
            and not self.shadow
            and not (rule.action or rule.at_most or rule.tags or rule.queue or rule.priority or rule.mask)
        )
        self.terms = tuple(terms)
        self.patterns = tuple(patterns)
        self.links = tuple(links)
        self.check = check
        self.composite = composite
        self.needs = needs
        self.restless = restless
        self.spares = spares

    def covers(self, message: Message) -> bool:
        """Return whether the rule acts where the message was said."""
        return self.everywhere or self.rule.scope.covers(
            message.tenant, message.channel, message.surface, message.lang
        )

    def hits(self, span: tuple[int, int] | None, view: str) -> list[Hit]:
        """Return what was found at a place, once for each label that it speaks of."""
        return [Hit(self.id, label, weight, span, view) for label, weight in self.weights]

    def link_hits(self, links: Sequence[Link]) -> list[Hit]:
        """Return what its link searches find among the links of a text."""
        spans = (span for search in self.links for span in search.find(links))
        return [hit for span in spans for hit in self.hits(span, "typed")]
