"""What the shipped packs make of the example chat: who is left alone, who is seen, who gets help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import models
from rules import packs
from rules.decide import decide
from rules.fold import FOLD_VERSION, readable
from rules.message import Message
from rules.ruleset import RuleSet
from rules.schema.labels import Maturity
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


def judge(rules: RuleSet, message: Message, scores: dict[str, float] | None = None) -> Judgement:
    return decide(message, rules.scan(message), rules, scores=scores, reputation=None, now=1_800_000_000.0)


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


# -- with the model that ships


@pytest.fixture(scope="module")
def with_model() -> Judged:
    """The same, with the shipped model's word."""
    model = models.load(TREE / "models" / "artifacts" / "chat-compact", FOLD_VERSION)
    maturity = {label: Maturity(level) for label, level in model.maturity.items()}
    rules = packs.load(TREE / "rules" / "packs", promises=model.thresholds, maturity=maturity)
    said = list(messages())
    rows = model.score([readable(message.text, message.entities) for _, message in said]).tolist()
    return [
        (
            scene,
            message,
            judge(rules, message, dict(zip(model.labels, row, strict=True)) if message.text else None),
        )
        for (scene, message), row in zip(said, rows, strict=True)
    ]


@pytest.mark.parametrize("family", ["small-talk", "trap:"])
def test_of_the_innocent_the_model_hides_none_and_flags_few(with_model: Judged, family: str) -> None:
    """A flag is a glance of a human: two in a hundred of what looks bad and is not, at most."""
    mine = [j for scene, _, j in with_model if scene.startswith(family)]
    assert [j.decided_by for j in mine if j.action.strict] == []
    assert sum(j.action == "flag" for j in mine) <= len(mine) / 50


def test_with_the_model_more_of_the_bad_is_removed(judged: Judged, with_model: Judged) -> None:
    """Half as much again; and none of it is let through, or hidden no longer."""
    by_rules, by_both = (
        [j.action for scene, _, j in every if scene.startswith("bad:")] for every in (judged, with_model)
    )
    assert "allow" not in by_both
    assert sum(one.strict for one in by_both) >= sum(one.strict for one in by_rules)
    assert by_both.count("remove") >= 1.5 * by_rules.count("remove")
