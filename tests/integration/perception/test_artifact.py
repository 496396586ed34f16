"""Which artifacts are loaded, and what is said of those that are not: one line with where and what to do."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models import ArtifactError, Maturity, load, read_manifest
from models.ngrams import packed

Swap = Callable[[str, bytes], None]


def refusal(folder: Path, fold_version: str = "1") -> str:
    """Return the line that says why `folder` isn't loaded."""
    with pytest.raises(ArtifactError) as caught:
        load(folder, fold_version)
    line = str(caught.value)
    assert line.startswith(str(folder))
    assert "\n" not in line
    return line.removeprefix(str(folder)).lstrip("/")


def edit(folder: Path, old: str, new: str) -> None:
    """Change one thing in the manifest."""
    path = folder / "manifest.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def test_a_classifier_says_what_it_is(artifact: Path) -> None:
    """Verdicts name the model, and policies are checked against what it promises."""
    classifier = load(artifact, "1")
    assert classifier.name == "test-mean 1"
    assert classifier.hash == hashlib.sha256((artifact / "manifest.toml").read_bytes()).hexdigest()
    assert classifier.labels == ("spam", "threat")
    assert classifier.maturity["threat"] is Maturity.EXPERIMENTAL
    assert classifier.thresholds == {"spam": {0.9: 0.62, 0.95: 0.81}}


def test_promises_can_be_read_without_loading(artifact: Path) -> None:
    """A check of the packs needs labels and thresholds, not the network."""
    (artifact / "model.onnx").unlink()
    assert read_manifest(artifact).licences == {"sentences of this test": "Apache-2.0"}


@pytest.mark.timed
def test_loading_takes_less_than_half_a_second(artifact: Path) -> None:
    """A worker starts at once; the network runtime's own import comes on top."""
    load(artifact, "1")
    start = time.perf_counter()
    load(artifact, "1")
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.model", "ngrams.npz", "manifest.toml"])
def test_a_missing_file_is_named(artifact: Path, name: str) -> None:
    """Each of them is needed."""
    (artifact / name).unlink()
    assert refusal(artifact).startswith(f"{name}: no such file")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The line says which path was looked at."""
    assert "no such file" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.model", "ngrams.npz"])
def test_a_damaged_file_is_refused(artifact: Path, name: str) -> None:
    """One flipped bit is enough."""
    content = bytearray((artifact / name).read_bytes())
    content[len(content) // 2] ^= 1
    (artifact / name).write_bytes(content)
    line = refusal(artifact)
    assert line.startswith(f"{name}: ")
    assert "checksum" in line
    assert "fetch the artifact again" in line


def test_an_artifact_for_another_folding_is_refused(artifact: Path) -> None:
    """Training and serving must see the same text."""
    line = refusal(artifact, fold_version="2")
    assert line.startswith("manifest.toml: made for folding 1, this program folds by 2")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("format = 2", "format = 1", "format 1 is older than the 2"),
        ("format = 2", "format = 3", "format 3 is newer than the 2"),
        ("format = 2", "", "format None is older"),
        ("format = 2", "format = 2\ncolour = 3", "unknown field `colour`"),
        ("max_tokens = 24", "", "missing required field `max_tokens`"),
        ("max_tokens = 24", "max_tokens = 0", "`$.max_tokens`"),
        ('["spam", "threat"]', "[]", "`$.labels`"),
        ('["spam", "threat"]', '["spam", "spam"]', "a label stands there twice"),
        ('["spam", "threat"]', '["spam", "threat", "hate"]', "maturity: nothing for hate"),
        ('threat = "experimental"', 'threat = "perfect"', "`$.maturity[...]`"),
        ("a = 0.5", "a = -0.5", "`$.calibration[...].a`"),
        ("b = -1", "b = nan", "finite"),
        ('"0.9" = 0.62', '"0.9" = 62', "`$.thresholds[...][...]`"),
        ("[thresholds]\nspam", "[thresholds]\nspan", "thresholds: unknown span"),
        ('"tokenizer.model"', '"tokenizer.json"', "checksums: nothing for tokenizer.model"),
        ("[checksums]", "[checksums", "line 14"),
    ],
)
def test_a_wrong_manifest_is_refused(artifact: Path, old: str, new: str, complaint: str) -> None:
    """Strictly: what isn't known might have mattered."""
    edit(artifact, old, new)
    line = refusal(artifact)
    assert line.startswith("manifest.toml: ")
    assert complaint in line


def test_a_file_that_is_no_network_is_refused(artifact: Path, swap: Swap) -> None:
    """Also with a checksum that holds."""
    swap("model.onnx", b"not a graph")
    assert refusal(artifact).startswith("model.onnx: ")


def test_a_file_that_is_no_tokenizer_is_refused(artifact: Path, swap: Swap) -> None:
    """As above."""
    swap("tokenizer.model", b"not a tokenizer")
    assert refusal(artifact).startswith("tokenizer.model: not a SentencePiece model")


def test_a_file_of_no_weights_is_refused(artifact: Path, swap: Swap) -> None:
    """As above; nor is one of weights for other labels."""
    swap("ngrams.npz", b"not a table")
    assert refusal(artifact).startswith("ngrams.npz: not the weights of words")
    swap("ngrams.npz", packed(*[np.ones((8, 3), np.float32)] * 2))
    assert refusal(artifact).startswith("ngrams.npz: weights for 3 labels where 2 are named")


def test_a_network_with_other_ends_is_refused(artifact: Path, swap: Swap) -> None:
    """The contract names the inputs; a graph of another project says other things."""
    graph = (artifact / "model.onnx").read_bytes()
    swap("model.onnx", graph.replace(b"lengths", b"lengthy"))
    assert "expected inputs ids, lengths" in refusal(artifact)


def test_a_network_for_other_labels_is_refused(artifact: Path) -> None:
    """A manifest that names fewer labels than the network answers for would shift columns."""
    edit(artifact, 'labels = ["spam", "threat"]', 'labels = ["spam"]')
    edit(artifact, ', threat = "experimental"', "")
    edit(artifact, "threat = { a = 0.5, b = -1 }", "")
    assert "answers for 2 labels, the manifest names 1" in refusal(artifact)


def test_a_tokenizer_of_another_training_is_refused(
    artifact: Path, swap: Swap, larger_tokenizer: bytes
) -> None:
    """It has pieces that the network has no vector for; some message would find them."""
    swap("tokenizer.model", larger_tokenizer)
    assert "tokenizer and all" in refusal(artifact)


def test_piece_numbers_may_be_of_either_width(artifact: Path, swap: Swap, narrow_network: bytes) -> None:
    """Exporters choose int64 or int32; both give the same scores."""
    wide = load(artifact, "1").score(["free coins"])
    swap("model.onnx", narrow_network)
    np.testing.assert_allclose(load(artifact, "1").score(["free coins"]), wide)
