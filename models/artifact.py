"""Reads an artifact: the folder that holds a model, its tokenizer and what was promised of both.

    model.onnx         the network
    tokenizer.model    the SentencePiece model that cuts texts for it
    ngrams.npz         weights of words and runs of letters, which add to its logits
    manifest.toml      the names, checksums and promises below; see models/artifacts/README.md
    CARD.md            for people; not read here

The network's contract:

    input   ids        int64 or int32 (n, t)   piece numbers, each row padded with 0 up to t
    input   lengths    int32 (n,)              how many of a row's pieces count; at least 1
    output  logits     float32 (n, labels)     before calibration, in the manifest's order of labels

A row's logits depend on its first `lengths` pieces alone: not on padding, t or the other rows.
That rules out dynamic quantisation per tensor, whose scale spans the batch. A text that has no
pieces (empty, or only spaces) arrives as one unknown piece; train that row as harmless.
"""

import hashlib
import math
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec

from models.errors import ArtifactError

FORMAT = 2
MODEL, TOKENIZER, NGRAMS, MANIFEST = "model.onnx", "tokenizer.model", "ngrams.npz", "manifest.toml"

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Maturity(StrEnum):
    """How far a label has earned trust on sources that the model was not trained on."""

    AUTOMATIC = "automatic"
    ASSIST = "assist"
    EXPERIMENTAL = "experimental"


class Platt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calibration of one label: probability = sigmoid(a * logit + b), a > 0.

    The logit is the network's and that of words and runs, added.
    """

    a: Annotated[float, msgspec.Meta(gt=0)]
    b: float


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an artifact says of itself.

    Attributes:
        format: Version of this layout; FORMAT is the one that is read.
        fold: Version of the folding that made the training texts readable.
        max_tokens: Pieces that are read at once; longer texts are read in three parts.
        labels: In the order of the network's outputs.
        maturity: One for each label.
        calibration: One for each label.
        checksums: SHA-256 in hex of model.onnx, tokenizer.model and ngrams.npz.
        licences: By training source, the licence it was used under.
        thresholds: By label, by promised precision: the probability from which it holds.
            A precision that the evidence doesn't support is absent.
    """

    format: int
    name: str
    version: str
    fold: str
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    labels: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    maturity: dict[str, Maturity]
    calibration: dict[str, Platt]
    checksums: dict[str, Sha256]
    licences: dict[str, str]
    thresholds: dict[str, dict[Share, Share]] = {}


class Artifact(msgspec.Struct, frozen=True):
    """An artifact whose checksums hold.

    Attributes:
        folder: Where it came from, for messages.
        hash: SHA-256 in hex of the manifest, which names all the rest by checksum.
    """

    folder: Path
    manifest: Manifest
    hash: str
    model: bytes
    tokenizer: bytes
    ngrams: bytes


def read(folder: Path, fold_version: str) -> Artifact:
    """Return the artifact in `folder`, verified.

    Raises:
        ArtifactError: When a file is missing or damaged, the manifest is wrong, or the
            artifact was made for another format or another version of the folding.
    """
    content = _bytes(folder / MANIFEST)
    manifest = _parsed(folder / MANIFEST, content)
    if manifest.fold != fold_version:
        raise ArtifactError(
            f"{folder / MANIFEST}: made for folding {manifest.fold}, this program folds by {fold_version}: "
            "take the artifact that was released with it, or train again"
        )
    return Artifact(
        folder=folder,
        manifest=manifest,
        hash=hashlib.sha256(content).hexdigest(),
        model=_verified(folder / MODEL, manifest),
        tokenizer=_verified(folder / TOKENIZER, manifest),
        ngrams=_verified(folder / NGRAMS, manifest),
    )


def read_manifest(folder: Path) -> Manifest:
    """Return what the artifact promises, without loading it.

    Raises:
        ArtifactError: As `read`, except for checksums and the version of the folding.
    """
    return _parsed(folder / MANIFEST, _bytes(folder / MANIFEST))


def _parsed(path: Path, content: bytes) -> Manifest:
    try:
        table = tomllib.loads(content.decode())
        _check_format(table)
        manifest = msgspec.convert(table, Manifest, str_keys=True)
        _check_labels(manifest)
    except (ValueError, msgspec.ValidationError) as error:
        raise ArtifactError(f"{path}: {error}: correct it or fetch the artifact again") from error
    return manifest


def _check_format(table: dict[str, Any]) -> None:
    # Looked at first: in another format, any other complaint would mislead.
    found = table.get("format")
    if found != FORMAT:
        age = "older" if not isinstance(found, int) or found < FORMAT else "newer"
        raise ValueError(f"format {found} is {age} than the {FORMAT} that this program reads")


def _check_labels(manifest: Manifest) -> None:
    labels = set(manifest.labels)
    if len(labels) < len(manifest.labels):
        raise ValueError("labels: a label stands there twice")
    _check_keys("maturity", set(manifest.maturity), labels)
    _check_keys("calibration", set(manifest.calibration), labels)
    _check_keys("checksums", set(manifest.checksums), {MODEL, TOKENIZER, NGRAMS})
    _check_keys("thresholds", set(manifest.thresholds) | labels, labels)
    if not all(math.isfinite(platt.a) and math.isfinite(platt.b) for platt in manifest.calibration.values()):
        raise ValueError("calibration: a and b are finite numbers")


def _check_keys(table: str, found: set[str], expected: set[str]) -> None:
    if missing := sorted(expected - found):
        raise ValueError(f"{table}: nothing for {', '.join(missing)}")
    if unknown := sorted(found - expected):
        raise ValueError(f"{table}: unknown {', '.join(unknown)}")


def _verified(path: Path, manifest: Manifest) -> bytes:
    content = _bytes(path)
    if hashlib.sha256(content).hexdigest() != manifest.checksums[path.name]:
        raise ArtifactError(
            f"{path}: its {len(content)} bytes don't match the checksum in {MANIFEST}: "
            "fetch the artifact again"
        )
    return content


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "can't be read").lower()
        raise ArtifactError(f"{path}: {reason}: point at a folder with a whole artifact") from error
