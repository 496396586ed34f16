"""Cuts readable text into the pieces that a network was trained on, by SentencePiece."""

from collections.abc import Sequence

import sentencepiece

from models.slips import Slips
from models.starred import Starred

# Past this, only beginning, middle and end are cut into pieces at all: cost stays
# bounded whatever is posted, and three parts are all that a network reads anyway.
LONGEST_TEXT = 20_000
_PART = LONGEST_TEXT // 3
_BEGINS = "▁"  # how SentencePiece marks where a word begins


class Tokenizer:
    """A SentencePiece model; safe to use from several threads."""

    def __init__(self, model: bytes) -> None:
        """Take the bytes of a tokenizer.model.

        Raises:
            ValueError: When they are none.
        """
        try:
            self._pieces = sentencepiece.SentencePieceProcessor(model_proto=model, num_threads=1)
        except RuntimeError as error:
            raise ValueError("not a SentencePiece model") from error
        self._nothing = [int(self._pieces.unk_id())]
        # Pieces are in the order of their likelihood.
        names = self._pieces.id_to_piece(list(range(self.size)))
        words = [name[1:] for name in names if name.startswith(_BEGINS)]
        self._starred, self._slips = Starred(words), Slips(words)

    @property
    def size(self) -> int:
        """How many pieces there are; numbers run from 0 to size - 1."""
        return int(self._pieces.vocab_size())

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the piece numbers of each text, at least one: a text without any is one unknown piece.

        Letters behind stars are filled in first, and slips undone, in words that are pieces themselves.
        """
        # As bytes, because SentencePiece refuses a str with a lone surrogate, and one such
        # text would cost its neighbours. One by one, because for a list it starts threads of its own.
        encode, filled, mended = self._pieces.encode, self._starred.filled, self._slips.mended
        rows = (encode(mended(filled(_bounded(text))).encode("utf-8", "replace")) for text in texts)
        return [row or self._nothing for row in rows]


def _bounded(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    middle = (len(text) - _PART) // 2
    return f"{text[:_PART]} {text[middle : middle + _PART]} {text[-_PART:]}"
