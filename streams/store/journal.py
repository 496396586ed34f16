"""Effects that were judged and not saved yet: seen by the next batch, and saved when the store is back."""

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from streams.store.standings import Ask, AuthorEffects, Effect, PartitionId, Standing, applied

# What waits for one author, in the order in which it was judged.
Pending = Sequence[AuthorEffects]


def widened(ask: Ask, pending: Pending) -> Ask:
    """Return the ask with the messages of what waits: to settle it, one needs what is remembered of them."""
    waiting = (effect.message for each in pending for effect in each.effects if isinstance(effect, Effect))
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
    """What waits to be saved, by author and partition; its bounds are the desk's matter."""

    def __init__(self) -> None:
        self._size = 0
        self._number = 0
        self._entries: dict[int, AuthorEffects] = {}
        self._lines: dict[str, dict[PartitionId, deque[int]]] = {}

    def __len__(self) -> int:
        """Return the number of effects that wait."""
        return self._size

    def add(self, batch: Iterable[AuthorEffects]) -> None:
        """Let effects wait; an author's in a partition are added in the order of their offsets."""
        for each in batch:
            line = self._lines.setdefault(each.author, {}).setdefault(each.partition, deque())
            line.append(self._number)
            self._entries[self._number] = each
            self._number += 1
            self._size += len(each.effects)

    def snapshot(self, authors: Iterable[str]) -> dict[str, Pending]:
        """Return what waits for these authors; one for whom nothing waits is absent."""
        found = {author: self._lines[author] for author in authors if author in self._lines}
        return {
            author: [self._entries[number] for number in sorted(n for line in lines.values() for n in line)]
            for author, lines in found.items()
        }

    def partitions(self) -> set[PartitionId]:
        """Return the partitions that something waits for."""
        return {partition for lines in self._lines.values() for partition in lines}

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
            waiting = self._entries[line[0]]
            if not waiting.effects or waiting.effects[-1].offset <= mark:  # nearly always
                self._take(line[0])
                continue
            rest = tuple(effect for effect in waiting.effects if effect.offset > mark)
            self._size -= len(waiting.effects) - len(rest)
            self._entries[line[0]] = AuthorEffects(author, partition, rest)
            return

    def _take(self, number: int) -> None:
        """Remove an entry, the first of its line."""
        gone = self._entries.pop(number)
        self._size -= len(gone.effects)
        lines = self._lines[gone.author]
        lines[gone.partition].popleft()
        if not lines[gone.partition]:
            del lines[gone.partition]
        if not lines:
            del self._lines[gone.author]
