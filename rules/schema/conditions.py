"""What a rule may ask of a message, its author and other rules: the types behind `all`, `any` and `none`."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Literal, Self

import msgspec

from rules.message import Surface
from rules.schema.values import AgeBound, Bound, Ignored, Script, Seconds, Written


class AuthorCondition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of the author, all of it.

    Attributes:
        messages: Messages judged before this one.
        first_message: Whether nothing of theirs was judged before this one.
        age: Of the account, at the time of the message.
        roles: The author has one of these.
        trust: From 0 (newcomer) towards 1.
        strikes: Strikes that are left today; they halve with time.
        bot: Whether the platform says that the account is a program.
        name: The name as shown fits one of these; a star stands for anything.
    """

    messages: Bound | None = None
    first_message: bool | None = None
    age: AgeBound | None = None
    roles: tuple[str, ...] = ()
    trust: Bound | None = None
    strikes: Bound | None = None
    bot: bool | None = None
    name: tuple[str, ...] = ()

    @property
    def on_standing(self) -> bool:
        """Whether it asks for something that only the store of standings knows."""
        asked = (self.messages, self.trust, self.strikes, self.first_message)
        return any(one is not None for one in asked)


class LinkKind(StrEnum):
    """What a link looks like.

    FULL has a scheme, or is marked as a link by the platform; BARE is a host that somebody
    would have to type into a browser, and so weaker evidence. Each link is one of the two.
    IP leads to a number instead of a name.
    """

    FULL = "full"
    BARE = "bare"
    IP = "ip"


class LinkCondition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of the links. Without a `count`: that there is one; with `only`: that all are such.

    Entries of lists are hosts with their subdomains, hosts with a path, or list files.

    Attributes:
        elsewhere: Links to these don't count (key `except`).
        only: Only links to these count.
        like: Only links count whose host looks like one of these and is none of them.
        kind: Only links of one of these kinds count.
        count: How many links must be left that count.
    """

    elsewhere: tuple[Written, ...] = msgspec.field(default=(), name="except")
    only: tuple[Written, ...] = ()
    like: tuple[Written, ...] = ()
    kind: tuple[LinkKind, ...] = ()
    count: Bound | None = None


class EmojiCondition(msgspec.Struct, frozen=True, kw_only=True):
    """How many emoji and emotes there are, or how much of the visible text they are.

    Attributes:
        count: Their number.
        share: From 0 to 1: of all that can be seen.
    """

    count: Bound | None = None
    share: Bound | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(count=Bound.parse(text))


class ModelBound(msgspec.Struct, frozen=True, kw_only=True):
    """What a model must say: a probability, "> 0.8", or a promise that its artifact keeps.

    Attributes:
        precision: From the probability on from which this share of what is found is right.
        bound: What is written as one comparison.
    """

    precision: float | None = None
    bound: Bound | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        bound = Bound.parse(text)
        if not 0 <= bound.limit <= 1:
            raise ValueError(f'expected a probability from 0 to 1, such as "> 0.8", got "{text}"')
        return cls(bound=bound)


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of the author's messages within a time, all of it; this message is one of them.

    Attributes:
        messages: So many.
        same_text: So many of this text, whatever its case, spaces and punctuation.
        channels: So many channels in which this text was said.
        links: So many links, of which there is one in this message.
        mentions: So many people addressed, of whom there is one in this message.
        invites: So many links into other communities, of which there is one in this message.
        alike: So many authors, this one included, who said nearly the same: with a link or a mention, or
            most of them new.
        newcomers: So many new authors in this channel, this one among them.
        ignore: What isn't counted: commands, emotes, or texts "under 12 letters".
    """

    messages: Bound | None = None
    same_text: Bound | None = None
    channels: Bound | None = None
    links: Bound | None = None
    mentions: Bound | None = None
    invites: Bound | None = None
    alike: Bound | None = None
    newcomers: Bound | None = None
    within: Seconds | None = None
    ignore: tuple[Ignored, ...] = ()

    def bounds(self) -> Iterator[tuple[str, Bound]]:
        """Yield what is counted, and how much of it must be there."""
        for key in BEHAVIOUR_COUNTS:
            bound = getattr(self, key)
            if bound is not None:
                yield key, bound


BEHAVIOUR_COUNTS = (
    "messages", "same_text", "channels", "links", "mentions", "invites", "alike", "newcomers",
)  # fmt: skip


class AtLeast(msgspec.Struct, frozen=True, kw_only=True):
    """So many of these conditions must hold.

    Attributes:
        count: How many; from 2 to one less than there are.
        of: The conditions.
    """

    count: int
    of: tuple[Condition, ...]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold, all of it.

    Attributes:
        rule: A rule of this name or glob fired.
        has: There is a link, mention, attachment, emoji, quoted text or code.
        length: Code points as typed.
        caps: Share of capitals among the letters that have case.
        repeated: The longest run of one character, white space left out.
        mentions: How many are addressed.
        emoji: How many, or which share of the text.
        language: The message is known to be in one of these languages.
        script: Most letters are of one of these scripts: latin, cyrillic, han, …
        surface: Where the text is shown.
        links: What must hold of the links.
        model: What the model must say, by label.
        behaviour: What the author did lately.
        all_of: Each of these holds.
        any_of: At least one of these holds.
        none_of: None of these holds.
        at_least: So many of these hold.
    """

    rule: str | None = None
    has: Literal["link", "mention", "attachment", "emoji", "quote", "code"] | None = None
    author: AuthorCondition | None = None
    length: Bound | None = None
    caps: Bound | None = None
    repeated: Bound | None = None
    mentions: Bound | None = None
    emoji: EmojiCondition | None = None
    language: tuple[str, ...] = ()
    script: tuple[Script, ...] = ()
    surface: Surface | None = None
    links: LinkCondition | None = None
    model: dict[str, ModelBound] = {}
    behaviour: Behaviour | None = None
    all_of: tuple[Condition, ...] = msgspec.field(default=(), name="all")
    any_of: tuple[Condition, ...] = msgspec.field(default=(), name="any")
    none_of: tuple[Condition, ...] = msgspec.field(default=(), name="none")
    at_least: AtLeast | None = None
    line: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return self == Condition(line=self.line)

    def walk(self) -> Iterator[Condition]:
        """Yield this condition and those inside it."""
        yield self
        inside = (*self.all_of, *self.any_of, *self.none_of, *(self.at_least.of if self.at_least else ()))
        for condition in inside:
            yield from condition.walk()
