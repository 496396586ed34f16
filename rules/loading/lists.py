"""Reads a list file: one term or host a line, `#` comments, and a severity behind a bar (`term | 3`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rules.errors import Problem
from rules.loading.yaml_nodes import read_utf8

_COMMENT = re.compile(r"(?:^|\s)#.*")
_SEVERITY = re.compile(r"\s*\|\s*(\d{1,3})$")


class ListLine(NamedTuple):
    """One entry of a list; an entry without a severity has 1."""

    line: int
    text: str
    severity: int


def read_list(path: str, content: bytes, problems: list[Problem]) -> list[ListLine]:
    """Return the entries of a list; what is wrong with single lines is added to `problems`.

    Raises:
        RuleFileError: When the file isn't UTF-8 or is empty; a list that is meant to be
            empty holds a comment.
    """
    entries: dict[str, ListLine] = {}
    for entry in list_lines(path, content):
        text = entry.text
        known = entries.setdefault(text, entry)
        if not text or "|" in text:
            problems.append(Problem(path, entry.line, f'expected "term" or "term | 3", got "{text}"'))
        elif known.severity != entry.severity:
            message = f'"{text}" has severity {known.severity} in line {known.line}; keep one of them'
            problems.append(Problem(path, entry.line, message))
    return list(entries.values())


def list_lines(path: str, content: bytes) -> Iterator[ListLine]:
    """Yield the entries as they are written, those that stand there twice included.

    Raises:
        RuleFileError: When the file isn't UTF-8 or is empty.
    """
    for number, raw in enumerate(read_utf8(path, content).split("\n"), start=1):
        text = _COMMENT.sub("", raw).strip()
        if not text:
            continue
        match = _SEVERITY.search(text) if "|" in text else None
        yield ListLine(number, text[: match.start()] if match else text, int(match[1]) if match else 1)
