"""Where words begin and end in scripts that don't part them with spaces: 中出 is none in 发展中出现.

ICU knows, by its dictionaries of Chinese, Japanese, Thai, Lao, Khmer and Burmese.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rules.text.words import NO_SPACES, UNSPACED

# How far a dictionary reads on either side of a term; more doesn't change its answer.
_AROUND = 24
_RUN = re.compile(f"[{NO_SPACES}]*")

# More letters don't stand in a row by chance, and where dictionaries don't know the words they guess.
# Of Thai and its neighbours more, since vowels and marks are letters of their own.
_BY_CHANCE = 3
_BY_CHANCE_THAI = 6
_CHINESE_OR_JAPANESE = re.compile("[\u3005-\U0003ffff]")

# What a dictionary takes together with a term beside it though it is a word of its own: 我想|自杀, 牛|逼了.
_BESIDE_FROM = 2  # letters of the term
_BEFORE = frozenset((*"我你他她它也都就很", *"もはが"))
_BEHIND = frozenset((*"了的吗吧啊呢呀嘛", *"とだもはが", "って"))


def is_word(text: str, start: int, end: int, *, before: bool = True, behind: bool = True) -> bool:
    """Return whether no word goes on before or behind what stands there, as far as these sides are asked for.

    Where a script with spaces begins there is a border.
    """
    before = before and start > 0 and _unspaced(text, start - 1) and _unspaced(text, start)
    behind = behind and end < len(text) and _unspaced(text, end - 1) and _unspaced(text, end)
    if end - start > (_BY_CHANCE if _CHINESE_OR_JAPANESE.match(text, start) else _BY_CHANCE_THAI):
        return True
    if not (before or behind):
        return True
    first = start - len(_last_run(text[max(0, start - _AROUND) : start])) if before else start
    last = end + len(_first_run(text[end : end + _AROUND])) if behind else end
    run, beside = text[first:last], end - start >= _BESIDE_FROM
    if before:
        head, _ = _cut(run, start - first)
        before = bool(head) and not (beside and head in _BEFORE)
    if behind:
        _, tail = _cut(run, end - first)
        behind = bool(tail) and not (beside and tail in _BEHIND)
    return not (before or behind)


def _cut(run: str, at: int) -> tuple[str, str]:
    """Return the parts of the word that ends behind a place and begins before it; empty at a border."""
    for start, end in _words(run):
        if start < at < end:
            return run[start:at], run[at:end]
    return "", ""


@lru_cache(1024)
def _words(run: str) -> tuple[tuple[int, int], ...]:
    from icu4py.breakers import WordBreaker

    return tuple(WordBreaker(run, "root").segments())


def _unspaced(text: str, at: int) -> bool:
    return UNSPACED.match(text, at) is not None


def _first_run(text: str) -> str:
    match = _RUN.match(text)
    return match[0] if match else ""


def _last_run(text: str) -> str:
    return _first_run(text[::-1])
