"""The JSON Schema of packs and of the policy, made from the types: what editors complete and underline.

It says of a file what `typed.Reader` says, as far as JSON Schema has words for it; `check` knows more.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, Literal, get_args, get_origin

from rules.loading.typed import fields_of, is_struct, without_none
from rules.schema.policy import Policy
from rules.schema.rule import Rule
from rules.schema.values import Bound, Points, Written

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

# As YAML reads what is written without quotes; to us every one of them is the text that stands there.
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_SCALARS: dict[Any, Schema] = {
    str: _TEXT,
    Written: _TEXT,
    bool: {"enum": [True, False, "yes", "no"]},
    int: {"type": "integer"},
    float: {"type": "number"},
}
# In place of points: those from which the model that scores promises so much.
_PROMISE: Schema = {
    "type": "object",
    "properties": {"precision": {"type": "number"}},
    "required": ["precision"],
    "additionalProperties": False,
}


def pack_schema() -> Schema:
    """Return the schema of a pack: `rules:` and a list of rules."""
    rules = {"type": "array", "items": {"$ref": "#/$defs/Rule"}}
    return _document(
        "A pack of rules", Rule, {"properties": {"rules": rules}, "required": ["rules"], "type": "object"}
    )


def policy_schema() -> Schema:
    """Return the schema of policy.yaml."""
    return _document("The policy", Policy, {"$ref": "#/$defs/Policy"})


def _document(title: str, root: type, body: Schema) -> Schema:
    closed = {"additionalProperties": False} if "properties" in body else {}
    definitions = {kind.__name__: _struct(kind) for kind in sorted(_structs(root), key=lambda k: k.__name__)}
    return {"$schema": DIALECT, "title": title, **body, **closed, "$defs": definitions}


def _structs(root: Any) -> set[Any]:
    """Return the struct types that a type is made of, itself included."""
    found: set[Any] = set()
    waiting = [root]
    while waiting:
        kind = without_none(waiting.pop())
        waiting += get_args(kind) if get_origin(kind) in (tuple, dict) else []
        if is_struct(kind) and kind not in found:
            found.add(kind)
            waiting += [field.type for field in fields_of(kind).values()]
    return found


def _struct(kind: Any) -> Schema:
    if issubclass(kind, Bound):
        return {"description": _summary(kind), "type": "string", "pattern": r"^\s*(<=|>=|<|>|=)\s*\S"}
    fields, told = fields_of(kind), _told(kind)
    schema: Schema = {
        "type": "object",
        "properties": {key: _described(field, told) for key, field in fields.items()},
        "additionalProperties": False,
    }
    required = [key for key, field in fields.items() if field.required]
    if required:
        schema["required"] = required
    if hasattr(kind, "parse"):  # in one word or sentence, or with keys
        schema = {"anyOf": [_TEXT, schema]}
    return {"description": _summary(kind), **schema}


def _described(field: Any, told: dict[str, str]) -> Schema:
    schema = _value(field.type)
    text = told.get(field.name)
    return {"description": text, **schema} if text else schema


def _value(kind: Any) -> Schema:
    kind = without_none(kind)
    origin = get_origin(kind)
    if origin is tuple:
        item = _value(get_args(kind)[0])
        return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
    if origin is dict:
        return _dict(*get_args(kind))
    if origin is Literal:
        return {"enum": list(get_args(kind))}
    if is_struct(kind):
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if kind is Points:
        return {"anyOf": [_TEXT, _PROMISE], "description": _summary(kind)}
    if kind in _SCALARS:
        return _SCALARS[kind]
    return {**_TEXT, "description": _summary(kind)}


def _dict(key: Any, value: Any) -> Schema:
    inner = _value(value)
    if isinstance(key, type) and issubclass(key, Enum):
        members = {member.value: inner for member in key}
        return {"type": "object", "properties": members, "additionalProperties": False}
    return {"type": "object", "additionalProperties": inner}


def _summary(kind: Any) -> str:
    text = inspect.cleandoc(kind.__doc__ or "").partition("\n\nAttributes:")[0]
    return " ".join(text.split())


@cache
def _told(kind: Any) -> dict[str, str]:
    """Return what the docstrings of a type and its bases say of its attributes."""
    told: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        told.update(_attributes(inspect.cleandoc(base.__dict__.get("__doc__") or "")))
    return told


def _attributes(doc: str) -> Iterator[tuple[str, str]]:
    _, _, listed = doc.partition("Attributes:\n")
    for entry in re.split(r"\n(?=    \w)", listed.rstrip()):
        name, colon, text = entry.strip().partition(":")
        if colon:
            yield name, " ".join(text.split())
