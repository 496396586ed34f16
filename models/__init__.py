"""Perception: text in, probabilities out. Knows no message, no rule and no network.

classifier = load(Path("models/artifacts/chat"), FOLD_VERSION)
scores = classifier.score(readable_texts)
"""

from pathlib import Path

from models.artifact import Manifest, Maturity, read, read_manifest
from models.classifier import Classifier
from models.errors import ArtifactError, InferenceError, ModelError
from models.occlusion import Moved, words_that_moved

__all__ = [
    "ArtifactError",
    "Classifier",
    "InferenceError",
    "Manifest",
    "Maturity",
    "ModelError",
    "Moved",
    "load",
    "read_manifest",
    "words_that_moved",
]


def load(folder: Path, fold_version: str, *, threads: int = 1) -> Classifier:
    """Return the classifier in `folder`, verified and ready to score.

    Args:
        fold_version: The folding that makes texts readable here; the artifact must have
            been trained on the same.
        threads: Threads of one call to `score`.

    Raises:
        ArtifactError: When it is missing, damaged or made for another version.
        ModelError: On a platform that has no onnxruntime.
    """
    return Classifier(read(folder, fold_version), threads)
