"""Where a student starts from: the vectors that the encoder itself starts with, or a shipped network.

The encoder's are squeezed to the student's width: related words begin close together, in all its
languages, also those that the labelled rows hardly hold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import sentencepiece
import torch
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from models.training.e5 import E5
from models.training.export import ZERO
from models.training.student import EMBEDDING_BOUND, FEATURE_BOUND, Student

# How far the numbers of a vector spread at the start; training bounds them by 1.
SPREAD = 0.2


def piece_vectors(tokenizer: bytes, cache: Path) -> NDArray[np.float32]:
    """Return the encoder's vector of each piece, made once."""
    if cache.exists():
        return np.asarray(np.load(cache))
    pieces = sentencepiece.SentencePieceProcessor(model_proto=tokenizer)
    names = [
        pieces.id_to_piece(piece).replace("▁", " ").strip() or "." for piece in range(pieces.vocab_size())
    ]
    matrix = E5.load().words(names)
    np.save(cache, matrix)
    return matrix


def start_from(student: Student, vectors: NDArray[np.float32]) -> None:
    """Set the student's table to the main directions of the pieces' vectors."""
    centred = torch.from_numpy(vectors.astype(np.float32))
    centred = centred - centred.mean(0)
    width = student.table.embedding_dim
    directions = torch.linalg.eigh(centred.T @ centred / len(centred)).eigenvectors[:, -width:]
    squeezed = centred @ directions
    # All directions spread alike, so that the network may use each.
    squeezed = squeezed / squeezed.std(0) * SPREAD
    with torch.no_grad():
        student.table.weight.copy_(squeezed.clamp(-1, 1))


def go_on_from(student: Student, network: bytes) -> None:
    """Set the student's weights to those of a network that `export.in_bytes` wrote, to its bytes.

    What imitates the teacher isn't in there, and stays as it is.

    Raises:
        ValueError: It has another shape, or is none.
    """
    try:
        student.load_state_dict(_weights(network), strict=False)
    except (KeyError, RuntimeError, DecodeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"no network of a student of this shape: {reason}") from error


def _weights(network: bytes) -> dict[str, torch.Tensor]:
    constants = onnx.load_model_from_string(network).graph.initializer
    said = {each.name: onnx.numpy_helper.to_array(each).astype(np.float32) for each in constants}
    known = {
        "table.weight": ((said["table"] - ZERO) * EMBEDDING_BOUND / (ZERO - 1))[:, :-1],
        "first.weight": (said["first_weight"] * said["first_scale"]).T,
        "second.weight": (said["second_weight"] * said["second_scale"] * 255 / FEATURE_BOUND).T,
        "hidden.weight": said["hidden_weight"].T,
        "hidden.bias": said["hidden_bias"],
        "out.weight": said["out_weight"].T,
        "out.bias": said["out_bias"],
    }
    return {name: torch.from_numpy(weight.copy()) for name, weight in known.items()}
