"""The compact network: pieces, two convolutions in whole numbers, the strongest of each, a small head.

Padding can't reach a score: an absent piece is a row of zeros, no layer adds anything to zeros, and each
convolution reads on past both ends of a text, so that wider padding only brings more zeros to a maximum of
numbers that are never below zero.
"""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from models.training.rows import LABELS

# Embeddings and first features are kept in these bounds, which become the 8 bits of the exported graph.
EMBEDDING_BOUND, FEATURE_BOUND = 1.0, 4.0


class Shape(msgspec.Struct, frozen=True):
    """How large a student is. Pieces cost bytes, the rest costs time."""

    pieces: int
    embedding: int = 96
    first: int = 96
    second: int = 160
    head: int = 256
    teacher: int = 768


class Student(nn.Module):
    """Logits of all labels for rows of pieces padded with 0."""

    def __init__(self, shape: Shape) -> None:
        """Make an untrained student."""
        super().__init__()
        self.shape = shape
        # The last number of each piece's vector is 1: it tells text from padding, and carries biases.
        self.table = nn.Embedding(shape.pieces, shape.embedding - 1)
        nn.init.normal_(self.table.weight, std=0.15)
        self.first = nn.Linear(3 * shape.embedding, shape.first, bias=False)
        self.second = nn.Linear(3 * shape.first, shape.second, bias=False)
        self.hidden = nn.Linear(shape.second + shape.embedding, shape.head)
        self.out = nn.Linear(shape.head, len(LABELS))
        self.drop = nn.Dropout(0.2)
        self.imitate = nn.Linear(shape.head, shape.teacher)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (n, labels) and what imitates the teacher's vectors (n, teacher)."""
        head = self.drop(relu(self.hidden(self.drop(self.pooled(ids)))))
        return self.out(head), self.imitate(head)

    def pooled(self, ids: Tensor) -> Tensor:
        """Return the features of whole texts, (n, second + embedding)."""
        vectors = self.vectors(ids)
        mean = vectors.sum(1) / vectors[:, :, -1].sum(1, keepdim=True)
        return torch.cat([relu(self.windows(vectors).amax(1)), mean], 1)

    def vectors(self, ids: Tensor) -> Tensor:
        """Return the pieces' vectors, zeros where there is none."""
        inside = (ids != 0).unsqueeze(2).float()
        bounded = self.table(ids).clamp(-EMBEDDING_BOUND, EMBEDDING_BOUND)
        return torch.cat([bounded * inside, inside], 2)

    def windows(self, vectors: Tensor) -> Tensor:
        """Return what the second convolution says at each place, (n, t + 4, second)."""
        first = relu(self.first(_windows(vectors))).clamp(max=FEATURE_BOUND)
        return self.second(_windows(first))


def _windows(x: Tensor) -> Tensor:
    """Put each vector between its neighbours, from one place before to one after: (n, t + 2, 3 * width)."""
    wide = pad(x, (0, 0, 2, 2))
    return torch.cat([wide[:, :-2], wide[:, 1:-1], wide[:, 2:]], 2)
