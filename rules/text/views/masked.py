"""Words with stars in the place of some letters, compared with the words of all terms: "f*ck", "s#x"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from math import prod

from rules.text.views.reading import AMBIGUOUS, MARKS, Edit, Vocabulary, tokens_with

MASKS = "*#%&•●_-"
_STARS = f"(?:'?[{MASKS}])+"
_LETTERS = rf"(?:'?[^\W_][{MARKS}]*)+"
_MASKED = re.compile(rf"(?<!['\w{MARKS}{MASKS}])(?!'){_LETTERS}(?:{_STARS}{_LETTERS})+(?![\w{MARKS}{MASKS}])")
_MASK = re.compile(f"[{MASKS}]")
# A hyphen or "_" beside a vowel joins two words, as in "s-ar" and "ana_k"; in "f-ck" it is the vowel.
_VOWEL = "[aeiouyà-æè-ïò-öø-üýÿāăąēėęěīįıōőœūůűųаеёиоуыэюяіїєαεηιουωάέήίόύώ]"
_JOINT = re.compile(rf"(?<={_VOWEL})[_-](?=[^\W_])|(?<=[^\W_])[_-](?={_VOWEL})")
_HYPHEN = re.compile(r"(?<![_-])[_-](?![_-])")
_UNSTARRED = re.compile("['_-]")
_WORD_BEHIND = re.compile(rf" +([\w{MARKS}]+)")
_WORD_BEFORE = re.compile(rf"(?<![\w{MARKS}])([\w{MARKS}]{{1,30}}) +$")
_NEAR = 40  # no further back, or a long text takes quadratic time
_CONSONANT = rf"(?!{_VOWEL})[^\W\d_]"
_CONSONANTS = re.compile(_CONSONANT)
_STAND_IN = re.compile(rf"{_CONSONANT}-[^\W\d_]{{2,}}|[^\W\d_]{{2,}}-{_CONSONANT}")
_SHORTEST = 4  # "T_T" is a face
_MOST = 4  # words that a masked one is read as

_Words = tuple[str, ...]


def undo(text: str, vocabulary: Vocabulary) -> Iterator[list[Edit]]:
    """Yield what the step changes: each masked word becomes one that it may be, then another.

    Words that stand beside it in the same term rule others out: "kill y**r family".
    """
    masked = _masked(text, vocabulary)
    if not masked:
        return
    ways = _likely(masked, text, vocabulary)
    for chosen in _choices(ways):
        yield [
            _unmasked(match, word, AMBIGUOUS if len(words) > 1 else 0)
            for match, word, words in zip(masked, chosen, ways, strict=True)
            if word is not None
        ]


def may_be(word: str, vocabulary: Vocabulary) -> bool:
    """Return whether stars in this word may stand for letters of one of a term."""
    found = (match[0] for match in _masked(word, vocabulary))
    return any(_fitting(one, vocabulary) or _stand_in(one, vocabulary) for one in found)


def _masked(text: str, vocabulary: Vocabulary) -> list[re.Match[str]]:
    spans = tokens_with(_MASK, text)
    found = (match for start, end in spans for match in _MASKED.finditer(text, start, end))
    return [match for match in found if _is_masked(match[0]) or _stand_in(match[0], vocabulary)]


def _choices(ways: Sequence[_Words]) -> Iterator[Sequence[str | None]]:
    """Yield what each may be: all combinations if they are few, else one word after the other of each."""
    if prod(len(words) or 1 for words in ways) <= _MOST:
        yield from product(*(words or (None,) for words in ways))
        return
    for number in range(min(_MOST, max(map(len, ways)))):
        yield [words[min(number, len(words) - 1)] if words else None for words in ways]


def _likely(masked: Sequence[re.Match[str]], text: str, vocabulary: Vocabulary) -> list[_Words]:
    """Return what each may be, going by the words beside it, first those before and then those behind."""
    known: dict[str, _Words] = {}
    ways: list[_Words] = []
    for match in masked:
        if match[0] not in known:
            known[match[0]] = tuple(
                _fitting(match[0], vocabulary) if _is_masked(match[0]) else _stand_in(match[0], vocabulary)
            )
        ways.append(known[match[0]])
    chosen: dict[tuple[_Words, _Words, bool], _Words] = {}

    def choose(at: int, beside: _Words, *, before: bool) -> None:
        key = (beside, ways[at], before)
        if key not in chosen:
            chosen[key] = tuple(_beside(*key, vocabulary)) or ways[at]
        ways[at] = chosen[key]

    for at, match in enumerate(masked):
        if at and text[masked[at - 1].end() : match.start()].isspace():
            choose(at, ways[at - 1], before=True)
        elif word := _WORD_BEFORE.search(text, max(0, match.start() - _NEAR), match.start()):
            choose(at, (word[1],), before=True)
    for at in reversed(range(len(masked))):
        end = masked[at].end()
        if at + 1 < len(masked) and text[end : masked[at + 1].start()].isspace():
            choose(at, ways[at + 1], before=False)
        elif word := _WORD_BEHIND.match(text, end):
            choose(at, (word[1],), before=False)
    return ways


def _beside(beside: _Words, words: _Words, before: bool, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the words that stand in some term beside one of the others, which is before or behind them."""
    for word in words:
        pairs = ((other, word) if before else (word, other) for other in beside)
        if any(vocabulary.together(*pair) for pair in pairs):
            yield word


def _fitting(masked: str, vocabulary: Vocabulary) -> Sequence[str]:
    """Return the words that may be meant; "d*n't" is "d*nt" and "m*to-te" "m*tote", as hasty people write."""
    bare = _JOINT.sub("", masked.replace("'", ""))
    found = vocabulary.fitting(_MASK.sub("*", bare))
    if not found and "-" in bare:
        found = vocabulary.fitting(_MASK.sub("*", bare.replace("-", "")))
    if not found and "-" in masked:
        parts = [
            vocabulary.fitting(_MASK.sub("*", part)) if _MASK.search(part) else [part]
            for part in masked.split("-")
        ]
        found = ["-".join(chosen) for chosen in islice(product(*parts), _MOST)]
    return found


def _stand_in(masked: str, vocabulary: Vocabulary) -> Sequence[str]:
    """Return the terms that may be meant where a hyphen beside a vowel is a consonant: "fu-k", "s-it".

    One beside a lonely consonant, for "s-ar" is said every day, and only terms of one word.
    """
    if _STAND_IN.fullmatch(masked) is None:
        return ()
    words = vocabulary.fitting(masked.replace("-", "*"))
    return [
        word for word in words if vocabulary.stands_alone(word) and _CONSONANTS.match(word, masked.index("-"))
    ]


def _unmasked(match: re.Match[str], word: str, marks: int) -> Edit:
    start, end = match.span()
    places = [(at, at + 1) for at in range(start, end)]
    if len(places) != len(word):
        places = [place for place in places if not _UNSTARRED.match(match.string, place[0])]
    if len(places) != len(word):
        places = [(start, end)] * len(word)
    return Edit(start, end, word, places, marks)


def _is_masked(word: str) -> bool:
    stars = len(_MASK.findall(_JOINT.sub("", word)))
    sure = stars - len(_HYPHEN.findall(word))
    return len(word) >= _SHORTEST and stars > 0 and 2 * sure <= len(word)
