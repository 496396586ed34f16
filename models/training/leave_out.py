"""Trains without a family of sources and tests on it: what a score is worth on text of a kind never seen.

Teacher, student and linear model are trained anew without the family, on a shorter schedule. The vocabulary,
which knows no labels, and the encoder, which knows none of the rows, stay. Families of different labels
or languages may be left out at once, which saves time and is a little harder than one by one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from models.ngrams import Ngrams, words_of
from models.tokenizer import Tokenizer
from models.training.batches import batches
from models.training.examples import Examples, epoch_rows
from models.training.learning import Lessons, Plan, train_student
from models.training.linear import LABELS_TRIED, features, linear_scores
from models.training.measures import auc
from models.training.ngrams import train_ngrams
from models.training.rows import LABELS, Row
from models.training.scored import FEW, Scored
from models.training.sources import family
from models.training.start import start_from
from models.training.student import Shape, Student
from models.training.teacher import taught, train_teacher
from models.training.vectors import Vectors

SHORT = Plan(epochs=4)
# A short epoch reads this share of a full one, and the linear model so many rows.
SHARE, LINEAR_ROWS = 0.65, 80_000
# A family is tested on so many of its rows at most.
TESTED = 8000


class Tested(msgspec.Struct, frozen=True):
    """One label on one family that was left out.

    Attributes:
        linear: What the linear model reached, None where it wasn't tried.
        beside: Families that were left out at the same time.
    """

    family: str
    label: str
    positives: int
    negatives: int
    student: float
    teacher: float | None
    linear: float | None
    beside: list[str] = []


class Ground(msgspec.Struct):
    """What all runs share.

    Attributes:
        found: The rows as examples, in their order.
    """

    tokenizer: Tokenizer
    vectors: Vectors
    starts: NDArray[np.float32]
    rows: Sequence[Row]
    found: Examples


def families(rows: Sequence[Row]) -> list[str]:
    """Return the families that hold enough of both kinds of a label that people gave, largest first."""
    counts: dict[str, dict[str, list[int]]] = {}
    for row in rows:
        for label, value in row.labels.items():
            if label not in row.weak:
                counts.setdefault(family(row.source), {}).setdefault(label, [0, 0])[value] += 1
    sized = {name: max(min(kinds) for kinds in labels.values()) for name, labels in counts.items()}
    return sorted((name for name in sized if sized[name] >= 100), key=lambda name: -sized[name])


def leave_out(names: Sequence[str], ground: Ground, work: Path, plan: Plan = SHORT) -> list[Tested]:
    """Return how well models that never saw some families do on each; kept in `work`, so it is done once."""
    kept = [work / f"{name}.json" for name in names]
    if not all(path.exists() for path in kept):
        _try_without(names, ground, work, plan)
    return [each for path in kept for each in msgspec.json.decode(path.read_bytes(), type=list[Tested])]


def _try_without(names: Sequence[str], ground: Ground, work: Path, plan: Plan) -> None:
    started = time.process_time()
    members = np.array([family(row.source) for row in ground.rows])
    found = without(ground.found, np.isin(members, names))
    matrix = ground.vectors.matrix
    teacher = train_teacher(found, matrix, plan.seed)
    lessons = Lessons(taught(teacher, matrix), teacher.standard(torch.from_numpy(matrix)).half().numpy())
    torch.manual_seed(plan.seed)
    student = Student(Shape(ground.tokenizer.size))
    start_from(student, ground.starts)
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / f"{'+'.join(names)}.pt"
    train_student(student, found, ground.tokenizer, lessons, plan, checkpoint)
    checkpoint.unlink()
    mended = ground.tokenizer.mended
    ngrams = Ngrams(train_ngrams(found, mended, plan.seed), len(LABELS), mended)
    linear = Linear(found, plan.seed)
    for name in names:
        tested = np.random.default_rng(plan.seed).permutation(np.flatnonzero(members == name))[:TESTED]
        vectors = ground.found.vectors[tested]
        opinions = np.full((len(tested), len(LABELS)), np.nan, np.float32)
        opinions[vectors >= 0] = lessons.logits[vectors[vectors >= 0]]
        results = _results(
            name,
            [each for each in names if each != name],
            [ground.rows[place] for place in tested],
            logits(student, [ground.found.pieces[place] for place in tested])
            + ngrams.logits([words_of(ground.found.texts[place]) for place in tested]),
            opinions,
            linear.scores(ground.found, tested),
        )
        (work / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    print(f"{' and '.join(names)}: {time.process_time() - started:.0f} s of CPU")


def without(found: Examples, member: NDArray[np.bool_]) -> Examples:
    """Return examples of which no member is read, by anyone, and epochs that are shorter."""
    return msgspec.structs.replace(
        found,
        shares=np.where(member, 0, found.shares * SHARE).astype(np.float32),
        weights=np.where(member[:, None], 0, found.weights).astype(np.float32),
        vectors=np.where(member, -1, found.vectors),
    )


@torch.inference_mode()
def logits(student: Student, pieces: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Return a student's logits, (n, labels), in the order of the rows."""
    found = np.zeros((len(pieces), len(LABELS)), np.float32)
    for group, ids in batches(pieces, None):
        found[group] = student.eval()(ids)[0].numpy()
    return found


class Linear:
    """Linear models on the rows of a short epoch, one for each label that is asked for."""

    def __init__(self, found: Examples, seed: int) -> None:
        """Take the rows' features."""
        self._rows = epoch_rows(found, seed)[:: max(1, int(found.shares.sum()) // LINEAR_ROWS)]
        self._found = found
        self._features = features([found.texts[row] for row in self._rows])

    def scores(self, whole: Examples, tested: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """Return scores of the tested rows, for the labels that any of them knows."""
        asked = features([whole.texts[row] for row in tested])
        targets, weights = self._found.targets[self._rows], self._found.weights[self._rows]
        wanted = [label for label in LABELS_TRIED if whole.weights[tested, LABELS.index(label)].any()]
        return {label: linear_scores(self._features, targets, weights, asked, label) for label in wanted}


def _results(
    name: str, beside: list[str], rows: Sequence[Row], student: NDArray[np.float32],
    teacher: NDArray[np.float32], linear: dict[str, NDArray[np.float32]],
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
                auc(truth[known], opinions[known]) if known.any() else None, plain, beside,
            )
        )  # fmt: skip
    return results
