"""What is hit by mistake: terms that are found in clean texts, by language and by script."""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rules.finding.keywords import Found
from rules.fold import Folded, fold
from rules.ruleset import RuleSet

# Where the rows of a language say something of a tenth of a point.
FROM_ROWS = 1000
FILES = ("dev/*.jsonl.gz", "train/benign_*.jsonl.gz")
SCRIPTS = {
    "Cyrillic": "\u0400-\u052f",
    "Greek": "\u0370-\u03ff",
    "Arabic": "\u0600-\u06ff\u0750-\u077f",
    "Han": "\u4e00-\u9fff",
    "kana": "\u3041-\u30ff",
    "Hangul": "\uac00-\ud7a3",
    "Devanagari": "\u0900-\u097f",
}
_LATIN = re.compile("[a-z\u00df-\u024f]")
_ANY = {name: re.compile(f"[{letters}]") for name, letters in SCRIPTS.items()}


class Row(msgspec.Struct):
    """A labelled text."""

    text: str
    lang: str = "?"
    labels: dict[str, int] = {}


class Count:
    """Messages, those in which a term is found plainly, and those in which only a view finds one."""

    def __init__(self) -> None:
        self.messages = self.plain = self.added = self.latin = 0

    def line(self, name: str) -> str:
        plain, added = self.plain / self.messages, self.added / self.messages
        return f"| {name} | {self.messages} | {plain:.2%} | {added:.3%} |"


def tables(rules: RuleSet, data: Path) -> Iterator[str]:
    """Yield the lines of both tables."""
    languages: defaultdict[str, Count] = defaultdict(Count)
    scripts: defaultdict[str, Count] = defaultdict(Count)
    terms = _terms(rules)
    for row in rows(data):
        folded = fold(row.text)
        plain = rules.keywords.find(folded)
        added = [] if plain else _added(rules, folded)
        for count in (languages["all"], languages[row.lang], *_scripts(folded.text, scripts)):
            count.messages += 1
            count.plain += bool(plain)
            count.added += bool(added)
            count.latin += any(_LATIN.search(terms[one.owner]) for one in added)
    few = [name for name, count in languages.items() if count.messages < FROM_ROWS]
    rest = Count()
    for count in map(languages.pop, few):
        for name in vars(rest):
            setattr(rest, name, getattr(rest, name) + getattr(count, name))
    yield "| language | messages | plain | views add |"
    yield "|---|---:|---:|---:|"
    for name, count in sorted(languages.items(), key=lambda each: -each[1].messages):
        yield count.line(name)
    yield rest.line(f"{len(few)} others")
    yield ""
    yield "Texts without a Latin letter, and how often a view finds a term of Latin letters in them:"
    yield ""
    yield "| script | messages | Latin terms |"
    yield "|---|---:|---:|"
    for name in SCRIPTS:
        yield f"| {name} | {scripts[name].messages} | {scripts[name].latin} |"


def rows(data: Path) -> Iterator[Row]:
    """Yield the rows of benign sources and the benign ones of dev."""
    rows = msgspec.json.Decoder(Row)
    for path in sorted(path for files in FILES for path in data.glob(files)):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            row = rows.decode(line)
            if not any(row.labels.values()):
                yield row


def _added(rules: RuleSet, folded: Folded) -> list[Found]:
    signs = rules._patterns.sift(folded)[1]
    return [one for one in rules.keywords.find_disguised(folded, signs) if one.steps] if signs else []


def _scripts(text: str, scripts: defaultdict[str, Count]) -> Iterator[Count]:
    if not text.isascii() and not _LATIN.search(text):
        yield from (scripts[name] for name, letters in _ANY.items() if letters.search(text))


def _terms(rules: RuleSet) -> list[str]:
    """Return the terms by the numbers by which the index knows them."""
    parts = (parts for armed in rules.armed.values() for parts in armed.terms)
    return [term for each in parts for term in (*each.together, *each.without)]
