"""What words and runs of letters add to a network's logits: the sums that are said, whatever is at hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import ngrams
from models.ngrams import Ngrams, cut, hash_of, packed, pairs_at, runs_of, words_at, words_of

LABELS, RUNS, WORDS = 3, 512, 256
TABLES = [
    np.random.default_rng(seed).normal(0, 1, (size, LABELS)).astype(np.float32)
    for seed, size in ((1, RUNS), (2, WORDS))
]
CONTENT = packed(*TABLES)
TEXTS = [
    "free coins now",
    "",
    "  ",
    "!!! ...",
    "a",
    "good game, everyone!",
    "lone \ud83d here",
    "привет 你好 🙂",
]

texts = st.lists(st.text(st.characters(codec=None), max_size=80), min_size=1, max_size=6)


def unmended(word: str) -> str:
    """Read a word as it stands."""
    return word


def fresh() -> Ngrams:
    """The weights, with nothing at hand."""
    return Ngrams(CONTENT, LABELS, unmended)


def plainly(text: str) -> np.ndarray:
    """Add up a text's runs, words and pairs one by one."""
    words = list(dict.fromkeys(cut(words_of(text))))
    runs = [bucket for word in words for bucket in sorted(set(_runs(word)))]
    hashes = [np.uint32(found) for word in words if (found := hash_of(word))]
    others = [int(words_at(np.array([one]), WORDS)[0]) for one in hashes]
    for first, second in pairwise(hashes):
        others.append(int(pairs_at(np.array([first]), np.array([second]), WORDS)[0]))
    total = np.zeros(LABELS)
    for table, found in zip(TABLES, (runs, others), strict=True):
        steps = np.abs(table).max(0) / 127
        total += (np.round(table / steps) * steps)[found].sum(0) / max(1, len(found)) ** 0.5
    return total


def _runs(word: str) -> list[int]:
    """The buckets of a word's runs: of each run by itself, taken for a word whose ends aren't marked."""
    whole = f" {word} "
    return [
        _bucket(whole[start : start + size])
        for size in (2, 3, 4, 5)
        for start in range(len(whole) - size + 1)
    ]


def _bucket(run: str) -> int:
    """The bucket of one run, in Python's own whole numbers."""

    def mixed(number: int) -> int:
        return (number ^ number >> 32) * int(ngrams._MIXING) % 2**64

    found = len(run)
    for letter, factor in zip(run, ngrams._FACTORS.tolist(), strict=False):
        found = (mixed(found) + ord(letter) * factor) % 2**64
    return mixed(mixed(found)) >> 64 - (RUNS.bit_length() - 1)


@pytest.mark.parametrize("text", [*TEXTS, "word " * 40 + "once", "x" * 100])
def test_a_texts_logits_are_those_of_its_runs_words_and_pairs(text: str) -> None:
    """By a second way of counting them, in whole steps."""
    assert fresh().logits([words_of(text)])[0] == pytest.approx(plainly(text), abs=1e-4)


@given(texts)
@settings(max_examples=80, deadline=None)
def test_neighbours_and_what_is_at_hand_change_nothing(some: list[str]) -> None:
    """Sums are of whole numbers: the same alone, together, and the second time."""
    known = fresh()
    together = known.logits([words_of(text) for text in some])
    alone = np.concatenate([fresh().logits([words_of(text)]) for text in some])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(known.logits([words_of(text) for text in some]), together)


def test_saying_it_again_changes_nothing_but_the_pair() -> None:
    """A word counts once in a text, and a run once in a word."""
    once, again = fresh().logits([["buy", "now"], ["buy", "now", "now", "buy", "now"]])
    np.testing.assert_array_equal(once, again)
    buckets, _ = runs_of(["haha" * 5], RUNS)
    assert len(buckets) == len(set(buckets.tolist()))


def test_a_word_is_read_as_the_network_reads_it() -> None:
    """Stars filled and slips undone, once for each word."""
    asked = []

    def mended(word: str) -> str:
        asked.append(word)
        return "stupid" if word == "stpuid" else word

    reader = Ngrams(CONTENT, LABELS, mended)
    said, meant = reader.logits([["you", "stpuid"], ["you", "stupid"]])
    np.testing.assert_array_equal(said, meant)
    reader.logits([["stpuid"]])
    assert sorted(asked) == ["stpuid", "stupid", "you"]


def test_words_at_hand_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever invents words gets no memory, and long ones are several words."""
    monkeypatch.setattr(ngrams, "_KEPT", 50)
    reader = fresh()
    for number in range(40):
        reader.logits([words_of(f"word{number} other{number} last{number}")])
        assert len(reader._sums) <= 50
    reader.logits([["y" * 1000, "z"]])
    assert max(map(len, reader._sums)) == 32


def test_threads_may_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while what is at hand is thrown away under them."""
    monkeypatch.setattr(ngrams, "_KEPT", 8)
    reader, said = fresh(), [words_of(text) for text in TEXTS]
    expected = fresh().logits(said)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(reader.logits, [said] * 40):
            np.testing.assert_array_equal(found, expected)


def test_what_another_thread_has_just_learned_is_not_learned_again() -> None:
    """It was fresh when this thread looked, and is at hand when it comes to learn it."""
    reader = fresh()
    known = reader._learn(["free", "coins"], {"free", "coins"})
    assert reader._learn(["free", "coins"], {"coins"}) is known


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not the weights"),
        (b"PK\x03\x04 broken", "not the weights"),
        (packed(TABLES[0][:500], TABLES[1]), "shape"),
        (packed(TABLES[0][:, :2], TABLES[1][:, :2]), "weights for 2 labels where 3"),
    ],
)
def test_what_are_no_weights_is_refused(content: bytes, complaint: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(ValueError, match=complaint):
        Ngrams(content, LABELS, unmended)
