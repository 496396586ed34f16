"""What holds for folding and searching, whatever the text."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rules.finding.gate import Gate
from rules.finding.keywords import KeywordIndex, Term
from rules.finding.patterns import LINK, Pattern, PatternIndex, View
from rules.fold import fold, readable
from rules.message import Entity, EntityType
from rules.text.letters import origins
from rules.text.links import find_links
from rules.text.words import tokens, word_spans

# Where normalisation has its corners: marks in the wrong order, joiners beside them, Hangul,
# half-width kana, ligatures that grow, Greek whose folding makes letters of marks.
CORNERS = (
    "aA\u0301\u0316\u0344\u0345\u0951कन\u094d\u093c\u09cdরযا\u064eﻻ\u200c\u200d\u200b"
    "각\u1100\u1161\u11a8\uffc2ｶﾞﬁŉΐςİß½ﷺ™ ´¨'\ud800\0\t。./@<中ー"
    "\u0336\u20dd\u0353\u0302\u0307iİ\u0640⒜🄐dot( "
)

USUAL = "aZ é'ñßẞж中ー가ا…’\u200b\u200d\ufe0f❤🔥，！Ａ\u3000\xa0\n"

anything = st.text(st.characters(exclude_categories=()))
corners = st.text(CORNERS)
texts = anything | corners | st.text(st.sampled_from(CORNERS) | st.characters(max_codepoint=127))
spans = st.tuples(st.integers(-3, 60), st.integers(-3, 60))
entities = st.lists(st.builds(Entity, st.sampled_from(EntityType), spans), max_size=5)

INDEX = KeywordIndex.build(map(Term, ["a", "a*", "*a*", "a a", "中", "ss", "$"], range(7)))
SOURCES = [r"\ba", r"a\b", r"\b\w+\b.{0,3}\b\w", r"[^\W_]+", r"\W", r"\s\S", r"a|\d$", r"^\w", r"[\W_a]+\b"]
PATTERNS = [Pattern.compile(source, view) for source in SOURCES for view in View]
PATTERN_INDEX = PatternIndex.build((pattern, owner) for owner, pattern in enumerate(PATTERNS))


@given(texts)
@example("\u0915\u0951\u094d" + "\u200d\u094d" * 50)
@example("\u0344" * 50)
@example("i\u0323\u0307\u0336\u0301İ\u0307\u0307")
def test_folding_twice_changes_nothing(original: str) -> None:
    """Folding is idempotent, so a phrase can be folded at build time."""
    once = fold(original).text
    assert fold(once).text == once


@given(texts)
def test_every_folded_letter_has_an_origin(original: str) -> None:
    """Ranges within the text, in order, one for each code point of the plain view."""
    places = origins(original)
    assert len(places) == len(fold(original).text)
    assert places == sorted(places)
    assert all(0 <= start < end <= len(original) for start, end in places)


@given(texts)
def test_spans_point_at_what_folds_to_what_was_found(original: str) -> None:
    """Each word of a text, looked for in it, lies under its span."""
    folded = fold(original)
    words = {folded.text[start:end] for start, end in word_spans(folded.text)}
    index = KeywordIndex.build(Term(word, 0) for word in words)
    found = index.find(folded)
    assert {folded.text[each.start : each.end] for each in found} == words
    for each in found:
        start, end = folded.span(each.start, each.end)
        assert folded.text[each.start : each.end] in fold(original[start:end]).text


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_cut_for_ascii_changes_nothing(original: str) -> None:
    """An "é" behind a text sends it the long way."""
    long_way = fold(original + "é")
    assert fold(original).text == long_way.text[:-1]
    assert origins(original) == origins(original + "é")[:-1]
    assert tokens(original) == tokens(original + " é")[:-1]
    assert readable(original) == readable(original + " é")[:-2]


@given(st.text(USUAL))
def test_the_short_cut_for_usual_letters_changes_nothing(original: str) -> None:
    """A "²" behind a text sends it the long way."""
    short, long_way = fold(original), fold(original + " ²")
    assert short.text == long_way.text[:-2]
    assert origins(original) == origins(original + " ²")[:-2]
    assert tokens(short.text, easy=short.easy) == tokens(long_way.text)[:-1]


@given(texts, entities)
def test_no_text_raises(original: str, marked: list[Entity]) -> None:
    """Nor do the platform's marks, wherever they point."""
    folded = fold(original)
    for each in INDEX.find(folded):
        assert 0 <= each.start < each.end <= len(folded.text)
    for match in PATTERN_INDEX.find(folded):
        assert 0 <= match.start < match.end <= len(original)
    links = find_links(original, marked)
    assert all(0 <= link.span[0] < link.span[1] <= len(original) for link in links)
    assert all(one.span[1] <= two.span[0] for one, two in pairwise(links))
    readable(original, marked)


@given(st.text("ab_1 -!\n"))
def test_edges_written_into_a_text_are_where_re2_sees_them(original: str) -> None:
    """The two ways to search agree, that for ASCII and that for all else, on which "é" sends a text."""
    short, long = fold(original + " e"), fold(original + " é")
    for pattern in PATTERNS:
        assert pattern.find(short) == pattern.find(long)


@given(texts)
def test_an_index_finds_what_its_patterns_find(original: str) -> None:
    """One pass over all of them is only quicker."""
    folded = fold(original)
    alone = {(owner, *span) for owner, pattern in enumerate(PATTERNS) for span in pattern.find(folded)}
    assert set(PATTERN_INDEX.find(folded)) == alone


# With forms of theirs: what stands behind a stem, and before it.
INFLECTED = {
    "tr": ("salak", "salaklar", "salağın"),
    "ar": ("كلب", "الكلب", "كلبهم"),
    "ko": ("병신", "병신은", "병신들이"),
    "fi": ("paska", "paskaa"),
}
FEW_WORDS = st.sampled_from(["ab", "abba", "bab", "b-b", "é", "中"])
FORMS = st.sampled_from([form for forms in INFLECTED.values() for form in forms])
PARTS = st.lists(FEW_WORDS, min_size=1, max_size=3).map(" ".join)
TERMS = st.lists(
    st.tuples(PARTS, st.sampled_from(["{}", "{}", "{}*", "*{}", "*{}*"]), st.booleans()),
    max_size=6,
)
ENDED = st.lists(st.tuples(st.sampled_from(sorted(INFLECTED)), st.booleans()), max_size=3)
SPOKEN = st.lists(FEW_WORDS | FORMS | st.sampled_from([" ", "  ", "\n", "-", "c"]), max_size=12).map("".join)


class Open(Gate):
    """Lets everything through."""

    def rules_out(self, words: Sequence[bytes], text: str) -> bool:
        return False


@settings(max_examples=1500)
@given(TERMS, ENDED, PARTS | FORMS | SPOKEN | st.tuples(PARTS, SPOKEN).map("  ".join))
def test_what_is_asked_first_rules_out_no_term(
    listed: list[tuple[str, str, bool]], ended: list[tuple[str, bool]], text: str
) -> None:
    """Words, heads and marks are a gate: what is worth finding goes through it, and all else with it."""
    terms = [Term(form.format(word), n, alone=alone) for n, (word, form, alone) in enumerate(listed)]
    terms += [
        Term(INFLECTED[lang][0], n, alone=alone, endings=frozenset({lang}))
        for n, (lang, alone) in enumerate(ended, len(terms))
    ]
    folded, index, ungated = fold(text), KeywordIndex.build(terms), KeywordIndex.build(terms)
    ungated._any = ungated._worthy = Open(0)
    everything = set(ungated.find_all(folded))
    wanted = everything if any(terms[each.owner].alone for each in everything) else set()
    for _ in range(2):  # the second time with words that are known to be idle
        assert set(index.find_all(folded)) == everything
        assert set(index.find(folded)) == wanted


@given(texts | st.text("ab.:/\\。．dotDOT[()]{} -hxxp1"))
def test_without_a_sign_of_a_link_there_is_none(original: str) -> None:
    """So that most texts need not be looked through for links."""
    if not PATTERN_INDEX.sift(fold(original))[1] & LINK:
        assert find_links(original) == []
