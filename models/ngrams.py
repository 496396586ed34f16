"""Scores texts by their words and by runs of letters in them: what a linear model knows, beside the network.

A run of 2 to 5 characters within a word, its ends marked by spaces, has a weight for each label, found by
the run's hash (Weinberger et al., 2009; runs within words as in fastText: Bojanowski et al., 2017); so have a
word, and a pair of words that follow each other. A word counts once in a text, and a run once in a word, or
whatever is said again and again would outweigh the rest. A text's logits are the sum of its runs' weights
over the square root of their number, and the same of its words and pairs. Whole numbers are added up, so a
text's logits are the same alone and in any batch.

A chat says the same words again and again, so what each adds is kept at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from itertools import chain
from typing import Any, Final
from zipfile import BadZipFile
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

SHORTEST, LONGEST = 2, 5
# Words whose sums are kept at hand, some megabytes of them; what is longer is taken for several words.
_KEPT, _LONGEST_WORD = 20_000, 32
# A weight is so many steps at most.
_MOST = 127
# Around a word, and no part of it.
_SIGNS: Final = "!\"#$%&'()*+,-./:;=?[\\]^_`{|}~…·。，！？、；：「」“”‘’«»¿¡"
# Factors of what is hashed: odd, and without a pattern.
_FACTORS: Final = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F],
    np.uint64,
)
_MIXING: Final = np.uint64(0xFF51AFD7ED558CCD)

Numbers = NDArray[np.int64]


def words_of(text: str) -> list[str]:
    """Return the words of a text: what stands between spaces, in small letters."""
    return text.lower().split()


def cut(words: Iterable[str]) -> list[str]:
    """Return words, the longest of them cut into several."""
    return [
        word[start : start + _LONGEST_WORD] for word in words for start in range(0, len(word), _LONGEST_WORD)
    ]


def runs_of(words: Sequence[str], buckets: int) -> tuple[Numbers, Numbers]:
    """Return the buckets of the different runs of each word, and the number of their word, which ascends.

    Args:
        buckets: A power of two.
    """
    text = "".join([f" {word} " for word in words])
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    lengths = np.array([len(word) + 2 for word in words])
    owners = np.repeat(np.arange(len(words)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(codes))
    # The longest first, so that those that have a character at some place are the first of all.
    sizes = range(LONGEST, SHORTEST - 1, -1)
    each = [np.flatnonzero(left >= size) for size in sizes]
    starts = np.concatenate(each)
    hashes = np.repeat(np.array(sizes, np.uint64), [len(one) for one in each])
    for place in range(LONGEST):
        some = slice(0, sum(len(one) for one, size in zip(each, sizes, strict=True) if size > place))
        hashes[some] = _mixed(hashes[some]) + codes[starts[some] + place] * _FACTORS[place]
    # Not np.unique, whose table of hashes takes longer.
    found = np.sort(owners[starts] * buckets + _bucket(hashes, buckets))
    found = found[np.flatnonzero(np.diff(found, prepend=-1))]
    return found % buckets, found // buckets


def hash_of(word: str) -> int:
    """Return the hash of a word without the signs around it, in 32 bits; 0 where nothing else is left."""
    return crc32(word.strip(_SIGNS).encode("utf-8", "surrogatepass"))


def words_at(hashes: NDArray[np.uint32], buckets: int) -> Numbers:
    """Return the buckets of words."""
    return _bucket(hashes.astype(np.uint64), buckets)


def pairs_at(first: NDArray[np.uint32], second: NDArray[np.uint32], buckets: int) -> Numbers:
    """Return the buckets of pairs of words."""
    return _bucket((first.astype(np.uint64) + np.uint64(1)) * _FACTORS[0] + second, buckets)


class Ngrams:
    """The weights of an artifact; safe to use from several threads."""

    def __init__(self, content: bytes, labels: int, mended: Callable[[str], str]) -> None:
        """Take the bytes of an ngrams.npz.

        Args:
            labels: How many a weight is expected for.
            mended: Reads a word as the network's tokenizer does.

        Raises:
            ValueError: When they are none, or of other labels.
        """
        self._runs, self._words, self._steps = _arrays(content)
        if self._runs.shape[1] != labels:
            raise ValueError(f"weights for {self._runs.shape[1]} labels where {labels} are named")
        self._mended = mended
        self._sums: dict[str, bytes] = {}

    def logits(self, texts: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """Return what words and runs add to the logits, of shape (len(texts), labels); at least one text.

        Args:
            texts: The words of each, see `words_of`.
        """
        once = [dict.fromkeys(words) for words in texts]
        words = list(chain.from_iterable(once))
        sums = self._sums
        fresh = set(words).difference(sums)
        if fresh:
            if max(map(len, fresh)) > _LONGEST_WORD:  # they are never at hand, so only here one may be
                return self.logits([cut(words) for words in once])
            sums = self._learn(words, fresh)
        lengths = np.fromiter(map(len, once), np.int64, len(once))
        columns = 2 * self._runs.shape[1] + 2
        each = np.frombuffer(bytearray().join(map(sums.__getitem__, words)), np.int32).reshape(-1, columns)
        owners, hashes = np.repeat(np.arange(len(texts)), lengths), each[:, -1].view(np.uint32).copy()
        each[:, -1] = hashes != 0
        found = _summed(each, owners, len(texts))
        self._add_pairs(found, owners, hashes)
        parts = found.reshape(len(texts), 2, -1)
        shares = parts[:, :, :-1] * self._steps / np.sqrt(np.maximum(parts[:, :, -1:], 1))
        return np.asarray(shares.sum(1), np.float32)

    def _add_pairs(self, found: NDArray[np.int32], owners: Numbers, hashes: NDArray[np.uint32]) -> None:
        """Add to each text's words the weights of its pairs, and their number."""
        there = np.flatnonzero(hashes)
        owners, hashes = owners[there], hashes[there]
        together = np.flatnonzero(owners[1:] == owners[:-1])
        owners, places = owners[together], pairs_at(hashes[together], hashes[together + 1], len(self._words))
        labels = self._words.shape[1]
        found[:, labels + 1 : -1] += _summed(np.take(self._words, places, axis=0), owners, len(found))
        found[:, -1] += np.bincount(owners, minlength=len(found)).astype(np.int32)

    def _learn(self, words: Sequence[str], fresh: set[str]) -> dict[str, bytes]:
        """Return, among those of others, each word's sums, some of which are fresh."""
        sums = self._sums
        if len(sums) + len(fresh) > _KEPT:
            # Not emptied: another thread may be reading it.
            sums = self._sums = {}
        missing = list(set(words).difference(sums))
        if missing:  # or another thread has learned them just now
            sums.update(zip(missing, self._sums_of(missing), strict=True))
        return sums

    def _sums_of(self, words: Sequence[str]) -> list[bytes]:
        """Return of each word the sum of its runs' weights, their number, its own weight, and its hash."""
        mended = [self._mended(word) for word in words]
        buckets, owners = runs_of(mended, len(self._runs))
        counts = np.bincount(owners, minlength=len(words))
        hashes = np.array([hash_of(word) for word in mended], np.uint32)
        labels = self._runs.shape[1]
        rows = np.empty((len(words), 2 * labels + 2), np.int32)
        rows[:, :labels] = np.add.reduceat(
            np.take(self._runs, buckets, axis=0), np.cumsum(counts) - counts, axis=0, dtype=np.int32
        )
        rows[:, labels] = counts
        rows[:, labels + 1 : -1] = np.take(self._words, words_at(hashes, len(self._words)), axis=0)
        rows[hashes == 0, labels + 1 : -1] = 0
        rows[:, -1] = hashes.view(np.int32)
        whole, size = rows.tobytes(), rows.itemsize * rows.shape[1]
        return [whole[start : start + size] for start in range(0, len(whole), size)]


def packed(runs: NDArray[np.float32], words: NDArray[np.float32]) -> bytes:
    """Return the bytes of an ngrams.npz: weights as whole numbers of steps, each label's its own.

    Args:
        runs, words: Of shape (buckets, labels), buckets powers of two.
    """
    steps = np.stack([np.maximum(np.abs(part).max(0), 1e-8) / _MOST for part in (runs, words)])
    whole = [np.round(part / step).astype(np.int8) for part, step in zip((runs, words), steps, strict=True)]
    content = BytesIO()
    np.savez(content, runs=whole[0], words=whole[1], steps=steps.astype(np.float32))
    return content.getvalue()


def _summed(rows: NDArray[np.integer[Any]], owners: Numbers, texts: int) -> NDArray[np.int32]:
    """Return the sum of each text's rows; owners ascend."""
    found = np.zeros((texts, rows.shape[1]), np.int32)
    if len(rows):
        starts = np.concatenate([[0], np.flatnonzero(np.diff(owners)) + 1])
        found[owners[starts]] = np.add.reduceat(rows, starts, axis=0, dtype=np.int32)
    return found


def _mixed(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (hashes ^ (hashes >> np.uint64(32))) * _MIXING


def _bucket(hashes: NDArray[np.uint64], buckets: int) -> Numbers:
    return (_mixed(_mixed(hashes)) >> np.uint64(65 - buckets.bit_length())).astype(np.int64)


def _arrays(content: bytes) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.float32]]:
    try:
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            runs, words, steps = arrays["runs"], arrays["words"], arrays["steps"]
    except (AttributeError, BadZipFile, EOFError, KeyError, OSError, TypeError, ValueError) as error:
        raise ValueError("not the weights of words and of runs of letters") from error
    for part in (runs, words):
        if part.dtype != np.int8 or part.ndim != 2 or len(part) < 2 or len(part) & (len(part) - 1):
            raise ValueError(f"weights of type {part.dtype} and shape {part.shape}")
    if not (runs.shape[1:] == words.shape[1:] == steps.shape[1:] and len(steps) == 2):
        raise ValueError("weights and steps that don't fit each other")
    if steps.dtype != np.float32 or not np.isfinite(steps).all():
        raise ValueError("steps that are no numbers")
    return runs, words, steps
