"""The alarm rules nobody out who did what a rule asks: it only saves the work for those who didn't."""

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from rules.finding.asked import Alarm, Asked
from rules.finding.behaviour import MOST_NEW, NEWCOMER, LookedBack, Wave
from rules.finding.likeness import AUTHOR_BYTES, BANDS, FLAGS_BYTE, HASHES, KEPT, MARKED, NEW, Kin
from rules.finding.likeness import LAYOUT as ALIKE
from rules.finding.trail import COMMAND, EDITED, EMOTES, LAYOUT, LINKS, MENTIONS, MOST, Fields, added, stamp
from rules.loading.condition_check import condition_doubts
from rules.schema.conditions import BEHAVIOUR_COUNTS, Behaviour
from rules.schema.rule import Rule
from rules.schema.values import Bound, Ignored, Seconds

# The message that is looked at was said now.
NOW_S, PARTITION, OFFSET = 1_000_000.0, 1, 1_000
SELF, SKETCH = b"the self", bytes(range(HASHES))

LIMITS = (1, 1, 1.5, 2, 2, 3, 4, 6, 10, 30.5, MOST - 1, MOST_NEW - 1)
# Seconds before now. What other partitions bring may be out of order, and even later.
AGES = (0, 0, 0.4, 1, 2, 2.9, 3, 10, 29, 40, 4000, -1)
TEXTS = (b"\x9ct\x01\xf0ext\x07", b"\x02h\xee other")
IGNORED = ("commands", "emotes", "under 3 letters", "under 12 letters")
LETTERS = (0, 2, 11, 12, 200)
FLAGS = (0, 0, 0, 0, COMMAND, EMOTES, EDITED, EDITED | COMMAND)
# Links, mentions, invites: an invite is a link.
MARKS = ((0, 0, 0), (0, 0, 0), (1, 0, 0), (2, 0, 1), (0, 3, 0), (1, 1, 1), (2, 9, 2))


def condition(chance: Random) -> Behaviour:
    """Return a condition that packs allow."""
    while True:
        keys = chance.sample(BEHAVIOUR_COUNTS, chance.choice((1, 1, 1, 2, 3)))
        bounds: dict[str, Any] = {
            key: Bound(chance.choice((">", ">=")), float(chance.choice(LIMITS))) for key in keys
        }
        ignored = map(Ignored.parse, chance.sample(IGNORED, chance.choice((0, 0, 1, 2))))
        asked = Behaviour(
            **bounds,
            within=Seconds(chance.choice((0.5, 3, 30, 3600))),
            ignore=tuple(ignored),
        )
        if not any(condition_doubts(Rule(id="spam/any", label="spam", behaviour=asked))):
            return asked


def seen(chance: Random) -> LookedBack:
    """Return what may be known of an author."""
    own = _entry(chance, OFFSET, 0.0)
    trail = b""
    for one in _said(chance):
        trail = added(trail, LAYOUT.pack(*one))
    return LookedBack(own, trail, kin(chance, own), wave(chance))


def _entry(chance: Random, offset: int, age_s: float) -> Fields:
    where = stamp(NOW_S - age_s, offset % 3), offset
    what = chance.choice(TEXTS), chance.randrange(4), chance.randrange(40), chance.choice(LETTERS)
    return (*where, *what, chance.choice(FLAGS), *chance.choice(MARKS))


def _said(chance: Random) -> Sequence[Fields]:
    number = chance.choice((0, 1, 2, 5, 12, 2 * MOST))
    ages = [chance.choice(AGES) for _ in range(number)]
    if chance.random() < 0.7:
        ages.sort(reverse=True)
    return [_entry(chance, offset, age) for offset, age in enumerate(ages)]


def kin(chance: Random, own: Fields) -> Kin | None:
    """Return what a message may be like."""
    if chance.random() < 0.2:
        return None
    flags = (MARKED if own[LINKS] or own[MENTIONS] else 0) | chance.choice((0, NEW))
    authors = chance.choice((1, 4, 20, 60))
    alike = [
        ALIKE.pack(*_record(chance), _name(chance, authors), chance.choice((0, NEW, MARKED)), SKETCH)
        for _ in range(_crowd(chance, BANDS * KEPT))
    ]
    counted = {one[AUTHOR_BYTES] for one in alike if one[FLAGS_BYTE]}
    return Kin((NOW_S, PARTITION, OFFSET, SELF, flags, SKETCH), "c/1", b"".join(alike), len(counted))


def wave(chance: Random) -> Wave | None:
    """Return the new authors that may be in its channel."""
    if chance.random() < 0.2:
        return None
    authors = chance.choice((2, 9, 500))
    said = [NEWCOMER.pack(*_record(chance), _name(chance, authors)) for _ in range(_crowd(chance, MOST_NEW))]
    return Wave((NOW_S, PARTITION, OFFSET, SELF), b"".join(said))


def _record(chance: Random) -> tuple[float, int, int]:
    return NOW_S - chance.choice(AGES), chance.randrange(3), OFFSET + chance.randint(-9, 3)


def _name(chance: Random, authors: int) -> bytes:
    return chance.randrange(authors).to_bytes(8, "big") if chance.random() < 0.95 else SELF


def _crowd(chance: Random, most: int) -> int:
    return chance.choice((0, 1, 3, 10, most))


@settings(max_examples=600, deadline=None)
@given(st.randoms(use_true_random=True))
def test_who_did_what_a_rule_asks_sets_off_its_alarm(chance: Random) -> None:
    """Alone, and beside conditions that don't hold."""
    lately = seen(chance)
    asked = [Asked.of(condition(chance)) for _ in range(20)]
    others = [one for one in asked if not lately.holds(one)]
    for one in asked:
        if lately.holds(one):
            event("+".join(sorted(dict(one.counts))))
            beside = chance.sample(others, min(chance.randrange(4), len(others)))
            assert one in lately.heard(Alarm.of([one])), one
            assert one in lately.heard(Alarm.of([*beside, one])), (one, beside)


@settings(max_examples=600, deadline=None)
@given(st.randoms(use_true_random=True))
def test_what_holds_is_what_was_counted(chance: Random) -> None:
    """Nothing that is looked at before counting, to save it, keeps a condition from holding."""
    lately = seen(chance)
    for asked in (Asked.of(condition(chance)) for _ in range(20)):
        counts = lately._count(asked)
        held = all(bound.holds(counts.get(key, 0)) for key, bound in asked.counts)
        event(f"{len(asked.counts)} counts {'hold' if held else 'do not'}")
        assert lately.holds(asked) == held, (asked, counts)
