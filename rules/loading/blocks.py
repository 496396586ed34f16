"""Emergency terms: rules beside those of the packs, made of what operators order in an incident."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from rules.errors import Problem, RuleFileError
from rules.loading.arming import Armoury, Entry
from rules.loading.files import PackFiles
from rules.loading.rule_check import doubts
from rules.ruleset import RuleSet
from rules.schema.rule import Day, Rule, Scope
from rules.schema.values import Written
from rules.verdict import Action


class Block(NamedTuple):
    """An emergency term.

    Attributes:
        name: Of the rule that it becomes: "block/3f9a1c".
        term: As in a rule's `terms:`.
        until: Epoch seconds from which it is as good as gone.
        tenant: Name or glob, as `channel`; None is everywhere.
    """

    name: str
    term: str
    label: str
    action: Action
    author: str
    reason: str
    until: float
    tenant: str | None = None
    channel: str | None = None


def with_blocks(base: RuleSet, blocks: Sequence[Block]) -> RuleSet:
    """Return the rule set with these rules behind its own; its hash says so: "<hash>+<eight digits>".

    Raises:
        RuleFileError: A block makes no sense: not a term, an unknown label.
    """
    if not blocks:
        return base
    entries = [_entry(block) for block in blocks]
    armoury = Armoury(entries, base.policy, PackFiles(base.loaded_from))
    armed = {entry.rule.id: armoury.arm(entry) for entry in entries}
    problems = [Problem(one.path, 0, one.message) for one in armoury.problems]
    for entry in entries:
        problems += [Problem(entry.rule.id, 0, doubt.message) for doubt in doubts(entry.rule, ())]
    if problems:
        raise RuleFileError(problems)
    return RuleSet(
        [*base.rules.values(), *(entry.rule for entry in entries)],
        {**base.armed, **armed},
        base.policy,
        content_hash=f"{base.hash}+{_digest(blocks)}",
        loaded_from=base.loaded_from,
        previous=base.keywords,
        promises=base.promises,
        maturity=base.maturity,
    )


def _entry(block: Block) -> Entry:
    scope = Scope(
        tenants=(block.tenant,) if block.tenant else (),
        channels=(block.channel,) if block.channel else (),
    )
    rule = Rule(
        id=block.name,
        label=block.label,
        terms=(Written.at(0, block.term),),
        action=block.action,
        scope=scope,
        expires=Day(block.until),
        why=block.reason,
        owner=block.author,
    )
    return Entry(block.name, rule, {"id": 0, "terms": 0})


def _digest(blocks: Sequence[Block]) -> str:
    return hashlib.sha256(repr(sorted(blocks)).encode()).hexdigest()[:8]
