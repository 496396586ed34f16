"""What expressions match in any script, and which are refused."""

import pytest

from rules.errors import PatternError
from rules.finding.patterns import MAX_MATCHES, Pattern, PatternIndex, View
from rules.fold import fold


def find(source: str, text: str, view: View = View.PLAIN) -> list[str]:
    """The typed text under each match; alone and in an index the same."""
    pattern, folded = Pattern.compile(source, view), fold(text)
    spans = pattern.find(folded)
    index = PatternIndex.build([(pattern, 7)])
    assert [(found.start, found.end) for found in index.find(folded)] == spans
    return [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        (r"\bкурва\b", "курва, некурва; Курва!", ["курва", "Курва"]),
        (r"\bfoo\b", "foo éfoo fooé foo_ foo", ["foo", "foo"]),
        (r"\bgift.*\bcard", "Gift card discard é", ["Gift card"]),
        (r"^\bfoo\b$", "ｆoo", ["ｆoo"]),
        (r"(?:\d+\b|x)\b!", "12! é", ["12!"]),
        (r"\bnitro\b", "我要nitro免费", ["nitro"]),
        (r"\b中出\b", "发展中出现", ["中出"]),
        (r"中.出", "中出 中x出", ["中x出"]),
        (r"\b.\b", "中é", ["中", "é"]),
    ],
)
def test_edges_of_words_speak_unicode(source: str, text: str, found: list[str]) -> None:
    r"""RE2's own `\b` knows only ASCII letters."""
    assert find(source, text) == found


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        (r"\w+", "añb é_1 हिन्दी", ["añb", "é_1", "हिन्दी"]),
        (r"[^\W_]+", "añb_c", ["añb", "c"]),
        (r"[^\W\d]+", "añ1b_", ["añ", "b_"]),
        (r"f[\W_]*u[\W_]*c", "f_u—c é f.u.c fuñc", ["f_u—c", "f.u.c"]),
        (r"[\w-]+@", "é-a@", ["é-a@"]),
        (r"\d+", "١٢٣ 45", ["١٢٣", "45"]),
        (r"[^\d]+", "é1", ["é"]),
        (r"\D+", "é1", ["é"]),
        (r"\PL+", "a12é3", ["12", "3"]),
        (r"[\PLé]+", "a12é3", ["12é3"]),
        (r"a\sb a\Sb", "a\u3000b aéb", ["a\u3000b aéb"]),
        ("[]x]+", "x] é", ["x]"]),
        (r"[+^\w-]+", "a-b^é", ["a-b^é"]),
        (r"\x{e9}\x61", "éa", ["éa"]),
        (r"(?P<one>x){2}", "xxé", ["xx"]),
        (r"a{,2}é", "a{,2}é", ["a{,2}é"]),
    ],
)
def test_classes_speak_unicode(source: str, text: str, found: list[str]) -> None:
    """Letters, marks, digits and spaces of every script, also inside brackets."""
    assert find(source, text) == found
    assert find(rf"(?:{source})(?:\b|)", text) == found


def test_the_plain_view_ignores_case_and_disguise() -> None:
    """Spans are those of the text as typed."""
    assert find("NITRO", "n\u200bｉtro é") == ["n\u200bｉtro"]


def test_the_typed_view_sees_what_was_typed() -> None:
    """Case and invisible characters included."""
    assert find("[A-Z]{3,}", "abc ABC", View.TYPED) == ["ABC"]
    assert find(r"\x{200b}\b", "é n\u200bi", View.TYPED) == ["\u200b"]
    assert find("(?s)a.b", "é a\nb", View.TYPED) == ["a\nb"]
    assert find(r"[\s\S]b", "é\nb", View.TYPED) == ["\nb"]


@pytest.mark.parametrize(
    "text", ["x foo", "x\ud800 foo", "\0 foo\0", "\ufdd0 foo", "\ufdd0é foo", "😀\udfff foo é"]
)
def test_odd_characters_do_not_shift_spans(text: str) -> None:
    """Lone surrogates, NUL, and the very noncharacter that marks the edges of words."""
    assert find(r"\bfoo", text, View.TYPED) == ["foo"]
    assert find("foo", text, View.TYPED) == ["foo"]


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("(?=a)b", "no look-around"),
        (r"(a)\1", "no back-references"),
        (r"foo\Z", r"\\z"),
        ("a++", "possessive"),
        ("a*", "empty text"),
        ("", "empty text"),
        ("(", "missing"),
        (r"\Ba", "no Unicode-aware form"),
        ("[[:alpha:]]", r"\\pL"),
        (r"[^\W\s]", "twice"),
        (r"\Qa.b\E", "before each sign"),
        (r"a\Cb", "write ."),
        (r"\ba(?s:.)", "very beginning"),
        ("(?:x.{999}){9}", "repetition|large"),
    ],
)
def test_what_cannot_be_promised_is_refused(source: str, advice: str) -> None:
    """The message quotes the expression and says what to write instead."""
    with pytest.raises(PatternError, match=advice) as error:
        Pattern.compile(source)
    assert source in str(error.value)


def test_many_patterns_are_looked_for_together() -> None:
    """Each owner is told of its own matches, whatever the view."""
    sources = [
        ("gift", View.PLAIN),
        (r"\bcode\b", View.PLAIN),
        ("[A-Z]{4}", View.TYPED),
        ("never", View.TYPED),
    ]
    index = PatternIndex.build((Pattern.compile(*each), owner) for owner, each in enumerate(sources))
    for text in ("GIFT code", "GIFT code é"):
        found = {(each.owner, text[each.start : each.end]) for each in index.find(fold(text))}
        assert found == {(0, "GIFT"), (1, "code"), (2, "GIFT")}


def test_patterns_too_large_for_one_automaton_are_parted() -> None:
    """Where RE2 gives up, halves are tried."""
    patterns = [Pattern.compile(f"a.{{300}}b.{{300}}{number:03}") for number in range(300)]
    index = PatternIndex.build((pattern, owner) for owner, pattern in enumerate(patterns))
    text = "a" + "-" * 300 + "b" + "-" * 300 + "123"
    assert {found.owner for found in index.find(fold(text))} == {123}


def test_matches_are_bounded() -> None:
    """A pattern that looks far ahead at each match would take quadratic time otherwise."""
    assert len(find("a(?:.*z)?", "a " * 10_000)) == MAX_MATCHES


def test_an_index_without_patterns_finds_nothing() -> None:
    """As in a rule set of terms only."""
    assert PatternIndex.build([]).find(fold("é")) == []


def test_a_typed_pattern_that_minds_case_is_not_sieved_by_small_letters() -> None:
    """Small letters can't tell what isn't one; such patterns read the text as typed."""
    sources = [r"[^a-z ]{3}", r"\p{Lu}{3}", r"(?-i:ABC)", r"\bABC\b", r"[A-Z]{3}", r"[^\d\s]{3}"]
    index = PatternIndex.build(
        (Pattern.compile(each, View.TYPED), owner) for owner, each in enumerate(sources)
    )
    assert {found.owner for found in index.find(fold("say ABC"))} == {0, 1, 2, 3, 4, 5}
    assert {found.owner for found in index.find(fold("say abc"))} == {5}
