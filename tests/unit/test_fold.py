"""What the plain view undoes, what it leaves alone, and what the model gets to read."""

import sys
import unicodedata

import pytest

from rules.fold import fold, readable
from rules.message import Entity, EntityType
from rules.text.letters import _joins


def typed_under(typed: str, plain: str) -> str:
    """The typed text under the first place where `plain` stands in the plain view."""
    folded = fold(typed)
    start = folded.text.index(plain)
    first, last = folded.span(start, start + len(plain))
    return typed[first:last]


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("FREE Nitro", "free nitro"),
        ("ＦＲＥＥ 𝓷𝓲𝓽𝓻𝓸", "free nitro"),
        ("ni\u200btro k\u00adill", "nitro kill"),
        ("\u202enitro\u202c", "nitro"),
        ("ni\ufe0ftro\U000e0041", "nitro"),
        ("ni\0t\x1bro", "nitro"),
        ("one\r\ntwo\tthree\u2028four", "one  two three four"),
        ("don’t ‑ DON´T", "don't - don't"),
        ("nitro™", "nitro "),
        ("Straße ΣΊΣΥΦΟΣ", "strasse σίσυφοσ"),
        ("cafe\u0301", "café"),
        ("ｶﾞ 가", "ガ 가"),
        ("lone \ud83d surrogate", "lone \ufffd surrogate"),
        ("n\u0336i\u0337t\u0338r\u0334o", "nitro"),
        ("n\u035fi\u035ct\u035fro", "nitro"),
        ("n\u20dd i\u20e0 \u0489t", "n i t"),
        ("n\u0301\u0302\u0303i\u0353\u0316t\u0331\u0354\u0348ro", "nitro"),
        ("ñ\u0302\u0303 n\u200b\u0301\u200b\u0302\u200b\u0303", "n n"),
        ("نـــيترو", "نيترو"),
        ("İSTANBUL i\u0307stanbul I\u0307", "istanbul istanbul i"),
        ("⒩⒤🄣🄡⒪", "nitro"),
    ],
)
def test_disguises_are_undone(typed: str, plain: str) -> None:
    """Case, width, what can't be seen, strokes, rings, heaps of marks, and how apostrophes are spelled."""
    assert fold(typed).text == plain


@pytest.mark.parametrize(
    "word",
    [
        "año",
        "schwül",
        "हिन्दी",
        "ภาษาไทย",
        "עִבְרִית",
        "ı",
        "rajoûter",
        "việt",
        "ẹ̀kọ́",
        "ɔ̃́",
        "o̍͘",
        "g̃",
        "ἆ",
        "é̱",
        "й",
        "ε̄́",
        "한́",
    ],
)
def test_marks_are_kept(word: str) -> None:
    """A word with other marks is another word: año is not ano."""
    assert fold(word).text == unicodedata.normalize("NFC", word)


@pytest.mark.parametrize("word", ["می\u200cخواهم", "क्\u200dष", "ක්\u200dෂ", "র\u200d্য", "ക്\u200d"])
def test_joiners_are_kept_where_the_script_needs_them(word: str) -> None:
    """Persian prefixes, Indic conjuncts, Bengali ya-phalaa and the old Malayalam chillu."""
    assert fold(word).text == word


@pytest.mark.parametrize(
    "typed", ["ki\u200dll", "k\u200cill", "ка\u200dк", "क\u200dम", "ب\u200dب", "👩\u200d💻"]
)
def test_joiners_that_show_nothing_are_removed(typed: str) -> None:
    """Elsewhere a joiner parts a word for machines only."""
    assert fold(typed).text == typed.replace("\u200d", "").replace("\u200c", "")


@pytest.mark.parametrize(
    ("typed", "plain", "under"),
    [
        ("get ＦＲÉÉ now", "fréé", "ＦＲÉÉ"),
        ("a n\u200bi\u200btro b", "nitro", "n\u200bi\u200btro"),
        ("\0\0kill\x01", "kill", "kill"),
        ("e\u0301e\u0301 cafe\u0301!", "café", "cafe\u0301"),
        ("ﬁne", "i", "ﬁ"),
        ("Maße", "ss", "ß"),
        ("😀 kill", "kill", "kill"),
        ("각 x", "각", "각"),
        ("tab\there", "b h", "b\th"),
        ("a n\u0336i\u0336t b", "ni", "n\u0336i\u0336"),
        ("x n\u0301\u0302\u0303o", "n", "n\u0301\u0302\u0303"),
        ("قـــل", "قل", "قـــل"),
        ("x İz", "iz", "İz"),
        ("a⒩⒤b", "ni", "⒩⒤"),
    ],
)
def test_spans_point_at_what_was_typed(typed: str, plain: str, under: str) -> None:
    """Whole letters with their marks and whatever stands unseen between them."""
    assert typed_under(typed, plain) == under


def test_an_empty_range_has_a_place() -> None:
    """Nothing at the beginning, in the middle and at the end of a text."""
    folded = fold("\u200ba\u200bb")
    assert [folded.span(at, at) for at in range(3)] == [(1, 1), (3, 3), (4, 4)]


def test_all_of_unicode_folds_and_stays_folded() -> None:
    """Every code point, surrogates included; what came out doesn't change any more."""
    once = fold("x".join(map(chr, range(sys.maxunicode + 1)))).text
    assert fold(once).text == once


def test_letters_that_compose_are_traced_together() -> None:
    """A new version of Unicode that composes what `_joins` doesn't know would shift spans."""
    for code in range(sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            assert _joins(chr(int(parts[1], 16))), f"U+{code:04X}"


def test_a_hundred_thousand_marks_on_a_letter_are_cut_short() -> None:
    """Sorting them would take half a minute; thirty are more than any language needs."""
    assert len(fold("a" + "\u0301\u0316" * 50_000).text) < 40


def test_the_model_reads_case_and_marks() -> None:
    """Only certain disguises are undone for it."""
    assert readable("Ｆree CAFÉ\u200b now") == "Free CAFÉ now"


def test_what_only_rules_fold_away_the_model_reads_as_ever() -> None:
    """It has learnt from texts in which that stood, and its artifact names the fold's version."""
    text = "No\u20dd \u0130stanbul ⒩ قـل n\u0301\u0302\u0303 discord . gg / abc"
    assert readable(text) == unicodedata.normalize("NFKC", text)


def test_the_model_reads_placeholders() -> None:
    """Links, mentions and the platform's emotes; a call to everyone says something and stays."""
    text = "Kappa hi @bob.b, see https://x.example/a?b. @everyone <link>"
    emote = Entity(EntityType.EMOTE, (0, 5))
    assert readable(text, [emote]) == "<emote> hi <user>, see <link>. @everyone < link>"


def test_entities_that_make_no_sense_are_ignored() -> None:
    """Outside the text, empty, backwards or over another one."""
    spans = [(-1, 2), (0, 4), (2, 6), (5, 5), (9, 3), (8, 99)]
    assert readable("@bob is here", [Entity(EntityType.MENTION, span) for span in spans]) == "<user> is here"
