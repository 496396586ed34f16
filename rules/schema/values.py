"""The small things a rule writer writes as words: "< 3", "2d", "8 words", "never"."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Final, Self

import msgspec
import re2

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_BOUND = re.compile(r"(<=|>=|<|>|=)\s*(\S.*)")
_WORDS = re.compile(r"(\d+) words?")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_FEW_LETTERS = re.compile(r"under [1-9]\d* letters?")
_QUIET = re2.Options()
_QUIET.log_errors = False
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}


class Written(str):
    """A text that remembers which line of its file it was written on."""

    __slots__ = ("line",)
    line: int

    @classmethod
    def at(cls, line: int, text: str) -> Self:
        written = cls(text)
        written.line = line
        return written


class Seconds(float):
    """A length of time, written with its unit: "30s", "10m", "24h", "7d", "2w"."""

    @classmethod
    def parse(cls, text: str) -> Self:
        match = _DURATION.fullmatch(text.strip())
        if match is None:
            raise ValueError(f'expected a time such as 30s, 10m, 24h or 7d, got "{text}"')
        return cls(float(match[1]) * _UNITS[match[2]])


class Points(float):
    """A score as people read it: above 0 and below 100; "never" is infinity."""

    @classmethod
    def parse(cls, text: str) -> Self:
        if text == "never":
            return cls(math.inf)
        points = number(text)
        if not 0 < points < 100:
            raise ValueError(f'expected points above 0 and below 100, or never, got "{text}"')
        return cls(points)


class Words(int):
    """A distance, written "8 words"."""

    @classmethod
    def parse(cls, text: str) -> Self:
        match = _WORDS.fullmatch(text.strip())
        if match is None or int(match[1]) < 1:
            raise ValueError(f'expected a distance such as 8 words, got "{text}"')
        return cls(match[1])


class Share(float):
    """A part of all, written "25%": above 0 and at most 1."""

    @classmethod
    def parse(cls, text: str) -> Self:
        match = _SHARE.fullmatch(text.strip())
        if match is None or not 0 < float(match[1]) <= 100:
            raise ValueError(f'expected a share such as 25%, got "{text}"')
        return cls(float(match[1]) / 100.0)


class Ignored(str):
    """What isn't counted as behaviour: "commands", "emotes", or texts "under 12 letters"."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        if text not in ("commands", "emotes") and _FEW_LETTERS.fullmatch(text) is None:
            raise ValueError(f'expected commands, emotes or "under 12 letters", got "{text}"')
        return cls(text)


class Script(str):
    """A script of Unicode by its English name: latin, cyrillic, han, arabic, devanagari."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        name = "_".join(map(str.capitalize, re.split(r"[ _]+", text.strip())))
        try:
            re2.compile(rf"\p{{{name}}}", _QUIET)
        except re2.error:
            raise ValueError(f'expected a script such as latin, cyrillic or han, got "{text}"') from None
        return cls(name)


class Bound(msgspec.Struct, frozen=True):
    """A comparison with a number: "< 3", ">= 0.5"."""

    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(*_split_bound(text, number, "< 3"))

    def holds(self, value: float) -> bool:
        """Return whether a value stands on the left side of the comparison."""
        return _COMPARE[self.sign](value, self.limit)


class AgeBound(Bound, frozen=True):
    """A comparison with a length of time: "< 2d"; in seconds once it is read."""

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(*_split_bound(text, Seconds.parse, "< 2d"))


def number(text: str) -> float:
    """Return a finite number, or raise ValueError saying what was expected."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f'expected a number, got "{text}"')
    return value


def _split_bound(text: str, parse: Callable[[str], float], example: str) -> tuple[str, float]:
    match = _BOUND.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'expected a comparison such as "{example}", got "{text}"')
    return match[1], parse(match[2])
