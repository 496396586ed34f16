"""Spelling tricks that get text past a filter, at random strength: for training, and for the card."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

Trick = Callable[[str, random.Random], str]

_LOOKALIKES = {
    "a": "аɑα", "b": "Ьв", "c": "сϲ", "e": "её", "g": "ɡ", "h": "һн", "i": "іι", "j": "ј",
    "k": "кκ", "m": "м",
    "n": "пո", "o": "оο", "p": "рρ", "r": "г", "s": "ѕ", "t": "т", "u": "υս", "v": "ν", "w": "ѡ",
    "x": "хχ", "y": "уγ",
}  # fmt: skip
_LEET = {
    "a": "4@",
    "b": "8",
    "e": "3",
    "g": "9",
    "i": "1!",
    "l": "1|",
    "o": "0",
    "s": "5$",
    "t": "7+",
    "z": "2",
}
FLIPPED = dict(zip("abcdefghijklmnopqrstuvwxyz", "ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz", strict=True))
SMALL = dict(zip("abcdefghijklmnopqrstuvwxyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀsᴛᴜᴠᴡxʏᴢ", strict=True))
_INVISIBLE = "\u200b\u200c\u200d\u2060\u00ad\ufeff\ufe0f"
_MARKS = "\u0301\u0308\u0327\u0331\u0334\u0336\u0360"


def _each(word: str, table: Mapping[str, str], choice: random.Random, share: float) -> str:
    letters = [
        choice.choice(table[letter.lower()])
        if letter.lower() in table and choice.random() < share
        else letter
        for letter in word
    ]
    return "".join(letters)


def _shifted(first: int) -> Trick:
    """Return a trick that moves Latin letters to an alphabet whose "a" is `first`."""

    def shift(word: str, choice: random.Random) -> str:  # noqa: ARG001  (one signature)
        return "".join(chr(first + ord(c) - 97) if "a" <= c <= "z" else c for c in word.lower())

    return shift


def _masked(word: str, choice: random.Random) -> str:
    vowels = [i for i in range(1, len(word) - 1) if word[i].lower() in "aeiouаеиоу"] or list(
        range(1, len(word) - 1)
    )
    places = set(choice.sample(vowels, min(len(vowels), choice.randint(1, 2))))
    sign = choice.choice("*#_-.")
    return "".join(sign if i in places else letter for i, letter in enumerate(word))


def _stretched(word: str, choice: random.Random) -> str:
    place = choice.randrange(len(word))
    return word[:place] + word[place] * choice.randint(3, 6) + word[place + 1 :]


def _sprinkled(word: str, choice: random.Random, signs: str) -> str:
    return "".join(
        c + (choice.choice(signs) * choice.randint(1, 2) if choice.random() < 0.6 else "") for c in word
    )


def _typo(word: str, choice: random.Random) -> str:
    place = choice.randrange(len(word) - 1)
    swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    dropped = word[:place] + word[place + 1 :]
    return choice.choice([swapped, dropped, word[: place + 1] + word[place:]])


TRICKS: dict[str, Trick] = {
    "look-alikes": lambda word, choice: _each(word, _LOOKALIKES, choice, 0.5),
    "leet": lambda word, choice: _each(word, _LEET, choice, 0.6),
    "stretched": _stretched,
    "separated": lambda word, choice: choice.choice(" .-_*|").join(word),
    "masked": _masked,
    "invisible": lambda word, choice: _sprinkled(word, choice, _INVISIBLE),
    "marks": lambda word, choice: _sprinkled(word, choice, _MARKS),
    "wide": _shifted(0xFF41),
    "mathematical": _shifted(0x1D41A),
    "enclosed": _shifted(0x24D0),
    "regional": _shifted(0x1F1E6),
    "flipped": lambda word, choice: "".join(FLIPPED.get(c, c) for c in word.lower())[
        :: choice.choice([1, -1])
    ],
    "small capitals": lambda word, choice: "".join(SMALL.get(c, c) for c in word.lower()),  # noqa: ARG005
    "typo": _typo,
    "case": lambda word, choice: "".join(choice.choice([c.lower(), c.upper()]) for c in word),
}


def disguised(text: str, choice: random.Random, share: float, trick: str | None = None) -> str:
    """Return a text with a share of its longer words disguised, each by `trick` or by any."""
    words = text.split(" ")
    for place, word in enumerate(words):
        if len(word) > 2 and word.isalpha() and choice.random() < share:
            words[place] = TRICKS[trick or choice.choice(list(TRICKS))](word, choice)
    return " ".join(words)
