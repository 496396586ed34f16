"""The example chat is what its README says: made by its generator, tidy, invented, with every scene."""

import base64
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
CHAT = EXAMPLES / "chat.jsonl"
BEGIN = datetime.fromisoformat("2026-11-22T18:00:00Z")

Record = dict[str, Any]


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return [json.loads(line) for line in CHAT.read_bytes().split(b"\n")[:-1]]


@pytest.fixture(scope="module")
def messages(records: list[Record]) -> list[Record]:
    """The messages that are written as objects."""
    return [record["value"] for record in records if "value" in record]


def test_the_generator_writes_the_committed_file(tmp_path: Path) -> None:
    """Who edits a line of the script must commit the chat with it: `python examples/make_chat.py`."""
    again = tmp_path / "chat.jsonl"
    subprocess.run([sys.executable, EXAMPLES / "make_chat.py", "--out", again], check=True, timeout=60)
    assert again.read_bytes() == CHAT.read_bytes()


def test_it_is_a_lively_chat_of_a_size_to_be_cloned(records: list[Record]) -> None:
    """Three to four thousand records at some 40 a second, by time, in less than 1.5 MB."""
    times = [record["at"] for record in records]
    assert times == sorted(times)
    assert 3_000 <= len(records) <= 4_000
    assert 35 <= len(records) / times[-1] <= 45
    assert CHAT.stat().st_size < 1_500_000


def test_nothing_in_the_file_is_invisible() -> None:
    """Zero-width and bidirectional characters are escapes, so that an editor shows them."""
    assert not re.search("[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]", CHAT.read_text("utf-8"))


def test_keys_and_clocks_belong_to_the_message(records: list[Record]) -> None:
    """The key names the author's standing; `sent_at` is the record's time on the chat's clock."""
    for record in records:
        if (value := record.get("value")) is None:
            continue
        author = value.get("author")
        key = f"{value['tenant']}/{value['platform']}/{author['id']}" if author else None
        assert record["key"] == key
        sent_at = datetime.fromisoformat(value["sent_at"])
        assert abs(sent_at - BEGIN - timedelta(seconds=record["at"])) < timedelta(milliseconds=2)


def test_an_id_is_used_again_only_by_edits_and_deletions(messages: list[Record]) -> None:
    """Each follows the message it is about, in the same place and by the same author."""
    first: dict[str, Record] = {}
    for message in messages:
        kind = message.get("kind", "created")
        if kind == "created":
            assert message["id"] not in first
            first[message["id"]] = message
        elif "author" in message:
            assert message["author"] == first[message["id"]]["author"]
            assert message["channel"] == first[message["id"]]["channel"]


def test_edits_change_to_bad_to_clean_and_not_at_all(messages: list[Record]) -> None:
    """All three kinds of edit are there, and deletions with and without a known author."""
    texts = {message["id"]: message.get("text") for message in messages if "kind" not in message}
    edits = {m["scene"]: m for m in messages if m.get("kind") == "edited"}
    assert {"bad:edit", "edit:now-clean", "edit:unchanged", "edit:typo"} == set(edits)
    assert edits["edit:unchanged"]["text"] == texts[edits["edit:unchanged"]["id"]]
    assert edits["bad:edit"]["text"] != texts[edits["bad:edit"]["id"]]
    deletions = [m for m in messages if m.get("kind") == "deleted"]
    assert {"author" in deletion for deletion in deletions} == {True, False}
    assert not any("text" in deletion for deletion in deletions)


def test_spans_count_code_points_of_the_typed_text(messages: list[Record]) -> None:
    """Each kind of entity occurs, and its span cuts out just what it names."""
    looks = {"mention": "@", "emote": ":", "link": "h", "code": "`", "quote": ">"}
    seen = set()
    for message in messages:
        for entity in message.get("entities", []):
            begin, end = entity["span"]
            part = message["text"][begin:end]
            assert part.startswith(looks[entity["type"]])
            assert len(part) == end - begin > 1
            seen.add(entity["type"])
    assert seen == set(looks)


def test_many_languages_rooms_and_communities(messages: list[Record]) -> None:
    """English leads; the lines of the others are in their own scripts."""
    langs = Counter(message.get("lang") for message in messages)
    assert {"en", "es", "pt", "de", "fr", "ru", "zh", "ja", "ar", "tr", "hi"} < set(langs)
    assert langs["en"] > 2 * langs["es"]
    rooms = {message["channel"] for message in messages}
    assert {
        "general",
        "fps-ranked",
        "kids-corner",
        "deutsch",
        "espanol",
        "brasil",
        "support",
        "music",
    } < rooms
    assert len({message["tenant"] for message in messages}) == 2
    assert {message.get("surface", "chat") for message in messages} == {"chat", "name", "title", "bio"}


def test_a_raid_is_sixty_new_accounts_in_twenty_seconds(records: list[Record]) -> None:
    """Each posts once; none is a day old."""
    raid = [record for record in records if record.get("value", {}).get("scene") == "bad:raid"]
    authors = [record["value"]["author"] for record in raid]
    assert len({author["id"] for author in authors}) == len(raid) == 60
    assert raid[-1]["at"] - raid[0]["at"] <= 20
    assert all(datetime.fromisoformat(author["created_at"]) > BEGIN - timedelta(days=1) for author in authors)
    assert all("riot-den.example" in record["value"]["text"] for record in raid)


def test_the_scenes_of_the_readme_are_there(messages: list[Record]) -> None:
    """A cry for help, traps, disguises, a crowd, an image without words, a relay and a bot."""
    scenes = Counter(message["scene"] for message in messages)
    families = Counter(scene.split(":")[0] for scene in scenes.elements())
    assert families.keys() == {
        "small-talk", "trap", "bad", "hard", "evasion", "self-harm-cry", "self-harm-friend",
        "edit", "delete", "image", "relay", "bot",
    }  # fmt: skip
    assert scenes["trap:gg-wave"] > 50
    assert scenes["trap:emote-wall"] > 5
    assert families["trap"] > families["bad"] > families["evasion"]
    assert any(message.get("attachments") and not message["text"] for message in messages)
    flags = {flag for message in messages for flag in ("bot", "relay") if message.get("author", {}).get(flag)}
    assert flags == {"bot", "relay"}


def test_every_host_is_reserved_and_every_phone_number_fictional() -> None:
    """Nobody is called, visited or advertised by accident."""
    text = CHAT.read_text("utf-8")
    hosts = re.findall(r"h(?:tt|xx)ps?://([^/\s\"\\]+)", text.replace("\\u200b", ""))
    assert hosts
    assert all(re.search(r"(\.|\[\.\])example,?$", host) for host in hosts)
    phones = re.findall(r"\+\d[\d ]{8,}\d|\(\d{3}\) \d{3}-\d{4}", text)
    assert phones
    assert all(re.match(r"\+44 20 7946 0\d{3}$|\(\d{3}\) 555-01\d\d$", phone) for phone in phones)


def test_broken_records_are_broken_in_the_way_they_say(records: list[Record]) -> None:
    """Bytes that can't be a message, and some that only look so."""
    raw = {r["scene"]: base64.b64decode(r["raw"], validate=True) for r in records if "raw" in r}
    with pytest.raises(UnicodeDecodeError):
        raw["malformed:not-utf8"].decode()
    for scene in ("malformed:not-json", "malformed:cut-off", "malformed:empty"):
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            json.loads(raw[scene])
    assert isinstance(json.loads(raw["malformed:array"]), list)
    assert "text" not in json.loads(raw["malformed:no-text"])
    assert json.loads(raw["malformed:text-number"])["text"] == 42
    assert raw["malformed:deeply-nested"].count(b"{") > 400
    assert json.loads(raw["oddity:lone-surrogate"])["text"].encode("utf-8", "replace").count(b"?") == 1
    assert "\0" in json.loads(raw["oddity:nul"])["text"]
    assert len(json.loads(raw["oddity:long"])["text"]) == 20_500
