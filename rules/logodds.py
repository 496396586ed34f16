"""Scores and their log-odds: evidence adds up in these, people read points from 0 to 100."""

import math

# A model that is certain would leave evidence no room, and has no finite logit.
SURE = 1e-6


def drawn_in(probability: float) -> float:
    """Return a probability that keeps a millionth off 0 and 1; what isn't a number becomes a millionth."""
    return probability if SURE <= probability <= 1.0 - SURE else 1.0 - SURE if probability > 0.5 else SURE


def logit(probability: float) -> float:
    """Return the log-odds of a probability, drawn in."""
    drawn = drawn_in(probability)
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
