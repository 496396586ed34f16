"""Cuts readable text into the pieces that a network was trained on, by SentencePiece.

Word by word, and a chat says the same words again and again, so their pieces are kept at hand: of a unigram
model no piece reaches over a space, and the likeliest pieces of a text are those of its words (Kudo, 2018).
Where several ways to cut a word are as likely as each other, as in a long row of one sign, what stands before
it would settle which is taken; so short texts are cut by words, whether these are at hand or not.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain

import sentencepiece

from models.slips import Slips
from models.starred import Starred

# Past this, only beginning, middle and end are cut into pieces at all: cost stays
# bounded whatever is posted, and three parts are all that a network reads anyway.
LONGEST_TEXT = 20_000
_PART = LONGEST_TEXT // 3
_BEGINS = "▁"  # how SentencePiece marks where a word begins
# Letters in the words whose pieces are kept at hand: of some 30,000 words, in some megabytes.
_KEPT = 200_000
# Words that were mended lately, since whoever counts them asks again, and how long they may be.
_MENDED, _LONGEST_MENDED = 8_192, 32
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
        self._words: dict[str, list[int]] = {}
        self._letters = 0
        self._mended_word = lru_cache(_MENDED)(self._mended)

    @property
    def size(self) -> int:
        """How many pieces there are; numbers run from 0 to size - 1."""
        return int(self._pieces.vocab_size())

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the piece numbers of each text, at least one: a text without any is one unknown piece.

        Letters behind stars are filled in first, and slips undone, in words that are pieces themselves.
        """
        words = [text.split(" ") if len(text) <= _LONGEST_BY_WORDS else None for text in texts]
        known = self._known(set(chain.from_iterable(filter(None, words))))
        found = [
            self._cut([bounded(text)])[0]
            if some is None
            else list(chain.from_iterable(map(known.__getitem__, some)))
            for text, some in zip(texts, words, strict=True)
        ]
        return [pieces or self._nothing for pieces in found]

    def mended(self, text: str) -> str:
        """Return a text with letters for stars, and slips undone, as its pieces are cut."""
        return self._mended_word(text) if len(text) <= _LONGEST_MENDED else self._mended(text)

    def _mended(self, text: str) -> str:
        return self._slips.mended(self._starred.filled(text))

    def _known(self, words: set[str]) -> Mapping[str, list[int]]:
        """Return the pieces of words, among those of others; fresh ones are cut all at once."""
        known = self._words
        fresh = list(words.difference(known))
        if fresh:
            self._letters += sum(map(len, fresh))
            if self._letters > _KEPT:
                # Not emptied: another thread may be reading it.
                known, fresh = {}, list(words)
                self._words, self._letters = known, sum(map(len, fresh))
            known.update(zip(fresh, self._cut(fresh), strict=True))
        return known

    def _cut(self, texts: Sequence[str]) -> list[list[int]]:
        # As bytes, because SentencePiece refuses a str with a lone surrogate.
        whole = [self.mended(text).encode("utf-8", "replace") for text in texts]
        found: list[list[int]] = self._pieces.encode(whole)
        return found


def bounded(text: str) -> str:
    """Return beginning, middle and end of a text that is longer than LONGEST_TEXT."""
    if len(text) <= LONGEST_TEXT:
        return text
    middle = (len(text) - _PART) // 2
    return f"{text[:_PART]} {text[middle : middle + _PART]} {text[-_PART:]}"
