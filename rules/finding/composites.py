"""Conditions on a message, its author and the rules that fired: true, false, or not known.

What is not known stays so through `not`: a rule with `none:` doesn't fire on an author of
whom nothing is known any more than one with `all:`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rules.finding import seen as measured
from rules.finding.asked import Asked, Seen
from rules.finding.link_search import LinkSearch
from rules.finding.spoken import Spoken
from rules.message import Author, Message, Surface
from rules.reputation import Reputation
from rules.schema.conditions import (
    AtLeast,
    AuthorCondition,
    Behaviour,
    Condition,
    EmojiCondition,
    LinkCondition,
    ModelBound,
)
from rules.schema.policy import ReputationPolicy
from rules.schema.values import AgeBound, Bound
from rules.text.links import Link, find_links


class Facts:
    """What conditions look at; dear things are worked out when first asked for.

    Attributes:
        reputation: None where it isn't known.
        now: Epoch seconds.
        scores: The model's probabilities by label; empty where no model spoke.
        fired: Names of the rules that fired so far, as far as the asking rule may see them.
        seen: What the author did lately; None where it isn't known or isn't counted.
    """

    __slots__ = ("_links", "_spoken", "fired", "message", "now", "reckoning", "reputation", "scores", "seen")

    def __init__(
        self,
        message: Message,
        reputation: Reputation | None,
        now: float,
        reckoning: ReputationPolicy,
        links: Sequence[Link] | None = None,
        scores: Mapping[str, float] | None = None,
        spoken: Callable[[], Spoken] | None = None,
        seen: Seen | None = None,
    ) -> None:
        self.message = message
        self.reputation = reputation
        self.now = now
        self.reckoning = reckoning
        self.scores = scores or {}
        self.seen = seen
        self.fired: Collection[str] = ()
        self._links = links
        self._spoken = spoken

    @property
    def lang(self) -> str | None:
        """The message's language; None where nobody knows."""
        return self._spoken().lang if self._spoken else self.message.lang

    @property
    def links(self) -> Sequence[Link]:
        if self._links is None:
            self._links = find_links(self.message.text, self.message.entities)
        return self._links


Check = Callable[[Facts], bool | None]


class Made(NamedTuple):
    """What a condition is made with: searches for links, the rules behind a glob, a model's thresholds."""

    links: Callable[[LinkCondition], LinkSearch]
    rules: Callable[[str], frozenset[str]]
    promised: Callable[[str, ModelBound], Bound | None]


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


def at_least(count: int, checks: Sequence[Check]) -> Check:
    """True if so many are; false if so many can't be any more; else not known."""

    def check(facts: Facts) -> bool | None:
        said = [one(facts) for one in checks]
        sure = said.count(True)
        if sure >= count:
            return True
        return None if sure + said.count(None) >= count else False

    return check


def make_check(condition: Condition, made: Made) -> Check:
    """Return a function that says whether the condition holds."""
    return all_of(list(_parts(condition, made)))


def make_joined(
    every: Sequence[Condition],
    some: Sequence[Condition],
    none: Sequence[Condition],
    number: AtLeast | None,
    made: Made,
) -> Iterator[Check]:
    """Yield functions that say whether the conditions under `all`, `any`, `none` and `at_least` hold."""
    yield from (make_check(one, made) for one in every)
    if some:
        yield any_of([make_check(one, made) for one in some])
    if none:
        yield none_of([make_check(one, made) for one in none])
    if number is not None:
        yield at_least(number.count, [make_check(one, made) for one in number.of])


def _parts(condition: Condition, made: Made) -> Iterator[Check]:
    """Yield what is asked, the cheap questions first."""
    if condition.surface is not None:
        yield _surface(condition.surface)
    if condition.author is not None:
        yield from _author_parts(condition.author)
    if condition.rule is not None:
        yield _fired(made.rules(condition.rule))
    for label, asked in condition.model.items():
        yield _model(label, made.promised(label, asked))
    if condition.behaviour is not None:
        yield _behaviour(condition.behaviour)
    if condition.language:
        yield _language(frozenset(condition.language))
    yield from _text_parts(condition)
    if condition.links is not None:
        yield _links(made.links(condition.links))
    yield from make_joined(condition.all_of, condition.any_of, condition.none_of, condition.at_least, made)


def _text_parts(condition: Condition) -> Iterator[Check]:
    if condition.length is not None:
        yield _measured(condition.length, lambda message: len(message.text))
    if condition.has is not None:
        yield _HAS[condition.has]
    if condition.mentions is not None:
        yield _measured(condition.mentions, measured.mentions)
    if condition.caps is not None:
        yield _measured(condition.caps, lambda message: measured.share_of_capitals(message.text))
    if condition.repeated is not None:
        yield _measured(condition.repeated, lambda message: measured.longest_run(message.text))
    if condition.emoji is not None:
        yield _emoji(condition.emoji)
    if condition.script:
        yield _script(condition.script)


def _author_parts(condition: AuthorCondition) -> Iterator[Check]:
    if condition.roles:
        roles = frozenset(condition.roles)
        yield _author(lambda author: not roles.isdisjoint(author.roles))
    if condition.bot is not None:
        bot = condition.bot
        yield _author(lambda author: author.bot is bot)
    if condition.name:
        fits = measured.name_like(condition.name)
        yield _author(lambda author: None if author.name is None else fits(author.name))
    if condition.age is not None:
        yield _age(condition.age)
    if condition.first_message is not None:
        yield _standing(Bound("=" if condition.first_message else ">", 0), _messages)
    if condition.messages is not None:
        yield _standing(condition.messages, _messages)
    if condition.strikes is not None:
        yield _standing(condition.strikes, lambda known, facts: facts.reckoning.strikes_at(known, facts.now))
    if condition.trust is not None:
        yield _standing(condition.trust, lambda known, facts: facts.reckoning.trust(known, facts.now))


def _surface(surface: Surface) -> Check:
    return lambda facts: facts.message.surface == surface


def _unknown(_: Facts) -> None:
    return


def _behaviour(written: Behaviour) -> Check:
    asked = Asked.of(written)
    return lambda facts: None if facts.seen is None else facts.seen.holds(asked)


def _measured(bound: Bound, measure: Callable[[Message], float]) -> Check:
    return lambda facts: bound.holds(measure(facts.message))


def _fired(rules: frozenset[str]) -> Check:
    return lambda facts: not rules.isdisjoint(facts.fired)


def _model(label: str, bound: Bound | None) -> Check:
    if bound is None:  # a precision that nobody promised
        return _unknown

    def check(facts: Facts) -> bool | None:
        score = facts.scores.get(label)
        return None if score is None else bound.holds(score)

    return check


def _language(languages: frozenset[str]) -> Check:
    def check(facts: Facts) -> bool | None:
        lang = facts.lang
        return None if lang is None else lang in languages

    return check


def _emoji(condition: EmojiCondition) -> Check:
    def check(facts: Facts) -> bool:
        count, others = measured.emoji(facts.message)
        share = count / (count + others) if count else 0.0
        enough = condition.count is None or condition.count.holds(count)
        return enough and (condition.share is None or condition.share.holds(share))

    return check


def _script(scripts: Sequence[str]) -> Check:
    return lambda facts: measured.mostly_in(scripts, facts.message.text)


def _author(ask: Callable[[Author], bool | None]) -> Check:
    def check(facts: Facts) -> bool | None:
        author = facts.message.author
        return None if author is None else ask(author)

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


def _messages(known: Reputation, _: Facts) -> float:
    return known.messages


def _links(search: LinkSearch) -> Check:
    return lambda facts: search.holds(facts.links)


_HAS: dict[str, Check] = {
    "link": lambda facts: bool(facts.links),
    "mention": lambda facts: measured.mentions(facts.message) > 0,
    "attachment": lambda facts: bool(facts.message.attachments),
    "emoji": lambda facts: measured.emoji(facts.message)[0] > 0,
    "quote": lambda facts: measured.has_quote(facts.message),
    "code": lambda facts: measured.has_code(facts.message),
}
