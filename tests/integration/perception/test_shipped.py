"""What is promised of the artifact that ships with this tree."""

import time
from pathlib import Path

import numpy as np
import pytest

from models import Classifier, Maturity, load, read_manifest
from models.training.rows import LABELS
from rules.fold import FOLD_VERSION, readable

FOLDER = Path("models/artifacts/chat-compact")
MOST_BYTES = 16_000_000

LINES = [
    "gg everyone, that was close",
    "how do I kill a python process that hangs",
    "you are a worthless idiot and everybody here hates you",
    "claim your free nitro now https://n1tro-drop.example/x",
    "ich hasse montage",
    "你真是个废物",
    "",
    "<emote>",
    "the weather is lovely " * 90,
]


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    """The artifact, loaded once."""
    return load(FOLDER, FOLD_VERSION)


def probability(shipped: Classifier, text: str, label: str) -> float:
    """Return one probability for a text as typed."""
    return float(shipped.score([readable(text)])[0, shipped.labels.index(label)])


def test_it_fits_into_a_small_image() -> None:
    """Network, tokenizer, manifest and card together."""
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MOST_BYTES


@pytest.mark.timed
def test_it_loads_in_less_than_half_a_second(shipped: Classifier) -> None:
    """Verified by checksum; the runtime's own import, comes on top. The best of three counts."""
    tries = []
    for _ in range(3):
        started = time.perf_counter()
        load(FOLDER, FOLD_VERSION)
        tries.append(time.perf_counter() - started)
    assert min(tries) < 0.5


def test_it_knows_all_labels_and_is_modest_about_scarce_ones(shipped: Classifier) -> None:
    """Generated texts alone make no label automatic."""
    assert shipped.labels == LABELS
    for label in ("sexual", "self_harm", "terrorism"):
        assert shipped.maturity[label] is not Maturity.AUTOMATIC


def test_a_score_is_the_same_alone_and_in_any_batch(shipped: Classifier) -> None:
    """Bytes are scaled by constants, and padding reaches nothing."""
    texts = [readable(line) for line in LINES]
    together = shipped.score(texts * 40)[: len(texts)]
    alone = np.concatenate([shipped.score([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_abuse_scores_above_what_only_sounds_like_it(shipped: Classifier) -> None:
    """The plainest cases, in order."""
    insulted = probability(shipped, "you are a worthless idiot and everybody here hates you", "toxic")
    assert insulted > probability(shipped, "how do I kill a python process that hangs", "toxic")
    assert insulted > probability(shipped, "gg everyone, that was close", "toxic")
    lured = probability(shipped, "claim your free nitro now https://n1tro-drop.example/x", "scam")
    assert lured > probability(shipped, "is this mail from my bank real or a scam?", "scam")


def test_every_source_has_its_licence_and_none_is_copyleft() -> None:
    """The manifest lists what it was trained on."""
    licences = read_manifest(FOLDER).licences
    assert licences
    assert not [name for name, licence in licences.items() if "GPL" in licence]
