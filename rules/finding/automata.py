"""Aho–Corasick automata of literals, in shards: building a large one would keep all other threads waiting."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator

import ahocorasick

# Building takes 10 ms at this size, 650 at 100,000.
MAX_SHARD = 5_000


class Automata:
    """The automata of an index.

    Attributes:
        made: All of them, by checksum of their literals.
    """

    def __init__(self) -> None:
        self.made: dict[bytes, ahocorasick.Automaton] = {}

    def of(self, literals: list[str], old: Automata) -> list[ahocorasick.Automaton]:
        """Return automata that find these; those that `old` has already are taken over."""
        return [self._made(shard, old) for shard in _parted(literals)]

    def _made(self, literals: list[str], old: Automata) -> ahocorasick.Automaton:
        digest = hashlib.blake2b("\0".join(sorted(literals)).encode()).digest()
        automaton = self.made[digest] = old.made.get(digest) or _automaton(literals)
        return automaton


def _parted(literals: list[str], bit: int = 0) -> Iterator[list[str]]:
    """Part literals by the bits of their checksums, so that a new term changes one shard only."""
    if len(literals) <= MAX_SHARD or bit == 32:
        if literals:
            yield literals
        return
    halves: tuple[list[str], list[str]] = ([], [])
    for literal in literals:
        halves[zlib.crc32(literal.encode()) >> bit & 1].append(literal)
    for half in halves:
        yield from _parted(half, bit + 1)


def _automaton(literals: Iterable[str]) -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for literal in literals:
        automaton.add_word(literal, literal)
    automaton.make_automaton()
    return automaton
