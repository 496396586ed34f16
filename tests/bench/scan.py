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
REPEATS = 15


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
    fold_us, scan_us, decide_us, automaton_us = best_of_all(
        [
            lambda: [fold(text) for text in texts],
            lambda: [rules.scan(message) for message in messages],
            lambda: [judge(*each) for each in pairs],
            lambda: [list(automaton.iter(text.lower())) for text in texts],
        ],
        len(texts),
    )
    figures = {
        "fold_us": fold_us,
        "scan_us": scan_us,
        "decide_us": decide_us,
        "automaton_us": automaton_us,
        "all_us": scan_us + decide_us,
        "to_automaton": (scan_us + decide_us) / automaton_us,
        "hits": sum(bool(each.hits) for each in evidence) / len(texts),
    }
    return Line(what, figures)


def _decide(rules: RuleSet, now: float, message: Message, evidence: Evidence) -> object:
    return decide(message, evidence, rules, scores=None, reputation=NEWCOMER, now=now, braked=())


def best_of_all(runs: Sequence[Callable[[], object]], count: int) -> list[float]:
    """Return the microseconds of each run a message; the machine's noise has slowed the fastest round least.

    They are measured in turn, so that what slows one down for a while slows all.
    """
    found = [float("inf")] * len(runs)
    for _ in range(REPEATS):
        for number, run in enumerate(runs):
            started = time.process_time()
            run()
            found[number] = min(found[number], time.process_time() - started)
    return [each / count * 1e6 for each in found]
