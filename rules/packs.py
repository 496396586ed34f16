"""Loads a folder of packs: reads it once, refuses it whole, or returns a rule set that passed its tests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rules.errors import Problem, RuleFileError
from rules.finding.armed import Armed
from rules.loading.advice import advice, unpromised
from rules.loading.arming import Entry, arm_all
from rules.loading.embedded_tests import failing
from rules.loading.files import PackFiles
from rules.loading.policy_check import unsound
from rules.loading.promised import Promises, in_points
from rules.loading.rule_check import doubts
from rules.loading.typed import Reader
from rules.loading.yaml_nodes import Block, Node, read_yaml
from rules.loading.yaml_nodes import Mapping as Keys
from rules.ruleset import RuleSet
from rules.schema.labels import Maturity
from rules.schema.policy import Policy
from rules.schema.rule import Rule

POLICY_FILE = "policy.yaml"


def load(
    folder: Path,
    previous: RuleSet | None = None,
    *,
    promises: Promises | None = None,
    maturity: Mapping[str, Maturity] | None = None,
) -> RuleSet:
    """Return the rule set of a folder; what hasn't changed since `previous` is taken over.

    `promises` are those of the model that will score: by label and precision, the probability from
    which it holds; `maturity` says how far each label of it is trusted. Without any, those of `previous`. A
    rule that asks for a precision nobody promises loads, and waits; a ladder that does is refused.

    Raises:
        RuleFileError: With every problem that was found; nothing of the folder is used then.
    """
    loading = _Loading(folder, previous, promises, maturity)
    rules = loading.rules()
    if rules is None or loading.problems:
        raise RuleFileError(loading.problems)
    return rules


def check(folder: Path) -> list[Problem]:
    """Return everything that is wrong with a folder, sorted by file and line; nothing if it loads."""
    return inspect(folder).problems


class Inspection(NamedTuple):
    """What `inspect` says of a folder.

    Attributes:
        problems: What keeps it from loading, sorted by file and line.
        advice: What loads and yet is idle, contradicts itself, waits or is out of date; sorted likewise.
        rules: The rule set; None where there are problems.
    """

    problems: list[Problem]
    advice: list[Problem]
    rules: RuleSet | None


def inspect(
    folder: Path,
    *,
    promises: Promises | None = None,
    maturity: Mapping[str, Maturity] | None = None,
    now: float | None = None,
) -> Inspection:
    """Return what is wrong with a folder, and what could be better.

    Unlike `load` it goes on where something is wrong, with the files that are in order, so that nobody
    mends a folder in ten rounds; and where `promises` say which model scores, a rule that asks for a
    precision it doesn't promise is wrong too. Days are compared with `now`, in epoch seconds; None leaves
    that out.
    """
    loading = _Loading(folder, promises=promises, maturity=maturity)
    rules = loading.rules(whole=False)
    unkept = loading.unpromised() if promises is not None else []
    problems = sorted({*loading.problems, *unkept})
    found = loading.advice(-math.inf if now is None else now)
    return Inspection(problems, found, None if problems else rules)


class _Loading:
    """One folder on its way to being a rule set; problems gather while it goes as far as it can."""

    def __init__(
        self,
        folder: Path,
        previous: RuleSet | None = None,
        promises: Promises | None = None,
        maturity: Mapping[str, Maturity] | None = None,
    ) -> None:
        self.problems: list[Problem] = []
        self._good: tuple[Sequence[Entry], Mapping[str, Armed], Policy] | None = None
        self._promises = promises or (previous.promises if previous else {})
        self._maturity = maturity or (previous.maturity if previous else {})
        self._files = PackFiles(folder)
        self._folder = folder
        self._previous = previous

    def rules(self, *, whole: bool = True) -> RuleSet | None:
        """Return the rule set, or None when it didn't come to that.

        Where something is wrong that is None, or, if it needn't be the whole, a rule set of what is in order.
        """
        try:
            paths = self._files.packs()
        except RuleFileError as error:
            self.problems += error.problems
            return None
        policy = self._policy(paths)
        entries = [entry for path in paths if path != POLICY_FILE for entry in self._entries(path)]
        self._check_names(entries)
        armed, problems = arm_all(entries, policy or Policy(), self._files, self._promises)
        self.problems += problems
        if (self.problems or policy is None) and whole:
            return None
        if self.problems:
            entries = _in_order(entries, self.problems)
            armed, _ = arm_all(entries, policy or Policy(), self._files, self._promises)
        self._good = entries, armed, policy or Policy()
        return self._tried(entries, armed, policy or Policy())

    def advice(self, now: float) -> list[Problem]:
        """Return what could be better about the rules that are in order."""
        if self._good is None:
            return []
        entries, armed, policy = self._good
        found = advice(entries, armed, policy, self._files, promises=self._promises, now=now)
        return sorted(set(found))

    def unpromised(self) -> list[Problem]:
        """Return what rules that are in order ask of the model, and it doesn't promise."""
        return list(unpromised(self._good[0], self._promises)) if self._good else []

    def _tried(self, entries: Sequence[Entry], armed: Mapping[str, Armed], policy: Policy) -> RuleSet:
        previous = self._previous
        if previous is not None and (previous.hash, previous.promises, previous.maturity) == (
            self._files.hash(),
            self._promises,
            self._maturity,
        ):
            return previous
        rules = RuleSet(
            [entry.rule for entry in entries],
            armed,
            policy,
            content_hash=self._files.hash(),
            loaded_from=self._folder,
            previous=previous.keywords if previous else None,
            promises=self._promises,
            maturity=self._maturity,
        )
        self.problems += [problem for entry in entries for problem in failing(entry, rules)]
        return rules

    def _node(self, path: str) -> Node | None:
        try:
            return read_yaml(path, self._files.read(path))
        except RuleFileError as error:
            self.problems += error.problems
        except OSError as error:
            self.problems.append(Problem(path, 0, f"can't be read: {error.strerror}"))
        return None

    def _policy(self, paths: Sequence[str]) -> Policy | None:
        if POLICY_FILE not in paths:
            message = "is missing; without its ladders no score has a consequence"
            self.problems.append(Problem(POLICY_FILE, 0, message))
            return None
        node = self._node(POLICY_FILE)
        if node is None:
            return None
        reader = Reader(POLICY_FILE)
        node = in_points(node, self._promises, reader.note)
        policy = reader.read(node, Policy)
        for keys, message in unsound(policy) if policy else ():
            reader.note(_line_of(node, keys), message)
        self.problems += reader.problems
        return policy

    def _entries(self, path: str) -> list[Entry]:
        node = self._node(path)
        if node is None:
            return []
        rules = node.entries.get("rules") if isinstance(node, Keys) else None
        if not isinstance(node, Keys) or not isinstance(rules, Block) or len(node.entries) > 1:
            message = "expected the one key `rules:` with a list of rules"
            self.problems.append(Problem(path, node.line, message))
            return []
        reader = Reader(path)
        entries = []
        for item in rules.items:
            rule = reader.read(item, Rule)
            if rule is not None and isinstance(item, Keys):
                entries.append(Entry(path, rule, item.lines))
                for key, message, line in doubts(rule, item.lines):
                    reader.note(line or item.lines.get(key, item.line), f"{key}: {message}")
        self.problems += reader.problems
        return entries

    def _check_names(self, entries: Sequence[Entry]) -> None:
        first: dict[str, Entry] = {}
        for entry in entries:
            other = first.setdefault(entry.rule.id, entry)
            if other is not entry:
                where = f"{other.path}:{other.lines['id']}"
                message = f'id: "{entry.rule.id}" is taken by {where}; choose another'
                self.problems.append(Problem(entry.path, entry.lines["id"], message))


def _in_order(entries: Sequence[Entry], problems: Sequence[Problem]) -> list[Entry]:
    """Return the rules of files without problems, less those that speak of rules of other files."""
    troubled = {problem.path for problem in problems}
    good = [entry for entry in entries if troubled.isdisjoint((entry.path, *_read_by(entry.rule)))]
    while True:
        names = [entry.rule.id for entry in good]
        left = [entry for entry in good if all(map(partial(_is_named, names), _asked_by(entry.rule)))]
        if len(left) == len(good):
            return left
        good = left


def _read_by(rule: Rule) -> Iterator[str]:
    yield from (*rule.word_list, *rule.domains, *rule.copies)
    for links in (rule.links, *(one.links for one in rule.conditions)):
        if links is not None:
            yield from (*links.only, *links.elsewhere, *links.like)


def _asked_by(rule: Rule) -> Iterator[str]:
    yield from rule.spares
    yield from (one.rule for one in rule.conditions if one.rule)


def _is_named(names: Sequence[str], glob: str) -> bool:
    return any(fnmatchcase(name, glob) for name in names)


def _line_of(node: Node, keys: tuple[str | int, ...]) -> int:
    """Return the line of the thing that these keys lead to, or of the last one on the way that is there."""
    line = node.line
    for key in keys:
        if isinstance(node, Keys) and isinstance(key, str) and key in node.entries:
            line, node = node.lines[key], node.entries[key]
        elif isinstance(node, Block) and isinstance(key, int):
            node = node.items[key]
            line = node.line
    return line
