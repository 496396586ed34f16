"""Where pieces start from: the vectors that the encoder itself starts with, squeezed to the student's width.

Related words begin close together, in all its languages, also those that the labelled rows hardly hold.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sentencepiece
import torch
from numpy.typing import NDArray

from models.training.e5 import E5
from models.training.student import Student

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
