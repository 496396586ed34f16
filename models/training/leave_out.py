"""Trains without a family of sources and tests on it: what a score is worth on text of a kind never seen.

Teacher, student and linear model are trained anew without the family, on a shorter schedule. The vocabulary,
which knows no labels, and the encoder, which knows none of the rows, stay.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from models.tokenizer import Tokenizer
from models.training.batches import batches
from models.training.examples import Examples, epoch_rows, examples
from models.training.learning import Lessons, Plan, train_student
from models.training.linear import LABELS_TRIED, features, linear_scores
from models.training.measures import auc
from models.training.rows import LABELS, Row
from models.training.scored import FEW, Scored
from models.training.sources import family
from models.training.start import start_from
from models.training.student import Shape, Student
from models.training.teacher import taught, train_teacher
from models.training.vectors import Vectors

SHORT = Plan(epochs=3)
# A family is tested on so many of its rows at most.
TESTED = 8000


class Tested(msgspec.Struct, frozen=True):
    """One label on one family that was left out.

    Attributes:
        linear: What the linear model reached, None where it wasn't tried.
    """

    family: str
    label: str
    positives: int
    negatives: int
    student: float
    teacher: float | None
    linear: float | None


class Ground(msgspec.Struct):
    """What all runs share."""

    tokenizer: Tokenizer
    vectors: Vectors
    starts: NDArray[np.float32]
    rows: Sequence[Row]


def families(rows: Sequence[Row]) -> list[str]:
    """Return the families that hold enough of both kinds of a label that people gave, largest first."""
    counts: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        for label, value in row.labels.items():
            if label not in row.weak:
                counts.setdefault(family(row.source), {}).setdefault(label, [0, 0])[value] += 1
    sized = {name: max(min(kinds) for kinds in labels.values()) for name, labels in counts.items()}
    return sorted((name for name in sized if sized[name] >= 100), key=lambda name: -sized[name])


def leave_out(name: str, ground: Ground, work: Path, plan: Plan = SHORT) -> list[Tested]:
    """Return how well models that never saw a family do on it; kept in `work`, so that it is done once."""
    kept = work / f"{name}.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=list[Tested])
    started = time.process_time()
    others = [row for row in ground.rows if family(row.source) != name]
    tested = [row for row in ground.rows if family(row.source) == name]
    tested = [tested[place] for place in np.random.default_rng(plan.seed).permutation(len(tested))[:TESTED]]
    found, asked = (examples(part, ground.tokenizer, ground.vectors) for part in (others, tested))
    teacher = train_teacher(found, ground.vectors.matrix, plan.seed)
    matrix = ground.vectors.matrix
    lessons = Lessons(taught(teacher, matrix), teacher.standard(torch.from_numpy(matrix)).half().numpy())
    student = Student(Shape(ground.tokenizer.size))
    start_from(student, ground.starts)
    work.mkdir(parents=True, exist_ok=True)
    train_student(student, found, ground.tokenizer, lessons, plan, work / f"{name}.pt")
    (work / f"{name}.pt").unlink()
    seen = asked.vectors >= 0
    opinions = np.full((len(tested), len(LABELS)), np.nan, np.float32)
    opinions[seen] = lessons.logits[asked.vectors[seen]]
    results = _results(
        name, tested, logits(student, asked.pieces), opinions, _linear(found, asked, plan.seed)
    )
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    print(f"{name}: {time.process_time() - started:.0f} s of CPU")
    return results


@torch.inference_mode()
def logits(student: Student, pieces: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Return a student's logits, (n, labels), in the order of the rows."""
    found = np.zeros((len(pieces), len(LABELS)), np.float32)
    for group, ids in batches(pieces, None):
        found[group] = student.eval()(ids)[0].numpy()
    return found


def _linear(found: Examples, asked: Examples, seed: int) -> dict[str, NDArray[np.float32]]:
    rows = epoch_rows(found, seed)
    trained, tested = features([found.texts[row] for row in rows]), features(asked.texts)
    wanted = [label for label in LABELS_TRIED if asked.weights[:, LABELS.index(label)].any()]
    return {
        label: linear_scores(trained, found.targets[rows], found.weights[rows], tested, label)
        for label in wanted
    }


def _results(
    name: str, rows: Sequence[Row], student: NDArray[np.float32], teacher: NDArray[np.float32],
    linear: dict[str, NDArray[np.float32]],
) -> list[Tested]:  # fmt: skip
    results = []
    for column, label in enumerate(LABELS):
        truth, scores = Scored(rows, student).known(label)
        positives, negatives = int(truth.sum()), int((~truth).sum())
        if min(positives, negatives) < FEW:
            continue
        opinions = Scored(rows, teacher).known(label)[1]
        known = ~np.isnan(opinions)
        plain = None
        if label in linear:
            whole = np.zeros((len(rows), len(LABELS)), np.float32)
            whole[:, column] = linear[label]
            plain = auc(truth, Scored(rows, whole).known(label)[1])
        results.append(
            Tested(
                name, label, positives, negatives, auc(truth, scores),
                auc(truth[known], opinions[known]) if known.any() else None, plain,
            )
        )  # fmt: skip
    return results
