"""Forecasts what rules would hit in vocabularies and in a sample of traffic, and what they cost."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rules.finding.composites import Facts
from rules.finding.evidence import Evidence
from rules.finding.firing import fire
from rules.message import Author, Message
from rules.ruleset import RuleSet
from rules.text.words import in_word
from rules.verdict import Hit

# A message of chat has about so many words.
WORDS_A_MESSAGE = 8
EXAMPLES = 6


class Word(NamedTuple):
    """Something that people write: a word, a name, a place; its share of all words, 0 where nobody knows."""

    text: str
    share: float = 0.0


class Vocabulary(NamedTuple):
    """Words of one kind in one language: "de words", "en names"."""

    name: str
    lang: str
    words: Sequence[Word]


class Expected(NamedTuple):
    """What a rule would hit.

    Attributes:
        source: The vocabulary, or "traffic".
        number: Words or messages that it hits though they are more than what it looks for.
        of: Of so many.
        share: Of messages that would be hit, as far as it is known: 0 to 1.
        meant: Words that are exactly what the rule looks for; in names and places they count as hits.
        examples: The most frequent.
    """

    rule: str
    source: str
    number: int
    of: int
    share: float
    meant: int
    examples: tuple[str, ...]


class Cost(NamedTuple):
    """What a rule takes of a scan: microseconds a message, and how much it looks for."""

    rule: str
    micros: float
    terms: int
    patterns: int


def in_vocabulary(rules: RuleSet, vocabulary: Vocabulary) -> list[Expected]:
    """Return what each rule would hit in a vocabulary, the most frequent first; pleas are left out.

    Places don't matter here: each rule acts on its languages, its conditions and allow-terms included.
    """
    found: dict[str, _Tally] = {}
    place = rules.place_of(Message("check", text="", lang=vocabulary.lang), rules.armed)
    everyday = vocabulary.name.endswith("words")
    for word in vocabulary.words:
        message = Message("check", Author("check"), word.text, lang=vocabulary.lang)
        evidence = rules.scan_at(place, message)
        if evidence.harmless and not evidence.waiting:
            continue
        for rule, hits in _fired(rules, message, evidence):
            spans = [hit.span for hit in hits if hit.span]
            if spans:  # who asks only what others found says the same again
                meant = everyday and any(_stands_alone(word.text, span) for span in spans)
                found.setdefault(rule, _Tally()).add(word, meant=meant)
    return _ordered(found, vocabulary.name, len(vocabulary.words))


def in_traffic(rules: RuleSet, messages: Iterable[Message]) -> list[Expected]:
    """Return what each rule would hit in messages that were said, where they were said."""
    found: dict[str, _Tally] = {}
    number = 0
    for number, message in enumerate(messages, 1):  # noqa: B007 (their number is asked for)
        evidence = rules.scan(message)
        for rule, hits in _fired(rules, message, evidence):
            spans = [hit.span for hit in hits if hit.span]
            matched = message.text[slice(*spans[0])] if spans else message.text
            found.setdefault(rule, _Tally()).add(Word(matched[:48]), meant=False)
    expected = _ordered(found, "traffic", number)
    return [one._replace(share=one.number / number) for one in expected]


def costs(rules: RuleSet, texts: Sequence[str], rounds: int = 3) -> list[Cost]:
    """Return what each rule, by itself, adds to a scan of these texts; the dearest first."""
    messages = [Message("check", text=text) for text in texts]
    nothing = _micros(rules.without_rules(), messages, rounds)
    found = []
    for name, armed in rules.armed.items():
        alone = RuleSet([armed.rule], {name: armed}, rules.policy)
        micros = max(0.0, _micros(alone, messages, rounds) - nothing)
        found.append(Cost(name, micros, len(armed.terms), len(armed.patterns)))
    return sorted(found, key=lambda cost: -cost.micros)


class _Tally:
    """What a rule hit in one source."""

    def __init__(self) -> None:
        self.number = self.meant = 0
        self.frequency = 0.0
        self.examples: list[Word] = []

    def add(self, word: Word, *, meant: bool) -> None:
        if meant:
            self.meant += 1
            return
        self.number += 1
        self.frequency += word.share
        if all(word.text != known.text for known in self.examples):
            self.examples.append(word)
            self.examples.sort(key=lambda one: -one.share)
            del self.examples[EXAMPLES:]


def _fired(rules: RuleSet, message: Message, evidence: Evidence) -> Iterator[tuple[str, Sequence[Hit]]]:
    facts = Facts(message, None, 0.0, rules.policy.reputation, evidence.links, spoken=evidence.spoken)
    fired = fire(evidence, facts, everyone=True)
    for found in (fired.live, fired.shadow):
        yield from ((rule, hits) for rule, hits in found.items() if not rules.rules[rule].against)


def _stands_alone(text: str, span: tuple[int, int]) -> bool:
    """Return whether what was found is a word and no part of one: "fica" in "fica", not in "significa"."""
    before, behind = text[: span[0]][-1:], text[span[1] :][:1]
    return not any(letter and in_word(letter) for letter in (before, behind))


def _ordered(found: Mapping[str, _Tally], source: str, of: int) -> list[Expected]:
    expected = [
        Expected(
            rule, source, one.number, of,
            1.0 - math.exp(-one.frequency * WORDS_A_MESSAGE),
            one.meant, tuple(word.text for word in one.examples),
        )
        for rule, one in found.items()
    ]  # fmt: skip
    return sorted(expected, key=lambda one: (-one.share, -one.number, one.rule))


def _micros(rules: RuleSet, messages: Sequence[Message], rounds: int) -> float:
    best = math.inf
    for _ in range(rounds):
        start = time.perf_counter()
        for message in messages:
            evidence = rules.scan(message)
            _ = (evidence.harmless and not evidence.waiting) or evidence.hits
        best = min(best, time.perf_counter() - start)
    return 1e6 * best / max(1, len(messages))
