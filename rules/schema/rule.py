"""What a rule writer may write: the type is the schema of `rules:` in a pack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import ClassVar, Self

import msgspec

from rules.finding.patterns import View
from rules.message import Surface
from rules.schema.conditions import AuthorCondition, Condition, LinkCondition
from rules.schema.policy import Policy, Strength, Visibility, matches
from rules.schema.values import Bound, Seconds, Words, Written
from rules.verdict import Action


class Status(StrEnum):
    """Where a rule stands in its life; a draft is read and checked, nothing more."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"


class Day(float):
    """A calendar day, as the epoch seconds at which it begins in UTC."""

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ValueError(f'expected a day such as 2026-12-06, got "{text}"') from None
        return cls(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Where a rule acts; what isn't named doesn't matter. Tenants and channels are globs.

    A rule with `languages` acts only on messages that are known to be in one of them.
    """

    tenants: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    languages: tuple[str, ...] = ()

    def covers(self, tenant: str, channel: str, surface: Surface, lang: str | None) -> bool:
        return (
            (not self.surfaces or surface in self.surfaces)
            and (not self.languages or lang in self.languages)
            and matches(self.tenants, tenant)
            and matches(self.channels, channel)
        )


class TestAuthor(msgspec.Struct, frozen=True, kw_only=True):
    """The author of a test's message; `age` is that of the account."""

    __test__: ClassVar = False

    roles: tuple[str, ...] = ()
    age: Seconds | None = None


class TestStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The standing of a test's author."""

    __test__: ClassVar = False

    messages: int = 0
    good: int = 0
    strikes: float = 0.0


class Test(msgspec.Struct, frozen=True):
    """One of a rule's own tests: a message, said inside the rule's scope unless it says where.

    Attributes:
        standing: Not known where the test doesn't give it.
    """

    __test__: ClassVar = False

    text: str
    author: TestAuthor | None = None
    standing: TestStanding | None = None
    tenant: str | None = None
    channel: str | None = None
    surface: Surface | None = None
    lang: str | None = None
    line: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(text)

    @property
    def says_where(self) -> bool:
        return bool(self.tenant or self.channel or self.surface or self.lang)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, as written.

    What it looks for: `terms`, `list`, `regex`, `domains`, `links`; any of these is enough.
    What must hold besides: `all`, `any`, `none`, `author`. A rule that looks for nothing
    fires where its conditions hold.

    Attributes:
        id: Unique among all packs: "theme/name".
        weight: Log-odds, instead of a strength.
        within: The words that the parts of an `A & B` term may lie apart; without it the whole message.
        word_list: Files with one term a line (key `list`).
        severity: Of a list, the terms whose severity this holds for.
        view: What `regex` is matched against.
        against: Labels that the strength is taken off, instead of added to `label`.
        allow: Terms inside which hits of the rules in `spares` don't count; a final rule's always do.
        action: At least this.
        at_most: No more than this, whatever other rules say that aren't final.
        final: Neither model nor reputation, allow-terms, exemptions nor brakes make its action milder.
        unknown: Whether it fires where a condition isn't known.
        expires: From this day on (UTC) the rule is as good as gone.
        strike: Instead of what the policy says for the action.
        message: To the user, by language.
        line: Where it stands in its file.
    """

    later: ClassVar = frozenset(
        {"model", "behaviour", "rollout", "budget", "views", "anywhere", "lang", "at_least", "quoted"}
    )

    id: str
    label: str | None = None
    strength: Strength | None = None
    weight: float | None = None
    why: str | None = None
    terms: tuple[Written, ...] = ()
    within: Words | None = None
    word_list: tuple[Written, ...] = msgspec.field(default=(), name="list")
    severity: Bound | None = None
    regex: tuple[Written, ...] = ()
    view: View = View.PLAIN
    domains: tuple[Written, ...] = ()
    links: LinkCondition | None = None
    all_of: tuple[Condition, ...] = msgspec.field(default=(), name="all")
    any_of: tuple[Condition, ...] = msgspec.field(default=(), name="any")
    none_of: tuple[Condition, ...] = msgspec.field(default=(), name="none")
    author: AuthorCondition | None = None
    scope: Scope = Scope()
    against: tuple[str, ...] = ()
    allow: tuple[Written, ...] = ()
    spares: tuple[str, ...] = ()
    action: Action | None = None
    at_most: Action | None = None
    final: bool = False
    unknown: bool = False
    status: Status = Status.LIVE
    expires: Day | None = None
    matched: Visibility | None = None
    mask: bool = False
    strike: float | None = None
    policy: str | None = None
    message: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    queue: str | None = None
    priority: str | None = None
    owner: str | None = None
    hit: tuple[Test, ...] = ()
    miss: tuple[Test, ...] = ()
    spared: tuple[Test, ...] = ()
    kept: tuple[Test, ...] = ()
    line: int = 0

    @property
    def conditions(self) -> Iterator[Condition]:
        """Every condition on message, author and other rules, `author:` included."""
        if self.author is not None:
            yield Condition(author=self.author, line=self.line)
        yield from self.all_of
        yield from self.any_of
        yield from self.none_of

    @property
    def searches(self) -> bool:
        """Whether it looks for something in the text, rather than only at conditions."""
        return bool(self.terms or self.word_list or self.regex or self.domains or self.links)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that its hits speak of."""
        return self.against or ((self.label,) if self.label else ())

    def log_odds(self, policy: Policy) -> float:
        """Return what one hit adds to each of its labels; below 0 for `against`."""
        weight = self.weight or 0.0
        if self.strength is not None:
            weight = policy.strengths.get(self.strength, 0.0)
        return -weight if self.against else weight
