"""Says what loads and yet is idle, contradicts itself, waits or is out of date: what `check` is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rules.errors import Problem, RuleFileError
from rules.finding.armed import Armed
from rules.loading.arming import Entry
from rules.loading.bounds import contradictions
from rules.loading.files import PackFiles
from rules.loading.lists import list_lines
from rules.loading.promised import Promises, missed
from rules.loading.term_advice import Line, Remark, form_of, idle_terms, never_found
from rules.message import Message
from rules.ruleset import RuleSet
from rules.schema.policy import Policy
from rules.schema.rule import Status
from rules.schema.values import Written


def advice(
    entries: Sequence[Entry],
    armed: Mapping[str, Armed],
    policy: Policy,
    files: PackFiles,
    *,
    promises: Promises,
    now: float,
) -> Iterator[Problem]:
    """Yield what could be better about rules that load; `now` is what days are compared with."""
    yield from _lists(entries, files)
    speakers: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        rule = entry.rule
        yield from (Problem(entry.path, line, f"{rule.id}: {say}") for line, say in _terms(entry))
        yield from (Problem(entry.path, line, f"{rule.id}: {say}") for line, say in contradictions(rule))
        yield from _at(entry, _life(entry, now))
        yield from _at(entry, _weight(entry, policy))
        if not rule.status.idle:
            yield from _at(entry, _waits(entry, promises))
            yield from _at(entry, _asks(entry, armed))
            yield from _at(entry, _severe(entry, armed))
            yield from _against_itself(entry, speakers)
    yield from _spares(entries, armed)


Advice = tuple[str | int, str]


def _at(entry: Entry, found: Iterator[Advice]) -> Iterator[Problem]:
    """Make problems of sentences, each with a key of the rule or a line."""
    for key, message in found:
        line = key if isinstance(key, int) else entry.lines.get(key, entry.rule.line)
        start = "" if isinstance(key, int) else f"{key}: "
        yield Problem(entry.path, line, f"{entry.rule.id}: {start}{message}")


# -- lists and terms


def _lists(entries: Sequence[Entry], files: PackFiles) -> Iterator[Problem]:
    used = dict(pair for entry in entries for pair in _files_of(entry))
    for path in files.lists():
        if path not in used:
            yield Problem(path, 1, "no rule reads this list; name it in one, or delete it")
    for path, of_hosts in used.items():
        try:
            lines = [Line(*one) for one in list_lines(path, files.read(path))]
        except (OSError, RuleFileError):
            continue  # named by the loader already
        if not lines:
            yield Problem(path, 1, "holds no entries; fill it, or take the rule that reads it out")
        idle = _idle_hosts(lines) if of_hosts else [*idle_terms(lines), *_unfindable(lines)]
        yield from (Problem(path, line, message) for line, message in idle)


def _files_of(entry: Entry) -> Iterator[tuple[str, bool]]:
    rule = entry.rule
    for written in (*rule.word_list, *rule.copies):
        if written in rule.word_list or written.endswith(".txt"):
            yield written, False
    asked = [links for one in rule.conditions if (links := one.links)]
    for links in (*asked, *([rule.links] if rule.links else [])):
        yield from ((each, True) for each in (*links.only, *links.elsewhere, *links.like) if _is_file(each))
    yield from ((each, True) for each in rule.domains if _is_file(each))


def _is_file(written: str) -> bool:
    return written.endswith(".txt")


def _terms(entry: Entry) -> Iterator[Remark]:
    rule = entry.rule
    for written in (rule.terms, rule.allow, rule.copies):
        lines = [Line(one.line, one) for one in written]
        # A longer allow-term spares more than the shorter one in it.
        yield from idle_terms(lines, nested=written is rule.terms)
        yield from _unfindable(lines)
    yield from _repeated(rule.regex, "expression")
    yield from _idle_hosts([Line(one.line, one) for one in rule.domains if not _is_file(one)])
    joined = any(" & " in term or " ~ " in term for term in rule.terms)
    if rule.within is not None and not joined and not rule.word_list:
        yield Remark(entry.lines.get("within", rule.line), "within: no term has parts that could lie apart")


def _unfindable(lines: Sequence[Line]) -> Iterator[Remark]:
    yield from (Remark(line.line, why) for line in lines if (why := never_found(line.text)))


def _repeated(written: Sequence[Written], what: str) -> Iterator[Remark]:
    first: dict[str, int] = {}
    for one in written:
        if first.setdefault(one, one.line) != one.line or (written.count(one) > 1 and one.line != first[one]):
            yield Remark(one.line, f'the {what} "{one}" stands here twice (first in line {first[one]})')


def _idle_hosts(lines: Sequence[Line]) -> Iterator[Remark]:
    first: dict[str, Line] = {}
    for line in lines:
        host = line.text.lower().removeprefix("*.")
        known = first.setdefault(host, line)
        if known is not line:
            yield Remark(line.line, f'"{line.text}" stands here twice (first in line {known.line})')
        elif "." not in host:
            yield Remark(line.line, f'"{line.text}" is an ending, not a host: all hosts with it are meant')
    for host, line in first.items():
        name = host.partition("/")[0]
        while "." in name:
            wider = first.get(name)
            if wider is not None and wider is not line:
                yield Remark(line.line, f'"{line.text}" is under "{wider.text}" (line {wider.line}) already')
                break
            name = name.partition(".")[2]


# -- rules by themselves


def _life(entry: Entry, now: float) -> Iterator[Advice]:
    rule = entry.rule
    if rule.expires is not None and float(rule.expires) <= now and rule.status is not Status.EXPIRED:
        day = datetime.fromtimestamp(float(rule.expires), UTC).date()
        yield "expires", f"ended on {day}; take the rule out, or say status: expired"
    if rule.rollout is not None and rule.rollout >= 1:
        yield "rollout", "all authors are in it; take it out"


def _weight(entry: Entry, policy: Policy) -> Iterator[Advice]:
    rule = entry.rule
    if rule.weight is not None and rule.weight > policy.max_evidence:
        yield "weight", f"the policy counts {policy.max_evidence:g} at most (max_evidence)"
    weighed = rule.strength is not None or rule.weight is not None
    for label in rule.labels if weighed and not rule.action else ():
        changed = any(label in scope.labels for scope in policy.scopes)
        if not policy.merged(()).of(label).steps and not changed:
            yield "label", f"{label} has no ladder in the policy; nothing follows from the strength"


def _waits(entry: Entry, promises: Promises) -> Iterator[Advice]:
    """What a rule asks for that nobody says yet."""
    for condition in entry.rule.conditions:
        line = condition.line or entry.rule.line
        for label, asked in condition.model.items():
            if asked.precision is not None and (miss := missed(promises, label, asked.precision)):
                yield line, f"model: {label}: waits for {miss}"


def unpromised(entries: Sequence[Entry], promises: Promises) -> Iterator[Problem]:
    """Yield what rules ask of the model that scores, which it doesn't promise: they would wait for good."""
    for entry in entries:
        for condition in entry.rule.conditions if not entry.rule.status.idle else ():
            for label, asked in condition.model.items():
                if asked.precision is not None and (miss := missed(promises, label, asked.precision)):
                    line = condition.line or entry.rule.line
                    yield Problem(entry.path, line, f"{entry.rule.id}: model: {label}: asks for {miss}")


def _asks(entry: Entry, armed: Mapping[str, Armed]) -> Iterator[Advice]:
    """Rules that a live composite asks for and never sees."""
    rule = entry.rule
    if rule.status is not Status.LIVE:
        return
    needed = [armed[name] for name in armed[rule.id].needs if name in armed] if rule.id in armed else []
    if needed and all(one.shadow for one in needed):
        names = ", ".join(sorted(one.id for one in needed))
        yield "all" if rule.all_of else "any", f"asks for rules in shadow only ({names}); it never fires"


def _severe(entry: Entry, armed: Mapping[str, Armed]) -> Iterator[Advice]:
    """A severity that no term of a rule's lists has."""
    rule = entry.rule
    if rule.severity is not None and rule.id in armed and not armed[rule.id].terms:
        yield "severity", "no term of its lists has such a severity; nothing is found"


# -- rules beside each other


def _against_itself(entry: Entry, speakers: dict[tuple[str, str], Entry]) -> Iterator[Problem]:
    """Terms that speak for a label in one rule and against it in another, in the same places."""
    rule = entry.rule
    for label in rule.labels:
        sign = "-" if rule.against else "+"
        for term in rule.terms:
            key = (f"{label} {rule.scope!r}", form_of(term).text)
            other = speakers.setdefault((sign + key[0], key[1]), entry)
            opposite = speakers.get((("+" if sign == "-" else "-") + key[0], key[1]))
            if opposite is not None and other is entry:
                words = "for" if rule.against else "against"
                message = f'"{term}" speaks {words} {label} in {opposite.rule.id}; keep one of the two'
                yield Problem(entry.path, term.line, f"{rule.id}: {message}")


def _spares(entries: Sequence[Entry], armed: Mapping[str, Armed]) -> Iterator[Problem]:
    """Allow-terms that spare nothing, or the very thing that a rule is written for."""
    by_id = {entry.rule.id: entry for entry in entries}
    for entry in entries:
        rule = entry.rule
        if rule.id not in armed or not rule.spares:
            continue
        spared = [armed[name] for name in armed[rule.id].spares if name in armed]
        if spared and all(one.final for one in spared):
            yield from _at(entry, iter([("spares", "names only final rules, which nothing spares")]))
            continue
        own = {form_of(term): term for term in rule.allow}
        for one in spared:
            for term in one.rule.terms if not one.final else ():
                if form_of(term) in own:
                    message = f'"{term}" never counts: {rule.id} spares that very term'
                    path = by_id[one.id].path
                    yield Problem(path, term.line, f"{one.id}: {message}; take it out here or there")
        if not rule.spares_whole:
            yield from _idle_allowances(entry, spared)


def _idle_allowances(entry: Entry, spared: Sequence[Armed]) -> Iterator[Problem]:
    """Allow-terms in which none of the spared rules finds anything."""
    if not all(one.searches for one in spared):
        return  # whoever looks only at conditions finds what isn't in the term
    finders = {one.id: one for one in spared}
    probe = RuleSet([one.rule for one in spared], finders, Policy())
    for term in entry.rule.allow:
        message = Message("check", text=term.strip("*").replace("\\*", "*"))
        place = probe.place_of(message, finders)
        if not probe.scan_at(place, message).hits:
            yield Problem(
                entry.path,
                term.line,
                f'{entry.rule.id}: "{term}" spares nothing: no rule it names finds anything in it',
            )
