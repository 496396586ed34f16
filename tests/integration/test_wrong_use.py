"""What isn't right ends a command with one line that says what, and no traceback."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.terminal import TREE, refused, streams

PACKS = TREE / "tests" / "golden" / "packs"
AWAY = {"broker": "127.0.0.1:1", "store": "redis://127.0.0.1:1", "key": "k"}
# How a byte that is no UTF-8 comes in an argument or a variable.
BYTE = "\udcff"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["block", f"bad{BYTE}", "--reason", "x"], "'TERM' is not UTF-8"),
        (["control", "off", "--everywhere", "--reason", BYTE], "'--reason' is not UTF-8"),
        (["undo", "--rule", "a/b", "--from", BYTE], "'--from' is not UTF-8"),
        (["reputation", "show", BYTE], "'USER' is not UTF-8"),
        (["try", "hello", "--role", "vip", "--role", BYTE, "--packs", PACKS], "'--role' is not UTF-8"),
        (["judge", "--standing", f'"{BYTE}"', "--packs", PACKS], "'--standing' is not UTF-8"),
    ],
)
def test_arguments_that_are_no_text_end_with_2(command: Sequence[object], says: str) -> None:
    """Named as they are written; only what `try` explains may be any bytes."""
    assert says in refused(streams(*command, **AWAY), 2)


@pytest.mark.parametrize("name", ["key", "packs", "store_prefix"])
def test_a_setting_that_is_no_text_ends_with_2(name: str) -> None:
    """Before anything is opened."""
    said = refused(streams("serve", **(AWAY | {name: f"x{BYTE}"})), 2)
    assert f"CHATSIEVE_{name.upper()}: is not UTF-8" in said


@pytest.mark.parametrize("when", ["99999999h", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_undo_takes_no_time_that_cannot_be(when: str) -> None:
    """No calendar has the year 10000 or 0."""
    assert when in refused(streams("undo", "--rule", "a/b", "--from", when, **AWAY), 2)


def test_schemas_that_cannot_be_written_end_with_2() -> None:
    """With the folder's name."""
    assert "/dev/null/x: can't be written" in refused(streams("schemas", "/dev/null/x"), 2)


@pytest.mark.parametrize("written", ["[" * 5000, "replay: &a\n  messages: *a\n"], ids=["nested", "in itself"])
def test_a_file_of_a_bridge_that_nests_without_end_ends_with_2(tmp_path: Path, written: str) -> None:
    """One that holds itself, too."""
    path = tmp_path / "bridge.yaml"
    path.write_text(written)
    said = refused(streams("bridge", "replay", "--config", path, **AWAY), 2)
    assert "nests too deeply, or in itself" in said


def test_a_pipe_among_the_packs_is_trouble_and_not_waited_for(tmp_path: Path) -> None:
    """Nobody may ever write into it."""
    (tmp_path / "policy.yaml").write_text("labels: {spam: {base: -4, ladder: {flag: 50}}}\n")
    os.mkfifo(tmp_path / "spam.yaml")
    done = streams("check", tmp_path)
    assert done.returncode == 1
    assert b"spam.yaml: can't be read: is not a regular file" in done.stderr


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"author,good,first_seen,strikes\n" + b"x" * 200_000 + b",1,,0\n", "no table: field larger than"),
        (b"author,good,first_seen,strikes\n\xff,1,,0\n", "is no table in UTF-8"),
        (b"name\nana\n", "the table has no column author"),
    ],
    ids=["long", "bytes", "columns"],
)
def test_a_table_that_is_none_teaches_nothing(tmp_path: Path, table: bytes, says: str) -> None:
    """With the name of the file."""
    path = tmp_path / "old.csv"
    path.write_bytes(table)
    said = refused(streams("reputation", "learn", path, packs=str(PACKS), **AWAY), 2)
    assert said.startswith(f"chatsieve: {path}")
    assert says in said


def test_a_store_that_is_away_is_named_by_its_setting() -> None:
    """With code 1: it may come back."""
    said = refused(streams("reputation", "show", "ana", packs=str(PACKS), **AWAY), 1)
    assert "is CHATSIEVE_STORE its address?" in said


@pytest.mark.parametrize(
    ("chat", "says"), [('{"at": 0, "raw": "x"}', "chat.jsonl:1: "), ("?", "chat.jsonl:1: ")]
)
def test_a_chat_that_cannot_be_played_ends_with_2(tmp_path: Path, chat: str, says: str) -> None:
    """With its line."""
    path = tmp_path / "chat.jsonl"
    path.write_text(chat)
    assert says in refused(streams("demo", "--chat", path), 2)
