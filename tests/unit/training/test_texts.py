"""What training reads: sources with their licences, disguises, and texts of the grammar."""

import gzip
import json
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.training.contrast import Pair, contrasts, short_texts, twins
from models.training.disguise import TRICKS, disguised
from models.training.grammar import FOLDER, spoken, written
from models.training.rows import LABELS, Row, read_rows, undressed
from models.training.sources import family, sources
from models.training.tables import percent

README = """
| source | repository | licence | use | language |
|---|---|---|---|---|
| open_chat | a/b | MIT | train-ok | en |
| unsure_sms | a/c | repo: not stated (to confirm) | train-ok, confirm licence | en |
| copyleft_talk | a/d | GPL-3.0 (copyleft) | train-ok | en |
| closed_forum | a/e | not stated | research-only | en |
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one row of each source of its table, and one that the table doesn't know."""
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "train").mkdir()
    for name in ("open_chat", "unsure_sms", "copyleft_talk", "closed_forum"):
        line = json.dumps({"text": f"hi from {name}", "labels": {"spam": 0}, "source": name})
        (tmp_path / "train" / f"{name}.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "train" / "reviewers.jsonl").write_text('{"text": "ours", "labels": {"toxic": 1}}\n')
    return tmp_path


def test_a_shipped_model_reads_only_what_may_be_shipped(data: Path, tmp_path: Path) -> None:
    """Research data and copyleft stay out; a user's own file, which no table knows, is in."""
    read = {row.text for row in read_rows([data], "train", tmp_path / "cache")}
    assert read == {"hi from open_chat", "hi from unsure_sms", "ours"}


def test_licences_to_confirm_can_be_left_out(data: Path, tmp_path: Path) -> None:
    """By a flag, for who has to be sure."""
    read = read_rows([data], "train", tmp_path / "cache", confirmed_only=True)
    assert {row.text for row in read} == {"hi from open_chat", "ours"}


def test_rows_read_twice_are_the_same(data: Path, tmp_path: Path) -> None:
    """The second time they come from the cache."""
    assert read_rows([data], "train", tmp_path / "cache") == read_rows([data], "train", tmp_path / "cache")


def test_the_table_of_sources_says_what_is_to_be_confirmed(data: Path) -> None:
    """The card lists them."""
    known = sources([data])
    assert known["unsure_sms"].to_confirm
    assert not known["open_chat"].to_confirm
    assert known["copyleft_talk"].copyleft


def test_relatives_are_left_out_together() -> None:
    """Samples of one collection share texts."""
    assert family("jigsaw_sample_5k") == family("paradetox") == "jigsaw"
    assert family("cad_reddit") == "cad_reddit"


def test_sources_lose_their_dress() -> None:
    """A model would know the source by it, and not the text."""
    assert undressed("RT @USER: see [URL] <number>") == "see https://example.com/x"


@pytest.mark.parametrize("trick", TRICKS)
def test_every_trick_changes_words_and_nothing_else(trick: str) -> None:
    """Short words and what isn't a word stay as they are."""
    choice = random.Random(7)
    found = {disguised("to 42 worthless", choice, 1.0, trick) for _ in range(20)}
    assert all(text.startswith("to 42 ") for text in found)
    assert found != {"to 42 worthless"}


def test_choices_and_slots_are_filled() -> None:
    """Choices may hold choices."""
    texts = {spoken("(a|(b|c) {x})(!|)", {"x": ["y"]}, random.Random(seed)) for seed in range(50)}
    assert texts == {"a", "a!", "b y", "b y!", "c y", "c y!"}


@pytest.fixture(scope="module")
def grammar() -> list[Row]:
    """All texts of the grammar, a quarter of a million."""
    return written(7)


def test_the_grammar_says_what_it_means(grammar: list[Row]) -> None:
    """No bracket or slot is left over, and no label is more than weak."""
    assert not [row.text for row in grammar if set("{}()|") & set(row.text)]
    assert all(set(row.weak) == set(row.labels) <= set(LABELS) for row in grammar)


def test_every_label_has_texts_in_the_big_languages(grammar: list[Row]) -> None:
    """And what only looks like them, more of it than of any one."""
    for lang in ("ar", "fa", "fr", "hi", "id", "it", "ja", "ko", "nl", "pl", "th", "tr", "vi", "zh"):
        said = Counter(
            label for row in grammar if row.lang == lang for label in LABELS if row.labels.get(label)
        )
        harmless = sum(row.lang == lang and not any(row.labels.values()) for row in grammar)
        assert set(said) == set(LABELS), lang
        assert harmless > max(said.values()), lang


def test_the_grammar_says_the_same_each_time(tmp_path: Path) -> None:
    """Seeded."""
    shutil.copy(FOLDER / "games.toml", tmp_path)
    assert written(7, tmp_path) == written(7, tmp_path) != written(8, tmp_path)


def test_no_sentence_of_the_evaluation_is_trained_on(grammar: list[Row]) -> None:
    """Fairness is measured on sentences that training never saw, neither in the grammar nor in its pairs."""
    trained = {row.text.lower() for row in grammar} | filled(twins())
    lines = (*contrasts().swearing, *contrasts().short)
    tested = {line.lower() for each in lines for line in each.lines}
    assert not trained & (tested | filled(contrasts().pair))


def test_harmless_words_that_are_taken_for_something_bad_are_counted_and_named() -> None:
    """By label, the highest first; what lies on the line is not over it."""
    high = {"gun": 0.9, "hot": 0.95, "blood": 0.5}

    def score(texts: Sequence[str]) -> NDArray[np.float32]:
        found = np.zeros((len(texts), len(LABELS)), np.float32)
        found[:, LABELS.index("threat")] = [high.get(text, 0.1) for text in texts]
        return found

    table = {row[0]: row[1:] for row in short_texts(score).rows}
    said = sum(len(each.lines) for each in contrasts().short)
    assert table["threat"] == [said, 2, percent(2 / said), "hot, gun"]
    assert table["spam"] == [said, 0, percent(0.0), ""]


def test_pairs_are_measured_in_frames_of_their_own() -> None:
    """A frame that training knew by heart would show nothing, whatever fills it."""
    choice = random.Random(7)
    known = {
        spoken(frame, {}, choice)
        for pair in twins()
        for frame in pair.frames
        for _ in range(100)
        if frame != "{}"
    }
    assert not known & {frame for pair in contrasts().pair for frame in pair.frames}


def filled(pairs: list[Pair]) -> set[str]:
    """Return all sentences of pairs, in small letters."""
    return {
        spoken(frame, {}, random.Random(7)).replace("{}", word).lower()
        for pair in pairs
        for frame in pair.frames
        for word in (*pair.plain, *pair.twin)
    }
