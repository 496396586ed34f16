"""Makes the rules of all packs ready: reads their lists, compiles, and names what can't be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from rules.errors import PatternError, Problem, RuleFileError
from rules.finding.armed import Armed, Watch
from rules.finding.asked import Asked
from rules.finding.composites import Check, Made, all_of, make_joined
from rules.finding.keywords import check_term
from rules.finding.link_search import LinkSearch
from rules.finding.patterns import Pattern
from rules.finding.terms import Parts, split_term
from rules.fold import fold
from rules.loading.files import PackFiles
from rules.loading.lists import ListFile, ListLine, read_list
from rules.loading.promised import Promises, threshold
from rules.schema.conditions import Behaviour, Condition, LinkCondition, ModelBound
from rules.schema.policy import Policy
from rules.schema.rule import Rule
from rules.schema.values import Bound, Written
from rules.text.links import HostList
from rules.text.lookalike_hosts import Lookalikes


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

    def __init__(
        self,
        entries: Sequence[Entry],
        policy: Policy,
        files: PackFiles,
        promises: Promises | None = None,
    ) -> None:
        self.problems: list[Problem] = []
        self.promises = promises or {}
        self._policy = policy
        self._files = files
        self._lists: dict[str, ListFile] = {}
        self._rules = {entry.rule.id: entry.rule for entry in entries if not entry.rule.status.idle}

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

    def need_a_cause(self, names: frozenset[str]) -> bool:
        """Return whether each of these has to find something in the text, or in what the author did."""
        rules = [self._rules[name] for name in names]
        return all(rule.searches or any(True for _ in stirring(rule)) for rule in rules)

    def list_in(self, path: str) -> ListFile:
        """Return the list in a file.

        Raises:
            FileNotFoundError: When there is none.
            OSError: When it can't be read.
        """
        if path not in self._lists:
            content = self._files.read(path)
            self._lists[path] = ListFile([])
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
            watches=tuple(self._watches()),
            stirring=tuple(map(Asked.of, stirring(rule))),
            copies=frozenset(self._copies()),
            composite=is_composite(rule),
            needs=needs,
            restless=self._is_restless(needs),
            spares=self._spares(),
        )

    def _terms(self) -> Iterator[Parts]:
        allow = () if self._rule.spares_whole else self._rule.allow
        for text in (*self._rule.terms, *allow):
            yield from self._term(self._path, text.line, text)
        for path in self._rule.word_list:
            entries, languages, endings = self._list_in("list", path)
            for entry in entries:
                if self._rule.severity is None or self._rule.severity.holds(entry.severity):
                    yield from self._term(path, entry.line, entry.text, languages, endings)

    def _term(self, path: str, line: int, text: str, *of: frozenset[str]) -> Iterator[Parts]:
        """Yield a term taken apart; `of` are its languages, and those in whose forms it is found."""
        try:
            parts = split_term(text, *of)
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

    def _copies(self) -> Iterator[str]:
        """Yield the texts of which an exact copy is spared, as they are compared."""
        for text in self._rule.copies:
            written = self._list("copies", text) if text.endswith(".txt") else [text]
            for one in written:
                yield squeezed(one if isinstance(one, str) else one.text)

    def _links(self) -> Iterator[LinkSearch]:
        if self._rule.domains:
            yield LinkSearch(self._hosts(self._rule.domains, "domains"))
        if self._rule.links is not None:
            yield self._link_search(self._rule.links)

    def _link_search(self, asked: LinkCondition) -> LinkSearch:
        listed = asked.only or asked.elsewhere
        return LinkSearch(
            self._hosts(listed) if listed else None,
            on=bool(asked.only),
            every=bool(asked.only),
            like=Lookalikes(self._entries(asked.like, "links", self._is_name)) if asked.like else None,
            kinds=asked.kind,
            count=asked.count,
        )

    def _hosts(self, items: Sequence[Written], key: str = "links") -> HostList:
        return HostList(self._entries(items, key, self._is_host))

    def _entries(
        self, items: Sequence[Written], key: str, is_good: Callable[[str, int, str], bool]
    ) -> list[str]:
        """Return the hosts that are written here and in list files, less those that are none."""
        hosts: list[tuple[str, int, str]] = []
        for item in items:
            if item.endswith(".txt"):
                hosts += [(item, entry.line, entry.text) for entry in self._list(key, item)]
            else:
                hosts.append((self._path, item.line, item))
        return [host for path, line, host in hosts if is_good(path, line, host)]

    def _is_host(self, path: str, line: int, host: str) -> bool:
        return self._is_readable(path, line, host, HostList)

    def _is_name(self, path: str, line: int, host: str) -> bool:
        return self._is_readable(path, line, host, Lookalikes)

    def _is_readable(self, path: str, line: int, host: str, read: Callable[[Sequence[str]], object]) -> bool:
        try:
            read((host,))
        except PatternError as error:
            self._armoury.problems.append(Problem(path, line, str(error)))
            return False
        return True

    def _list(self, key: str, path: Written) -> list[ListLine]:
        return self._list_in(key, path).entries

    def _list_in(self, key: str, path: Written) -> ListFile:
        try:
            return self._armoury.list_in(path)
        except FileNotFoundError:
            self._note(key, f'there is no file "{path}" in the folder of packs', path.line)
        except OSError as error:
            self._note(key, f'"{path}" can\'t be read: {error.strerror}', path.line)
        return ListFile([])

    def _check(self) -> Check | None:
        rule, made = self._rule, Made(self._link_search, self._named, self._promised)
        # What the author did is the dearest question: the others come first.
        every = sorted(must_hold(rule), key=lambda one: one.behaviour is not None)
        checks = list(make_joined(every, rule.any_of, rule.none_of, rule.at_least, made))
        return all_of(checks) if checks else None

    def _promised(self, label: str, asked: ModelBound) -> Bound | None:
        if asked.precision is None:
            return asked.bound
        limit = threshold(self._armoury.promises, label, asked.precision)
        return None if limit is None else Bound(">=", limit)

    def _watches(self) -> Iterator[Watch]:
        """Yield what the model must say before a rule that looks for nothing in the text can fire."""
        if self._rule.searches:
            return
        for label, asked in self._asked_of_model():
            bound = self._promised(label, asked)
            if bound is not None and bound.sign in (">", ">="):
                yield Watch(label, bound.limit)

    def _asked_of_model(self) -> Iterator[tuple[str, ModelBound]]:
        for condition in must_hold(self._rule):
            yield from condition.model.items()

    def _named(self, glob: str) -> frozenset[str]:
        names = self._armoury.first_hand(glob)
        if not names:
            known = self._armoury.named(glob)
            why = "asks about other rules itself" if known else "names no rule"
            self._note("rule", f'"{glob}" {why}', self._line_of(glob))
        return names

    def _line_of(self, glob: str) -> int:
        return next(one.line for one in self._rule.conditions if one.rule == glob) or self._rule.line

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
        if any(True for _ in stirring(rule)):
            return False
        if not rule.unknown and (self._waits() or any(True for _ in self._watches())):
            return False
        return not (needs and self._armoury.need_a_cause(needs))

    def _waits(self) -> bool:
        """Whether it can't fire yet: some precision nobody promised."""
        return None in [self._promised(label, asked) for label, asked in self._asked_of_model()]

    def _note(self, key: str, message: str, line: int = 0) -> None:
        line = line or self._lines.get(key, self._rule.line)
        self._armoury.problems.append(Problem(self._path, line, f"{key}: {message}"))


def must_hold(rule: Rule) -> Iterator[Condition]:
    """Yield the conditions of which each must hold."""
    if rule.own_condition is not None:
        yield rule.own_condition
    yield from rule.all_of


def stirring(rule: Rule) -> Iterator[Behaviour]:
    """Yield what the author must have done before the rule can fire."""
    return (one.behaviour for one in must_hold(rule) if one.behaviour is not None)


def is_composite(rule: Rule) -> bool:
    """Return whether a rule asks which other rules fired."""
    return any(condition.rule is not None for condition in rule.conditions)


def squeezed(text: str) -> str:
    """Return a text as whole messages are compared: its plain view, all white space one blank."""
    return " ".join(fold(text).text.split())


def arm_all(
    entries: Sequence[Entry], policy: Policy, files: PackFiles, promises: Promises | None = None
) -> tuple[Mapping[str, Armed], list[Problem]]:
    """Return every rule made ready, by name, idle ones left out; and what is wrong with them."""
    armoury = Armoury(entries, policy, files, promises)
    armed = {entry.rule.id: armoury.arm(entry) for entry in entries if not entry.rule.status.idle}
    return armed, armoury.problems
