"""What mentors say of texts is the mean of what their networks say."""

from pathlib import Path

import numpy as np
import pytest

from models.network import Network
from models.tokenizer import Tokenizer
from models.training.examples import SURE, epoch, examples
from models.training.mentors import Mentors
from models.training.rows import LABELS, MAX_TOKENS, Row

SHIPPED = Path(__file__).parents[3] / "models" / "artifacts" / "chat-compact" / "model.onnx"
ROWS = [[5, 80, 900], [7], list(range(2, 2 + MAX_TOKENS)), [30, 31, 32, 33]]


def test_mentors_say_what_their_networks_say_and_keep_it(tmp_path: Path) -> None:
    """For new texts at any time; for the rows of the training it lies in their folder."""
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).write_bytes(SHIPPED.read_bytes())
    mentors = Mentors(tmp_path, ROWS)
    alone = Network(SHIPPED.read_bytes(), MAX_TOKENS, 1).logits(ROWS)
    assert alone.shape == (len(ROWS), len(LABELS))
    assert mentors.of_rows == pytest.approx(alone, abs=1e-5)
    assert mentors.logits(ROWS[:2]) == pytest.approx(alone[:2], abs=1e-5)
    (kept,) = tmp_path.glob("*.npy")
    np.save(kept, alone + 1)
    assert Mentors(tmp_path, ROWS).of_rows == pytest.approx(alone + 1)


def test_another_network_or_other_rows_are_asked_anew(tmp_path: Path) -> None:
    """What was kept belonged to those that were there."""
    (tmp_path / "a.onnx").write_bytes(SHIPPED.read_bytes())
    Mentors(tmp_path, ROWS)
    Mentors(tmp_path, ROWS[1:])
    (tmp_path / "b.onnx").write_bytes(SHIPPED.read_bytes())
    Mentors(tmp_path, ROWS)
    assert len(list(tmp_path.glob("*.npy"))) == 3


def test_of_what_the_grammar_says_mentors_are_not_asked(tmp_path: Path) -> None:
    """It means what it says; of a label that it leaves open, and of others' texts, they are."""
    (tmp_path / "a.onnx").write_bytes(SHIPPED.read_bytes())
    told = Row("nice goal", labels={"spam": 1, "toxic": 0}, source="grammar_trade", weak=["spam", "toxic"])
    rows = [told, Row("nice goal", labels={"spam": 1, "toxic": 0}, source="chat")]
    tokenizer = Tokenizer(SHIPPED.with_name("tokenizer.model").read_bytes())
    found = examples(rows, tokenizer, None)
    mentors = Mentors(tmp_path, found.pieces)
    opinions = epoch(found, tokenizer, mentors, 7).opinions
    assert opinions is not None
    spam, toxic, threat = (LABELS.index(label) for label in ("spam", "toxic", "threat"))
    assert (opinions[0, spam], opinions[0, toxic]) == (SURE, -SURE)
    assert opinions[0, threat] == mentors.of_rows[0, threat]
    assert opinions[1] == pytest.approx(mentors.of_rows[1])
