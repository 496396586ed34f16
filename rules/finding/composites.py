"""Conditions on a message, its author and the rules that fired: true, false, or not known.

What is not known stays so through `not`: a rule with `none:` doesn't fire on an author of
whom nothing is known any more than one with `all:`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rules.message import EntityType, Message, Surface
from rules.reputation import Reputation
from rules.schema.conditions import AuthorCondition, Condition, LinkCondition
from rules.schema.policy import ReputationPolicy
from rules.schema.values import AgeBound, Bound, Written
from rules.text.links import HostList, Link, find_links

_MENTION = re.compile(r"(?<![\w@])@\w")
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f900-\U0001faff\u2600-\u27bf]"
)


class Facts:
    """What conditions look at; dear things are worked out when first asked for.

    Attributes:
        reputation: None where it isn't known.
        now: Epoch seconds.
        fired: Names of the rules that fired so far, as far as the asking rule may see them.
    """

    __slots__ = ("_links", "fired", "message", "now", "reckoning", "reputation")

    def __init__(
        self,
        message: Message,
        reputation: Reputation | None,
        now: float,
        reckoning: ReputationPolicy,
        links: Sequence[Link] | None = None,
    ) -> None:
        self.message = message
        self.reputation = reputation
        self.now = now
        self.reckoning = reckoning
        self.fired: Collection[str] = ()
        self._links = links

    @property
    def links(self) -> Sequence[Link]:
        if self._links is None:
            self._links = find_links(self.message.text, self.message.entities)
        return self._links


Check = Callable[[Facts], bool | None]


class Made(NamedTuple):
    """What a condition is made with: lists of hosts, and the rules that a glob stands for."""

    hosts: Callable[[Sequence[Written]], HostList]
    rules: Callable[[str], frozenset[str]]


def all_of(checks: Sequence[Check]) -> Check:
    """True if each is; false if one is false; else not known."""
    if len(checks) == 1:
        return checks[0]

    def check(facts: Facts) -> bool | None:
        answer: bool | None = True
        for one in checks:
            said = one(facts)
            if said is False:
                return False
            if said is None:
                answer = None
        return answer

    return check


def negated(check: Check) -> Check:
    """The opposite; what is not known stays so."""

    def opposite(facts: Facts) -> bool | None:
        said = check(facts)
        return None if said is None else not said

    return opposite


def any_of(checks: Sequence[Check]) -> Check:
    """True if one is; false if each is false; else not known."""
    return negated(all_of([negated(check) for check in checks]))


def none_of(checks: Sequence[Check]) -> Check:
    """True if each is false; false if one is true; else not known."""
    return all_of([negated(check) for check in checks])


def make_check(condition: Condition, made: Made) -> Check:
    """Return a function that says whether the condition holds."""
    return all_of(list(_parts(condition, made)))


def _parts(condition: Condition, made: Made) -> Iterator[Check]:
    if condition.surface is not None:
        yield _surface(condition.surface)
    if condition.author is not None:
        yield make_author_check(condition.author)
    if condition.rule is not None:
        yield _fired(made.rules(condition.rule))
    if condition.length is not None:
        yield _length(condition.length)
    if condition.has is not None:
        yield _HAS[condition.has]
    if condition.caps is not None:
        yield _caps(condition.caps)
    if condition.links is not None:
        yield _links(condition.links, made)


def make_author_check(condition: AuthorCondition) -> Check:
    """Return a function that says whether the condition on the author holds."""
    return all_of(list(_author_parts(condition)))


def _author_parts(condition: AuthorCondition) -> Iterator[Check]:
    if condition.roles:
        yield _roles(frozenset(condition.roles))
    if condition.age is not None:
        yield _age(condition.age)
    if condition.messages is not None:
        yield _standing(condition.messages, lambda known, _: known.messages)
    if condition.strikes is not None:
        yield _standing(condition.strikes, lambda known, facts: facts.reckoning.strikes_at(known, facts.now))
    if condition.trust is not None:
        yield _standing(condition.trust, lambda known, facts: facts.reckoning.trust(known, facts.now))


def _surface(surface: Surface) -> Check:
    return lambda facts: facts.message.surface == surface


def _fired(rules: frozenset[str]) -> Check:
    return lambda facts: not rules.isdisjoint(facts.fired)


def _length(bound: Bound) -> Check:
    return lambda facts: bound.holds(len(facts.message.text))


def _caps(bound: Bound) -> Check:
    return lambda facts: bound.holds(_share_of_capitals(facts.message.text))


def _share_of_capitals(text: str) -> float:
    capitals = sum(map(str.isupper, text))
    cased = capitals + sum(map(str.islower, text))
    return capitals / cased if cased else 0.0


def _roles(roles: frozenset[str]) -> Check:
    def check(facts: Facts) -> bool | None:
        author = facts.message.author
        return None if author is None else not roles.isdisjoint(author.roles)

    return check


def _age(bound: AgeBound) -> Check:
    def check(facts: Facts) -> bool | None:
        author = facts.message.author
        if author is None or author.created_at is None:
            return None
        return bound.holds(facts.now - _epoch(author.created_at))

    return check


def _epoch(moment: datetime) -> float:
    # A time without its zone is read as UTC: the worker's own zone must not change a verdict.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _standing(bound: Bound, value: Callable[[Reputation, Facts], float]) -> Check:
    def check(facts: Facts) -> bool | None:
        known = facts.reputation
        return None if known is None else bound.holds(value(known, facts))

    return check


def _links(condition: LinkCondition, made: Made) -> Check:
    hosts = made.hosts(condition.only or condition.elsewhere)
    if condition.only:
        return lambda facts: bool(facts.links) and all(map(hosts.match, facts.links))
    return lambda facts: not all(map(hosts.match, facts.links))


def _has_link(facts: Facts) -> bool:
    return bool(facts.links)


def _has_mention(facts: Facts) -> bool:
    message = facts.message
    return (
        bool(message.mentions) or _marked(message, EntityType.MENTION) or bool(_MENTION.search(message.text))
    )


def _has_attachment(facts: Facts) -> bool:
    return bool(facts.message.attachments)


def _has_emoji(facts: Facts) -> bool:
    return _marked(facts.message, EntityType.EMOTE) or bool(_EMOJI.search(facts.message.text))


def _marked(message: Message, kind: EntityType) -> bool:
    return any(entity.type == kind for entity in message.entities)


_HAS: dict[str, Check] = {
    "link": _has_link,
    "mention": _has_mention,
    "attachment": _has_attachment,
    "emoji": _has_emoji,
}
