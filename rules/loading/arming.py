"""Makes the rules of all packs ready: reads their lists, compiles, and names what can't be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from rules.errors import PatternError, Problem, RuleFileError
from rules.finding.armed import Armed, LinkSearch
from rules.finding.composites import Check, Made, all_of, any_of, make_author_check, make_check, none_of
from rules.finding.keywords import check_term
from rules.finding.patterns import Pattern
from rules.finding.terms import Parts, split_term
from rules.loading.files import PackFiles
from rules.loading.lists import ListLine, read_list
from rules.schema.policy import Policy
from rules.schema.rule import Rule, Status
from rules.schema.values import Written
from rules.text.links import HostList


class Entry(NamedTuple):
    """A rule as it was read: its file, and the line of each of its keys."""

    path: str
    rule: Rule
    lines: dict[str, int]


class Armoury:
    """Makes rules ready that may speak of each other.

    Attributes:
        problems: Filled while arming; a rule with a problem is not to be used.
    """

    def __init__(self, entries: Sequence[Entry], policy: Policy, files: PackFiles) -> None:
        self.problems: list[Problem] = []
        self._policy = policy
        self._files = files
        self._lists: dict[str, list[ListLine]] = {}
        self._rules = {
            entry.rule.id: entry.rule for entry in entries if entry.rule.status is not Status.DRAFT
        }

    def arm(self, entry: Entry) -> Armed:
        """Return the rule made ready, without what it has problems with."""
        return _Bench(self, entry).arm()

    def named(self, glob: str) -> frozenset[str]:
        """Return the names of the rules that a name or glob stands for."""
        if glob in self._rules:
            return frozenset((glob,))
        return frozenset(name for name in self._rules if fnmatchcase(name, glob))

    def first_hand(self, glob: str) -> frozenset[str]:
        """Return those of `named` that don't ask about other rules: a composite never sees its kind."""
        return frozenset(name for name in self.named(glob) if not is_composite(self._rules[name]))

    def finds_in_text(self, names: frozenset[str]) -> bool:
        """Return whether each of these rules has to find something in the text."""
        return all(self._rules[name].searches for name in names)

    def lines_of(self, path: str) -> list[ListLine]:
        """Return the entries of a list file.

        Raises:
            FileNotFoundError: When there is none.
            OSError: When it can't be read.
        """
        if path not in self._lists:
            content = self._files.read(path)
            self._lists[path] = []
            try:
                self._lists[path] = read_list(path, content, self.problems)
            except RuleFileError as error:
                self.problems += error.problems
        return self._lists[path]

    def weights(self, rule: Rule) -> list[tuple[str, float]]:
        """Return what a hit of the rule adds to each of its labels."""
        return [(label, rule.log_odds(self._policy)) for label in rule.labels]


class _Bench:
    """One rule on its way to being ready."""

    def __init__(self, armoury: Armoury, entry: Entry) -> None:
        self._armoury = armoury
        self._path, self._rule, self._lines = entry

    def arm(self) -> Armed:
        rule, needs = self._rule, self._needs()
        return Armed(
            rule,
            weights=self._armoury.weights(rule),
            terms=list(self._terms()),
            patterns=list(self._patterns()),
            links=list(self._links()),
            check=self._check(),
            composite=is_composite(rule),
            needs=needs,
            restless=self._is_restless(needs),
            spares=self._spares(),
        )

    def _terms(self) -> Iterator[Parts]:
        for text in (*self._rule.terms, *self._rule.allow):
            yield from self._term(self._path, text.line, text)
        for path in self._rule.word_list:
            for entry in self._list("list", path):
                if self._rule.severity is None or self._rule.severity.holds(entry.severity):
                    yield from self._term(path, entry.line, entry.text)

    def _term(self, path: str, line: int, text: str) -> Iterator[Parts]:
        try:
            parts = split_term(text)
            for part in (*parts.together, *parts.without):
                check_term(part)
        except PatternError as error:
            self._armoury.problems.append(Problem(path, line, str(error)))
        else:
            yield parts

    def _patterns(self) -> Iterator[Pattern]:
        for source in self._rule.regex:
            try:
                yield Pattern.compile(source, self._rule.view)
            except PatternError as error:
                self._note("regex", str(error), source.line)

    def _links(self) -> Iterator[LinkSearch]:
        if self._rule.domains:
            yield LinkSearch(self._hosts(self._rule.domains, "domains"))
        if self._rule.links is not None:
            only = self._rule.links.only
            yield LinkSearch(self._hosts(only or self._rule.links.elsewhere), on=bool(only), every=bool(only))

    def _hosts(self, items: Sequence[Written], key: str = "links") -> HostList:
        hosts: list[tuple[str, int, str]] = []
        for item in items:
            if item.endswith(".txt"):
                hosts += [(item, entry.line, entry.text) for entry in self._list(key, item)]
            else:
                hosts.append((self._path, item.line, item))
        return HostList(host for path, line, host in hosts if self._is_host(path, line, host))

    def _is_host(self, path: str, line: int, host: str) -> bool:
        try:
            HostList((host,))
        except PatternError as error:
            self._armoury.problems.append(Problem(path, line, str(error)))
            return False
        return True

    def _list(self, key: str, path: Written) -> list[ListLine]:
        try:
            return self._armoury.lines_of(path)
        except FileNotFoundError:
            self._note(key, f'there is no file "{path}" in the folder of packs', path.line)
        except OSError as error:
            self._note(key, f'"{path}" can\'t be read: {error.strerror}', path.line)
        return []

    def _check(self) -> Check | None:
        rule, made = self._rule, Made(self._hosts, self._named)
        checks = [make_author_check(rule.author)] if rule.author else []
        checks += [make_check(condition, made) for condition in rule.all_of]
        if rule.any_of:
            checks.append(any_of([make_check(condition, made) for condition in rule.any_of]))
        if rule.none_of:
            checks.append(none_of([make_check(condition, made) for condition in rule.none_of]))
        return all_of(checks) if checks else None

    def _named(self, glob: str) -> frozenset[str]:
        names = self._armoury.first_hand(glob)
        if not names:
            known = self._armoury.named(glob)
            why = "asks about other rules itself" if known else "names no rule"
            self._note("rule", f'"{glob}" {why}', self._line_of(glob))
        return names

    def _line_of(self, glob: str) -> int:
        return next(one.line for one in self._rule.conditions if one.rule == glob)

    def _spares(self) -> frozenset[str]:
        """Return the rules that are spared; of several globs some may wait for rules to come."""
        spared = frozenset[str]().union(*map(self._armoury.named, self._rule.spares))
        for glob in self._rule.spares:
            if not self._armoury.named(glob) and ("*" not in glob or not spared):
                self._note("spares", f'"{glob}" names no rule')
        return spared

    def _needs(self) -> frozenset[str]:
        """Return rules of which one must have fired for this one to fire."""
        asked = (self._armoury.first_hand(one.rule) for one in self._rule.all_of if one.rule)
        needed = next(asked, frozenset())
        if not needed and all(one.rule for one in self._rule.any_of):
            return needed.union(
                *(self._armoury.first_hand(one.rule) for one in self._rule.any_of if one.rule)
            )
        return needed

    def _is_restless(self, needs: frozenset[str]) -> bool:
        """Whether it may act on a message in which no rule found anything; to cap needs something to cap."""
        rule = self._rule
        if rule.searches or not (rule.labels or rule.tags or rule.queue):
            return False
        return not (needs and self._armoury.finds_in_text(needs))

    def _note(self, key: str, message: str, line: int = 0) -> None:
        line = line or self._lines.get(key, self._rule.line)
        self._armoury.problems.append(Problem(self._path, line, f"{key}: {message}"))


def is_composite(rule: Rule) -> bool:
    """Return whether a rule asks which other rules fired."""
    return any(condition.rule is not None for condition in rule.conditions)


def arm_all(
    entries: Sequence[Entry], policy: Policy, files: PackFiles
) -> tuple[Mapping[str, Armed], list[Problem]]:
    """Return every rule made ready, by name, drafts left out; and what is wrong with them."""
    armoury = Armoury(entries, policy, files)
    armed = {entry.rule.id: armoury.arm(entry) for entry in entries if entry.rule.status is not Status.DRAFT}
    return armed, armoury.problems
