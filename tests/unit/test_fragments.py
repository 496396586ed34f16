"""Words that are split over messages: what is remembered of the parts, and which belong together."""

import pytest

from rules.finding.trail import LAYOUT, Fields, stamp
from streams.judging.fragments import MOST_TOGETHER, Cover, together

COVER = Cover(b"secret")


@pytest.mark.parametrize("text", ["a", "zq", "abc", "ü", "жух", "中出し", "𝔞𝔟𝔠"])
def test_what_is_covered_can_be_uncovered(text: str) -> None:
    """By who has the secret; the same text comes out the same, so that it can be counted."""
    covered = COVER.covered(text.encode())
    assert len(covered) == 8
    assert COVER.uncovered(covered) == text
    assert Cover(b"secret").covered(text.encode()) == covered
    assert Cover(b"another").covered(text.encode()) != covered
    assert text.encode() not in covered


def test_texts_that_differ_look_unlike() -> None:
    """In every byte, as it were: 676 pairs of letters, and no byte that stands out."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    covered = {COVER.covered((a + b).encode()) for a in letters for b in letters}
    assert len(covered) == 676
    for place in range(8):
        values = [one[place] for one in covered]
        assert max(values.count(value) for value in set(values)) < 20


def said(text: str, at: float) -> Fields:
    """A message of so many letters."""
    hashed = COVER.covered(text.encode()) if len(text) <= 3 else b"hashed.."
    return (stamp(at, 0), int(at), hashed, 1, int(at), len(text), 0, 0, 0, 0)


def joined(*lines: tuple[str, float]) -> str:
    """What the last one ends."""
    *before, own = (said(*line) for line in lines)
    return "".join(together(own, b"".join(LAYOUT.pack(*one) for one in before), COVER.uncovered))


def test_parts_belong_together_until_something_else_is_said() -> None:
    """A longer message parts them, and a pause of more than ten seconds."""
    assert joined(("zzl", 1), ("ure", 2)) == "zzlure"
    assert joined(("zzl", 1), ("ure", 11)) == "zzlure"
    assert joined(("zzl", 1), ("ure", 11.001)) == "ure"
    assert joined(("zzl", 1), ("hello", 2), ("u", 3), ("re", 4)) == "ure"
    assert joined(*(("x", second) for second in range(40))) == "x" * MOST_TOGETHER
