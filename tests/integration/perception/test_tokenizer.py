"""Pieces are those of the words, and a text's are the same whether its words are at hand or not."""

import random
import time
from itertools import islice
from pathlib import Path

import pytest
import sentencepiece

from models import tokenizer
from models.tokenizer import LONGEST_TEXT, Tokenizer
from tests.bench.chat import sentences

MODEL = Path("models/artifacts/chat-compact/tokenizer.model").read_bytes()
ODD = [
    "",
    " ",
    "  a  b ",
    "a\tb\nc",
    "\u00a0x\u200by",
    "\ud800 lone",
    "<emote><user> <link>",
    "日本語 テスト",
    "e\u0301 o",
]


def test_a_chats_pieces_are_those_that_sentencepiece_cuts_of_the_whole() -> None:
    """No piece reaches over a space, and hardly ever are two ways to cut a word as likely as each other."""
    whole = sentencepiece.SentencePieceProcessor(model_proto=MODEL)
    texts = list(islice(sentences(seed=11), 2_000))
    cut = Tokenizer(MODEL)
    # Stars and slips aside, which are undone in words, too.
    kept = [text for text in texts if "*" not in text and cut._slips.mended(text) == text]
    assert len(kept) > 1_900
    assert cut.pieces(kept) == [whole.encode(text) for text in kept]


def test_what_is_at_hand_changes_nothing() -> None:
    """Neither odd texts nor a row of one sign, of which many cuts are as likely."""
    texts = [*ODD, "wow" + "!" * 60, "stpuid sh_t", *islice(sentences(seed=12), 200)]
    cut = Tokenizer(MODEL)
    first = cut.pieces(texts)
    assert cut.pieces(texts) == first
    assert [Tokenizer(MODEL).pieces([text])[0] for text in texts[:12]] == first[:12]
    assert all(first)


def test_words_at_hand_are_bounded(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Whoever invents words must not fill the memory, neither by many nor by long ones."""
    monkeypatch.setattr(tokenizer, "_KEPT", 1_000)
    cut = Tokenizer(MODEL)
    for number in range(1_000):
        cut.pieces([f"word{number} {'x' * 40}{number}"])
        assert 0 < sum(map(len, cut._words)) <= 1_000


@pytest.mark.timed
def test_words_that_nobody_has_said_cost_no_more_than_a_long_text() -> None:
    """Thousands of them, with stars to fill in, in the longest text that is read; the best of three."""
    dice, cut = random.Random(5), Tokenizer(MODEL)
    words = (
        "".join(dice.choices("abcdefgh", k=3)) + "*" + "".join(dice.choices("abcdefgh", k=2))
        for _ in range(2_850)
    )
    text = " ".join(words)[:LONGEST_TEXT]
    took = []
    for _ in range(3):
        started = time.perf_counter()
        cut.pieces([text])
        took.append(time.perf_counter() - started)
    assert min(took) < 0.03
