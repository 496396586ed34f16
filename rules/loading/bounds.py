"""Says which conditions of a rule can't hold, or can't hold together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from rules.schema.conditions import AuthorCondition, Condition
from rules.schema.rule import Rule
from rules.schema.values import Bound

# Between which numbers each thing lies that is compared with one.
_SHARES = (0.0, 1.0)
_NUMBERS = (0.0, math.inf)
_RANGES = {"caps": _SHARES, "emoji.share": _SHARES, "author.trust": _SHARES}


def contradictions(rule: Rule) -> Iterator[tuple[int, str]]:
    """Yield the line and a sentence for what keeps a rule from ever firing, or what says nothing."""
    own = rule.own_condition
    together = [*([own] if own else []), *rule.all_of]
    yield from _apart(together, rule)
    for condition in rule.conditions:
        for name, bound in _bounds(condition):
            yield from ((condition.line or rule.line, message) for message in _beyond(name, bound))
    wanted = {_bare(one): one for one in rule.all_of}
    for condition in rule.none_of:
        if _bare(condition) in wanted:
            line = wanted[_bare(condition)].line
            yield condition.line, f"none: stands under all too (line {line}); the rule never fires"


def _apart(together: Sequence[Condition], rule: Rule) -> Iterator[tuple[int, str]]:
    """Yield what can't hold at once of conditions that all must hold."""
    limits: dict[str, tuple[float, float, str]] = {}
    for condition in together:
        for name, bound in _bounds(condition):
            low, high = _interval(bound)
            least, most, before = limits.get(name, (-math.inf, math.inf, ""))
            if low >= most or high <= least:
                yield (
                    condition.line or rule.line,
                    f'{name}: "{_written(bound)}" and "{before}" never hold together; the rule never fires',
                )
            limits[name] = (max(least, low), min(most, high), _written(bound))
        if condition.surface and rule.scope.surfaces and condition.surface not in rule.scope.surfaces:
            yield condition.line, f"surface: the rule's scope has no {condition.surface}; it never fires"
        languages = rule.scope.languages
        if condition.language and languages and not set(condition.language) & set(languages):
            wanted = ", ".join(condition.language)
            yield condition.line, f"language: the rule's scope has no {wanted}; it never fires"


def _bounds(condition: Condition) -> Iterator[tuple[str, Bound]]:
    """Yield the comparisons of a condition, by the key that they stand at."""
    for name in ("length", "caps", "repeated", "mentions"):
        if (bound := getattr(condition, name)) is not None:
            yield name, bound
    inside = (
        ("author", condition.author, AuthorCondition.__struct_fields__),
        ("emoji", condition.emoji, ("count", "share")),
        ("links", condition.links, ("count",)),
    )
    for key, asked, names in inside:
        for name in names if asked is not None else ():
            if isinstance(bound := getattr(asked, name), Bound):
                yield f"{key}.{name}", bound
    for label, model in condition.model.items():
        if model.bound is not None:
            yield f"model.{label}", model.bound


def _beyond(name: str, bound: Bound) -> Iterator[str]:
    """Yield whether no number, or each number that can come, is within the bound."""
    least, most = _SHARES if name.startswith("model.") else _RANGES.get(name, _NUMBERS)
    numbers = (least, most, bound.limit, bound.limit - 1e-9, bound.limit + 1e-9)
    held = [bound.holds(value) for value in numbers if least <= value <= most]
    if not any(held):
        yield f'{name}: "{_written(bound)}" never holds'
    elif all(held) and bound.sign != "=":
        yield f'{name}: "{_written(bound)}" always holds'


def _interval(bound: Bound) -> tuple[float, float]:
    """Return the open interval within which the bound holds."""
    step = 1e-9
    match bound.sign:
        case "<":
            return -math.inf, bound.limit
        case "<=":
            return -math.inf, bound.limit + step
        case ">":
            return bound.limit, math.inf
        case ">=":
            return bound.limit - step, math.inf
    return bound.limit - step, bound.limit + step


def _written(bound: Bound) -> str:
    return f"{bound.sign} {bound.limit:g}"


def _bare(condition: Condition) -> str:
    """Return a condition without its line, so that equal ones are equal."""
    return repr(msgspec.structs.replace(condition, line=0))
