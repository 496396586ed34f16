"""The OpenAPI document, made from the types that the code reads and writes, with examples that tests send."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from streams.api import bodies
from streams.api.app import LARGEST_PAGE
from streams.problems import KINDS, MEDIA_TYPE, ProblemDetails
from streams.schemas import message_schema

# RFC 3339 with the days that there are; a time without its zone is taken too.
_LONG, _SHORT = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])", "(0[469]|11)-(0[1-9]|[12][0-9]|30)"
_LEAP = "[12][0-9](0[48]|[2468][048]|[13579][26])-02-29"
_DAY = f"([12][0-9]{{3}}-({_LONG}|{_SHORT}|02-(0[1-9]|1[0-9]|2[0-8]))|{_LEAP})"
_HOUR = "([01][0-9]|2[0-3]):[0-5][0-9]"
TIME = f"^{_DAY}T{_HOUR}:[0-5][0-9]([.][0-9]{{1,6}})?(Z|[+-]{_HOUR})?$"
_TIMES = (
    ("MessageToAsk", "sent_at"), ("MessageToRecord", "sent_at"), ("Author", "created_at"),
    ("FeedbackRequest", "expires_at"),
)  # fmt: skip

# The types that bodies and answers consist of; messages come from the schema of `chat.messages`.
_TYPES = (
    bodies.JudgeAnswer, bodies.BatchAnswer, bodies.FeedbackRequest, bodies.FeedbackAnswer, bodies.Health,
    ProblemDetails,
)  # fmt: skip
# Problems that any request with a key can meet, and those of requests with a body.
_ALWAYS = ("unauthorized", "forbidden", "rate", "failed", "busy")
_WITH_BODY = ("unreadable", "slow", "too-large", "media-type", "invalid")

MESSAGE = {
    "id": "m-1001",
    "author": "u-77",
    "text": "free nitro, just send the gift card code",
    "channel": "lobby",
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "judge": {
        "ask": {"summary": "Before it is shown", "value": {"message": {"text": "hello there"}}},
        "record": {
            "summary": "Show it, and have it judged for good",
            "value": {"mode": "record", "message": MESSAGE},
        },
    },
    "batch": {
        "two": {
            "summary": "Two at once",
            "value": {"messages": [MESSAGE, {"id": "m-1002", "author": "u-78", "text": "gg"}]},
        }
    },
    "feedback": {
        "overturn": {
            "summary": "The verdict was wrong; its text is spared in this channel from now on",
            "value": {
                "verdict_id": "0190a3b4-7c1e-7f00-8a55-3d1c9be2f001/3/0", "decision": "overturn",
                "reviewer": "ana", "role": "moderator", "scope": "channel", "reason": "a joke among friends",
                "message_id": "m-1001", "platform": "web", "channel": "lobby", "author": "u-77",
                "text_hash": "d6f8e5e9478142cb5132e1632d2ddea3",
            },
        }
    },
}  # fmt: skip


def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chatsieve",
            "version": "1",
            "description": "Judges chat messages; says what waits for a human, and takes what humans decide.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"key": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "parameters": {
                "RequestId": {
                    "name": "X-Request-Id", "in": "header", "required": False,
                    "description": "Up to 64 letters, digits, dots, dashes; another is replaced.",
 "example": "req-1001",
                    "schema": {"type": "string"},
                }
            },
            "headers": {
                "RequestId": {"description": "The request's id.", "schema": {"type": "string"}},
                "RetryAfter": {"description": "Seconds.", "schema": {"type": "integer"}},
            },
            "responses": {kind: _problem(kind) for kind in KINDS if kind != "unsigned"},
            "schemas": _schemas(),
        },
    }  # fmt: skip


def _paths() -> dict[str, Any]:
    return {
        "/v1/judge": {
            "post": _operation(
                "judge", "Judge one message",
                "With `mode: ask` nothing is kept. With `mode: record` the message also goes to a worker, "
                "whose verdict counts; the answer is provisional then.",
                body="JudgeRequest", answer="JudgeAnswer",
            )
        },
        "/v1/judge/batch": {
            "post": _operation(
                "batch", "Judge up to 100 messages",
                "Answers come in the order of the messages. One that makes no sense refuses the whole batch.",
                body="BatchRequest", answer="BatchAnswer",
            )
        },
        "/v1/review": {
            "get": _operation(
                "review", "What waits for a human",
                "Items on which nobody has decided, oldest first; holds that have expired are left out.",
                answer="ReviewPage", problems=("invalid",),
                parameters=[
                    _query("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}),
                    _query("channel", {"type": "string"}),
                    _query("queue", {"type": "string"}),
                ],
            )
        },
        "/v1/feedback": {
            "post": _operation(
                "feedback", "Say what a human decided",
                "The decision goes to `mod.feedback`; what follows comes as a revision of the verdict.",
                body="FeedbackRequest", answer="FeedbackAnswer", status=202, problems=("unknown-verdict",),
            )
        },
        "/health": {
            "get": {
                "operationId": "health", "summary": "How it is", "security": [],
                "responses": {
                    "200": _answer("Health", "Messages are judged"),
                    "503": _answer("Health", "Messages can't be judged"),
                },
            }
        },
    }  # fmt: skip


def _operation(
    name: str,
    summary: str,
    description: str,
    *,
    answer: str,
    body: str | None = None,
    status: int = 200,
    problems: tuple[str, ...] = (),
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    kinds = (*_ALWAYS, *(_WITH_BODY if body else ()), *problems)
    responses = {str(KINDS[kind].status): {"$ref": f"#/components/responses/{kind}"} for kind in kinds}
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "description": description,
        "parameters": [{"$ref": "#/components/parameters/RequestId"}, *(parameters or [])],
        "responses": dict(sorted({str(status): _answer(answer, "Done"), **responses}.items())),
    }
    if body:
        content = {"schema": _ref(body), "examples": EXAMPLES[name]}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _answer(schema: str, description: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
        "content": {"application/json": {"schema": _ref(schema)}},
    }


def _problem(kind: str) -> dict[str, Any]:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if kind in ("rate", "busy"):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return {
        "description": KINDS[kind].title,
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": _ref("ProblemDetails")}},
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> dict[str, Any]:
    _, components = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    message = message_schema()
    components |= {
        name: _moved(definition) for name, definition in message["$defs"].items() if name != "MessageRecord"
    }
    fields = _moved(message["$defs"]["MessageRecord"])
    asked, recorded = _of_kind(fields, author=False), _of_kind(fields, author=True)
    components |= {
        "MessageToAsk": asked,
        "MessageToRecord": recorded,
        "JudgeRequest": _by_mode({"message": _ref("MessageToAsk")}, {"message": _ref("MessageToRecord")}),
        "BatchRequest": _by_mode(_many("MessageToAsk"), _many("MessageToRecord")),
        "ReviewPage": {
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": {"type": "array", "items": _ref("ReviewItem")},
                "next": {"type": ["string", "null"]},
            },
        },
        "ReviewItem": {
            "type": "object",
            "required": ["verdict"],
            "properties": {"verdict": _ref("Verdict"), "message": {"type": "object"}},
        },
    }
    for definition in components.values():
        if "description" in definition:
            definition["description"] = inspect.cleandoc(definition["description"])
    for name, field in _TIMES:
        components[name]["properties"][field] = {
            "anyOf": [{"type": "string", "pattern": TIME}, {"type": "null"}]
        }
    return components


def _of_kind(fields: dict[str, Any], *, author: bool) -> dict[str, Any]:
    """Return the schema of a message with what `read_message` or `read_offline` asks besides the types."""
    kinds: list[dict[str, Any]] = [
        {"properties": {"text": {"type": "string"}}, "required": ["text"]},
        {"properties": {"attachments": {"type": "array", "minItems": 1}}, "required": ["attachments"]},
    ]
    if author:
        properties = fields["properties"] | {
            "author": {"anyOf": [{"type": "string", "minLength": 1}, _ref("Author")]}
        }
        return fields | {"properties": properties, "required": ["id", "author"], "anyOf": kinds}
    return fields | {"required": [], "anyOf": kinds}


def _many(name: str) -> dict[str, Any]:
    return {"messages": {"type": "array", "minItems": 1, "maxItems": bodies.BATCH, "items": _ref(name)}}


def _by_mode(asked: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    (name,) = asked
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": asked | {"mode": {"type": "string", "enum": ["ask"], "default": "ask"}},
                "required": [name],
            },
            {
                "type": "object",
                "properties": recorded | {"mode": {"type": "string", "enum": ["record"]}},
                "required": [name, "mode"],
            },
        ]
    }


def _moved(schema: Any) -> Any:
    """Return the schema with its references to `$defs` turned to the document's components."""
    if isinstance(schema, dict):
        return {name: _moved(value) for name, value in schema.items()}
    if isinstance(schema, list):
        return [_moved(value) for value in schema]
    if isinstance(schema, str):
        return schema.replace("#/$defs/", "#/components/schemas/")
    return schema
