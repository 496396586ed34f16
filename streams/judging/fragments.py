"""Words that an author splits over messages: bits of up to three letters, remembered for a minute.

In the store a bit lies under a key stream made of the secret and its record, so that a dump shows no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final

from rules.finding.behaviour import EDITED, Fields
from streams.store.trails import Kind

MOST_LETTERS: Final = 3
GAP_S: Final = 10.0
MOST_TOGETHER: Final = 12
KEEP_S: Final = 60

_BYTES = 4 * MOST_LETTERS
LAYOUT = Struct(f">dIQ{_BYTES}s")
FRAGMENT = Kind("f", LAYOUT.size, 2 * MOST_TOGETHER)

# By their place in the fields of Said.
_AT, _PARTITION, _OFFSET, _LETTERS, _FLAGS = 0, 1, 2, 6, 7
_RECORD = Struct(">IQ")


def is_fragment(said: Fields) -> bool:
    """Return whether a message is so short that it may be a part of a word."""
    return 1 <= said[_LETTERS] <= MOST_LETTERS and not said[_FLAGS] & EDITED


def covered(text: bytes, partition: int, offset: int, secret: bytes) -> bytes:
    """Return a fragment as it lies in the store; of what this returns, the fragment."""
    stream = blake2b(_RECORD.pack(partition, offset), key=secret[:64], digest_size=_BYTES).digest()
    mixed = int.from_bytes(text.ljust(_BYTES, b"\0"), "big") ^ int.from_bytes(stream, "big")
    return mixed.to_bytes(_BYTES, "big")


def together(
    own: Fields, before: Sequence[Fields], upto: int, texts: Mapping[tuple[int, int], str]
) -> list[str]:
    """Return the texts of an author's successive fragments up to their message, the earliest first.

    One that comes more than ten seconds before the next, and any longer message, ends them.

    Args:
        before: The author's messages, of which `upto` came before.
        texts: Of fragments, by partition and offset.
    """
    found: list[str] = []
    one, at = own, own[_AT]
    while is_fragment(one) and at - one[_AT] <= GAP_S and len(found) < MOST_TOGETHER:
        text = texts.get((one[_PARTITION], one[_OFFSET]))
        if text is None:
            break
        found.append(text)
        at, upto = one[_AT], upto - 1
        if upto < 0:
            break
        one = before[upto]
    return found[::-1]
