"""Words that an author splits over messages: bits of up to three letters, one after the other.

In a trail a bit stands under a cipher with a key, so that a dump of the store shows no text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from rules.finding.trail import BYTE, EDITED, FLAGS, LETTERS, SIZE, STAMP, TEXT, Fields, entries, reach, since

MOST_LETTERS: Final = 3
# Just longer than a gap may be: clocks go to the millisecond.
GAP: Final = reach(10.001)
MOST_TOGETHER: Final = 12
# Bits kept at hand: they are short, so the same come again and again.
AT_HAND: Final = 8_192

_LETTERS, _FLAGS = BYTE[LETTERS], BYTE[FLAGS]
_LETTER_BITS = 21  # of a code point
_LETTER = (1 << _LETTER_BITS) - 1
_HALF_BITS = 32
_ROUNDS = 4


def is_fragment(letters: int, flags: int) -> bool:
    """Return whether a message is so short that it may be a part of a word."""
    return 1 <= letters <= MOST_LETTERS and not flags & EDITED


def is_short(entry: bytes) -> bool:
    """Return whether the message of a trail's entry is no longer than a part of a word, as few are."""
    return entry[_LETTERS] <= MOST_LETTERS


def holds_fragment(entry: bytes) -> bool:
    """Return whether the message of a trail's entry may be a part of a word."""
    return is_fragment(entry[_LETTERS], entry[_FLAGS])


def together(own: Fields, trail: bytes, uncovered: Callable[[bytes], str]) -> list[str]:
    """Return the texts of an author's successive fragments up to their message, the earliest first.

    One that comes more than ten seconds before the next, and any longer message, ends them.

    Args:
        trail: What the author said before.
        uncovered: Returns the text of a fragment, of what stands in its entry.
    """
    found, at = [uncovered(own[TEXT])], own[STAMP]
    for one in reversed(entries(trail[-MOST_TOGETHER * SIZE :])):
        if len(found) >= MOST_TOGETHER or not is_fragment(one[LETTERS], one[FLAGS]):
            break
        if one[STAMP] <= since(at, GAP):
            break
        found.append(uncovered(one[TEXT]))
        at = one[STAMP]
    return found[::-1]


class Cover:
    """A cipher for fragments, 64 bits each: a Feistel network of four rounds, its functions keyed BLAKE2b.

    The same text comes out the same, so that it can be counted (Luby and Rackoff, 1988).
    """

    def __init__(self, secret: bytes) -> None:
        self._start = blake2b(key=secret[:64], digest_size=_HALF_BITS // 8, person=b"fragments")
        self.covered = lru_cache(AT_HAND)(self._covered)
        self.uncovered = lru_cache(AT_HAND)(self._uncovered)

    def _covered(self, text: bytes) -> bytes:
        """Return what stands for up to three letters, in UTF-8."""
        number = 0
        for letter in text.decode()[:MOST_LETTERS]:
            number = number << _LETTER_BITS | ord(letter)
        left, right = number >> _HALF_BITS, number & (1 << _HALF_BITS) - 1
        for turn in range(_ROUNDS):
            left, right = right, left ^ self._mixed(turn, right)
        return (left << _HALF_BITS | right).to_bytes(8, "big")

    def _uncovered(self, text: bytes) -> str:
        number = int.from_bytes(text, "big")
        left, right = number >> _HALF_BITS, number & (1 << _HALF_BITS) - 1
        for turn in reversed(range(_ROUNDS)):
            left, right = right ^ self._mixed(turn, left), left
        number = left << _HALF_BITS | right
        letters = (number >> shift & _LETTER for shift in (2 * _LETTER_BITS, _LETTER_BITS, 0))
        # What another key has covered is no letter, most of the time.
        return "".join(chr(letter) for letter in letters if 0 < letter <= 0x10FFFF)

    def _mixed(self, turn: int, half: int) -> int:
        state = self._start.copy()
        state.update(bytes((turn,)) + half.to_bytes(_HALF_BITS // 8, "big"))
        return int.from_bytes(state.digest(), "big")
