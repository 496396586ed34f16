"""The last messages of an author, packed one after another: what conditions on behaviour look back at.

An entry depends on its message alone. A trail holds the last `MOST` entries, and of those before them the
last `MOST` with a link or a mention, so that small talk doesn't push out the fifth link of an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import or_
from struct import Struct
from typing import Any, Final

# So many of an author's messages are looked back at.
MOST: Final = 32
# A trail that is being looked back at may have so many entries, with older ones in between.
LONG: Final = 4 * MOST

COMMAND, EMOTES, EDITED = 1, 2, 4

# The fields of an entry:
#   stamp     milliseconds since the epoch, shifted by PARTITION_BITS, and a hash of the record's partition;
#             what lies before 1970 or after LATEST_MS is at these
#   offset    the lowest 32 bits of the record's
#   text      a keyed hash of what `gists` returns; of up to three letters these, under a cipher
#   channel   a keyed hash; so is the message's id, in `message`
#   letters   letters and digits in the text, up to 255; so are links, mentions and invites
#   flags     COMMAND: it is one. EMOTES: it is nothing else. EDITED: the record is an edit
LAYOUT: Final = Struct(">QI8sHIBBBBB")
SIZE: Final = LAYOUT.size
# What is counted, from the letters on, and an entry with that as one.
COUNTS: Final = Struct(">BBBBB")
COUNTED: Final = Struct(f">QI8sHI{COUNTS.size}s")
STAMP, OFFSET, TEXT, CHANNEL, MESSAGE, LETTERS, FLAGS, LINKS, MENTIONS, INVITES = range(10)

PARTITION_BITS: Final = 20
LATEST_MS: Final = (1 << 64 - PARTITION_BITS) - 1  # in the year 2527
_PARTITION: Final = (1 << PARTITION_BITS) - 1
_STAMP: Final = Struct(">Q")
# Where fields of one byte stand.
BYTE: Final = {LETTERS: SIZE - 5, FLAGS: SIZE - 4, LINKS: SIZE - 3, MENTIONS: SIZE - 2, INVITES: SIZE - 1}
_OFFSETS: Final = 1 << 32
_MARKS: Final = slice(SIZE - 3, SIZE - 1)
_NO_MARKS: Final = bytes(2)

Fields = tuple[Any, ...]


def stamp(at: float, partition: int) -> int:
    """Return the stamp of a record.

    Args:
        at: Epoch seconds.
        partition: A hash, of which as many bits count as there are.
    """
    ms = min(max(0, int(at * 1000.0 + 0.5)), LATEST_MS)
    return ms << PARTITION_BITS | partition & _PARTITION


def stamps(ats: Sequence[float], partitions: Sequence[int]) -> list[int]:
    """Return the stamp of each record, in less time."""
    if not ats or min(ats) < 0.0 or max(ats) > LATEST_MS / 1e3 - 1.0:
        return list(map(stamp, ats, partitions))
    return [
        int(at * 1000.0 + 0.5) << PARTITION_BITS | partition & _PARTITION
        for at, partition in zip(ats, partitions, strict=True)
    ]


def is_marked(entry: bytes) -> bool:
    """Return whether the message has a link or a mention."""
    return entry[_MARKS] != _NO_MARKS


def reach(seconds: float) -> int:
    """Return how far stamps are apart that are so many seconds apart."""
    return round(seconds * 1000.0) << PARTITION_BITS


def since(own: int, apart: int) -> int:
    """Return a stamp that is below those, and only those, of less than a `reach` before another's."""
    return (own | _PARTITION) - apart


def stamp_back(trail: bytes, number: int) -> int:
    """Return the stamp of the last entry but `number` - 1; there have to be so many."""
    found: int = _STAMP.unpack_from(trail, len(trail) - number * SIZE)[0]
    return found


def sum_at_most(trail: bytes, field: int) -> int:
    """Return how many LINKS, MENTIONS or INVITES the entries have together, however old they are."""
    return sum(trail[BYTE[field] :: SIZE])


def entries(trail: bytes) -> list[Fields]:
    """Return the entries, unpacked."""
    return list(LAYOUT.iter_unpack(trail))


def marked(trail: bytes, field: int, after: int) -> Iterator[Fields]:
    """Yield, of the last MOST - 1 entries with a link or a mention, those with some of a field.

    The latest come first, back to one that isn't after a stamp.
    """
    some = trail[BYTE[field] :: SIZE]
    for number in _marked(trail)[:-MOST:-1]:
        if some[number]:
            one = LAYOUT.unpack_from(trail, number * SIZE)
            if one[STAMP] <= after:
                return
            yield one


def added(trail: bytes, *said: bytes) -> bytes:
    """Return a trail with entries at its end, the same one by one or together.

    Its Lua twin is in save_standings.lua.
    """
    whole = b"".join((trail, *said))
    return whole if len(whole) <= MOST * SIZE else _cut(whole)


def prolonged(trail: bytes, said: Sequence[bytes]) -> bytes:
    """Return a trail with entries at its end, quickly; what is too old is let go now and then."""
    trail = b"".join((trail, *said))
    return trail if len(trail) <= LONG * SIZE else _cut(trail)


def _cut(trail: bytes) -> bytes:
    """Return the last entries, and of those before them the last with a link or a mention."""
    older, last = trail[: -MOST * SIZE], trail[-MOST * SIZE :]
    kept = [older[number * SIZE : (number + 1) * SIZE] for number in _marked(older)[-MOST:]]
    return b"".join(kept) + last


def before(trail: bytes, own: Fields) -> bytes:
    """Return a trail without what came after a message in its own partition, or is the message itself.

    Whoever judges a record again finds what was noted of it and of later ones.
    """
    partition, offset = own[STAMP] & _PARTITION, own[OFFSET]
    return b"".join(
        one
        for one, fields in zip(_parted(trail), LAYOUT.iter_unpack(trail), strict=True)
        if fields[STAMP] & _PARTITION != partition or 0 < (offset - fields[OFFSET]) % _OFFSETS < _OFFSETS // 2
    )


def back(said: Sequence[Fields], after: int) -> Iterator[Fields]:
    """Yield the last MOST - 1 messages at most, the latest first, back to one that isn't after a stamp."""
    for one in said[:-MOST:-1]:
        if one[STAMP] <= after:
            return
        yield one


def _marked(trail: bytes) -> list[int]:
    """Return which entries have a link or a mention, by their number."""
    links, mentions = trail[BYTE[LINKS] :: SIZE], trail[BYTE[MENTIONS] :: SIZE]
    return [number for number, some in enumerate(map(or_, links, mentions)) if some]


def _parted(trail: bytes) -> Iterator[bytes]:
    return (trail[start : start + SIZE] for start in range(0, len(trail), SIZE))
