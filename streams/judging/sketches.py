"""Sketches of texts by their words, many at once: what `rules.finding.likeness` compares."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rules.finding.evidence import Evidence
from rules.finding.likeness import BANDS, FEWEST_WORDS, HASHES, ROWS
from rules.fold import readable
from rules.message import Message
from rules.text.words import tokens

_PLACEHOLDERS = frozenset({b"link", b"user", b"emote"})
_BAND_BYTES = 4 * ROWS


def words_of(message: Message, evidence: Evidence, *, marked: bool) -> list[int] | None:
    """Return the hashes of the words that are compared; None where there are too few.

    Links, mentions, emotes, emoji and numbers are none: they are what a campaign varies.
    """
    folded = evidence.folded
    if marked or message.entities:
        text = readable(message.text, message.entities).casefold()
        found = set(tokens(text)) - _PLACEHOLDERS
    else:
        found = set(tokens(folded.text, easy=folded.easy))
    words = [crc32(word) for word in found if not word.isdigit()]
    return words if len(words) >= FEWEST_WORDS else None


class Sketcher:
    """Makes sketches with hash functions of its own, which nobody can foresee without the secret."""

    def __init__(self, secret: bytes) -> None:
        seed = int.from_bytes(blake2b(b"sketches", key=secret[:64], digest_size=8).digest(), "big")
        dice = random.Random(seed)
        odd = [dice.getrandbits(64) | 1 for _ in range(HASHES)]
        self._factors = np.array(odd, dtype=np.uint64)[:, None]
        self._name = lru_cache(4096)(lambda tenant: blake2b(tenant.encode(), key=secret[:64], digest_size=4))

    def sketch(self, texts: Sequence[Sequence[int]]) -> list[tuple[bytes, list[bytes]]]:
        """Return each text's sketch and the bytes that name its bands."""
        if not texts:
            return []
        least = self._least(texts)
        sketches = (least & 0xFF).astype(np.uint8).T.tobytes()
        # The low bytes come first: those of a minimum are even, its high ones are not.
        named = np.ascontiguousarray(least[: BANDS * ROWS].T).astype("<u4").tobytes()
        row = BANDS * _BAND_BYTES
        return [
            (
                sketches[number * HASHES : (number + 1) * HASHES],
                [
                    named[number * row + band * _BAND_BYTES : number * row + (band + 1) * _BAND_BYTES]
                    for band in range(BANDS)
                ],
            )
            for number in range(len(texts))
        ]

    def _least(self, texts: Sequence[Sequence[int]]) -> NDArray[np.uint32]:
        """Return the least value of each hash function over the words of each text."""
        words = np.array([word for text in texts for word in text], dtype=np.uint64)
        starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
        hashed = ((words * self._factors) >> np.uint64(32)).astype(np.uint32)
        return np.minimum.reduceat(hashed, starts, axis=1)
