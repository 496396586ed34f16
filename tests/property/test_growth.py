"""Time grows with the text and no faster, whatever is repeated, in every view and for links."""

import time
from collections.abc import Callable

import pytest

from rules.fold import fold, readable
from rules.ruleset import RuleSet
from rules.text.links import find_links
from tests.rule_folders import loaded, said

ALL_SIGNS = 31
UNITS = (
    "a.", "a ", "a-", "a-a.", "a[.]", "a[dot]", "a . ", "a dot ", ". ", "((dot)", "((((", "[::", "http://",
    "a.com ",
    "a@", "f*f*", "f**k ", "f u c k ", "n.i.t.r.o ", "shiiit", "a1", "$", "xn--a.", "free nitro ", "fuck",
    "\u0301", "a\u0316\u0301", "a\u0301\u0302\u0303", "n\u0336", "\u0640", "İ", "ﷺ", "\ud800",
    "क\u094d\u200d",
    "ʞɔnɟ ", "аa ", "á.", "🅰", "🇫", "中。", "가",
)  # fmt: skip
SHORT, LONG = 4_000, 16_000


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return loaded("""
        - {id: t/words, label: profanity, strength: strong, terms: [fuck, shit*, "*ass*", free nitro, dick]}
        - {id: t/both, label: scam, strength: weak, terms: [free & nitro], within: 5 words}
        - {id: t/hosts, label: scam, strength: weak, links: {like: [discord.com]}, domains: [a.com]}
    """)


def seconds(work: Callable[[str], object], text: str) -> float:
    begin = time.perf_counter()
    work(text)
    return time.perf_counter() - begin


@pytest.mark.parametrize("unit", UNITS)
def test_four_times_the_text_takes_no_sixteen_times_the_time(rules: RuleSet, unit: str) -> None:
    """Quadratic time would; a tenth of a second is left for the machine's moods."""

    def everything(text: str) -> None:
        folded = fold(text)
        folded.span(0, len(folded.text))
        readable(text)
        find_links(text)
        rules.keywords.find_disguised(folded, ALL_SIGNS)
        assert rules.scan(said(text)).hits is not None

    short, long = ((unit * length)[:length] for length in (SHORT, LONG))
    tries = (seconds(everything, long) < 9 * seconds(everything, short) + 0.1 for _ in range(3))
    assert any(tries)
