"""What a rule may ask of a message, its author and other rules: the types behind `all`, `any` and `none`."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from rules.message import Surface
from rules.schema.values import AgeBound, Bound, Written


class AuthorCondition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of the author, all of it.

    Attributes:
        messages: Messages judged before this one.
        age: Of the account, at the time of the message.
        roles: The author has one of these.
        trust: From 0 (newcomer) towards 1.
    """

    later: ClassVar = frozenset({"first_message", "bot", "name"})

    messages: Bound | None = None
    age: AgeBound | None = None
    roles: tuple[str, ...] = ()
    trust: Bound | None = None
    strikes: Bound | None = None

    @property
    def on_standing(self) -> bool:
        """Whether it asks for something that only the store of standings knows."""
        return bool(self.messages or self.trust or self.strikes)


class LinkCondition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold of the links: one leads elsewhere than these (except), or all lead to these (only).

    Entries are hosts with their subdomains, hosts with a path, or list files.
    """

    elsewhere: tuple[Written, ...] = msgspec.field(default=(), name="except")
    only: tuple[Written, ...] = ()


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold, all of it.

    Attributes:
        rule: A rule of this name or glob fired.
        length: Code points as typed.
        caps: Share of capitals among the letters that have case.
    """

    later: ClassVar = frozenset({"model", "behaviour", "language", "script", "repeated", "quoted", "code"})

    rule: str | None = None
    has: Literal["link", "mention", "attachment", "emoji"] | None = None
    author: AuthorCondition | None = None
    length: Bound | None = None
    caps: Bound | None = None
    surface: Surface | None = None
    links: LinkCondition | None = None
    line: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return self == Condition(line=self.line)
