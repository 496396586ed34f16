"""The schemas for editors: true of every pack that is shipped, and strict where an editor can help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.loading.json_schema import pack_schema, policy_schema
from tests.golden.json_schema import faults

HERE = Path(__file__).parent
SHIPPED = sorted((HERE.parents[1] / "rules" / "packs").glob("*.yaml"))
WRITTEN = [*SHIPPED, *(HERE / "twelve").glob("*.yaml"), *(HERE / "packs").glob("*.yaml")]


def as_an_editor_reads(text: str) -> Any:
    """Return YAML as JSON; days are texts."""
    return json.loads(json.dumps(yaml.load(text, Loader=yaml.CSafeLoader), default=str))


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_loads_fits_the_schema(path: Path) -> None:
    """An editor that underlines what is right is switched off."""
    schema = policy_schema() if path.name == "policy.yaml" else pack_schema()
    assert faults(as_an_editor_reads(path.read_text()), schema) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("label: spam, strenght: weak", "strenght: is no key"),
        ("label: spam, strength: huge", "'huge' is none of"),
        ("all: [{caps: high}]", "fits none of"),
        ("all: [{author: {mesages: '< 3'}}]", "fits none of"),
        ("action: ban", "'ban' is none of"),
        ("terms: []", "fits none of"),
        ("model: {hate: {precison: 0.9}}", "fits none of"),
    ],
)
def test_what_check_refuses_an_editor_underlines(rule: str, said: str) -> None:
    """As far as JSON Schema has words for it."""
    found = faults(as_an_editor_reads(f"rules:\n  - {{id: a/b, {rule}}}\n"), pack_schema())
    assert any(said in one for one in found), found


def test_every_key_is_explained() -> None:
    """Editors show it beside the key: what isn't said at the type is said nowhere."""
    for schema in (pack_schema(), policy_schema()):
        keys = schema["$defs"]["Rule" if "Rule" in schema["$defs"] else "Policy"]["properties"]
        assert [key for key, said in keys.items() if "description" not in said] == []
