"""Cuts readable text into the pieces that a network was trained on, by SentencePiece.

Word by word, and a chat says the same words again and again, so their pieces are kept at hand: of a unigram
model no piece reaches over a space, and the likeliest pieces of a text are those of its words (Kudo, 2018).
Where several ways to cut a word are as likely as each other, as in a long row of one sign, what stands before
it would settle which is taken; so short texts are cut by words, whether these are at hand or not.
"""

from collections.abc import Callable, Sequence
from itertools import chain

import sentencepiece

from models.slips import Slips
from models.starred import Starred

# Past this, only beginning, middle and end are cut into pieces at all: cost stays
# bounded whatever is posted, and three parts are all that a network reads anyway.
LONGEST_TEXT = 20_000
_PART = LONGEST_TEXT // 3
_BEGINS = "▁"  # how SentencePiece marks where a word begins
# Words whose pieces are kept at hand, some megabytes of them, and how long they may be.
_KEPT, _LONGEST_KEPT = 20_000, 32
# Longer texts are cut as a whole: whoever writes thousands of words that nobody has said would pay little for
# much of our time.
_LONGEST_BY_WORDS = 500


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
        self._words = _Words(self._cut)

    @property
    def size(self) -> int:
        """How many pieces there are; numbers run from 0 to size - 1."""
        return int(self._pieces.vocab_size())

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the piece numbers of each text, at least one: a text without any is one unknown piece.

        Letters behind stars are filled in first, and slips undone, in words that are pieces themselves.
        """
        return [self._pieces_of(text) or self._nothing for text in texts]

    def _pieces_of(self, text: str) -> list[int]:
        if len(text) > _LONGEST_BY_WORDS:
            return self._cut(_bounded(text))
        return list(chain.from_iterable(map(self._words.__getitem__, text.split(" "))))

    def _cut(self, text: str) -> list[int]:
        # As bytes, because SentencePiece refuses a str with a lone surrogate.
        whole = self._slips.mended(self._starred.filled(text)).encode("utf-8", "replace")
        found: list[int] = self._pieces.encode(whole)
        return found


class _Words(dict[str, list[int]]):
    """The pieces of words, which are cut when they are first asked for."""

    def __init__(self, cut: Callable[[str], list[int]]) -> None:
        self._cut = cut

    def __missing__(self, word: str) -> list[int]:
        pieces = self._cut(word)
        if len(word) <= _LONGEST_KEPT:
            if len(self) >= _KEPT:
                self.clear()
            self[word] = pieces
        return pieces


def _bounded(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    middle = (len(text) - _PART) // 2
    return f"{text[:_PART]} {text[middle : middle + _PART]} {text[-_PART:]}"
