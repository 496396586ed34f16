"""Time grows with the text and no faster, whatever is repeated, in every view and for links."""

import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.fold import fold, readable
from rules.ruleset import RuleSet
from rules.text.links import find_links
from rules.text.views.chain import ALL_SIGNS
from tests.rule_folders import loaded, said

pytestmark = pytest.mark.timed

UNITS = (
    "a.", "a ", "a-", "a-a.", "a[.]", "a[dot]", "a . ", "a dot ", ". ", "((dot)", "((((", "[::", "http://",
    "a.com ",
    "a@", "f*f*", "f**k ", "f u c k ", "n.i.t.r.o ", "shiiit", "a1", "$", "xn--a.", "free nitro ", "fuck",
    ":", "'", "_", "*",
    "\u0301", "a\u0316\u0301", "a\u0301\u0302\u0303", "n\u0336", "\u0640", "İ", "ﷺ", "\ud800",
    "क\u094d\u200d",
    "f. u. c. k. ", "f u u u c c c k ", "f.u.с.k.", "f u ¢ 1 k ", "f🔥u", "fu🔥ck ", "shi7 ",
    "\u202ekcuf", "\u202ef\u202c",
    "https:/", "https://%64.", "t . me / ", "ꜰ*ᴄᴋ ",
    "ʞɔnɟ ", "аa ", "á.", "🅰", "🇫", "中。", "가",
)  # fmt: skip
SHORT, LONG, LONGEST = 4_000, 16_000, 100_000
units = st.text(st.characters(exclude_categories=()), min_size=1, max_size=8) | st.text(
    "af1.-* @$'\u0301\u200dcоअк中🅰\U0001f1eb⭕İʞ", min_size=1, max_size=8
)


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return loaded("""
        - {id: t/words, label: profanity, strength: strong, terms: [fuck, shit*, "*ass*", free nitro, dick]}
        - {id: t/both, label: scam, strength: weak, terms: [free & nitro], within: 5 words}
        - {id: t/bare, label: profanity, strength: weak, views: [unaccented], terms: [coño]}
        - {id: t/hosts, label: scam, strength: weak, links: {like: [discord.com]}, domains: [a.com]}
    """)


def seconds(work: Callable[[str], object], text: str) -> float:
    begin = time.process_time()
    work(text)
    return time.process_time() - begin


def everything(rules: RuleSet, text: str) -> None:
    """Look at a text in every way there is."""
    folded = fold(text)
    folded.span(0, len(folded.text))
    readable(text)
    find_links(text)
    rules.keywords.find_disguised(folded, ALL_SIGNS)
    assert rules.scan(said(text)).hits is not None


def grows_with_the_text(rules: RuleSet, unit: str) -> bool:
    """Quadratic time doesn't; a tenth of a second is left for the machine's moods."""
    short, long = ((unit * length)[:length] for length in (SHORT, LONG))
    look = partial(everything, rules)
    return any(seconds(look, long) < 9 * seconds(look, short) + 0.1 for _ in range(3))


@pytest.mark.parametrize("unit", UNITS)
def test_four_times_the_text_takes_no_sixteen_times_the_time(rules: RuleSet, unit: str) -> None:
    """Of what is known to be hard."""
    assert grows_with_the_text(rules, unit)


@settings(max_examples=10, deadline=None)
@given(unit=units)
def test_nor_does_any_other_text(rules: RuleSet, unit: str) -> None:
    """Whatever is repeated."""
    assert grows_with_the_text(rules, unit)


@settings(max_examples=4, deadline=None)
@given(unit=units)
def test_no_long_text_raises(rules: RuleSet, unit: str) -> None:
    """A hundred thousand code points are five times what a platform lets through."""
    everything(rules, (unit * LONGEST)[:LONGEST])
