"""Effects that were judged and not saved yet: seen by the next batch, and saved when the store is back."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from streams.standings import Ask, AuthorEffects, PartitionId, Standing, applied

# What waits for one author, in the order in which it was judged.
Pending = Sequence[AuthorEffects]


def widened(ask: Ask, pending: Pending) -> Ask:
    """Return the ask with the messages of what waits: to settle it, one needs what is remembered of them."""
    waiting = (effect.message for each in pending for effect in each.effects)
    return Ask(ask.author, tuple(dict.fromkeys((*ask.messages, *waiting))))


def overlay(standing: Standing, pending: Pending, half_life_s: float) -> Standing:
    """Return the standing as it will be when all that waits is saved.

    Take the snapshot *before* the load is sent. What is saved in between is in the loaded standing as
    well; its marks tell, and it isn't applied twice. The standing answers a widened ask.
    """
    for partition, entries in groupby(pending, key=attrgetter("partition")):
        effects = [effect for each in entries for effect in each.effects]
        standing = applied(standing, partition, effects, half_life_s)
    return standing


class Journal:
    """What waits to be saved, oldest first.

    Args:
        max_effects: Beyond it the oldest effects are given up.
    """

    def __init__(self, max_effects: int) -> None:
        self._max = max_effects
        self._size = 0
        self._number = 0
        # A plain dict walks over its gaps again each time that its first key is asked for.
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._lines: dict[str, dict[PartitionId, deque[int]]] = {}

    def __len__(self) -> int:
        """Return the number of effects that wait."""
        return self._size

    def add(self, batch: Iterable[AuthorEffects], now: float) -> int:
        """Let effects wait; return the number of effects that were given up to stay within the bound.

        An author's effects in a partition are added in the order of their offsets.
        """
        for each in batch:
            line = self._lines.setdefault(each.author, {}).setdefault(each.partition, deque())
            line.append(self._number)
            self._entries[self._number] = _Entry(now, each)
            self._number += 1
            self._size += len(each.effects)
        before = self._size
        while self._size > self._max:
            self._take(self._oldest())
        return before - self._size

    def give_up(self, before: float) -> int:
        """Forget what was added before that time; return the number of effects."""
        size = self._size
        while self._entries and self._entries[self._oldest()].added < before:
            self._take(self._oldest())
        return size - self._size

    def snapshot(self, authors: Iterable[str]) -> dict[str, Pending]:
        """Return what waits for these authors; one for whom nothing waits is absent."""
        found = {author: self._lines[author] for author in authors if author in self._lines}
        return {
            author: [
                self._entries[number].waiting for number in sorted(n for line in lines.values() for n in line)
            ]
            for author, lines in found.items()
        }

    def waiting(self, most: int) -> list[AuthorEffects]:
        """Return the oldest of what waits, no more than so many effects, but one entry at least."""
        batch: list[AuthorEffects] = []
        for entry in self._entries.values():
            most -= len(entry.waiting.effects)
            if batch and most < 0:
                break
            batch.append(entry.waiting)
        return batch

    def saved(self, batch: Iterable[AuthorEffects]) -> None:
        """Forget what the store has now, however the batch was cut."""
        for each in batch:
            if each.effects:
                self._settle(each.author, each.partition, each.effects[-1].offset)

    def drop(self, partition: PartitionId) -> int:
        """Forget a partition that was taken from us; return the number of effects.

        Its next owner judges those records again, since their watermark did not move.
        """
        size = self._size
        for number in [n for lines in self._lines.values() for n in lines.get(partition, ())]:
            self._take(number)
        return size - self._size

    def _settle(self, author: str, partition: PartitionId, mark: int) -> None:
        line = self._lines.get(author, {}).get(partition, deque())
        while line:
            entry = self._entries[line[0]]
            rest = tuple(effect for effect in entry.waiting.effects if effect.offset > mark)
            if rest:
                self._size -= len(entry.waiting.effects) - len(rest)
                self._entries[line[0]] = _Entry(entry.added, AuthorEffects(author, partition, rest))
                return
            self._take(line[0])

    def _oldest(self) -> int:
        return next(iter(self._entries))

    def _take(self, number: int) -> None:
        """Remove an entry, the first of its line."""
        gone = self._entries.pop(number).waiting
        self._size -= len(gone.effects)
        lines = self._lines[gone.author]
        lines[gone.partition].popleft()
        if not lines[gone.partition]:
            del lines[gone.partition]
        if not lines:
            del self._lines[gone.author]


class _Entry(NamedTuple):
    added: float
    waiting: AuthorEffects
