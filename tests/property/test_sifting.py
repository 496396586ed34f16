"""Sifting finds whoever did what a rule asks, and nobody else."""

from random import Random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from rules.finding.asked import Alarm, Asked
from rules.finding.behaviour import QUIET, Lately, LookedBack, asked_of_others
from rules.finding.trail import LAYOUT, MOST, added, stamp
from rules.message import Author, Message
from rules.reputation import Reputation
from streams.judging import behaviour
from streams.judging.behaviour import Observer
from streams.judging.cases import Case, Live
from streams.judging.outbox import Record
from streams.judging.sifting import sifted
from streams.store.standings import Standing
from streams.store.trails import MemoryTrails
from tests.property.test_alarm import AGES, FLAGS, LETTERS, MARKS, NOW_S, TEXTS, condition, kin, wave


def entry(chance: Random, offset: int) -> bytes:
    """What one of an author's messages is on their trail; most are alike in their text."""
    age = chance.choice((*AGES, NOW_S))
    where = stamp(NOW_S - age, chance.randrange(3)), offset
    what = chance.choice(TEXTS), chance.randrange(4), chance.randrange(40), chance.choice(LETTERS)
    return LAYOUT.pack(*where, *what, chance.choice(FLAGS), *chance.choice(MARKS))


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=True))
def test_it_finds_what_looking_back_does(chance: Random) -> None:
    """Whoever else is in the batch, however much each of them says in it; nothing is asked of others here."""
    asked = [Asked.of(condition(chance)) for _ in range(8)]
    alarm = Alarm.of(asked)
    trails, said = [], []
    for _ in range(chance.choice((1, 2, 5))):
        trail = b""
        for offset in range(chance.choice((0, 1, 3, 12, 3 * MOST))):
            trail = added(trail, entry(chance, offset))
        trails.append(trail)
        said.append([entry(chance, 1_000 + n) for n in range(chance.choice((1, 1, 2, 6, 40)))])
    loud = iter(sifted(trails, said, alarm))
    for trail, entries in zip(trails, said, strict=True):
        for one in entries:
            looked, done = LookedBack(LAYOUT.unpack(one), trail), next(loud)
            sifted_out = Lately(done)
            event("left" if done else "sifted out")
            for each in asked:
                if not (each.alike or each.newcomers):
                    assert looked.holds(each) == sifted_out.holds(each) == (each in sifted_out.heard(alarm))
                    assert not sifted_out.holds(each) or looked.told(each) == sifted_out.told(each)
            trail = added(trail, one)
    assert next(loud, None) is None


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=True))
def test_it_finds_what_others_did_as_well(chance: Random) -> None:
    """Whatever is asked of the author beside that, and whatever isn't counted."""
    asked = [Asked.of(condition(chance)) for _ in range(12)]
    alarm = Alarm.of(asked)
    cases, trails = [], {}
    for number in range(3):
        author = f"u{number}"
        trails[author] = b"".join(entry(chance, offset) for offset in range(chance.choice((0, 3, MOST))))
        said = Message(f"m{number}", Author(author), "whatever")
        cases.append(Case(Record(0, 1_000, NOW_S, None, None), said, NOW_S, author))
        own = LAYOUT.unpack(entry(chance, 1_000))
        cases[-1].entry, cases[-1].kin, cases[-1].wave = LAYOUT.pack(*own), kin(chance, own), wave(chance)
    lives = {author: Live(Standing(Reputation(), trail=trail)) for author, trail in trails.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(behaviour, "WORTH_SIFTING", 1)
        Observer(MemoryTrails(), secret=b"secret").sift(cases, lives, alarm)
    for case in cases:
        assert case.may_hold is not None
        sifted_out = Lately(case.may_hold, case.kin, case.wave)
        looked = LookedBack(LAYOUT.unpack(case.entry), trails[case.author or ""], case.kin, case.wave)
        for each in asked:
            held = looked.holds(each)
            event(f"{'+'.join(sorted(dict(each.counts)))}: {held}")
            assert sifted_out.holds(each) == held
            assert not held or (
                each in sifted_out.heard(alarm) and sifted_out.told(each) == looked.told(each)
            )


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=True))
def test_nothing_holds_of_the_quiet(chance: Random) -> None:
    """Nor does anything wake for them."""
    asked = [Asked.of(condition(chance)) for _ in range(20)]
    assert not any(map(QUIET.holds, asked))
    assert not QUIET.heard(Alarm.of(asked))
    assert QUIET.campaign(asked[0]) is None
    assert not asked_of_others(Alarm.of(asked), None, None)


def test_a_busy_author_is_left_and_a_quiet_one_is_not() -> None:
    """So that sifting doesn't leave everybody."""
    asked = Asked.of(condition(Random(1)))._replace(
        counts=(), before=3, reach=stamp(10.0, 0), marks=(), copies=0, alike=0, newcomers=0
    )
    busy = [LAYOUT.pack(stamp(NOW_S + n, 0), n, b"whatever", 1, n, 20, 0, 0, 0, 0) for n in range(4)]
    calm = [LAYOUT.pack(stamp(NOW_S + 60 * n, 0), n, b"whatever", 1, n, 20, 0, 0, 0, 0) for n in range(4)]
    counts = {"messages": 4, "same_text": 4, "channels": 1}
    assert sifted([b"", b""], [busy, calm], Alarm.of([asked])) == [()] * 3 + [((asked, counts),)] + [()] * 4
    assert sifted([], [], Alarm.of([asked])) == []
    copied = asked._replace(copies=3)
    assert sifted([b"".join(busy)], [busy[3:]], Alarm.of([copied])) == [((copied, counts),)]
    assert sifted([b"".join(busy)], [busy[3:]], Alarm.of([copied._replace(copies=5)])) == [()]
