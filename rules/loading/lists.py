"""Reads a list file: one term or host a line, `#` comments, and a severity behind a bar (`term | 3`).

Its first comments may say of which languages its words are (`# lang: en, de`), and whether they count
in all others too (`# anywhere: true`), and in the forms that their language gives them (`# inflect: true`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rules.errors import Problem
from rules.loading.yaml_nodes import read_utf8
from rules.text.endings.inflected import LANGUAGES

_COMMENT = re.compile(r"(?:^|\s)#.*")
_SEVERITY = re.compile(r"\s*\|\s*(\d{1,3})$")
_SAYS = re.compile(r"#\s*(lang|anywhere|inflect)\s*:\s*(.*)")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_NO_LANGUAGE = "und"


class ListLine(NamedTuple):
    """One entry of a list; an entry without a severity has 1."""

    line: int
    text: str
    severity: int


class ListFile(NamedTuple):
    """A list as it was read.

    Attributes:
        languages: In messages of these its words count; empty where they count in all.
        endings: In whose forms its words are found too.
    """

    entries: list[ListLine]
    languages: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()


def is_language(code: str) -> bool:
    """Return whether it is written as the code of a language is."""
    return _LANGUAGE.fullmatch(code) is not None


def read_list(path: str, content: bytes, problems: list[Problem]) -> ListFile:
    """Return a list; what is wrong with single lines is added to `problems`.

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
    languages, anywhere, inflect = _header(path, content, problems)
    return ListFile(
        list(entries.values()),
        frozenset() if anywhere else languages,
        languages & LANGUAGES.keys() if inflect else frozenset(),
    )


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


class _Header(NamedTuple):
    """What the first comments of a list say."""

    languages: frozenset[str] = frozenset()
    anywhere: bool = False
    inflect: bool = False


def _header(path: str, content: bytes, problems: list[Problem]) -> _Header:
    said: dict[str, tuple[int, str]] = {}
    for number, raw in enumerate(read_utf8(path, content).split("\n"), start=1):
        line = raw.strip()
        if line and not line.startswith("#"):
            break
        match = _SAYS.fullmatch(line)
        if match:
            said[match[1]] = number, match[2].strip()
    for key in ("anywhere", "inflect"):
        number, value = said.get(key, (0, "false"))
        if value not in ("true", "false"):
            problems.append(Problem(path, number, f'{key}: expected true or false, got "{value}"'))
    number, value = said.get("lang", (0, _NO_LANGUAGE))
    codes = frozenset(code.strip() for code in value.split(","))
    if not all(map(is_language, codes)):
        problems.append(Problem(path, number, f'lang: write codes such as en or en, de, not "{value}"'))
    header = _Header(
        codes - {_NO_LANGUAGE}, *(said.get(key, (0, ""))[1] == "true" for key in ("anywhere", "inflect"))
    )
    if header.inflect and not (header.languages and header.languages <= LANGUAGES.keys()):
        known = ", ".join(sorted(LANGUAGES))
        problems.append(Problem(path, said["inflect"][0], f"inflect: endings are known for lang: {known}"))
    return header
