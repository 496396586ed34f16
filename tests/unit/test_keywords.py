"""Where terms are found, and where not."""

import pytest

from rules.errors import PatternError
from rules.finding.automata import MAX_SHARD
from rules.finding.keywords import KeywordIndex, Term, check_term
from rules.fold import fold
from rules.text.words import word_starts


def find(text: str, *terms: str) -> list[str]:
    """The typed text under each find, in order."""
    folded = fold(text)
    index = KeywordIndex.build(Term(term, owner) for owner, term in enumerate(terms))
    spans = sorted(folded.span(found.start, found.end) for found in index.find(folded))
    return [text[start:end] for start, end in spans]


def test_a_word_is_found_where_it_stands_alone() -> None:
    """Signs, apostrophes and underscores end a word; letters and digits don't."""
    assert find("KILL kill's _kill_ (kill) l'kill kill-9", "kill") == ["KILL"] + ["kill"] * 5
    assert find("skill killer kill9 k ill", "kill") == []


@pytest.mark.parametrize(
    ("term", "found"),
    [("kill*", ["kill", "kill"]), ("*kill", ["kill", "kill"]), ("*kill*", ["kill"] * 4), ("kill", ["kill"])],
)
def test_stars_let_a_word_go_on(term: str, found: list[str]) -> None:
    """In front of the term, behind it, or on both sides."""
    assert find("kill skill killer skilled", term) == found


def test_a_phrase_spans_any_white_space() -> None:
    """Spaces, tabs and line breaks, but not signs."""
    assert find("Gift  card, gift\n\tcard, gift, card, gift cards", "gift card") == [
        "Gift  card",
        "gift\n\tcard",
    ]
    assert find("the  gift cards", "gift   card*") == ["gift card"]


def test_the_span_is_right_behind_many_spaces() -> None:
    """Spaces are squeezed for the search only."""
    assert find("a   b    c gift  card", "c gift card") == ["c gift  card"]


def test_terms_are_folded_as_texts_are() -> None:
    """However the list and the author of a message spell it."""
    assert find("don’t ＮＩＴＲＯ cafe\u0301", "DON'T", "Nitro", "café") == [
        "don’t",
        "ＮＩＴＲＯ",
        "cafe\u0301",
    ]


def test_accents_and_width_do_not_hide_a_phrase() -> None:
    """The span points at what the author typed, not at its folded spelling."""
    assert find("get ＦＲÉÉ nitro!", "fréé nitro") == ["ＦＲÉÉ nitro"]


@pytest.mark.parametrize(
    ("text", "term"),
    [("ano nuevo", "año"), ("schwul", "schwül"), ("หมาก", "หมู"), ("некурва", "курва"), ("курвами", "курва")],
)
def test_another_word_is_not_found(text: str, term: str) -> None:
    """Marks and word edges count in every script."""
    assert find(text, term) == []


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("это курва!", "курва"),
        ("यह शब्द है", "शब्द"),
        ("قال كلب له", "كلب"),
        ("η λέξη", "ΛΈΞΗ"),
        ("바보 같은", "바보"),
    ],
)
def test_words_have_edges_in_every_script(text: str, term: str) -> None:
    """Letters and marks outside ASCII belong to words."""
    assert [found.casefold() for found in find(text, term)] == [term.casefold()]


def test_scripts_without_spaces_have_words_too() -> None:
    """Dictionaries know where they end; Latin words between them have edges."""
    assert find("你是傻逼吗", "傻逼") == ["傻逼"]
    assert find("ไอ้ควายเอ๊ย", "ควาย") == ["ควาย"]
    assert find("バカですよ", "バカ") == ["バカ"]
    assert find("我要nitro免费", "nitro") == ["nitro"]
    assert find("加vx领取", "加vx") == ["加vx"]
    assert find("加vxy领取", "加vx") == []
    assert find("发展中出现的问题", "中出") == []
    assert find("来たばかりです", "ばか") == []
    assert find("กินขนมหวาน", "นม") == []


def test_stars_look_inside_words_of_scripts_without_spaces() -> None:
    """As in other scripts: at the front, at the end, or both."""
    assert find("发展中出现的问题", "*中出*") == ["中出"]
    assert find("发展中出现的问题", "中出*") == ["中出"]
    assert find("发展中出现的问题", "*中出") == []


def test_a_dictionary_that_takes_too_much_together_hides_no_term() -> None:
    """我想 and 逼了 are words to it; and four letters in a row are there on purpose."""
    assert find("我想自杀", "想自杀", "自杀") == ["想自杀", "自杀"]
    assert find("太牛逼了", "牛逼") == ["牛逼"]
    assert find("快给我看奶子啊", "给我看奶子") == ["给我看奶子"]


def test_a_far_end_of_a_long_run_without_spaces_changes_nothing() -> None:
    """Only the words beside a term say where it ends."""
    run = "发展中出现的问题" * 2_000
    assert find(f"{run}中出{run}", "中出") == ["中出"]


def test_signs_and_emoji_are_terms_too() -> None:
    """They need no gap beside them; a star that is meant as such has a backslash."""
    assert find("a$$hole 🍆🍑x f*ck off", "$$", "🍆", r"f\*ck") == ["$$", "🍆", "f*ck"]


def test_overlapping_terms_are_all_found() -> None:
    """Which of them counts is not decided here."""
    assert find("gift card code", "gift card", "card code", "card", "*if*") == [
        "gift card",
        "if",
        "card",
        "card code",
    ]


def test_a_term_may_have_several_owners() -> None:
    """Each is told, and each once."""
    index = KeywordIndex.build(
        [Term("kill", 1), Term("KILL", 2), Term("kill", 1), Term("ki*", 3), Term("ki*", 4)]
    )
    assert sorted(found.owner for found in index.find(fold("kill"))) == [1, 2, 3, 4]


@pytest.mark.parametrize("term", ["", " ", "*", "**", "a*b", "f**k", "\u200b", "*\u200d*"])
def test_a_term_that_cannot_be_looked_for_is_refused(term: str) -> None:
    """The message quotes it and says what to do."""
    with pytest.raises(PatternError, match=r"delete it|star"):
        check_term(term)
    with pytest.raises(PatternError):
        KeywordIndex.build([Term(term, 0)])


def test_an_edit_rebuilds_one_shard() -> None:
    """Building one keeps every other thread waiting, so the others are taken over."""
    terms = [Term(f"word{number} two", number) for number in range(MAX_SHARD * 3)]
    before = KeywordIndex.build(terms)
    after = KeywordIndex.build([Term("something new", -1), *terms], before)
    made, again = before._automata.made, after._automata.made
    kept = made.keys() & again.keys()
    assert len(kept) == len(made) - 1 >= 2
    assert all(made[digest] is again[digest] for digest in kept)
    assert {found.owner for found in after.find(fold("something new: word7777 two"))} == {-1, 7777}


def test_owners_may_change_without_a_rebuild() -> None:
    """A shard knows spellings only."""
    before = KeywordIndex.build([Term("gift card", 1)])
    after = KeywordIndex.build([Term("gift card", 2)], before)
    assert [found.owner for found in after.find(fold("gift card"))] == [2]


def test_an_index_without_terms_finds_nothing() -> None:
    """As in a rule set of patterns only."""
    assert KeywordIndex.build([]).find(fold("kill")) == []


def test_words_can_be_counted_between_places() -> None:
    """Each code point is a word where a script has no spaces."""
    assert word_starts("send me_the год'с 中出 x") == [0, 5, 8, 12, 16, 18, 19, 21]
