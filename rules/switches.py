"""Switches: what operators turn down in an incident, by place, rule, label or model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from rules.message import Message
from rules.schema.policy import matches
from rules.verdict import Action


class Mode(StrEnum):
    """How far a switch turns down what it stands for."""

    FLAG_ONLY = "flag_only"
    OFF = "off"

    @property
    def most(self) -> Action:
        """The strictest action that is left."""
        return Action.FLAG if self is Mode.FLAG_ONLY else Action.ALLOW


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """One switch; what it names must all hold, and what it doesn't name doesn't matter.

    It is *broad* unless it names a rule by its full name: final rules and help for people in
    need go on under a broad switch, and end only with one that names the rule.

    Attributes:
        id: Verdicts say `lowered_by: ["switch:<id>"]`.
        author: Who turned it.
        until: Epoch seconds at which it ends by itself.
        tenant: Name or glob; None is everywhere. So is `channel`.
        rule: Name or glob.
        label: What is asked for on account of this label; with `model`, the model's word on it.
        model: What the model says.
    """

    id: str
    mode: Mode
    author: str
    reason: str
    until: float
    tenant: str | None = None
    channel: str | None = None
    rule: str | None = None
    label: str | None = None
    model: bool = False

    @property
    def name(self) -> str:
        """As verdicts say it."""
        return f"switch:{self.id}"

    def acts_at(self, tenant: str, channel: str) -> bool:
        """Return whether it has something to say where a message was said."""
        return (self.tenant is None or matches((self.tenant,), tenant)) and (
            self.channel is None or matches((self.channel,), channel)
        )

    def turns_rule(self, rule: str, *, final: bool) -> bool:
        """Return whether it stands for this rule; for a final one only by its full name."""
        if self.rule is None:
            return False
        return self.rule == rule or (not final and matches((self.rule,), rule))

    def mutes(self, label: str) -> bool:
        """Return whether it stands for the model's word on a label."""
        return self.model and self.label in (None, label)


class Switches:
    """Those in force at a moment; whoever knows the time leaves out what has expired."""

    __slots__ = ("_all",)

    def __init__(self, switches: Iterable[Switch] = ()) -> None:
        self._all = tuple(switches)

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Switch]:
        return iter(self._all)

    def at(self, message: Message) -> list[Switch]:
        """Return those that act where a message was said."""
        return [one for one in self._all if one.acts_at(message.tenant, message.channel)]

    def silences_model(self, message: Message) -> Switch | None:
        """Return the switch by which the model isn't even asked there, if there is one."""
        return next(
            (one for one in self._all if _silences(one) and one.acts_at(message.tenant, message.channel)),
            None,
        )


def _silences(switch: Switch) -> bool:
    return switch.model and switch.mode is Mode.OFF and switch.label is None


NONE = Switches()
