"""What a word is, for terms, patterns and distances alike: a run of letters, digits and marks.

Apostrophes, hyphens and underscores end a word, so "kill's" holds the word "kill". Scripts
that don't part their words with spaces have no words here: each of their code points is an
edge, and `rules.text.borders` says where their words end.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache

# Thai and Lao, Myanmar, Khmer, kana, bopomofo, Han. The insides of a character class.
NO_SPACES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"
    "\u3005-\u3007\u3031-\u3035\u3041-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)

JOINERS = "\u200c\u200d"  # the plain view keeps them only where they belong to a word

# Astral marks by whole blocks, because each range there is tried one after the other for every
# character that isn't part of a word: Brahmic scripts; Miao; Mende and Adlam.
_ASTRAL_MARKS = "\U00011000-\U00011fff\U00016f4f-\U00016f92\U0001e8d0-\U0001e95f"

UNSPACED = re.compile(f"([{NO_SPACES}])")  # a group, so that `split` keeps it
_UNSPACED_RUN = re.compile(f"[{NO_SPACES}]+")
_ASCII_WORD = re.compile("[A-Za-z0-9]+")

# Whatever isn't part of a word becomes a space: bytes.translate and split take a third of the
# time that a regular expression takes.
_ASCII_BLANKED = bytes(c if c < 128 and chr(c).isalnum() else 32 for c in range(256))
_ASCII_BLANKED_ONLY = bytes(c if c > 127 or chr(c).isalnum() else 32 for c in range(256))
_EASY_SIGN = re.compile(r"[^\w\0-\x7f]")
_EASY_WORD = re.compile(r"[^\W_]+")


def tokens(text: str, *, easy: bool = False) -> list[bytes]:
    """Return the words of a text as UTF-8, in order; `easy` as in `rules.text.letters.Letters`."""
    if text.isascii():
        return text.encode().translate(_ASCII_BLANKED).split()
    if easy:
        return _EASY_SIGN.sub(" ", text).encode().translate(_ASCII_BLANKED_ONLY).split()
    return " ".join(word_run().findall(_blanked(text))).encode(errors="replace").split()


def word_spans(text: str, *, easy: bool = False) -> Iterator[tuple[int, int]]:
    """Yield where each of the words that `tokens` returns stands."""
    if text.isascii():
        matches = _ASCII_WORD.finditer(text)
    else:
        matches = _EASY_WORD.finditer(text) if easy else word_run().finditer(_blanked(text))
    return (match.span() for match in matches)


def places_of(words: Collection[bytes], text: str, *, easy: bool = False) -> Iterator[tuple[bytes, int, int]]:
    """Yield each place of each of these words, which are some of the text's `tokens`."""
    if not text.isascii():
        for start, end in word_spans(text, easy=easy):
            word = text[start:end].encode()
            if word in words:
                yield word, start, end
        return
    # With a gap on either side a search in C finds whole words; the first gap is the text's own place -1.
    padded = b" %b " % text.encode().translate(_ASCII_BLANKED)
    for word in words:
        gapped, at = b" %b " % word, -1
        while (at := padded.find(gapped, at + 1)) >= 0:
            yield word, at, at + len(word)


def word_starts(text: str) -> list[int]:
    """Return where the words of a text begin, ascending.

    In scripts that don't part their words with spaces each code point counts as one. The
    number of words between two offsets is the difference of their `bisect` positions.
    """
    starts = [start for start, _ in word_spans(text)]
    if not text.isascii():
        starts += [match.start() for match in UNSPACED.finditer(text)]
        starts.sort()
    return starts


def in_word(letter: str) -> bool:
    """Return whether this code point is part of a word, in a script that has spaces."""
    if letter.isascii():
        return letter.isalnum()
    return bool(word_run().match(letter)) and not UNSPACED.match(letter)


@cache
def word_run() -> re.Pattern[str]:
    """Return an expression for runs of letters, digits, marks, joiners and "_", in any script.

    Its one group is the whole, so that `split` keeps the words.
    """
    # Python's \w leaves out the marks, and without them Hindi falls apart. Not worked out at
    # import, since it takes some milliseconds.
    marks = [chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"]
    return re.compile(rf"([\w{''.join(marks)}{_ASTRAL_MARKS}{JOINERS}]+)")


def _blanked(text: str) -> str:
    """Put spaces, as many as there were code points, where no word can be."""
    return _UNSPACED_RUN.sub(lambda run: " " * len(run[0]), text.replace("_", " "))
