"""Checks a value against a JSON Schema: the part of draft 2020-12 that our published schemas use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]

_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
# Keywords that say nothing about whether a value is valid.
_SAID = {"$schema", "$defs", "title", "description", "default", "format", "discriminator"}


def faults(value: Any, schema: Schema) -> list[str]:
    """Return where the value breaks the schema, a line each."""
    return list(_Check(schema.get("$defs", {})).faults(value, schema, "$"))


class _Check:
    def __init__(self, definitions: Schema) -> None:
        self._definitions = definitions

    def faults(self, value: Any, schema: Schema, path: str) -> Iterator[str]:
        for keyword, asked in schema.items():
            if keyword in ("then", "else", "items", "additionalProperties", *_SAID):
                continue
            check = getattr(self, f"_{keyword.strip('$')}", None)
            if check is None:
                raise NotImplementedError(f"{keyword}: teach this helper to check it")
            if keyword == "if":
                yield from self._if_else(value, schema, path)
            else:
                yield from check(value, asked, path)
        if "additionalProperties" in schema:
            yield from self._others(value, schema, path)
        if "items" in schema:
            yield from self._items(value, schema, path)

    def _ref(self, value: Any, asked: str, path: str) -> Iterator[str]:
        yield from self.faults(value, self._definitions[asked.removeprefix("#/$defs/")], path)

    def _type(self, value: Any, asked: str | list[str], path: str) -> Iterator[str]:
        kinds = [asked] if isinstance(asked, str) else asked
        if not any(_TYPES[kind](value) for kind in kinds):
            yield f"{path}: {value!r} is no {' or '.join(kinds)}"

    def _enum(self, value: Any, asked: list[Any], path: str) -> Iterator[str]:
        if value not in asked:
            yield f"{path}: {value!r} is none of {asked}"

    def _const(self, value: Any, asked: Any, path: str) -> Iterator[str]:
        if value != asked:
            yield f"{path}: {value!r} is not {asked!r}"

    def _anyOf(self, value: Any, asked: list[Schema], path: str) -> Iterator[str]:  # noqa: N802 - the keyword
        tried = [list(self.faults(value, schema, path)) for schema in asked]
        if all(tried):
            yield f"{path}: {value!r} fits none of: {tried}"

    def _if(self) -> None:
        """Is checked together with `then` and `else`."""

    def _if_else(self, value: Any, schema: Schema, path: str) -> Iterator[str]:
        branch = "else" if list(self.faults(value, schema["if"], path)) else "then"
        yield from self.faults(value, schema.get(branch, {}), path)

    def _properties(self, value: Any, asked: dict[str, Schema], path: str) -> Iterator[str]:
        for name, schema in asked.items():
            if isinstance(value, dict) and name in value:
                yield from self.faults(value[name], schema, f"{path}.{name}")

    def _others(self, value: Any, schema: Schema, path: str) -> Iterator[str]:
        known = schema.get("properties", {})
        for name, item in value.items() if isinstance(value, dict) else ():
            if name in known:
                continue
            if schema["additionalProperties"] is False:
                yield f"{path}.{name}: is no key"
            else:
                yield from self.faults(item, schema["additionalProperties"], f"{path}.{name}")

    def _required(self, value: Any, asked: list[str], path: str) -> Iterator[str]:
        for name in asked:
            if isinstance(value, dict) and name not in value:
                yield f"{path}: {name} is missing"

    def _prefixItems(self, value: Any, asked: list[Schema], path: str) -> Iterator[str]:  # noqa: N802
        for number, (item, schema) in enumerate(zip(value, asked, strict=False)):
            yield from self.faults(item, schema, f"{path}[{number}]")

    def _items(self, value: Any, schema: Schema, path: str) -> Iterator[str]:
        rest = list(enumerate(value))[len(schema.get("prefixItems", ())) :] if isinstance(value, list) else []
        for number, item in rest:
            if schema["items"] is False:
                yield f"{path}[{number}]: is one too many"
            else:
                yield from self.faults(item, schema["items"], f"{path}[{number}]")

    def _minItems(self, value: Any, asked: int, path: str) -> Iterator[str]:  # noqa: N802
        if isinstance(value, list) and len(value) < asked:
            yield f"{path}: has fewer than {asked} items"

    def _maxItems(self, value: Any, asked: int, path: str) -> Iterator[str]:  # noqa: N802
        if isinstance(value, list) and len(value) > asked:
            yield f"{path}: has more than {asked} items"

    def _minLength(self, value: Any, asked: int, path: str) -> Iterator[str]:  # noqa: N802
        if isinstance(value, str) and len(value) < asked:
            yield f"{path}: is shorter than {asked}"

    def _maxLength(self, value: Any, asked: int, path: str) -> Iterator[str]:  # noqa: N802
        if isinstance(value, str) and len(value) > asked:
            yield f"{path}: is longer than {asked}"

    def _pattern(self, value: Any, asked: str, path: str) -> Iterator[str]:
        if isinstance(value, str) and not re.search(asked, value):
            yield f"{path}: {value!r} doesn't match {asked}"
