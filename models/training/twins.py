"""Harmless sentences that differ in who is spoken of; the student is held to say the same of both."""

from __future__ import annotations

import random

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss, softplus

from models.tokenizer import Tokenizer
from models.training.batches import padded
from models.training.contrast import Pair, twins
from models.training.grammar import spoken
from models.training.habits import retyped
from models.training.student import Student
from rules.fold import readable

# Pairs that are written, pairs that a step reads, and how often one is typed as in chats.
WRITTEN, AT_ONCE, RETYPED = 40_000, 128, 0.3
# A pair's texts are harmless, which weighs this beside being alike.
HARMLESS = 0.5
# Logits that lie further apart than this are drawn together as strongly as any: small differences count too.
APART = 0.05


class Twins:
    """Tokenised pairs, a few of which are held against each other at each step."""

    def __init__(self, tokenizer: Tokenizer, seed: int) -> None:
        """Write the pairs."""
        choice = random.Random(seed)
        written = pairs(WRITTEN, choice)
        self._plain = tokenizer.pieces([plain for plain, _ in written])
        self._twin = tokenizer.pieces([twin for _, twin in written])
        self._choice = choice

    def loss(self, student: Student) -> Tensor:
        """Return how far the logits of some pairs lie apart, and above harmless."""
        places = self._choice.choices(range(WRITTEN), k=AT_ONCE)
        rows = [self._plain[place] for place in places] + [self._twin[place] for place in places]
        with torch.autocast("cpu", torch.bfloat16):
            logits = student(padded(rows))[0].float()
        plain, twin = logits.split(AT_ONCE)
        return smooth_l1_loss(plain, twin, beta=APART) + HARMLESS * softplus(logits).mean()


def pairs(count: int, choice: random.Random) -> list[tuple[str, str]]:
    """Return so many pairs; kinds with more sentences get more of them."""
    kinds = twins()
    sizes = [kind.often * (len(kind.frames) * len(kind.twin)) ** 0.5 for kind in kinds]
    return [_pair(kind, choice) for kind in choice.choices(kinds, sizes, k=count)]


def _pair(kind: Pair, choice: random.Random) -> tuple[str, str]:
    frame, place = spoken(choice.choice(kind.frames), {}, choice), choice.randrange(len(kind.twin))
    texts = [frame.replace("{}", choice.choice(kind.plain)), frame.replace("{}", kind.twin[place])]
    if choice.random() < RETYPED:
        seed = choice.random()
        texts = [retyped(text, random.Random(seed)) for text in texts]
    return readable(texts[0]), readable(texts[1])
