"""What people do to a word so that a filter doesn't know it: each attack changes one, seeded."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from unicodedata import category

from rules.text.letter_shapes import ENCLOSED, SMALL, SMALL_CAPITALS, UPSIDE_DOWN

FROM_LETTERS = 4

Attack = Callable[[str, random.Random], str]


def places(
    word: Sequence[str], rng: random.Random, fits: Callable[[str], bool] = str.isalpha, *, inner: bool = False
) -> list[int]:
    """Return one to three places of a word, no more than half of it, whose letters fit."""
    able = [at for at, one in enumerate(word) if fits(one) and not (inner and at in (0, len(word) - 1))]
    return sorted(rng.sample(able, min(len(able), rng.randint(1, 3), len(word) // 2)))


def respelled(table: dict[str, Sequence[str]], *, inner: bool = False) -> Attack:
    """Return an attack that respells one to three letters of each word."""

    def attack(word: str, rng: random.Random) -> str:
        chosen = set(places(word, rng, table.__contains__, inner=inner))
        return "".join(rng.choice(table[one]) if at in chosen else one for at, one in enumerate(word))

    return attack


def shapes(members: Callable[[str], bool]) -> dict[str, Sequence[str]]:
    """Return by Latin letter the shapes that look like it."""
    table: defaultdict[str, str] = defaultdict(str)
    for shape, letter in {**SMALL, **ENCLOSED}.items():
        if members(shape):
            table[letter] += shape
    return dict(table)


def every(table: dict[str, Sequence[str]]) -> Attack:
    """Return an attack that respells every letter that can be."""
    return lambda word, rng: "".join(table[one][0] if one in table else one for one in word)


def characters(word: str) -> list[str]:
    """Return what people see as the characters of a word: letters with their marks."""
    found: list[str] = []
    for one in word:
        if found and category(one)[0] == "M":
            found[-1] += one
        else:
            found.append(one)
    return found


def stretch(word: str, rng: random.Random) -> str:
    seen = characters(word)
    chosen = set(places([one[0] for one in seen], rng))
    return "".join(one * rng.randint(3, 6) if at in chosen else one for at, one in enumerate(seen))


def punctuate(word: str, rng: random.Random) -> str:
    signs, seen = rng.choice('.-_*~|>"('), characters(word)
    cuts = set(rng.sample(range(1, len(seen)), min(len(seen) - 1, rng.randint(1, 3))))
    return "".join(signs + one if at in cuts else one for at, one in enumerate(seen))


def mask(word: str, rng: random.Random) -> str:
    seen = characters(word)
    chosen = set(places([one[0] for one in seen], rng, inner=True)) if len(seen) >= FROM_LETTERS else set()
    return "".join("*" if at in chosen else one for at, one in enumerate(seen))


def between(sign: str) -> Attack:
    return lambda word, rng: sign.join(characters(word))


def emoji_inside(word: str, rng: random.Random) -> str:
    if len(word) < FROM_LETTERS or not all("a" <= one <= "\u052f" for one in word):
        return word
    at = rng.randrange(1, len(word))
    return word[:at] + "🔥" + word[at:]


def behind_each(signs: str, fits: Callable[[str], bool] = bool) -> Attack:
    return lambda word, rng: "".join(one + rng.choice(signs) if fits(one) else one for one in word)


def both(one: Attack, other: Attack) -> Attack:
    return lambda word, rng: other(one(word, rng), rng)


def last(table: dict[str, Sequence[str]]) -> Attack:
    """Return an attack that respells the last letter of each longer word."""
    return lambda word, rng: (
        word[:-1] + rng.choice(table[word[-1]]) if len(word) >= FROM_LETTERS and word[-1] in table else word
    )


def wide(word: str, rng: random.Random) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in word)


def upside_down(word: str, rng: random.Random) -> str:
    flipped = {letter: shape for shape, letter in reversed(UPSIDE_DOWN.items())}
    return "".join(flipped[one] for one in reversed(word)) if all(one in flipped for one in word) else word


def _is_arabic(letter: str) -> bool:
    return "\u0620" <= letter <= "\u064a"


LEET: dict[str, Sequence[str]] = {"o": "0", "i": "1!", "l": "1", "e": "3", "a": "4@", "s": "5$", "t": "7"}
LAST: dict[str, Sequence[str]] = {"o": "0", "i": "1", "e": "3", "a": "4@", "t": "7"}
EMOJI: dict[str, Sequence[str]] = {
    "a": ["🅰️"], "b": ["🅱️"], "o": ["🅾️", "⭕", "0️⃣"], "p": ["🅿️"], "m": ["Ⓜ️"], "i": ["ℹ️", "❗", "1️⃣"],
    "x": ["❌"], "s": ["💲", "5️⃣"], "e": ["3️⃣"], "t": ["➕", "7️⃣"],
}  # fmt: skip
SQUARES: dict[str, Sequence[str]] = {
    letter: shape for shape, letter in ENCLOSED.items() if "\U0001f170" <= shape <= "\U0001f189"
}
FLAGS: dict[str, Sequence[str]] = {
    letter: shape for shape, letter in ENCLOSED.items() if shape >= "\U0001f1e6"
}
LETTERS = shapes(lambda shape: shape not in ENCLOSED and shape != "ı" and shape not in SMALL_CAPITALS)

RESPELLED = respelled(LETTERS, inner=True)

ATTACKS: dict[str, tuple[str, Attack]] = {
    "width": ("every letter full-width", wide),
    "unseen": (
        "a zero-width, bidi, tag or soft-hyphen character or a variation selector behind every letter",
        behind_each("\u200b\u00ad\u2060\u202e\ufe0f\U000e0061"),
    ),
    "capitals": (
        "every second letter a capital",
        lambda word, _: "".join(one.upper() if at % 2 else one for at, one in enumerate(word)),
    ),
    "look-alikes": (
        "one to three letters from Cyrillic, Greek, Armenian …, one kept",
        RESPELLED,
    ),
    "capital I": (
        "every l behind the first two letters",
        lambda word, _: word[:2] + word[2:].replace("l", "I"),
    ),
    "small capitals": ("every letter that has one", every(shapes(SMALL_CAPITALS.__contains__))),
    "enclosed": ("every letter a negative square", every(SQUARES)),
    "emoji letters": ("one to three inner letters, at most half: 🅰️ ⭕ ❌ 3️⃣ …", respelled(EMOJI, inner=True)),
    "regional indicators": ("every letter one of those that make flags", every(FLAGS)),
    "struck through": ("a stroke over every letter", behind_each("\u0336")),
    "tatweel": ("every Arabic letter drawn out", behind_each("\u0640", _is_arabic)),
    "upside-down": ("the whole term, read from behind", upside_down),
    "leet": ("one to three inner letters, at most half", respelled(LEET, inner=True)),
    "leet at the end": ("the last of four letters up: 0 for o, 1 for i …", last(LAST)),
    "stretched": ("one to three letters three to six times", stretch),
    "an emoji inside": ("one at one place, in Latin and Cyrillic", emoji_inside),
    "signs inside": ('one of . - _ * ~ > " ( and a bar, at one to three places', punctuate),
    "dots": ("a dot between all letters", between(".")),
    "dashes": ("a hyphen between all letters", between("-")),
    "emoji between": ("an emoji between all letters", between("🔥")),
    "spaces": ("a space between all letters", between(" ")),
    "line breaks": ("a line break between all letters", between("\n")),
    "masked": ("one to three inner letters starred, at most half", mask),
    "look-alikes and dots": ("both, the first of one to three letters", both(RESPELLED, between("."))),
    "look-alikes and spaces": ("the same", both(RESPELLED, between(" "))),
    "small capitals and dashes": ("both", both(every(shapes(SMALL_CAPITALS.__contains__)), between("-"))),
    "flags and spaces": (
        "a regional indicator for every letter, spaces between",
        both(every(FLAGS), between(" ")),
    ),
    "width and dots": ("both", both(wide, between("."))),
}
# Of these the gaps between words are no more than those between letters.
WITHOUT_GAPS = ("upside-down", "spaces", "line breaks", "look-alikes and spaces", "flags and spaces")
