"""Who is speaking: strikes that halve with time and trust that grows with good messages."""

from collections.abc import Mapping

import msgspec

# Entries that a ledger holds; the strikes of older ones are one number.
LEDGER = 32
# What an older strike leaves when it is taken back is no strike, but what the numbers are off by.
CRUMB = 1e-9
DAY_S = 86_400


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What one verdict cost an author, on their ledger; array-like, as a store hands it on.

    Attributes:
        verdict: The verdict's id. An entry that was reversed before it came has no more than that.
        amount: Strikes as they were given; they halve from `at` on.
        at: Epoch seconds, the record's time.
        label: What settled the verdict; its own half-life counts where the policy has one.
        ruleset: Hash of the rule set that judged.
        alone: Only the model spoke against the message.
        credit: Without the verdict the message would have counted as a good one.
        reversed: A human took it back; it stands for show, and so that it isn't taken back twice.
    """

    verdict: str
    amount: float
    at: float
    label: str = ""
    ruleset: str = ""
    alone: bool = False
    credit: bool = False
    reversed: bool = False

    @property
    def is_note(self) -> bool:
        """Whether it only says that the verdict was reversed, and its strike hasn't come."""
        return self.reversed and not self.amount


class Reputation(msgspec.Struct, frozen=True):
    """What is known of an author; the default is a newcomer, who has no trust and no blame.

    *Unknown* is not a value of this type: where the store is away it is None.

    Attributes:
        strikes: Strikes that no entry of the ledger explains, as they stood at `as_of`: older ones,
            and those that came with what was learned.
        good: Good messages to their credit; may fall below 0 while credits are withdrawn
            out of order, readers take max(0, good).
        messages: Messages judged.
        first_seen: Epoch seconds of the first message, None before it.
        as_of: Epoch seconds that `strikes` refers to.
        ledger: The latest strikes one by one, the oldest first; at most `LEDGER`.
    """

    strikes: float = 0.0
    good: int = 0
    messages: int = 0
    first_seen: float | None = None
    as_of: float = 0.0
    ledger: tuple[Entry, ...] = ()


class Delta(msgspec.Struct, frozen=True):
    """What one message moves. Deltas commute, so that only the set of them matters.

    Attributes:
        at: Epoch seconds, the record's time.
        entry: The strike that the message costs; None for most.
        most: What the model alone may cost in the entry's day, in strikes; None is any.
    """

    at: float
    good: int = 0
    messages: int = 0
    entry: Entry | None = None
    most: float | None = None


NEWCOMER = Reputation()


def strikes_at(
    reputation: Reputation, now: float, half_life_s: float, half_lives: Mapping[str, float] | None = None
) -> float:
    """Return the strikes left at `now`; a clock that runs backwards adds none.

    Args:
        half_lives: Seconds by label, where they differ from `half_life_s`.
    """
    strikes = reputation.strikes
    if strikes:
        strikes *= halved(now - reputation.as_of, half_life_s)
    for entry in reputation.ledger:
        if not entry.reversed:
            own = half_lives.get(entry.label, half_life_s) if half_lives else half_life_s
            strikes += entry.amount * halved(now - entry.at, own)
    return strikes


def halved(elapsed_s: float, half_life_s: float) -> float:
    """Return the share that is left after `elapsed_s`; 1 for a negative time."""
    return float(2.0 ** (-elapsed_s / half_life_s)) if elapsed_s > 0.0 else 1.0


def after(
    reputation: Reputation, delta: Delta, half_life_s: float, fell: list[Entry] | None = None
) -> Reputation:
    """Return the reputation with `delta` added, in whatever order deltas come.

    The later of both times becomes `as_of`, and what is older is halved up to it:
    exponential decay makes the result independent of the order.

    Args:
        fell: Gets what falls off the ledger and has to be known later: an entry whose strike goes on
            as a number, or a note that a strike which hasn't come was reversed.
    """
    as_of = max(reputation.as_of, delta.at)
    seen = reputation.first_seen
    if delta.messages:
        seen = delta.at if seen is None else min(seen, delta.at)
    strikes = reputation.strikes and reputation.strikes * halved(as_of - reputation.as_of, half_life_s)
    good, messages = reputation.good + delta.good, reputation.messages + delta.messages
    if delta.entry is None:
        return Reputation(strikes, good, messages, seen, as_of, reputation.ledger)
    moved = Reputation(strikes, good, messages, seen, as_of, reputation.ledger)
    return _entered(moved, delta.entry, delta.most, half_life_s, fell)


def joined(reputation: Reputation, learned: Reputation, half_life_s: float) -> Reputation:
    """Return the reputation with what was learned from elsewhere added to it; the ledger stays its own."""
    as_of = max(reputation.as_of, learned.as_of)
    strikes = sum(one.strikes * halved(as_of - one.as_of, half_life_s) for one in (reputation, learned))
    seen = [one.first_seen for one in (reputation, learned) if one.first_seen is not None]
    return Reputation(
        strikes,
        reputation.good + learned.good,
        reputation.messages + learned.messages,
        min(seen, default=None),
        as_of,
        reputation.ledger,
    )


def reversed_in(
    reputation: Reputation, verdict: str, at: float, half_life_s: float, fell: list[Entry] | None = None
) -> Reputation:
    """Return the reputation as if the verdict had not been given; a second time nothing changes.

    A verdict that isn't on the ledger is noted on it at `at`: should its strike come later it costs
    nothing. One that has fallen off the ledger is for `given_back`.

    Args:
        fell: As for `after`.
    """
    found = next((entry for entry in reputation.ledger if entry.verdict == verdict), None)
    if found is None:
        note = Entry(verdict, 0.0, at, reversed=True)
        return _bounded(reputation, (*reputation.ledger, note), half_life_s, fell)
    return reputation if found.reversed else _taken_back(reputation, found)


def noted(reputation: Reputation, note: Entry) -> Reputation:
    """Return the reputation with a note on its ledger again that had fallen off; the strike must follow."""
    return msgspec.structs.replace(reputation, ledger=(*reputation.ledger, note))


def given_back(reputation: Reputation, entry: Entry, half_life_s: float) -> Reputation:
    """Return the reputation as if a verdict whose entry has fallen off the ledger had not been given."""
    left = reputation.strikes - entry.amount * halved(reputation.as_of - entry.at, half_life_s)
    return msgspec.structs.replace(
        reputation, strikes=left if left > CRUMB else 0.0, good=reputation.good + int(entry.credit)
    )


def _entered(
    reputation: Reputation, entry: Entry, most: float | None, half_life_s: float, fell: list[Entry] | None
) -> Reputation:
    before = next((one for one in reputation.ledger if one.verdict == entry.verdict), None)
    if before is not None:
        # It was reversed before it came.
        rest = tuple(one for one in reputation.ledger if one is not before)
        freed = _taken_back(msgspec.structs.replace(reputation, ledger=(*rest, entry)), entry)
        return _bounded(freed, freed.ledger, half_life_s, fell)
    if most is not None:
        amount = min(entry.amount, max(0.0, most - _alone(reputation, entry.at)))
        if not amount:
            return reputation
        entry = msgspec.structs.replace(entry, amount=amount)
    return _bounded(reputation, (*reputation.ledger, entry), half_life_s, fell)


def _alone(reputation: Reputation, at: float) -> float:
    """Return what the model alone has cost in the UTC day of `at`."""
    today = at // DAY_S
    return sum(
        one.amount for one in reputation.ledger if one.alone and not one.reversed and one.at // DAY_S == today
    )


def _taken_back(reputation: Reputation, entry: Entry) -> Reputation:
    kept = [msgspec.structs.replace(one, reversed=True) if one is entry else one for one in reputation.ledger]
    return msgspec.structs.replace(
        reputation, ledger=tuple(sorted(kept, key=age)), good=reputation.good + int(entry.credit)
    )


def _bounded(
    reputation: Reputation, entries: tuple[Entry, ...], half_life_s: float, fell: list[Entry] | None
) -> Reputation:
    """Return the reputation with these entries, one less where they are too many.

    The oldest that was reversed goes first: else what takes back an old strike would push a
    younger one off before its turn. Of any other the strike goes on as a number.
    """
    ledger = sorted(entries, key=age)
    strikes = reputation.strikes
    if len(ledger) > LEDGER:
        gone = next((one for one in ledger if one.reversed), ledger[0])
        ledger.remove(gone)
        if not gone.reversed:
            strikes += gone.amount * halved(reputation.as_of - gone.at, half_life_s)
        if fell is not None and (gone.is_note or not gone.reversed):
            fell.append(gone)
    return msgspec.structs.replace(reputation, strikes=strikes, ledger=tuple(ledger))


def age(entry: Entry) -> tuple[float, str]:
    """Return what entries are sorted by, the oldest first."""
    return entry.at, entry.verdict


def trust(good: int, strikes: float, good_for_half: float) -> float:
    """Return trust in [0, 1): half of it after `good_for_half` good messages, divided by 1 + strikes."""
    good = max(0, good)
    return good / (good + good_for_half) / (1.0 + strikes)
