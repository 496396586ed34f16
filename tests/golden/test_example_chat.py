"""What the shipped packs make of the example chat: who is left alone, who is seen, who gets help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules import packs
from rules.decide import decide
from rules.message import Message
from rules.ruleset import RuleSet
from rules.verdict import Judgement
from streams.errors import UnreadableError
from streams.wire.reading import read_message

TREE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shipped() -> RuleSet:
    """The packs as shipped."""
    return packs.load(TREE / "rules" / "packs")


@pytest.fixture(scope="module")
def judged(shipped: RuleSet) -> list[tuple[str, Message, Judgement]]:
    """Every readable message with its scene, judged by rules alone, its author unknown."""
    return [(scene, message, judge(shipped, message)) for scene, message in messages()]


def messages() -> Iterator[tuple[str, Message]]:
    for line in (TREE / "examples" / "chat.jsonl").read_bytes().splitlines():
        entry = json.loads(line)
        if "value" in entry:
            try:
                yield entry["value"].get("scene", ""), read_message(json.dumps(entry["value"]).encode())
            except UnreadableError:
                assert entry["value"].get("scene", "").startswith("malformed")


def judge(rules: RuleSet, message: Message) -> Judgement:
    return decide(message, rules.scan(message), rules, scores=None, reputation=None, now=1_800_000_000.0)


Judged = list[tuple[str, Message, Judgement]]


@pytest.mark.parametrize("family", ["small-talk", "trap:"])
def test_the_innocent_are_left_alone(judged: Judged, family: str) -> None:
    """Thousands of lines of small talk, and hundreds that look bad and are not."""
    acted = [
        (m.text, j.decided_by) for scene, m, j in judged if scene.startswith(family) and j.action != "allow"
    ]
    assert acted == []


def test_the_bad_are_acted_upon(judged: Judged) -> None:
    """Flagged at least; what it takes to see disguises comes with its own tests."""
    missed = [(scene, m.text) for scene, m, j in judged if scene.startswith("bad:") and j.action == "allow"]
    assert missed == []


def test_a_cry_for_help_is_seen_and_never_punished(judged: Judged) -> None:
    """It is flagged for the care queue, brings help lines and costs no strike."""
    cries = [j for scene, _, j in judged if scene == "self-harm-cry"]
    assert cries
    for judgement in cries:
        assert (judgement.action, judgement.queue, judgement.strike) == ("flag", "care", 0)
        assert judgement.user_message
