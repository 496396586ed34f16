"""The JSON Schema of each kind of record, made from the types; docs/schemas holds them for others."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from rules.loading.json_schema import DIALECT, pack_schema, policy_schema
from rules.verdict import SCHEMA, Verdict
from streams.control.orders import ORDER, Order
from streams.control.rulings import RULING, TextRuling
from streams.wire.records import (
    CONTROL,
    DEED,
    FEEDBACK,
    REVIEW,
    ControlEvent,
    DeedRecord,
    Feedback,
    MessageRecord,
    ReviewItem,
)

# What `read_message` asks besides the types of the fields: a deletion needs no more than its id.
_ASKED_OF_A_MESSAGE = {
    "if": {"properties": {"kind": {"const": "deleted"}}, "required": ["kind"]},
    "else": {
        "properties": {"author": {"type": ["string", "object"]}},
        "required": ["author"],
        "anyOf": [
            {"properties": {"text": {"type": "string"}}, "required": ["text"]},
            {"properties": {"attachments": {"minItems": 1}}, "required": ["attachments"]},
        ],
    },
}
_ASKED_OF_AN_AUTHOR_ID = {"minLength": 1, "maxLength": 256}


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each kind of record, by its versioned name, and of packs and policies."""
    return {
        "chat.message.v1": message_schema(),
        SCHEMA: _schema_of(Verdict),
        REVIEW: _schema_of(ReviewItem),
        CONTROL: _schema_of(ControlEvent),
        FEEDBACK: _schema_of(Feedback),
        DEED: _schema_of(DeedRecord),
        RULING: _schema_of(TextRuling),
        "pack": pack_schema(),
        "policy": policy_schema(),
        ORDER: _schema_of(Order),
    }


def message_schema() -> dict[str, Any]:
    """Return the JSON Schema of a message as platforms send it."""
    message = _schema_of(MessageRecord) | _ASKED_OF_A_MESSAGE
    message["$defs"]["Author"]["properties"]["id"] |= _ASKED_OF_AN_AUTHOR_ID
    return message


def _schema_of(kind: Any) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    return {"$schema": DIALECT, **schema}
