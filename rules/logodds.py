"""Scores and their log-odds: evidence adds up in these, people read points from 0 to 100."""

import math

# A model that is certain would leave evidence no room, and has no finite logit.
_SURE = 1e-6


def logit(probability: float) -> float:
    """Return the log-odds of a probability; 0, 1 and what isn't a number are drawn in to a millionth."""
    drawn = min(1.0 - _SURE, max(_SURE, probability))
    return math.log(drawn / (1.0 - drawn))


def sigmoid(log_odds: float) -> float:
    """Return the probability of log-odds; never overflows."""
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def points_of(log_odds: float) -> float:
    """Return the points, 0 to 100, that log-odds are worth."""
    return 100.0 * sigmoid(log_odds)


def moved(probability: float, odds: float) -> float:
    """Return a probability whose odds are multiplied; as `logit` it keeps off 0 and 1.

    The same as adding log-odds, at a fifth of the time: a model gives ten scores a message.
    """
    drawn = min(1.0 - _SURE, max(_SURE, probability))
    weighed = drawn * odds
    return weighed / (1.0 - drawn + weighed)
