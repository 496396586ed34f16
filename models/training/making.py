"""Makes an artifact: trains, exports, compares, calibrates, promises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from models.network import Network
from models.tokenizer import Tokenizer
from models.training.batches import batches
from models.training.export import in_bytes, in_floats
from models.training.gathered import Place
from models.training.learning import Lessons, Plan, train_student
from models.training.leave_out import Ground, logits
from models.training.mentors import Mentors
from models.training.rows import LABELS, MAX_TOKENS
from models.training.start import go_on_from, start_from
from models.training.student import Shape, Student
from models.training.teacher import taught, train_teacher

# How far the exported floats may be from what was trained.
AGREE = 1e-3


def trained(place: Place, ground: Ground, plan: Plan, mentors: int, begin: Path | None) -> Student:
    """Return a student, trained on all rows; a run that was stopped goes on from its checkpoint.

    Args:
        mentors: Students that are trained first, less those whose networks are in the work folder already.
        begin: The model.onnx of an artifact to begin from, instead of from the encoder's vectors.
    """
    matrix = ground.vectors.matrix
    teacher = train_teacher(ground.found, matrix, plan.seed)
    lessons = Lessons(taught(teacher, matrix), teacher.standard(torch.from_numpy(matrix)).half().numpy())
    folder = place.work / "mentors"
    folder.mkdir(parents=True, exist_ok=True)
    while (there := len(list(folder.glob("*.onnx")))) < mentors:
        alone = msgspec.structs.replace(plan, seed=plan.seed + 1 + there)
        mentor = _begun(ground, alone, None)
        train_student(mentor, ground.found, ground.tokenizer, lessons, alone, folder / f"{there}.pt")
        (folder / f"{there}.onnx").write_bytes(in_bytes(mentor))
    student = _begun(ground, plan, begin)
    if mentors:
        plan = plan.with_mentors()
    together = Mentors(folder, ground.found.pieces) if mentors else None
    train_student(student, ground.found, ground.tokenizer, lessons, plan, place.work / "student.pt", together)
    return student


def _begun(ground: Ground, plan: Plan, begin: Path | None) -> Student:
    torch.manual_seed(plan.seed)
    student = Student(Shape(ground.tokenizer.size))
    if begin is None:
        start_from(student, ground.starts)
    else:
        go_on_from(student, begin.read_bytes())
    return student


def exported(student: Student, tokenizer: Tokenizer, texts: Sequence[str]) -> bytes:
    """Return the shipped network, after its floats have been held against the trained ones.

    Raises:
        ValueError: When they differ by more than AGREE.
    """
    pieces = [row[:MAX_TOKENS] for row in tokenizer.pieces(texts)]
    wanted = logits(student, pieces)
    far = float(np.abs(_run(in_floats(student), pieces) - wanted).max())
    if far > AGREE:
        raise ValueError(f"the exported network is off by {far:.2g}: export and student differ")
    shipped = in_bytes(student)
    loss = np.abs(Network(shipped, MAX_TOKENS, 1).logits(pieces) - wanted)
    print(
        f"exported floats agree to {far:.1g}; "
        f"bytes move a logit by {loss.mean():.3f}, at most {loss.max():.2f}"
    )
    return shipped


def _run(model: bytes, pieces: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = np.zeros((len(pieces), len(LABELS)), np.float32)
    for group, ids in batches(pieces, None):
        lengths = np.array([len(pieces[index]) for index in group], np.int32)
        found[group] = session.run(["logits"], {"ids": ids.numpy(), "lengths": lengths})[0]
    return found
