"""Watches one batch: what is remembered of each message, and who else says or does the same.

Texts that are alike and new authors in a channel concern several authors. They are noted in trails of their
own, before the verdict: such an entry depends on its record alone, and a message sees only those of records
below its own, so that nothing changes however a partition is cut into batches, nor if it is read twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from rules.finding.asked import LONGEST_S, Asked
from rules.finding.behaviour import MOST_NEW, NEWCOMER, Wave
from rules.finding.likeness import KEPT, MARKED, NEW, ONE_IN, Kin
from rules.finding.likeness import LAYOUT as ALIKE_LAYOUT
from rules.finding.trail import LATEST_MS, Fields, is_marked
from rules.reputation import Reputation
from streams.judging.behaviour import EPOCH, Case, Observer
from streams.judging.sketches import nearly_same, words_of
from streams.judging.turns import Turns
from streams.store.trails import Kind, Note

# Trails stay a little longer than rules look back: the store's clock is not the records'.
KEEP_S = int(LONGEST_S) + 60
ALIKE = Kind("c", ALIKE_LAYOUT.size, KEPT, KEEP_S)
# Of what established authors say plainly nobody asks who else says it.
PLAIN = ALIKE._replace(told=False)
NEW_HERE = Kind("n", NEWCOMER.size, MOST_NEW, KEEP_S)
# Nobody is new a day after their account was made or, where nobody says when, after their first message.
NEW_S = 86_400.0

# Messages that are remembered together, between turns of the loop; of long ones fewer are.
AT_ONCE = 256

# Returns an author's reputation before a batch, None where it isn't known.
Known = Callable[[str], Reputation | None]


class Watch:
    """What is seen of one batch, first message by message, then all around.

    Args:
        asked: What rules ask.
        topic_id: Where the records come from.
    """

    def __init__(self, observer: Observer, asked: Sequence[Asked], topic_id: str) -> None:
        self._observer = observer
        self._topic_id = topic_id
        self._wants_alike = any(one.alike for one in asked)
        self._wants_new = any(one.newcomers for one in asked)
        # By its number in the batch, each case whose author may be new, and each that others may say too: its
        # flags and words.
        self._perhaps_new: list[tuple[int, Case]] = []
        self._alike: list[tuple[int, Case, int, list[int]]] = []

    async def remember(self, cases: Sequence[Case], turns: Turns) -> None:
        """Set of each case that is counted what its author's trail will say.

        Args:
            cases: All of the batch that was scanned, in the order of each partition's offsets.
        """
        old = _old_at(min([case.at for case in cases], default=0.0))
        start = 0
        while start < len(cases):
            await turns.give_if_due()
            some = cases[start : start + AT_ONCE]
            count, perhaps_new, others = self._observer.remember(
                some, self._topic_id, old, compares=self._wants_alike
            )
            self._perhaps_new += [(start + number, some[number]) for number in perhaps_new]
            for number in others:
                self._compare(start + number, some[number], 0)
            start += count

    async def look_round(self, *, known: Known, noting: bool = True) -> None:
        """See of each remembered case what others said and did.

        Args:
            known: Tells new authors from others.
            noting: Note that it was said.

        Raises:
            StoreError: When the store doesn't answer in time or refuses.
        """
        new = self._new(known)
        notes: list[Note] = []
        # Each with the number of its first note.
        alike: list[tuple[int, Case, Fields, list[str]]] = []
        said = [words for *_, words in self._alike]
        sketches = self._observer.sketch([case.message for _, case, *_ in self._alike], said)
        for (_, case, flags, _), (sketch, keys) in zip(self._alike, sketches, strict=True):
            own = (*self._record(case), flags, sketch)
            packed = ALIKE_LAYOUT.pack(*own) if noting else b""
            if flags:
                alike.append((len(notes), case, own, keys))
                notes += [(ALIKE, key, packed) for key in keys]
            elif noting:
                notes += [(PLAIN, key, packed) for key in keys]
        waves = len(notes)
        for case in new:
            packed = NEWCOMER.pack(*self._record(case)) if noting else b""
            notes.append((NEW_HERE, self._observer.channel(case.message), packed))
        if not notes:
            return
        answers = await self._observer.store.note(notes)
        stood = [answers[first : first + len(keys)] for first, _, _, keys in alike]
        same = nearly_same([own[-1] for _, _, own, _ in alike], stood)
        for (_, case, own, keys), trails, (entries, authors) in zip(alike, stood, same, strict=True):
            if entries:
                case.kin = Kin(own, keys[trails.index(max(trails, key=len))], entries, authors)
        for case, answer in zip(new, answers[waves:], strict=True):
            case.wave = Wave(self._record(case), answer)

    def _new(self, known: Known) -> list[Case]:
        """Return the cases of new authors, and have what they say compared."""
        new: list[Case] = []
        here_since: dict[str, float] = {}
        for number, case in self._perhaps_new:
            is_new = _is_new(case, here_since, known)
            if is_new and self._wants_new:
                new.append(case)
            if self._wants_alike and (is_new or is_marked(case.entry) or not self._author(case)[0] % ONE_IN):
                self._compare(number, case, NEW if is_new else 0)
        if self._perhaps_new:
            self._perhaps_new = []
            self._alike.sort(key=itemgetter(0))
        return new

    def _compare(self, number: int, case: Case, flags: int) -> None:
        """Have a message compared that may be part of a campaign, or show that one is none."""
        words = words_of(case.message, case.evidence)
        if words is not None:
            self._alike.append((number, case, flags | (MARKED if is_marked(case.entry) else 0), words))

    def _author(self, case: Case) -> bytes:
        return self._observer.author(case.author or "")

    def _record(self, case: Case) -> Fields:
        """Return time, partition and offset, and what stands for the author."""
        record = case.record
        partition = self._observer.partition(self._topic_id, record.partition)
        return case.at, partition, record.offset, self._author(case)


def _old_at(at: float) -> datetime:
    """Return when an account was made that is new no more at a time."""
    return EPOCH + timedelta(seconds=min(max(0.0, at - NEW_S), LATEST_MS / 1e3))


def _is_new(case: Case, here_since: dict[str, float], known: Known) -> bool:
    """Return whether the account was made, or where nobody says when, first seen, within a day.

    Args:
        here_since: Since when authors are there in this batch.
    """
    author, name = case.message.author, case.author or ""
    made = author.created_at if author is not None else None
    if made is not None:
        # A time without its zone is read as UTC: the worker's own zone must not change a verdict.
        made = made if made.tzinfo else made.replace(tzinfo=UTC)
        return case.at - made.timestamp() < NEW_S
    first, reputation = here_since.setdefault(name, case.at), known(name)
    return reputation is not None and case.at - (reputation.first_seen or first) < NEW_S
