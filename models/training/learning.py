"""Trains a student on labels, on the teacher's opinion of them, and on the teacher's vectors."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss
from tqdm import tqdm

from models.tokenizer import Tokenizer
from models.training.batches import batches, steps
from models.training.examples import LOOSE, Epoch, Examples, epoch
from models.training.mentors import Mentors
from models.training.student import Student
from models.training.teacher import masked_loss
from models.training.twins import Twins

UNKNOWN = 1
# The last steps read so much of an epoch, at this part of the rate, and weigh pairs this much more.
POLISHED, SMALL, MOSTLY = 0.5, 0.15, 5.0


class Plan(msgspec.Struct, frozen=True):
    """How a student learns.

    Attributes:
        opinion: Weight of the teacher's soft labels.
        imitation: Weight of the teacher's vectors, which know more than the labels.
        mentors: Weight of the mentors' word, where there are any; that of labels is then what is left of 1.
        drop: Share of features that are dropped, and of pieces that are hidden behind the unknown one, so
            that a text isn't told by a few of its words. With mentors less is learnt by heart.
        twins: Weight of saying the same of harmless pairs, whoever they speak of.
    """

    epochs: int = 5
    rate: float = 4e-3
    decay: float = 0.02
    opinion: float = 0.5
    imitation: float = 0.3
    mentors: float = 0.6
    twins: float = 2.0
    drop: tuple[float, float] = (0.2, 0.1)
    seed: int = 7

    def with_mentors(self) -> Plan:
        """Return how whoever has mentors learns."""
        return msgspec.structs.replace(self, drop=(0.05, 0.05))


class Lessons(msgspec.Struct):
    """What a teacher has to say: logits and standardised vectors, by row of its matrix."""

    logits: NDArray[np.float32]
    vectors: NDArray[np.float16]


def train_student(
    student: Student,
    found: Examples,
    tokenizer: Tokenizer,
    lessons: Lessons | None,
    plan: Plan,
    checkpoint: Path,
    mentors: Mentors | None = None,
) -> None:
    """Train in place; a run that was stopped goes on from the last whole epoch in `checkpoint`."""
    torch.manual_seed(plan.seed)
    optimiser = torch.optim.AdamW(student.parameters(), plan.rate, weight_decay=plan.decay, fused=True)
    texts = found.shares.sum() * (1 if mentors is None else 1 + LOOSE)
    total = plan.epochs * (steps(int(texts)) + 4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, total_steps=total, pct_start=0.1)
    first = _resume(checkpoint, student, optimiser, schedule)
    twins = Twins(tokenizer, plan.seed)
    student.drop.p = plan.drop[0]
    for number in range(first, plan.epochs):
        started = time.process_time()
        read = epoch(found, tokenizer, mentors, plan.seed + number)
        todo = _batches(read, plan.seed + number, f"epoch {number + 1}/{plan.epochs}")
        loss = _learn(student, read, lessons, plan, twins, todo, optimiser, schedule)
        _keep(checkpoint, student, optimiser, schedule, number + 1)
        print(f"loss {loss:.4f}, {time.process_time() - started:.0f} s of CPU")
    if mentors is not None:
        _polish(student, found, tokenizer, lessons, plan, twins, mentors)
    student.eval()


def _polish(
    student: Student, found: Examples, tokenizer: Tokenizer, lessons: Lessons | None, plan: Plan,
    twins: Twins, mentors: Mentors,
) -> None:  # fmt: skip
    """Go on for part of an epoch in small steps, mostly for the pairs, which large ones leave coarse."""
    part = msgspec.structs.replace(found, shares=found.shares * POLISHED)
    read = epoch(part, tokenizer, mentors, plan.seed - 1)
    optimiser = torch.optim.AdamW(
        student.parameters(), plan.rate * SMALL, weight_decay=plan.decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.05, steps(len(read.pieces)))
    plan = msgspec.structs.replace(plan, twins=plan.twins * MOSTLY)
    todo = _batches(read, plan.seed - 1, "polish")
    print(f"loss {_learn(student, read, lessons, plan, twins, todo, optimiser, schedule):.4f}")


def _batches(read: Epoch, seed: int, name: str) -> Iterable[tuple[NDArray[np.int64], Tensor]]:
    return tqdm(batches(read.pieces, seed), name, steps(len(read.pieces)), mininterval=10)


def _learn(
    student: Student, read: Epoch, lessons: Lessons | None, plan: Plan, twins: Twins,
    todo: Iterable[tuple[NDArray[np.int64], Tensor]], optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> float:  # fmt: skip
    losses = []
    student.train()
    for group, ids in todo:
        optimiser.zero_grad()
        loss = _loss(student, read, lessons, plan, group, ids) + plan.twins * twins.loss(student)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        torch.nn.utils.clip_grad_norm_(student.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def _loss(
    student: Student, read: Epoch, lessons: Lessons | None, plan: Plan, group: NDArray[np.int64], ids: Tensor
) -> Tensor:
    ids = torch.where((torch.rand(ids.shape) < plan.drop[1]) & (ids != 0), UNKNOWN, ids)
    with torch.autocast("cpu", torch.bfloat16):
        logits, imitation = (answer.float() for answer in student(ids))
    loss = masked_loss(logits, read.targets[group], read.weights[group])
    if read.opinions is not None:
        said = torch.from_numpy(read.opinions[group]).sigmoid()
        taught = binary_cross_entropy_with_logits(logits, said, reduction="sum") / len(group)
        loss = (1 - plan.mentors) * loss + plan.mentors * taught
    known = np.flatnonzero(read.vectors[group] >= 0)
    if lessons is None or not len(known):
        return loss
    rows = read.vectors[group][known]
    opinion = torch.from_numpy(lessons.logits[rows]).sigmoid()
    vectors = torch.from_numpy(lessons.vectors[rows]).float()
    share = len(known) / len(group)
    loss = loss + plan.opinion * share * len(opinion[0]) * binary_cross_entropy_with_logits(
        logits[known], opinion
    )
    return loss + plan.imitation * share * mse_loss(imitation[known], vectors)


def _keep(
    path: Path, student: Student, optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler, epoch: int,
) -> None:  # fmt: skip
    whole = path.with_suffix(".part")
    states = [student.state_dict(), optimiser.state_dict(), schedule.state_dict()]
    torch.save({"states": states, "epoch": epoch}, whole)
    whole.rename(path)


def _resume(
    path: Path,
    student: Student,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> int:
    if not path.exists():
        return 0
    kept = torch.load(path, weights_only=True)
    for part, state in zip((student, optimiser, schedule), kept["states"], strict=True):
        part.load_state_dict(state)
    return int(kept["epoch"])
