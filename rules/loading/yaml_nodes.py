"""Reads YAML into nodes that know their line; every scalar stays the string that was written.

Plain YAML would make the terms `no`, `on` and `1488` a truth, a truth and a number.
Tags, anchors and aliases are refused: they have no use in a pack, and an alias inside
an alias is the classic bomb.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import yaml
from yaml.reader import ReaderError

from rules.errors import Problem, RuleFileError

MAX_DEPTH = 16
_QUOTE_IT = '; if you mean the letters themselves, put the text in "quotes"'
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(msgspec.Struct, frozen=True):
    """A word, number or sentence, as written; `key:` with nothing behind it gives ""."""

    line: int
    text: str


class Block(msgspec.Struct, frozen=True):
    """A list of nodes."""

    line: int
    items: list[Node]


class Mapping(msgspec.Struct, frozen=True):
    """Keys with their nodes, in the order they were written, and the line of each key."""

    line: int
    entries: dict[str, Node]
    lines: dict[str, int]


Node = Scalar | Block | Mapping


def read_yaml(path: str, content: bytes) -> Node:
    """Return the one document in a file; `path` is only for messages.

    Raises:
        RuleFileError: When it isn't UTF-8, isn't YAML, is empty, nests too deeply, uses
            an alias or a tag, or writes a key twice.
    """
    text = read_utf8(path, content)
    try:
        return _compose(path, text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise _trouble(path, line, f"not YAML: {error.problem or error.context}") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _trouble(path, line, f"not YAML: {error.reason}") from error


def read_utf8(path: str, content: bytes) -> str:
    """Return the text of a file, without its byte order mark.

    Raises:
        RuleFileError: When it isn't UTF-8, or is empty (a file that is being written).
    """
    if not content.strip():
        raise _trouble(path, 0, "is empty; fill it or take it away")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _trouble(path, line, "is not UTF-8; save it as UTF-8") from error


def _compose(path: str, text: str) -> Node:
    events = _contents(path, text)
    event = next(events, None)
    if event is None:
        raise _trouble(path, 0, "holds only comments; write `rules:` and a list of rules")
    root = _node(path, event, events, 0)
    extra = next(events, None)
    if extra is not None:
        raise _trouble(path, _line(extra), "a second document; keep one per file")
    return root


def _contents(path: str, text: str) -> Iterator[yaml.Event]:
    """Yield the events that carry content, refusing what packs don't use."""
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _trouble(path, _line(event), f"an anchor or alias (& or *){_QUOTE_IT}")
        if getattr(event, "tag", None) not in (None, "!"):
            raise _trouble(path, _line(event), f"a tag (!){_QUOTE_IT}")
        if isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            yield event


def _node(path: str, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
    line = _line(event)
    if depth > MAX_DEPTH:
        raise _trouble(path, line, f"nests deeper than {MAX_DEPTH} levels")
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(line, event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        return Block(line, [_node(path, item, events, depth + 1) for item in _until_end(events)])
    return _mapping(path, line, events, depth)


def _mapping(path: str, line: int, events: Iterator[yaml.Event], depth: int) -> Mapping:
    found = Mapping(line, {}, {})
    for event in _until_end(events):
        if not isinstance(event, yaml.ScalarEvent):
            raise _trouble(path, _line(event), "a key must be a word")
        key = event.value
        if key in found.entries:
            raise _trouble(
                path, _line(event), f'"{key}" stands here twice (first in line {found.lines[key]})'
            )
        found.lines[key] = _line(event)
        found.entries[key] = _node(path, next(events), events, depth + 1)
    return found


def _until_end(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            return
        yield event


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _trouble(path: str, line: int, message: str) -> RuleFileError:
    return RuleFileError([Problem(path, line, message)])
