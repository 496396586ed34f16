"""Loading rules, and letting go of them, beside the judging: neither may make it wait."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from rules.ruleset import RuleSet

log = structlog.get_logger(__name__)

# Objects that are let go of at once: some ten thousand take a few milliseconds, and a list of
# 100,000 terms let go of in one piece took 64.
SLICE = 2_000
# What is smaller goes with whatever holds it.
LARGE = 5_000
# Longest that a batch in flight, which may still judge by the old rules, is waited for.
IN_FLIGHT_S = 30.0

_one_at_a_time = threading.Lock()


@contextmanager
def loading() -> Iterator[None]:
    """Keep the garbage collector from walking through rules while they are made, and ever after.

    A full collection with 100,000 terms in memory stops everything for 350 ms.
    """
    with _one_at_a_time:
        gc.collect(1)
        gc.disable()
        try:
            yield
            gc.freeze()
        finally:
            # What an error left in circles is found by the next collection; frozen it would stay.
            gc.enable()


def let_go(box: list[RuleSet], pause: Callable[[float], None] = time.sleep) -> None:
    """Let go of the rule set in the box, a slice at a time, once nobody judges by it any more.

    In a box, so that whoever calls this from another thread doesn't hold it as well.
    """
    rules = box.pop()
    patience = time.monotonic() + IN_FLIGHT_S
    # Ours, and that of the question itself.
    while sys.getrefcount(rules) > 2:
        if time.monotonic() > patience:
            log.warning("old_rules_held", ruleset=rules.hash, references=sys.getrefcount(rules) - 2)
            return
        pause(0.05)
        gc.collect(0)  # of errors in loading, mostly; it looks at what is young
    held = _large_parts(rules)
    del rules
    while held:
        part = held.pop()
        while part:
            del part[-SLICE:]
            pause(0.0005)


def _large_parts(rules: RuleSet) -> list[list[object]]:
    """Return what large containers below a rule set hold, so that they can go before it does."""
    found: list[list[object]] = []
    seen: set[int] = set()
    waiting: list[object] = [vars(rules)]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, tuple | list | dict | set | frozenset) and len(thing) > LARGE:
            found.append(list(thing.values() if isinstance(thing, dict) else thing))
            if isinstance(thing, dict):
                found.append(list(thing))
        elif isinstance(thing, tuple | list | dict | set | frozenset) or _is_ours(thing):
            waiting.extend(gc.get_referents(thing))
    return found


def _is_ours(thing: object) -> bool:
    return not isinstance(thing, type) and type(thing).__module__.startswith("rules.")
