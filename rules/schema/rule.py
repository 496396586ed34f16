"""What a rule writer may write: the type is the schema of `rules:` in a pack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import ClassVar, Self

import msgspec

from rules.finding.patterns import View
from rules.message import EntityType, Surface
from rules.schema.conditions import (
    AtLeast,
    AuthorCondition,
    Behaviour,
    Condition,
    LinkCondition,
    ModelBound,
)
from rules.schema.policy import Brake, Policy, Strength, Visibility, matches
from rules.schema.values import Bound, Seconds, Share, Words, Written
from rules.verdict import Action


class Status(StrEnum):
    """Where a rule stands in its life; a draft and an expired one are read and checked, nothing more."""

    DRAFT = "draft"
    SHADOW = "shadow"
    LIVE = "live"
    EXPIRED = "expired"

    @property
    def idle(self) -> bool:
        """Whether a rule of this status does nothing."""
        return self in (Status.DRAFT, Status.EXPIRED)


class TermView(StrEnum):
    """A view of the text in which terms are looked for; the plain one is always among them."""

    PLAIN = "plain"
    LOOKALIKES = "lookalikes"
    SEPARATED = "separated"
    LEET = "leet"
    STRETCHED = "stretched"
    MASKED = "masked"
    UNACCENTED = "unaccented"
    JOINED = "joined"


class Part(StrEnum):
    """Which part of a message a hit lies in, as the platform marked it; what isn't marked is said."""

    SAID = "said"
    QUOTED = "quoted"
    CODE = "code"


# What `allow:` says where a whole message is spared, and not what lies inside a term.
WHOLE_MESSAGE = "whole-message"


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

    A rule with `languages` acts only on messages that are taken to be in one of them.
    """

    tenants: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    languages: tuple[str, ...] = ()

    def covers(self, tenant: str, channel: str, surface: Surface) -> bool:
        """Return whether it acts there, in some language."""
        return (
            (not self.surfaces or surface in self.surfaces)
            and matches(self.tenants, tenant)
            and matches(self.channels, channel)
        )


class TestAuthor(msgspec.Struct, frozen=True, kw_only=True):
    """The author of a test's message; `age` is that of the account."""

    __test__: ClassVar = False

    roles: tuple[str, ...] = ()
    age: Seconds | None = None
    name: str | None = None
    bot: bool = False


class TestStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The standing of a test's author."""

    __test__: ClassVar = False

    messages: int = 0
    good: int = 0
    strikes: float = 0.0


class TestEntity(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a test's text that the platform marks."""

    __test__: ClassVar = False

    type: EntityType
    text: str


class Test(msgspec.Struct, frozen=True):
    """One of a rule's own tests: a message, said inside the rule's scope unless it says where.

    Attributes:
        standing: Not known where the test doesn't give it.
        model: What the model says, by label; what isn't written it doesn't say.
        behaviour: What the author did within the time that the rule asks about, this message included;
            not known where the test doesn't give it.
        entities: What the platform marks: the first place in the text where these words stand.
    """

    __test__: ClassVar = False

    text: str
    author: TestAuthor | None = None
    standing: TestStanding | None = None
    tenant: str | None = None
    channel: str | None = None
    surface: Surface | None = None
    lang: str | None = None
    model: dict[str, float] = {}
    behaviour: dict[str, int] = {}
    entities: tuple[TestEntity, ...] = ()
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
    What must hold besides: `all`, `any`, `none`, `at_least`, `author`, `model`, `behaviour`.
    A rule that looks for nothing fires where its conditions hold.

    Attributes:
        id: Unique among all packs: "theme/name".
        label: What it is evidence for; a rule that asks one label of the model may leave it out.
        strength: How much one hit weighs; the policy holds the numbers.
        weight: Log-odds, instead of a strength.
        why: One sentence for moderators: why this is evidence.
        terms: Words and phrases; `A & B ~ C` is both without the third.
        within: The words that the parts of an `A & B` term may lie apart; without it the whole message.
        word_list: Files with one term a line (key `list`).
        severity: Of a list, the terms whose severity this holds for.
        regex: RE2 expressions.
        view: What `regex` is matched against.
        views: The disguises that are undone to find its terms; without it all are, but no accents taken away.
        domains: Links to these hosts, or list files of them.
        links: Links that are hits, all of them, where the condition holds.
        parts: Only hits in these parts of the message count: said, quoted, code; without it all do.
        all_of: Each of these must hold (key `all`).
        any_of: At least one of these must hold (key `any`).
        none_of: None of these may hold (key `none`).
        at_least: So many of these must hold.
        author: What must hold of the author.
        model: What the model must say, by label.
        behaviour: What the author must have done lately.
        scope: Where it acts.
        against: Labels that the strength is taken off, instead of added to `label`.
        allow: Terms inside which hits of the rules in `spares` don't count, or "whole-message";
            a final rule's always do.
        copies: With `allow: whole-message`, the texts of which an exact copy is spared.
        spares: Names or globs of the rules that an allow rule spares.
        action: At least this.
        at_most: No more than this, whatever other rules say that aren't final.
        final: Neither model nor reputation, allow-terms, exemptions nor brakes make its action milder.
        unknown: Whether it fires where a condition isn't known.
        status: draft and expired: read, and nothing more; shadow: reports what it would do.
        expires: From this day on (UTC) the rule is as good as gone.
        rollout: The share of authors for whom it acts; for the others it is in shadow.
        budget: How many established authors its strict actions may reach, instead of the policy's brake.
        matched: Whether verdicts show what it matched.
        mask: What it matched can be starred out.
        strike: Instead of what the policy says for the action.
        policy: The paragraph of the guidelines, copied to the verdict.
        message: To the user, by language.
        tags: Copied to the verdict.
        queue: Who should see it.
        priority: How soon.
        owner: Whom to ask.
        hit: Messages on which it must fire.
        miss: Messages on which it must not fire.
        spared: Of an allow rule: messages of which nothing may be left.
        kept: Of an allow rule: messages of which something must be left.
        line: Where it stands in its file.
    """

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
    views: tuple[TermView, ...] = ()
    domains: tuple[Written, ...] = ()
    links: LinkCondition | None = None
    parts: tuple[Part, ...] = ()
    all_of: tuple[Condition, ...] = msgspec.field(default=(), name="all")
    any_of: tuple[Condition, ...] = msgspec.field(default=(), name="any")
    none_of: tuple[Condition, ...] = msgspec.field(default=(), name="none")
    at_least: AtLeast | None = None
    author: AuthorCondition | None = None
    model: dict[str, ModelBound] = {}
    behaviour: Behaviour | None = None
    scope: Scope = Scope()
    against: tuple[str, ...] = ()
    allow: tuple[Written, ...] = ()
    copies: tuple[Written, ...] = ()
    spares: tuple[str, ...] = ()
    action: Action | None = None
    at_most: Action | None = None
    final: bool = False
    unknown: bool = False
    status: Status = Status.LIVE
    expires: Day | None = None
    rollout: Share | None = None
    budget: Brake | None = None
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
        """Every condition: the rule's own, those of its lists, and those inside others."""
        own = self.own_condition
        if own is not None:
            yield own
        at_least = self.at_least.of if self.at_least else ()
        for condition in (*self.all_of, *self.any_of, *self.none_of, *at_least):
            yield from condition.walk()

    @property
    def own_condition(self) -> Condition | None:
        """What `author:`, `model:` and `behaviour:` of the rule itself ask; None where they don't stand."""
        if self.author is None and self.behaviour is None and not self.model:
            return None
        return Condition(author=self.author, model=self.model, behaviour=self.behaviour, line=self.line)

    @property
    def spares_whole(self) -> bool:
        """Whether it is an allow rule that spares exact copies of whole messages."""
        return WHOLE_MESSAGE in self.allow

    @property
    def searches(self) -> bool:
        """Whether it looks for something in the text, rather than only at conditions."""
        return bool(self.terms or self.word_list or self.regex or self.domains or self.links)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that its hits speak of: against, or for one."""
        return self.against or ((self.speaks_for,) if self.speaks_for else ())

    @property
    def speaks_for(self) -> str | None:
        """The label that it is evidence for, or acts upon: its own, or the one that it asks of the model."""
        if self.label is None and not self.against and len(self.model) == 1:
            return next(iter(self.model))
        return self.label

    def log_odds(self, policy: Policy) -> float:
        """Return what one hit adds to each of its labels; below 0 for `against`."""
        weight = self.weight or 0.0
        if self.strength is not None:
            weight = policy.strengths.get(self.strength, 0.0)
        return -weight if self.against else weight
