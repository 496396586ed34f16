"""The published JSON Schemas: equal to the types, true of what is read and of what is written.

After a change to the types, `make schemas` writes them anew. What may change within a version is said in
docs/wire.md, "Versions".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules.verdict import SCHEMA, Action, Verdict
from streams.control.orders import ORDER, read_order
from streams.errors import UnreadableError
from streams.kafka.topics import Topics
from streams.schemas import schemas
from streams.wire.records import CONTROL, FEEDBACK, REVIEW, ControlEvent, Feedback, ReviewItem
from tests.golden.json_schema import faults
from tests.golden.recorded import lines, outputs

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"
MESSAGE = "chat.message.v1"

# What stood in version 1 when it was published: none of it may go, and nothing may be asked besides.
ALWAYS_IN_V1 = {
    "id", "message_id", "action", "tenant", "platform", "channel", "kind", "ruleset", "judged_at", "schema",
    "decided_by",
}  # fmt: skip
FIELDS_OF_V1 = ALWAYS_IN_V1 | {
    "author", "label", "labels", "scores", "model_scores", "reasons", "would_be", "lowered_by", "shadow",
    "tags", "policy", "user_message", "mask", "queue", "priority", "hold_until", "on_expiry", "text_hash",
    "standing", "revision", "supersedes", "repeat", "missing", "model", "source",
}  # fmt: skip


def published(name: str) -> dict[str, Any]:
    return json.loads((PUBLISHED / f"{name}.json").read_bytes())


def values(topic: str) -> list[Any]:
    return [json.loads(out.value or b"") for out in outputs() if out.topic == topic]


def test_the_published_schemas_are_those_of_the_types() -> None:
    """Byte for byte; `make schemas` writes them."""
    files = {path.stem: path.read_text() for path in PUBLISHED.glob("*.json")}
    assert files == {name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}


def test_what_is_read_fits_the_schema_of_messages() -> None:
    """All but one line, which is JSON only for the lenient."""
    schema = published(MESSAGE)
    for line in lines("messages.jsonl"):
        assert not faults(json.loads(line.decode("utf-8-sig"), strict=False), schema), line


def test_what_we_refuse_the_schema_of_messages_refuses() -> None:
    """Except for what it has no words for: how deep a value lies, whether a time is one."""
    schema = published(MESSAGE)
    checked = 0
    for line in lines("unreadable.jsonl"):
        try:
            value = json.loads(line.decode())
        except ValueError:
            continue
        if isinstance(value, dict) and "deep" not in value and value.get("sent_at") != "yesterday":
            assert faults(value, schema), line
            checked += 1
    assert checked > 10


def test_verdicts_fit_their_schema() -> None:
    """Every one that the golden messages give, and the type reads its own words again."""
    schema = published(SCHEMA)
    for verdict in values(Topics().verdicts):
        assert not faults(verdict, schema), verdict["id"]
        assert json.loads(msgspec.json.encode(msgspec.convert(verdict, Verdict))) == verdict


def test_review_items_fit_their_schema() -> None:
    """And what is in them fits theirs: the message can be sent to be judged again as it is."""
    for item in values(Topics().review):
        assert not faults(item, published(REVIEW))
        assert not faults(item["verdict"], published(SCHEMA))
        assert not faults(item["message"], published(MESSAGE))
        msgspec.convert(item, ReviewItem)


def test_control_events_fit_their_schema() -> None:
    """Those of the brake and those of reloads."""
    schema = published(CONTROL)
    found = [*values(Topics().control), json.loads(msgspec.json.encode(_reload()))]
    assert len(found) > 1
    for event in found:
        assert not faults(event, schema)


def _reload() -> ControlEvent:
    at = "2024-05-01T20:00:00.000Z"
    return ControlEvent(
        "ruleset_rejected", "w1", at, ruleset="0f", reason="scam.yaml:3: …", since=at, origin="files",
        changed=("scam.yaml",), orders=("3f9a1c",),
    )  # fmt: skip


def test_orders_are_as_written_down() -> None:
    """Every kind: read, written byte for byte, true to their schema; the page shows the first."""
    page = (PUBLISHED.parent / "wire.md").read_text()
    kinds = set()
    for number, line in enumerate(lines("orders.jsonl")):
        order = read_order(line)
        assert msgspec.json.encode(order) == line
        assert not faults(json.loads(line), published(ORDER))
        assert number > 0 or line.decode() in page
        kinds.add(json.loads(line)["order"])
    assert kinds == {"switch", "block", "accept_shrink", "rollback"}


def test_feedback_is_as_written_down() -> None:
    """The page's example is read, and fits its schema; what has no reviewer is none."""
    page = (PUBLISHED.parent / "wire.md").read_text()
    (example,) = (json.loads(line) for line in page.splitlines() if line.startswith('{"id":"api/'))
    assert not faults(example, published(FEEDBACK))
    assert json.loads(msgspec.json.encode(msgspec.convert(example, Feedback))) == example
    assert faults(example | {"reviewer": ""}, published(FEEDBACK))
    assert faults(example | {"decision": "ban"}, published(FEEDBACK))


def test_what_is_no_order_the_schema_refuses_too() -> None:
    """As `read_order` does."""
    good = json.loads(lines("orders.jsonl")[0])
    for wrong in ({"id": "A b"}, {"mode": "loud"}, {"reason": ""}, {"order": "dance"}, {"until": 5}):
        value = good | wrong
        assert faults(value, published(ORDER)), wrong
        with pytest.raises(UnreadableError):
            read_order(msgspec.json.encode(value))


def test_nothing_of_version_1_has_gone() -> None:
    """A consumer of the first day reads the verdicts of today; that takes a new version otherwise."""
    properties = published(SCHEMA)["$defs"]["Verdict"]
    assert set(properties["properties"]) >= FIELDS_OF_V1
    assert set(properties["required"]) >= ALWAYS_IN_V1
    assert published(SCHEMA)["$defs"]["Action"]["enum"] == [action.value for action in Action]


def test_nothing_more_is_asked_of_messages_than_in_version_1() -> None:
    """A producer of the first day is understood today."""
    definitions = published(MESSAGE)["$defs"]
    asked = {name: definition.get("required", []) for name, definition in definitions.items()}
    assert {name: fields for name, fields in asked.items() if fields} == {
        "MessageRecord": ["id"], "Author": ["id"], "Entity": ["type", "span"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"id": "m", "author": "u", "text": "hi"}, None),
        ({"id": "m", "kind": "deleted"}, None),
        ({"id": "m", "author": "u", "attachments": [{}]}, None),
        ({"id": "m", "author": "u", "attachments": []}, "fewer"),
        ({"id": "m", "author": None, "text": "hi"}, "no string or object"),
        ({"id": "m", "author": "u", "text": "hi", "tenant": "a/b"}, "match"),
        ({"id": "m", "author": "u", "text": "hi", "entities": [{"type": "link", "span": [1, 2, 3]}]}, "more"),
        ({"id": True, "author": "u", "text": "hi"}, "no string"),
    ],
)
def test_the_schema_of_messages_says_when_what_is_needed(value: Any, fault: str | None) -> None:
    """Whoever checks by the schema before sending isn't surprised by a dead letter."""
    found = faults(value, published(MESSAGE))
    assert bool(found) == (fault is not None)
    assert fault is None or fault in str(found)
