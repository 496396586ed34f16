"""The teacher: a head on the frozen encoder's vectors, which softens labels and fills them in."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from tqdm import trange

from models.training.examples import Examples
from models.training.rows import LABELS

WIDTH, EPOCHS, BATCH, RATE = 512, 12, 1024, 1e-3


class Teacher(nn.Module):
    """Logits of all labels for the encoder's vectors."""

    def __init__(self, matrix: NDArray[np.float16]) -> None:
        """Take all vectors, to know their spread."""
        super().__init__()
        whole = torch.from_numpy(matrix).float()
        self.register_buffer("middle", whole.mean(0))
        self.register_buffer("spread", whole.std(0) + 1e-6)
        self.head = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(matrix.shape[1], WIDTH),
            nn.GELU(),
            nn.Dropout(0.4),
            nn.Linear(WIDTH, len(LABELS)),
        )

    def standard(self, vectors: Tensor) -> Tensor:
        """Return vectors whose numbers have mean 0 and spread 1."""
        return (vectors.float() - self.middle) / self.spread

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits (n, labels)."""
        return torch.as_tensor(self.head(self.standard(vectors)))


def train_teacher(found: Examples, matrix: NDArray[np.float16], seed: int) -> Teacher:
    """Return a teacher that has seen those of the examples that have a vector."""
    torch.manual_seed(seed)
    teacher = Teacher(matrix)
    rows = np.flatnonzero(found.vectors >= 0)
    vectors = torch.from_numpy(matrix)
    optimiser = torch.optim.AdamW(teacher.parameters(), RATE, weight_decay=0.02)
    total = EPOCHS * -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=total)
    order = np.random.default_rng(seed)
    for _ in trange(EPOCHS, desc="teacher", unit="epoch"):
        order.shuffle(rows)
        for first in range(0, len(rows), BATCH):
            group = rows[first : first + BATCH]
            logits = teacher(vectors[found.vectors[group]])
            optimiser.zero_grad()
            loss = masked_loss(logits, found.targets[group], found.weights[group])
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            optimiser.step()
            schedule.step()
    return teacher.eval()


def masked_loss(logits: Tensor, targets: NDArray[np.float32], weights: NDArray[np.float32]) -> Tensor:
    """Return the mean loss of what is known of a batch; an unknown label weighs nothing."""
    known = torch.from_numpy(targets), torch.from_numpy(weights)
    return binary_cross_entropy_with_logits(logits, *known, reduction="sum") / len(logits)


@torch.inference_mode()
def taught(teacher: Teacher, matrix: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return the teacher's logits for all vectors."""
    parts = [teacher(torch.from_numpy(matrix[first : first + 8192])) for first in range(0, len(matrix), 8192)]
    return torch.cat(parts).numpy()
