"""What looking for many terms costs: fold and scan in all views, beside one automaton of the terms."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import ahocorasick

from rules.message import Message
from rules.packs import load
from rules.ruleset import RuleSet
from tests.bench.chat import of_length
from tests.bench.scan import LENGTHS, TEXTS, bare_automaton, best_of_all, said
from tests.bench.stalls import SEED, fill
from tests.bench.table import Line, Part
from tests.evasion.clean import rows

SIZES = (1_000, 10_000, 100_000)
GROWTH = 2.0
TO_AUTOMATON, AT_LENGTH = 12.0, 60


def terms(data: Path | None) -> Part:
    """Measure lists of several sizes: nine terms in ten single words, one a phrase, prefix or infix.

    The chat is the bench's own, or texts that people wrote.
    """
    with tempfile.TemporaryDirectory() as root:
        sets = [load(fill(Path(root) / str(size), size)) for size in SIZES]
    automata = [bare_automaton(rules) for rules in sets]
    chat = partial(_written, data) if data else of_length
    lines = [line for length in LENGTHS for line in _lines(length, chat(length, TEXTS), sets, automata)]
    whose = "texts that people wrote" if data else "the bench's own chat"
    return Part(
        "terms", f"µs a message of {whose}, folded and scanned in all views, by number of terms", lines
    )


def _written(data: Path, length: int, count: int) -> list[str]:
    """Return texts of about so many characters from a folder of labelled ones."""
    fitting = {row.text for row in rows(data) if abs(len(row.text) - length) <= length / 4}
    return random.Random(SEED).sample(sorted(fitting), count)


def _lines(
    length: int,
    texts: Sequence[str],
    sets: Sequence[RuleSet],
    automata: Sequence[ahocorasick.Automaton],
) -> list[Line]:
    messages = [said(text) for text in texts]
    scans = [partial(_scan, rules, messages) for rules in sets]
    passes = [partial(_pass, automaton, texts) for automaton in automata]
    costs = best_of_all([*scans, *passes], len(texts))
    lines = []
    for size, scan, bare in zip(SIZES, costs, costs[len(SIZES) :], strict=False):
        figures = {"scan_us": scan, "automaton_us": bare, "to_automaton": scan / bare}
        lines.append(Line(f"{length} characters, {size:,} terms", figures))
    most = lines[-1]
    growth = most.figures["growth"] = costs[len(SIZES) - 1] / costs[0]
    most.bar = (
        f"{length} characters: growth from {SIZES[0]:,} to {SIZES[-1]:,} terms at most {GROWTH:g} times"
    )
    most.held = growth <= GROWTH
    if length == AT_LENGTH:
        most.bar += f", and at most {TO_AUTOMATON:g} times the automaton"
        most.held &= most.figures["to_automaton"] <= TO_AUTOMATON
    return lines


def _scan(rules: RuleSet, messages: Sequence[Message]) -> None:
    for message in messages:
        rules.scan(message)


def _pass(automaton: ahocorasick.Automaton, texts: Sequence[str]) -> None:
    for text in texts:
        list(automaton.iter(text.lower()))
