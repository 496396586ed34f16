"""Sketches of texts by their words, and who said nearly the same: many at once."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice, pairwise
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rules.finding.evidence import Evidence
from rules.finding.likeness import (
    AUTHOR_BYTES,
    BANDS,
    ENOUGH,
    FEWEST_WORDS,
    FLAGS_BYTE,
    HASHES,
    LAYOUT,
    ROWS,
)
from rules.fold import readable
from rules.message import Message
from rules.text.words import tokens
from streams.judging import native

# rules.finding.likeness.LAYOUT, of which only the sketches are compared.
_ENTRY: Final = np.dtype([("before", f"V{LAYOUT.size - HASHES}"), ("sketch", np.uint8, (HASHES,))])
_ONES: Final = np.ones(HASHES, dtype=np.uint8)
# Messages that are compared at once: what was noted before of so many is in the processor's caches.
_AT_ONCE: Final = 64
# Digits of a band's name.
_NAME = 16
_PLACEHOLDERS = frozenset({b"link", b"user", b"emote"})
# In links, hosts, mentions and addresses.
_SIGN = re.compile(r"[@/]|\w\.\w")


def words_of(message: Message, evidence: Evidence) -> list[int] | None:
    """Return the hashes of the words that are compared; None where there are too few.

    Links, mentions, emotes, emoji and numbers are none: they are what a campaign varies.
    """
    folded = evidence.folded
    if message.entities:
        text = readable(message.text, message.entities).casefold()
        found = set(tokens(text)) - _PLACEHOLDERS
    elif folded.easy and native.there:
        words = native.kernel.words(folded.data)
        return words if len(words) >= FEWEST_WORDS else None
    else:
        found = set(tokens(_words_alone(folded.text), easy=folded.easy))
    words = list({crc32(word) for word in found if not word.isdigit()})
    return words if len(words) >= FEWEST_WORDS else None


def _words_alone(text: str) -> str:
    """Return a text without links, hosts, mentions and addresses, with all that is written onto them."""
    if _SIGN.search(text) is None:
        return text
    # Most words have nothing in them that a sign is made of.
    return " ".join([word for word in text.split() if word.isalnum() or _SIGN.search(word) is None])


class Sketcher:
    """Makes sketches with hash functions of its own, which nobody can foresee without the secret."""

    def __init__(self, secret: bytes) -> None:
        seed = int.from_bytes(blake2b(b"sketches", key=secret[:64], digest_size=8).digest(), "big")
        dice = random.Random(seed)
        self._factors = np.array([dice.getrandbits(64) | 1 for _ in range(HASHES)], dtype=np.uint64)
        names = [dice.getrandbits(64) | 1 for _ in range(BANDS * ROWS)]
        self._names = np.array(names, dtype=np.uint64).reshape(BANDS, ROWS)

    def sketch(self, texts: Sequence[Sequence[int]], tenants: Sequence[int]) -> list[tuple[bytes, list[str]]]:
        """Return each text's sketch, and the names of its bands in hexadecimal digits.

        Args:
            texts: Hashes of the words of each.
            tenants: A hash of the tenant of each, up to 64 bits, so that two tenants share no band.
        """
        if native.there:
            return native.kernel.sketch(texts, tenants, self._factors.tobytes(), self._names.tobytes())
        if not texts:
            return []
        least = self._least(texts)
        bits = (least & 0xFF).astype(np.uint8).tobytes()
        sketches = [bits[start : start + HASHES] for start in range(0, len(bits), HASHES)]
        rows = least[:, : BANDS * ROWS].astype(np.uint64).reshape(-1, BANDS, ROWS)
        named = (rows * self._names).sum(axis=2) + np.array(tenants, dtype=np.uint64)[:, None]
        names = named.astype(">u8").tobytes().hex()
        bands = [
            [names[at : at + _NAME] for at in range(first, first + BANDS * _NAME, _NAME)]
            for first in range(0, len(names), BANDS * _NAME)
        ]
        return list(zip(sketches, bands, strict=True))

    def _least(self, texts: Sequence[Sequence[int]]) -> NDArray[np.uint32]:
        """Return, by texts, the least value of each hash function over a text's words."""
        words = np.array([word for text in texts for word in text], dtype=np.uint64)[:, None]
        starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
        hashed = ((words * self._factors) >> np.uint64(32)).astype(np.uint32)
        return np.minimum.reduceat(hashed, starts, axis=0)


def nearly_same(sketches: Iterable[bytes], said: Iterable[list[bytes]]) -> Iterable[tuple[bytes, int]]:
    """Return, of each message, the entries of its bands' trails that are nearly the same as it, in any order.

    They come joined, and with them how many authors of theirs are new or sent a link or a mention.

    Args:
        sketches: The messages' own.
        said: What stands in each message's trails.
    """
    if native.there:
        return native.kernel.nearly_same(sketches, said)
    return ((b"".join(alike), _counted(alike)) for alike in _nearly_same(sketches, said))


def _counted(alike: Collection[bytes]) -> int:
    return len({one[AUTHOR_BYTES] for one in alike if one[FLAGS_BYTE]})


def _nearly_same(sketches: Iterable[bytes], said: Iterable[list[bytes]]) -> Iterator[Collection[bytes]]:
    size = LAYOUT.size
    # What is said word by word stands in the same trails, and most stand in several of them. A damaged one
    # says nothing.
    whole = ({trail for trail in trails if not len(trail) % size} for trails in said)
    pairs = ((own, b"".join(trails)) for own, trails in zip(sketches, whole, strict=True))
    while some := list(islice(pairs, _AT_ONCE)):
        owns = np.frombuffer(b"".join([own for own, _ in some]), dtype=np.uint8).reshape(-1, HASHES)
        joined = b"".join([entries for _, entries in some])
        counts = [len(entries) // size for _, entries in some]
        same = np.frombuffer(joined, dtype=_ENTRY)["sketch"] == np.repeat(owns, counts, axis=0)
        alike = np.flatnonzero(same.view(np.uint8) @ _ONES >= ENOUGH)
        ends = np.searchsorted(alike, np.cumsum(counts)).tolist()
        starts = (alike * size).tolist()
        for first, last in pairwise((0, *ends)):
            yield {joined[start : start + size] for start in starts[first:last]}
