"""What is done with labelled texts of people, by rules alone and with the model, their authors unknown."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

import models
from rules import packs
from rules.decide import decide
from rules.fold import FOLD_VERSION, readable
from rules.message import Author, Message
from rules.ruleset import RuleSet
from rules.verdict import MODEL_LABELS, Action
from streams.process.opening import maturity_of
from tests.bench.table import Line, Part

# Of a source so many, none longer; and so many at once.
MOST, LONGEST, TOGETHER = 2_500, 300, 512
HARMLESS, UNLABELLED = "harmless talk", "none of its labels"
NOW = 1.8e9


class Row(msgspec.Struct):
    """A labelled text; `weak` names labels that no person gave."""

    text: str
    labels: dict[str, int] = {}
    weak: list[str] = []


def actions(data: Path, folder: Path, artifact: Path) -> Part:
    """Judge the texts of `data`/dev and count what is done with them.

    A text is counted under each label that people gave it. Sources named benign_… are harmless talk; texts of
    others that bear none of the labels they were looked at for are a group of their own, slurs that
    somebody let pass among them.
    """
    model = models.load(artifact, FOLD_VERSION)
    rules = packs.load(folder, promises=model.thresholds, maturity=maturity_of(model))
    lines = []
    for group, texts in sorted(_groups(data).items(), key=lambda one: _place(one[0])):
        alone, both = _judged(rules, model, texts)
        for who, found in (("rules", alone), ("with the model", both)):
            figures = {f"{action} %": 100.0 * found[action] / len(texts) for action in tuple(Action)[1:]}
            lines.append(Line(f"{group}, {who}", {"texts": float(len(texts)), **figures}))
    how = f"{data.name}/dev, at most {MOST:,} of a source and {LONGEST} characters a text; {model.name}"
    return Part("actions", how, lines)


def _groups(data: Path) -> dict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted((data / "dev").glob("*.jsonl*")):
        for row in islice(_rows(path), MOST):
            given = [label for label in row.labels if label not in row.weak]
            if path.name.startswith("benign_"):
                groups[HARMLESS].append(row.text)
            elif given and not any(row.labels[label] for label in given):
                groups[UNLABELLED].append(row.text)
            for label in given:
                if row.labels[label] and label in MODEL_LABELS:
                    groups[label].append(row.text)
    return groups


def _rows(path: Path) -> Iterator[Row]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        rows = (msgspec.json.decode(line, type=Row) for line in lines)
        yield from (row for row in rows if len(row.text) <= LONGEST)


def _judged(
    rules: RuleSet, model: models.Classifier, texts: Sequence[str]
) -> tuple[Counter[Action], Counter[Action]]:
    alone, both = Counter[Action](), Counter[Action]()
    for start in range(0, len(texts), TOGETHER):
        some = texts[start : start + TOGETHER]
        messages = [Message("m", Author("a"), text) for text in some]
        said = model.score([readable(text) for text in some]).tolist()
        for message, evidence, row in zip(messages, rules.scan_all(messages), said, strict=True):
            for found, scores in ((alone, None), (both, dict(zip(model.labels, row, strict=True)))):
                found[decide(message, evidence, rules, scores=scores, reputation=None, now=NOW).action] += 1
    return alone, both


def _place(group: str) -> tuple[int, str]:
    """Harmless talk comes first, then labels."""
    return (HARMLESS, UNLABELLED, group).index(group), group
