"""Who is speaking: strikes that halve with time and trust that grows with good messages."""

import msgspec


class Reputation(msgspec.Struct, frozen=True):
    """What is known of an author; the default is a newcomer, who has no trust and no blame.

    *Unknown* is not a value of this type: where the store is away it is None.

    Attributes:
        strikes: Strikes as they stood at `as_of`.
        good: Good messages to their credit; may fall below 0 while credits are withdrawn
            out of order, readers take max(0, good).
        messages: Messages judged.
        first_seen: Epoch seconds of the first message, None before it.
        as_of: Epoch seconds that `strikes` refers to.
    """

    strikes: float = 0.0
    good: int = 0
    messages: int = 0
    first_seen: float | None = None
    as_of: float = 0.0


class Delta(msgspec.Struct, frozen=True):
    """What one message moves. Deltas commute, so that only the set of them matters.

    Attributes:
        at: Epoch seconds, the record's time.
    """

    at: float
    strike: float = 0.0
    good: int = 0
    messages: int = 0


NEWCOMER = Reputation()


def strikes_at(reputation: Reputation, now: float, half_life_s: float) -> float:
    """Return the strikes left at `now`; a clock that runs backwards adds none."""
    if not reputation.strikes:  # most authors
        return 0.0
    return reputation.strikes * halved(now - reputation.as_of, half_life_s)


def halved(elapsed_s: float, half_life_s: float) -> float:
    """Return the share that is left after `elapsed_s`; 1 for a negative time."""
    return float(2.0 ** (-elapsed_s / half_life_s)) if elapsed_s > 0.0 else 1.0


def after(reputation: Reputation, delta: Delta, half_life_s: float) -> Reputation:
    """Return the reputation with `delta` added, in whatever order deltas come.

    The later of both times becomes `as_of`, and what is older is halved up to it:
    exponential decay makes the result independent of the order.
    """
    as_of = max(reputation.as_of, delta.at)
    seen = reputation.first_seen
    if delta.messages:
        seen = delta.at if seen is None else min(seen, delta.at)
    strikes = reputation.strikes and reputation.strikes * halved(as_of - reputation.as_of, half_life_s)
    if delta.strike:
        strikes += delta.strike * halved(as_of - delta.at, half_life_s)
    good, messages = reputation.good + delta.good, reputation.messages + delta.messages
    return Reputation(strikes, good, messages, seen, as_of)


def trust(reputation: Reputation, now: float, *, half_life_s: float, good_for_half: float) -> float:
    """Return trust in [0, 1): half of it after `good_for_half` good messages, divided by 1 + strikes."""
    good = max(0, reputation.good)
    return good / (good + good_for_half) / (1.0 + strikes_at(reputation, now, half_life_s))
