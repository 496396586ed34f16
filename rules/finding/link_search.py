"""Which links of a message a rule means: on a list, off a list, alike to one, of a kind, so many."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from rules.schema.conditions import LinkKind
from rules.schema.values import Bound
from rules.text.hosts import latin
from rules.text.links import HostList, Link
from rules.text.lookalike_hosts import Lookalikes


class LinkSearch:
    """Chooses among links.

    Args:
        hosts: What is compared with; None where any host will do.
        on: Whether links on the list are meant, or those off it.
        every: Nothing is meant unless all links are.
        like: Only links to hosts that look like one of these are meant.
        kinds: Only links of these kinds are looked at; none are all.
        count: How many must be meant; None for at least one.
    """

    __slots__ = ("_count", "_every", "_hosts", "_kinds", "_like", "_on")

    def __init__(
        self,
        hosts: HostList | None = None,
        *,
        on: bool = True,
        every: bool = False,
        like: Lookalikes | None = None,
        kinds: Collection[LinkKind] = (),
        count: Bound | None = None,
    ) -> None:
        self._hosts = hosts
        self._on = on
        self._every = every
        self._like = like
        self._kinds = frozenset(kinds)
        self._count = count

    def find(self, links: Sequence[Link]) -> list[Link]:
        """Return the links that are meant; none where they aren't so many as they must be."""
        meant = self._meant(links)
        return meant if self._count is None or self._count.holds(len(meant)) else []

    def view(self, link: Link) -> str:
        """Return the view in which a meant link was found: "lookalikes" if its host only looks like one."""
        disguised = self._like is not None or (
            self._hosts is not None and self._on and not self._hosts.match(link)
        )
        return "lookalikes" if disguised else "typed"

    def holds(self, links: Sequence[Link]) -> bool:
        """Return whether as many links are meant as must be."""
        meant = self._meant(links)
        return bool(meant) if self._count is None else self._count.holds(len(meant))

    def _meant(self, links: Sequence[Link]) -> list[Link]:
        looked_at = [link for link in links if self._kinds & _kinds(link)] if self._kinds else links
        meant = [link for link in looked_at if self._means(link)]
        return [] if self._every and len(meant) < len(looked_at) else meant

    def _means(self, link: Link) -> bool:
        if self._hosts is not None and self._listed(link) is not self._on:
            return False
        return self._like is None or self._like.match(link.host) is not None

    def _listed(self, link: Link) -> bool:
        """Whether the host is on the list; on one of bad hosts, also as it looks: "discоrd-gift.com"."""
        assert self._hosts is not None
        if self._hosts.match(link) or not self._on or self._every:
            return self._hosts.match(link)
        seen = ".".join(latin(label) for label in link.host.split("."))
        return seen != link.host and self._hosts.match(msgspec.structs.replace(link, host=seen))


def _kinds(link: Link) -> frozenset[LinkKind]:
    kind = LinkKind.BARE if link.bare else LinkKind.FULL
    return frozenset((kind, LinkKind.IP) if link.leads_to_address else (kind,))
