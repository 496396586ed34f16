"""Runs the tests that rules carry: what must hit and miss, what an allow rule spares and keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rules.errors import Problem
from rules.finding.behaviour import Counted
from rules.finding.composites import Facts
from rules.finding.evidence import Place
from rules.finding.firing import Fired, fire
from rules.loading.arming import Entry
from rules.message import Author, Entity, Message, Surface
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.schema.rule import Rule, Test

# Rules' tests run at one moment of their own, before any day a rule could expire on.
NOW = 0.0
_CLASS = re.compile(r"\[!?(.)[^]]*\]")


def failing(entry: Entry, rules: RuleSet) -> Iterator[Problem]:
    """Yield a problem for each of a rule's own tests that fails; drafts and expired rules aren't tried."""
    rule = entry.rule
    if rule.status.idle:
        return
    for key, tests in (("hit", rule.hit), ("miss", rule.miss), ("spared", rule.spared), ("kept", rule.kept)):
        for test in tests:
            message = _failure(key, test, rule, rules)
            if message:
                yield Problem(entry.path, test.line, f"{rule.id}: {key}: {message}")


def _failure(key: str, test: Test, rule: Rule, rules: RuleSet) -> str | None:
    fired = _fired(test, rule, rules)
    if key in ("hit", "miss"):
        fires = rule.id in fired.live or rule.id in fired.shadow
        if fires is (key == "hit"):
            return None
        return f'"{test.text}" {"is hit" if fires else "is not hit"}{_by(rule, fired)}'
    left = sorted(name for name in (*fired.live, *fired.shadow) if name in _spared_by(rule, rules))
    if bool(left) is (key == "kept"):
        return None
    if left:
        return f'"{test.text}" is still hit by {", ".join(left)}'
    return f'of "{test.text}" nothing is hit any more'


def _by(rule: Rule, fired: Fired) -> str:
    """Say which allow rule stands in the way, if one does."""
    sparers = sorted({by for hit, by in fired.spared if hit.rule == rule.id})
    return f"; spared by {', '.join(sparers)}" if sparers else ""


def _spared_by(rule: Rule, rules: RuleSet) -> frozenset[str]:
    return rules.armed[rule.id].spares if rule.allow else frozenset()


def _fired(test: Test, rule: Rule, rules: RuleSet) -> Fired:
    message = _message(test, rule)
    place = _place(test, message, rule, rules)
    standing = test.standing
    known = Reputation(standing.strikes, standing.good, standing.messages, NOW, NOW) if standing else None
    evidence = rules.scan_at(place, message)
    facts = Facts(
        message, known, NOW, rules.policy.reputation, evidence.links, test.model, evidence.spoken,
        Counted(test.behaviour) if test.behaviour else None,
    )  # fmt: skip
    return fire(evidence, facts, everyone=True)


def _place(test: Test, message: Message, rule: Rule, rules: RuleSet) -> Place:
    """Where the test's message is said; unless the test says where, the rule acts there."""
    if test.says_where:
        return rules.place(message)
    return rules.place_of(message, {rule.id, *_spared_by(rule, rules)})


def _message(test: Test, rule: Rule) -> Message:
    scope = rule.scope
    return Message(
        id="test",
        author=_author(test, rule),
        text=test.text,
        tenant=test.tenant or _example(scope.tenants),
        channel=test.channel or _example(scope.channels),
        surface=test.surface or next(iter(scope.surfaces), Surface.CHAT),
        lang=test.lang or next(iter(scope.languages), None),
        entities=tuple(_entities(test)),
    )


def _entities(test: Test) -> Iterator[Entity]:
    for one in test.entities:
        start = test.text.find(one.text)
        if start >= 0:
            yield Entity(one.type, (start, start + len(one.text)))


def _author(test: Test, rule: Rule) -> Author:
    """The test's author, with a role that the rule asks for unless the test says otherwise."""
    asked = rule.author.roles[:1] if rule.author else ()
    if test.author is None:
        return Author("test", roles=asked)
    age = test.author.age
    created = None if age is None else datetime.fromtimestamp(NOW, UTC) - timedelta(seconds=age)
    return Author("test", test.author.name, roles=test.author.roles, created_at=created, bot=test.author.bot)


def _example(globs: tuple[str, ...]) -> str:
    """Return a name that the first of the globs matches."""
    if not globs:
        return "default"
    return _CLASS.sub(r"\1", globs[0]).replace("*", "x").replace("?", "x")
