"""What looking at a message costs, without any network: fold, scan and decide beside one bare automaton."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import ahocorasick

from rules.decide import decide
from rules.finding.evidence import Evidence
from rules.fold import fold
from rules.message import Author, Message
from rules.packs import load
from rules.reputation import NEWCOMER
from rules.ruleset import RuleSet
from tests.bench.chat import of_length
from tests.bench.table import Line, Part

LENGTHS = (10, 60, 400)
TEXTS = 500
REPEATS = 7


def scan(packs: Path) -> Part:
    """Measure a folder of packs, by length of text; the best of some runs counts."""
    rules = load(packs)
    automaton = bare_automaton(rules)
    lines = [_line(f"{length} characters", of_length(length, TEXTS), rules, automaton) for length in LENGTHS]
    clean = [text for text in of_length(60, 4 * TEXTS) if text.isascii() and not rules.scan(said(text)).hits]
    lines.append(_line("60, clean ASCII", clean[:TEXTS], rules, automaton))
    return Part("scan", f"µs a message with the {len(rules.rules)} rules of {rules!r}, offline", lines)


def bare_automaton(rules: RuleSet) -> ahocorasick.Automaton:
    """Return one automaton of all the rules' terms as they are written, in lower case."""
    automaton = ahocorasick.Automaton()
    for armed in rules.armed.values():
        for parts in armed.terms:
            for term in (*parts.together, *parts.without):
                automaton.add_word(term.strip("*").lower(), term)
    automaton.make_automaton()
    return automaton


def said(text: str) -> Message:
    """Return a message with this text."""
    return Message("bench", Author("u1"), text)


def _line(what: str, texts: Sequence[str], rules: RuleSet, automaton: ahocorasick.Automaton) -> Line:
    messages = [said(text) for text in texts]
    evidence = [rules.scan(message) for message in messages]
    judge = partial(_decide, rules, time.time())
    pairs = list(zip(messages, evidence, strict=True))
    costs = {
        "fold_us": _best(lambda: [fold(text) for text in texts], len(texts)),
        "scan_us": _best(lambda: [rules.scan(message) for message in messages], len(texts)),
        "decide_us": _best(lambda: [judge(*each) for each in pairs], len(texts)),
        "automaton_us": _best(lambda: [list(automaton.iter(text.lower())) for text in texts], len(texts)),
    }
    together = costs["scan_us"] + costs["decide_us"]
    hits = sum(bool(each.hits) for each in evidence) / len(texts)
    return Line(
        what, costs | {"all_us": together, "to_automaton": together / costs["automaton_us"], "hits": hits}
    )


def _decide(rules: RuleSet, now: float, message: Message, evidence: Evidence) -> object:
    return decide(message, evidence, rules, scores=None, reputation=NEWCOMER, now=now, braked=())


def _best(run: Callable[[], object], count: int) -> float:
    """Return the microseconds a message of the fastest run, which the machine's noise has slowed least."""
    best = float("inf")
    for _ in range(REPEATS):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return best / count * 1e6
