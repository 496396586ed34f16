"""What would change in the verdicts on a log, before a rule set comes into force."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.rule_folders import write

TREE = Path(__file__).parents[2]
OLD = """
- {id: scam/lure, label: scam, action: hold, terms: [zzlure]}
- {id: scam/talk, label: scam, action: flag, terms: [zztalk]}
"""
NEW = """
- {id: scam/lure, label: scam, action: remove, terms: [zzlure, zznew]}
"""
LOG = [
    {"id": "a", "text": "zzlure one"}, {"text": "nothing here"},
    {"key": "k", "value": {"id": "b", "text": "zzlure two"}},
    {"text": "zztalk"}, {"text": "zznew"}, "no message",
]  # fmt: skip


def diffed(folder: Path, *options: str) -> str:
    """Compare the two rule sets on the log."""
    log = folder / "log.jsonl"
    log.write_text("".join(json.dumps(each) + "\n" for each in LOG))
    command = [
        sys.executable,
        "-m",
        "streams",
        "diff",
        folder / "old",
        folder / "new",
        "--log",
        log,
        *options,
    ]
    return subprocess.run(command, cwd=TREE, capture_output=True, text=True, timeout=120, check=True).stdout


def test_changes_are_listed_by_rule(tmp_path: Path) -> None:
    """Behind each the rule that makes the stricter verdict, how often, and where to look."""
    write(tmp_path / "old", OLD)
    write(tmp_path / "new", NEW)
    found = json.loads(diffed(tmp_path, "--json", "--samples", "1"))
    counts = {key: found[key] for key in ("messages", "unreadable", "changed", "stricter", "milder")}
    assert counts == {"messages": 5, "unreadable": 1, "changed": 4, "stricter": 3, "milder": 1}
    changes = [(each["rule"], each["was"], each["now"], each["count"]) for each in found["changes"]]
    assert changes == [
        ("scam/lure", "hold", "remove", 2),
        ("scam/lure", "allow", "remove", 1),
        ("scam/talk", "flag", "allow", 1),
    ]
    assert found["changes"][0]["samples"] == [
        {"line": 1, "id": "a", "tenant": "default", "channel": "default"}
    ]


def test_texts_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    """A diff may be pasted into a ticket."""
    write(tmp_path / "old", OLD)
    write(tmp_path / "new", NEW)
    plain = diffed(tmp_path)
    assert "4 verdicts change, 3 to something stricter, 1 to something milder; 1 lines can't be read" in plain
    assert "line 1 (default), line 3 (default)" in plain
    assert "zzlure" not in plain
    assert "zzlure two" in diffed(tmp_path, "--text")


def test_the_same_packs_change_nothing(tmp_path: Path) -> None:
    """And say so."""
    write(tmp_path / "old", OLD)
    write(tmp_path / "new", OLD)
    assert "0 verdicts change" in diffed(tmp_path)


def test_orders_can_be_tried_offline(tmp_path: Path) -> None:
    """As `control list --json` prints them: what would this switch, this term do?"""
    write(tmp_path / "old", OLD)
    signed = '"author":"a","reason":"r","at":"2026-01-01T00:00:00Z","until":"2999-01-01T00:00:00Z"'
    orders = tmp_path / "orders.jsonl"
    orders.write_text(
        f'{{"order":"switch","id":"s1",{signed},"mode":"off","rule":"scam/lure"}}\n'
        f'{{"order":"block","id":"b1",{signed},"term":"zzraid"}}\n'
    )
    command = [sys.executable, "-m", "streams", "judge", "--packs", tmp_path / "old", "--orders", orders]
    said = b'{"text": "zzlure"}\n{"text": "zzraid"}\n'
    done = subprocess.run(command, cwd=TREE, input=said, capture_output=True, timeout=120, check=True)
    lure, raid = map(json.loads, done.stdout.splitlines())
    assert (lure["action"], lure["would_be"], lure["lowered_by"]) == ("allow", "hold", ["switch:s1"])
    assert (raid["action"], raid["decided_by"]) == ("hold", "block/b1")
    orders.write_text('{"order":"switch"}\n')
    done = subprocess.run(command, cwd=TREE, input=said, capture_output=True, timeout=120, check=False)
    assert done.returncode == 2
    assert b"orders.jsonl: Object missing required field" in done.stderr
