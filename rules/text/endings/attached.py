"""Languages that write small words together with others: Arabic on both sides, Korean behind them."""

from __future__ import annotations

from collections.abc import Iterator

from rules.text.endings.forms import ALONE, Forms, but_last

_HEADS = ALONE | frozenset((
    "ال", "و", "وال", "ف", "فال", "ب", "بال", "ك", "كال", "ل", "لل", "ول", "وب", "يا", "ه", "هال", "ع", "عال",
))  # fmt: skip
# A preposition and a short stem are often the beginning of another word: فخرا is no خرا.
_HEADS_OF_SHORT = frozenset(head for head in _HEADS if "ال" in head or head in ("", "و", "لل", "يا"))
_SHORT = 3
_OWNERS = ("ي", "ك", "كم", "كن", "ه", "ها", "هم", "هن", "نا")
_PLURALS = ("", "ين", "ون", "ات", "ان", "ة", "ه", "ا")
_FEMININE_END = "ة"


def arabic(word: str) -> Iterator[Forms]:
    """With the article, prepositions and "and", number and owner; broken plurals are words of their own."""
    heads = _HEADS if len(word) > _SHORT else _HEADS_OF_SHORT
    if word.endswith(_FEMININE_END):
        owned = (f"ت{owner}" for owner in _OWNERS)
        yield Forms(but_last(word), frozenset(("ة", "ه", "ات", "تين", "تان", *owned)), heads)
    elif word.endswith("ا"):
        yield Forms(word, ALONE, heads)
    else:
        yield Forms(word, frozenset((*_PLURALS, *_OWNERS)), heads)


_PARTICLES = (
    "은", "는", "이", "가", "을", "를", "도", "만", "의", "에", "에게", "에겐", "한테", "한텐", "로",
    "으로", "와", "과", "랑", "이랑", "야", "아", "이야", "이다", "이네", "이네요", "네", "냐", "이냐",
    "이니", "이지", "이라", "이라고", "라고", "이라니", "이라도", "이란", "인", "인가", "인데", "인듯",
    "임", "입니다", "이에요", "예요", "이었", "이고", "이면", "처럼", "같은", "같이", "같아", "같네",
    "보다", "마냥", "까지", "부터", "조차", "밖에", "뿐",
)  # fmt: skip


def korean(word: str) -> Iterator[Forms]:
    """Nouns with their particles, one and many."""
    many = ("들", *(f"들{particle}" for particle in _PARTICLES))
    yield Forms(word, frozenset((*_PARTICLES, *many)))
