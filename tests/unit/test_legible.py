"""What is undone for the model beyond the plain view, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.fold import readable
from rules.text.legible import legible


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("discоrd Nіtrо", "discord Nitro"),
        ("you ѕтսpid idіot", "you stupid idiot"),
        ("привeт cобака", "привет собака"),
        ("y̶o̷ü s̸t́ū̶pi̴d", "you stupid"),
        ("ʇnɥs up", "shut up"),
        ("pᴉdnʇs", "stupid"),
        ("you s*t*u*p*i*d i.d.i.o.t", "you stupid idiot"),
        ("g o away, l o s e r", "g o away, loser"),
        ("и д и о т", "идиот"),
        ("5tupid 1diot", "stupid idiot"),
        ("y0u l0s3r, $hut up!!", "you loser, shut up!!"),
        ("what a b1tch, n!ce @ss", "what a bitch, nice <user>"),
    ],
)
def test_a_disguise_is_undone(typed: str, read: str) -> None:
    """Letters of two alphabets, upside down, one by one, and digits among letters."""
    assert readable(typed) == read


@pytest.mark.parametrize(
    "text",
    [
        "и я в шоке",
        "sıktı lan, çok güzel",
        "ɔkɔ ɔno",
        "mp3, h2o, 3rd, 10am, covid19, gr8, 1on1, 2v2",
        "user123 lost $1000 at 5:30 in v1.2",
        "you+me, a|b, w/e, e.g. this",
        "α-helix and Ω, 5μm",
        "t.me/n0tes and a_b",
        "schön, señor, Việt Nam, ḻāṭī",
        "これはテストです 10個",
    ],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    """Numbers, abbreviations, and letters that some language needs."""
    assert legible(text) == text


def test_case_stays() -> None:
    """A shout is a shout."""
    assert legible("ІDІOT S.T.O.P L0SER") == "IDIOT STOP LoSER"


@given(st.text(st.sampled_from("abtTоіеʇɥ1034$@!. *-_|я"), max_size=40))
def test_nothing_is_lost_but_signs(text: str) -> None:
    """Words get no longer, and texts without signs and odd letters stay."""
    assert len(legible(text)) <= len(text)
    if text.isalpha() and text.isascii():
        assert legible(text) == text
