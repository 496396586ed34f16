"""Turns YAML nodes into the types of rules and policies, and names every trouble on the way.

The types are the schema: a field's name is its key, its type says what may stand there, and
a key that no field has is refused. A class with `parse` reads itself from one word or
sentence. A field called `line` is filled with the line the thing stands on.
"""

from __future__ import annotations

import difflib
import types
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from rules.errors import Problem
from rules.loading.yaml_nodes import Block, Mapping, Node, Scalar
from rules.schema.values import Written, number

T = TypeVar("T")


class _UnreadableError(Exception):
    """The problem has been noted; whatever holds this value can't be built."""


class Reader:
    """Reads the nodes of one file and collects what is wrong with them.

    Attributes:
        path: The file, as problems should name it.
        problems: Filled while reading.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def read(self, node: Node, kind: type[T]) -> T | None:
        """Return the value of a node, or None when something in it is wrong."""
        try:
            value: T = self._value(node, kind, "")
        except _UnreadableError:
            return None
        return value

    def note(self, line: int, message: str) -> None:
        """Add a problem of this file."""
        self.problems.append(Problem(self.path, line, message))

    def _value(self, node: Node, kind: Any, name: str) -> Any:
        kind = without_none(kind)
        origin = get_origin(kind)
        if origin is tuple:
            return self._items(node, get_args(kind)[0], name)
        if origin is dict:
            return self._dict(node, get_args(kind), name)
        if isinstance(node, Mapping) and is_struct(kind):
            return self._struct(node, kind, name)
        if isinstance(node, Scalar):
            return self._scalar(node, kind, name)
        expected = "keys with values" if is_struct(kind) else "one value"
        raise self._trouble(node.line, name, f"expected {expected}, got {_shape(node)}")

    def _struct(self, node: Mapping, kind: Any, name: str) -> Any:
        fields = fields_of(kind)
        values: dict[str, Any] = {}
        troubled = False
        for key, child in node.entries.items():
            try:
                field = fields.get(key) or self._unknown(node.lines[key], key, name, fields)
                values[field.name] = self._value(child, field.type, _join(name, key))
            except _UnreadableError:
                troubled = True
        for key, field in fields.items():
            if field.required and key not in node.entries:
                self._trouble(node.line, name, f'"{key}:" is missing')
                troubled = True
        if troubled:
            raise _UnreadableError
        if "line" in kind.__struct_fields__:
            values["line"] = node.line
        return kind(**values)

    def _unknown(self, line: int, key: str, name: str, fields: dict[str, Any]) -> Any:
        close = difflib.get_close_matches(key, fields, 1)
        hint = f'did you mean "{close[0]}"?' if close else f"known are {', '.join(sorted(fields))}"
        raise self._trouble(line, name, f'unknown key "{key}"; {hint}')

    def _items(self, node: Node, kind: Any, name: str) -> tuple[Any, ...]:
        if not isinstance(node, Block):
            return (self._value(node, kind, name),)
        if not node.items:
            raise self._trouble(node.line, name, "the list is empty; fill it or take the key out")
        values = []
        for item in node.items:
            try:
                values.append(self._value(item, kind, name))
            except _UnreadableError:
                continue
        if len(values) < len(node.items):
            raise _UnreadableError
        return tuple(values)

    def _dict(self, node: Node, kinds: tuple[Any, ...], name: str) -> dict[Any, Any]:
        if not isinstance(node, Mapping):
            raise self._trouble(node.line, name, f"expected keys with values, got {_shape(node)}")
        key_kind, kind = kinds
        values = {}
        troubled = False
        for key, child in node.entries.items():
            try:
                read = self._value(Scalar(node.lines[key], key), key_kind, name)
                values[read] = self._value(child, kind, _join(name, key))
            except _UnreadableError:
                troubled = True
        if troubled:
            raise _UnreadableError
        return values

    def _scalar(self, node: Scalar, kind: Any, name: str) -> Any:
        if not node.text.strip():
            raise self._trouble(node.line, name, "is empty; write a value or take the key out")
        try:
            if kind is Written:
                value: Any = Written.at(node.line, node.text)
            elif is_struct(kind) and hasattr(kind, "line") and hasattr(kind, "parse"):
                value = msgspec.structs.replace(kind.parse(node.text), line=node.line)
            else:
                value = _read_word(node.text, kind)
        except ValueError as error:
            raise self._trouble(node.line, name, str(error)) from error
        return value

    def _trouble(self, line: int, name: str, message: str) -> _UnreadableError:
        self.note(line, f"{name}: {message}" if name else message)
        return _UnreadableError()


@cache
def fields_of(kind: Any) -> dict[str, Any]:
    """Return the fields of a type by their key."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind) if field.name != "line"}


def _read_word(text: str, kind: Any) -> Any:
    if hasattr(kind, "parse"):
        return kind.parse(text)
    if kind is str:
        return text
    if kind is bool:
        return _choice(text, {"true": True, "yes": True, "false": False, "no": False})
    if kind in (int, float):
        value = number(text)
        if kind is int and not value.is_integer():
            raise ValueError(f'expected a whole number, got "{text}"')
        return kind(value)
    if get_origin(kind) is Literal:
        return _choice(text, {choice: choice for choice in get_args(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(text, {member.value: member for member in kind})
    raise ValueError(f'expected keys with values, got "{text}"')


def _choice(text: str, choices: dict[str, T]) -> T:
    if text not in choices:
        raise ValueError(f'expected {" or ".join(choices)}, got "{text}"')
    return choices[text]


def without_none(kind: Any) -> Any:
    """Return the kind of an optional value."""
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (part for part in get_args(kind) if part is not types.NoneType)
    return kind


def is_struct(kind: Any) -> bool:
    """Return whether it is written as keys with values."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _shape(node: Node) -> str:
    if isinstance(node, Scalar):
        return f'"{node.text}"'
    return "a list" if isinstance(node, Block) else "keys with values"


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
