"""What holds for the views of disguises: the span of a hit is what was disguised, wherever it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.finding.keywords import KeywordIndex, Term
from rules.fold import fold
from rules.text.views import leet, lookalikes, masked, separated, stretched
from rules.text.views.reading import Reading, Step
from rules.text.views.unaccented import Unaccented, unaccented
from tests.rule_folders import loaded, said

WORDS = ("discord", "bastard", "whore", "viagra")
RULES = loaded(f"- {{id: t/words, label: profanity, strength: strong, terms: [{', '.join(WORDS)}]}}")
INNOCENT = (
    "hello there",
    "good morning",
    "see the sunny garden",
    "müde",
    "привет",
    "नमस्ते",
    "(yes)",
    "🎉",
    "12",
)
CYRILLIC = str.maketrans("oa", "оа")

DISGUISES = {
    "plain": lambda word: "\u0336".join(word),
    "lookalikes": lambda word: word.translate(CYRILLIC),
    "separated": " ".join,
    "leet": lambda word: (
        word[0] + word[1:-1].replace("o", "0").replace("a", "4").replace("i", "1") + word[-1]
    ),
    "stretched": lambda word: word[:2] + word[2] * 5 + word[3:],
    "masked": lambda word: f"{word[0]}*{word[2:]}",
}
around = st.lists(st.sampled_from(INNOCENT), max_size=4)


@given(around, st.sampled_from(WORDS), st.sampled_from(sorted(DISGUISES)), around)
def test_a_hit_lies_exactly_over_the_disguised_word(
    before: list[str], word: str, view: str, after: list[str]
) -> None:
    """Nothing of its neighbours, all of itself, and by the name of the view."""
    disguised = DISGUISES[view](word)
    text = " , ".join([*before, disguised, *after])
    start = len(" , ".join([*before, ""]))
    assert [(hit.span, hit.view) for hit in RULES.scan(said(text)).hits] == [
        ((start, start + len(disguised)), view)
    ]


@given(around, st.sampled_from(WORDS), st.sampled_from(sorted(DISGUISES)), around)
def test_what_lies_under_a_span_is_found_by_itself(
    before: list[str], word: str, view: str, after: list[str]
) -> None:
    """So whoever looks at the span alone sees why."""
    text = " , ".join([*before, DISGUISES[view](word), *after])
    for hit in RULES.scan(said(text)).hits:
        assert hit.span is not None
        alone = text[slice(*hit.span)]
        assert [(one.span, one.view) for one in RULES.scan(said(alone)).hits] == [((0, len(alone)), hit.view)]


accented = st.text("aéñøæıйўö\u0301\u0323\u05b8שلَ कि中ßﬁ") | st.text(st.characters(exclude_categories=()))


@given(accented)
def test_taking_accents_away_twice_changes_nothing(text: str) -> None:
    """So a term and a text that hold the same letters are the same without accents."""
    assert unaccented(unaccented(text)) == unaccented(text)


@given(accented)
def test_every_letter_without_its_accents_has_a_place(text: str) -> None:
    """In order, and what stands there is that letter without accents."""
    plain = fold(text)
    bare = Unaccented(plain)
    places = [bare.place(at, at + 1) for at in range(len(bare.folded.text))]
    assert places == sorted(places)
    for letter, (start, end) in zip(bare.folded.text, places, strict=True):
        assert letter in unaccented(plain.text[start:end])


TERMS = (
    "fuck", "free nitro", "kill yourself", "shit*", "ass", "what's up", "self-harm", "tits", "noon", "操你妈",
    "сука", "хуй", "हरामजादे", "seni yakarım", "i am", "rule 34", "kkk",
)  # fmt: skip
INDEX = KeywordIndex.build(Term(term, 0) for term in TERMS).vocabulary
UNDO = {
    Step.LOOKALIKES: lookalikes.undo,
    Step.SEPARATED: separated.undo,
    Step.LEET: leet.undo,
    Step.STRETCHED: stretched.undo,
    Step.MASKED: masked.undo,
}
pieces = st.sampled_from(
    [
        *"fuckastion*-_.'103$@操你妈сукахйıʞɔɟɐ🅰🇦हम。,ё⭕\u0301",
        "रा",
        "ooo",
        "free",
        "y**r",
        "f*ck",
        "34",
        "k1ll",
    ]
)
disguised = st.lists(pieces, max_size=14).map("".join) | st.lists(pieces, max_size=9).map(" ".join)


@pytest.mark.parametrize("step", UNDO)
@given(text=disguised)
def test_undoing_a_disguise_twice_changes_nothing(step: Step, text: str) -> None:
    """Whichever of its readings a view has made, it has nothing more to undo there."""
    plain = fold(text).text
    for edits in UNDO[step](plain, INDEX):
        once = Reading.of(plain).edited(edits, step).text
        for more in UNDO[step](once, INDEX):
            assert Reading.of(once).edited(more, step).text == once
