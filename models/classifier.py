"""Scores texts by the batch: a network over pieces and weights of runs of letters, calibrated together."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.artifact import MODEL, NGRAMS, TOKENIZER, Artifact, Maturity
from models.calibration import Calibration
from models.errors import ArtifactError, InferenceError
from models.network import Network
from models.ngrams import Ngrams, cut, words_of
from models.tokenizer import Tokenizer, bounded


class Classifier:
    """A loaded artifact. Immutable, and safe to use from several threads.

    Attributes:
        name: Name and version, for people: "chat-compact 2026.10".
        hash: SHA-256 in hex of the manifest, hence of all that scores depend on.
        labels: What the columns of a result speak of.
        maturity: How far each label can be trusted.
        thresholds: By label, by promised precision: the probability from which it holds.
    """

    def __init__(self, artifact: Artifact, threads: int = 1) -> None:
        """Load a verified artifact; `threads` is for one call of `score`.

        Raises:
            ArtifactError: When its parts can't be loaded or don't fit together.
            ModelError: On a platform that has no onnxruntime.
        """
        manifest = artifact.manifest
        self.name: str = f"{manifest.name} {manifest.version}"
        self.hash: str = artifact.hash
        self.labels: tuple[str, ...] = manifest.labels
        self.maturity: dict[str, Maturity] = manifest.maturity
        self.thresholds: dict[str, dict[float, float]] = manifest.thresholds
        self._most_pieces = manifest.max_tokens
        self._calibration = Calibration([manifest.calibration[label] for label in manifest.labels])
        self._tokenizer = _tokenizer(artifact)
        self._network = _network(artifact, self._tokenizer, threads)
        self._ngrams = _ngrams(artifact, self._tokenizer)

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probability of each label for each text.

        The result has shape (len(texts), len(self.labels)) with values in (0, 1); rows
        need not sum to 1. A text's row is the same alone and in any batch. No texts
        give shape (0, labels).

        A text of more than `max_tokens` pieces is read at its beginning, middle and
        end, and each label gets the highest of the three: a mean would let anyone
        bury a threat under friendly padding.

        Raises:
            InferenceError: When the session fails; the batch is safe to try again.
        """
        if not texts:
            return np.empty((0, len(self.labels)), np.float32)
        return self._calibration.probabilities(self.logits(texts))

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what `score` makes probabilities of, for at least one text.

        Raises:
            InferenceError: As `score`.
        """
        rows = self._tokenizer.pieces(texts)
        if max(map(len, rows)) <= self._most_pieces:
            return self._network.logits(rows) + self._ngrams.logits([words_of(text) for text in texts])
        parts: list[list[int]] = []
        words: list[list[str]] = []
        starts: list[int] = []
        for text, pieces in zip(texts, rows, strict=True):
            starts.append(len(parts))
            found = cut(words_of(bounded(text)))
            for first, last in self._parts(len(pieces)):
                parts.append(pieces[first:last])
                # About the words that the pieces are of.
                words.append(found[len(found) * first // len(pieces) : -(len(found) * -last // len(pieces))])
        return np.maximum.reduceat(self._network.logits(parts) + self._ngrams.logits(words), starts, axis=0)

    def _parts(self, pieces: int) -> list[tuple[int, int]]:
        most = self._most_pieces
        if pieces <= most:
            return [(0, pieces)]
        middle = (pieces - most) // 2
        return [(0, most), (middle, middle + most), (pieces - most, pieces)]


def _tokenizer(artifact: Artifact) -> Tokenizer:
    try:
        return Tokenizer(artifact.tokenizer)
    except ValueError as error:
        raise ArtifactError(f"{artifact.folder / TOKENIZER}: {error}: build the artifact again") from error


def _ngrams(artifact: Artifact, tokenizer: Tokenizer) -> Ngrams:
    try:
        return Ngrams(artifact.ngrams, len(artifact.manifest.labels), tokenizer.mended)
    except ValueError as error:
        raise ArtifactError(f"{artifact.folder / NGRAMS}: {error}: build the artifact again") from error


def _network(artifact: Artifact, tokenizer: Tokenizer, threads: int) -> Network:
    path, labels = artifact.folder / MODEL, artifact.manifest.labels
    try:
        network = Network(artifact.model, artifact.manifest.max_tokens, threads)
        # The last piece, because a tokenizer of another training may have more of them.
        columns = network.logits([[tokenizer.size - 1]]).shape[1]
    except (ValueError, InferenceError) as error:
        raise ArtifactError(f"{path}: {error}: build the artifact again, tokenizer and all") from error
    if columns != len(labels):
        raise ArtifactError(f"{path}: answers for {columns} labels, the manifest names {len(labels)}")
    return network
