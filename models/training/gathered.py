"""What a training run starts from: rows, vocabulary, the encoder's vectors, each made once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from models.artifact import TOKENIZER
from models.tokenizer import Tokenizer
from models.training.examples import examples
from models.training.grammar import written
from models.training.leave_out import Ground
from models.training.rows import Row, read_rows
from models.training.start import piece_vectors
from models.training.vectors import Vectors, in_turn, teach
from models.training.vocabulary import train_vocabulary

SEED = 7


class Place(msgspec.Struct, frozen=True):
    """Where a run reads and writes.

    Attributes:
        data: Folders of labelled rows, with parts "train" and "dev".
        work: Folder for whatever can be used again: folded rows, vocabulary, vectors, checkpoints.
        confirmed_only: Leave out sources whose licence is to be confirmed.
    """

    data: tuple[Path, ...]
    work: Path
    confirmed_only: bool = False

    def rows(self, part: str) -> list[Row]:
        """Return the rows of a part that may go into a shipped model."""
        return read_rows(self.data, part, self.work / "rows", confirmed_only=self.confirmed_only)

    def unshippable(self, part: str) -> list[Row]:
        """Return the rows of a part that may only be tested on."""
        return read_rows(self.data, f"{part}-research-only", self.work / "rows", shippable=False)

    def training_rows(self) -> list[Row]:
        """Return what a model is trained on: rows, and the texts of the grammar."""
        return [*self.rows("train"), *written(SEED)]

    def vocabulary(self) -> bytes:
        """Return the tokenizer's bytes, trained once."""
        kept = self.work / TOKENIZER
        if not kept.exists():
            self.work.mkdir(parents=True, exist_ok=True)
            texts = [row.text for row in written(SEED)]
            kept.write_bytes(train_vocabulary(self.rows("train"), texts, SEED))
        return kept.read_bytes()

    def adopt(self, vocabulary: bytes) -> None:
        """Take an artifact's vocabulary for this run's, since its network goes on.

        Raises:
            ValueError: There is another one already, which vectors and checkpoints here go by.
        """
        kept = self.work / TOKENIZER
        if kept.exists() and kept.read_bytes() != vocabulary:
            raise ValueError(f"{kept} is of another run: give --work another folder, or remove it and *.pt")
        self.work.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(vocabulary)

    def teach(self, most: int) -> None:
        """Embed texts for the teacher, the most informative first, until there are `most`."""
        teach(in_turn(self.training_rows()), self.work / "vectors", most)

    def ground(self, rows: Sequence[Row]) -> Ground:
        """Return all that training needs.

        Raises:
            FileNotFoundError: Before `make teach`.
        """
        vocabulary = self.vocabulary()
        vectors = Vectors.load(self.work / "vectors")
        starts = piece_vectors(vocabulary, self.work / "pieces.npy")
        tokenizer = Tokenizer(vocabulary)
        return Ground(tokenizer, vectors, starts, rows, examples(rows, tokenizer, vectors))
