"""What goes in and what comes out, byte for byte: the wire doesn't change unnoticed.

`messages.jsonl` holds what can be read and `unreadable.jsonl` what can't, a record a line; `packs/` the rules
that they are judged by, which are these tests' own. `verdicts.jsonl` is what lies on `mod.verdicts`
afterwards, `companions.jsonl` says of every record produced where it goes, under which key, with which
headers. A star stands for what differs from run to run: times of judging and the hash of the packs.

After a change that is meant, `python -m tests.golden.recorded` writes the two anew; read the difference, and
docs/wire.md, "Versions", before you commit it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from streams.kafka.topics import Topics
from streams.wire.writing import Output
from tests.golden.recorded import PARTITION, companions, lines, outputs, records, verdicts

DOCUMENT = Path(__file__).parents[2] / "docs" / "wire.md"
OUT = Topics()


@pytest.fixture(scope="module")
def produced() -> list[Output]:
    return outputs()


def test_verdicts_are_as_written_down(produced: list[Output]) -> None:
    """Fields, their order, their numbers."""
    assert verdicts(produced) == lines("verdicts.jsonl")


def test_everything_produced_is_as_written_down(produced: list[Output]) -> None:
    """Topics, partitions, keys, headers, review items and control events."""
    assert companions(produced) == lines("companions.jsonl")


def test_every_record_has_one_verdict_or_one_dead_letter(produced: list[Output]) -> None:
    """Nothing is lost, nothing is said twice."""
    answers = [out for out in produced if out.topic in (OUT.verdicts, OUT.deadletters)]
    assert len(answers) == len(records())
    judged = [out for out in answers if out.topic == OUT.verdicts]
    assert len(judged) == len(lines("messages.jsonl")) + 2  # two came again


def test_dead_letters_hold_the_bytes_that_came(produced: list[Output]) -> None:
    """With the headers that came, and why and from where beside them."""
    letters = [out for out in produced if out.topic == OUT.deadletters]
    assert [out.value for out in letters] == [*lines("unreadable.jsonl"), None]
    for out in letters:
        headers = dict(out.headers)
        assert headers.get("trace") == (None if out.value is None else b"abc")
        assert headers["chatsieve_partition"] == b"%d" % PARTITION


def test_actions_are_the_verdicts_byte_for_byte(produced: list[Output]) -> None:
    """All but allow, and an allow that follows an edit."""
    said = [out.value or b"" for out in produced if out.topic == OUT.verdicts]
    acted = [out.value or b"" for out in produced if out.topic == OUT.actions]
    verdict = [json.loads(value) for value in said]
    assert acted == [
        value
        for value, it in zip(said, verdict, strict=True)
        if it["action"] != "allow" or it["kind"] == "edited"
    ]


def test_the_text_is_in_no_verdict(produced: list[Output]) -> None:
    """Only what a rule matched, in pieces of at most 64 code points; never where the rule hides it."""
    for out in produced:
        if out.topic == OUT.verdicts:
            verdict = json.loads(out.value or b"")
            assert all(len(reason.get("matched", "")) <= 64 for reason in verdict.get("reasons", ()))
            assert b"170 1234567" not in (out.value or b"")


def test_the_example_of_the_document_is_real() -> None:
    """The message and the verdict in docs/wire.md are the first of the golden ones."""
    blocks = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    message, verdict = map(json.loads, blocks[:2])
    assert message == json.loads(lines("messages.jsonl")[0])
    assert verdict | {"ruleset": "*", "judged_at": "*"} == json.loads(lines("verdicts.jsonl")[0])
