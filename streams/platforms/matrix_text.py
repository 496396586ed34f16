"""All that clients show of a Matrix message's content, as one text: no two of them need to show the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from streams.platforms import matrix_html
from streams.platforms.matrix_html import Shown

Span = tuple[int, int]

# As clients write what is quoted, and what is answered, for those who don't show HTML.
_QUOTED = re.compile(r"^>.*(?:\n>.*)*", re.MULTILINE)
# Spans of quotes beyond this are left out, and what is in them counts as said: a record has its limits.
MOST_QUOTES = 100
# What a client writes before what is answered, and after it the same in HTML.
_ASKED = re.compile(r"<[^\s<>]+>")
_IN_REPLY = re.compile(r"In reply to\s+(?:\*\s+)?\S+")
# Marks of Markdown: around words, at the beginning of lines, and those of links.
_AROUND = re.compile(r"(?<![^\W_])[*_~`|]++|[*_~`|]++(?![^\W_])")
_BEFORE = re.compile(r"[ \t]*(?:>[ \t]*|(?:#{1,6}|[-*+•]|\d{1,9}[.)])(?:[ \t]+|$)|```.*$)*+")
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]*)\)")
# Where texts are in extensible events, and in polls as they were before those.
_TEXTS = (
    "m.text", "org.matrix.msc1767.text", "m.html", "org.matrix.msc1767.html", "m.message",
    "org.matrix.msc1767.message",
)  # fmt: skip
_HOLDERS = (
    "m.poll", "org.matrix.msc3381.poll.start", "question", "answers", "m.caption",
    "org.matrix.msc1767.caption",
)  # fmt: skip
_DEEPEST = 4


class Piece(NamedTuple):
    """A text, and where in it others are quoted."""

    text: str
    quotes: Sequence[Span] = ()


class Said(NamedTuple):
    """All that is shown; of whom links speak is told apart."""

    text: str
    quotes: tuple[Span, ...]
    people: tuple[str, ...]


def gather(contents: Sequence[Mapping[str, Any]], *, answers: bool) -> Said:
    """Return what is shown of these, which clients show one or the other of: each text once.

    Args:
        answers: The message answers another, so what is quoted in front is what it answers.
    """
    people: dict[str, None] = {}
    known = _Known()
    found = (piece for content in contents for piece in _pieces(content, people, answers=answers))
    pieces = [piece for piece in found if known.add(piece)]
    quotes: list[Span] = []
    start = 0
    for piece in pieces:
        quotes += [(start + begin, start + end) for begin, end in piece.quotes]
        start += len(piece.text) + 1
    text = "\n".join(piece.text for piece in pieces)
    return Said(text, tuple(quotes[:MOST_QUOTES]), tuple(people))


class _Known:
    """What was said before, word by word: texts with what they quote, lines that quote nothing, words."""

    def __init__(self) -> None:
        self._texts: set[tuple[tuple[str, ...], tuple[str, ...]]] = {((), ())}
        self._words: set[str] = set()

    def add(self, piece: Piece) -> bool:
        """Return whether this is new."""
        words = tuple(_words(piece.text))
        quoted = tuple(_words(" ".join(piece.text[begin:end] for begin, end in piece.quotes)))
        if (words, quoted) in self._texts or (len(words) == 1 and words[0] in self._words and not quoted):
            return False
        self._texts.add((words, quoted))
        if not quoted:
            self._texts.update((tuple(line), ()) for line in _lines(piece.text))
            self._words.update(words)
        return True


def fields(value: Any) -> Mapping[str, Any]:
    """Return it if it has fields, else none."""
    return value if isinstance(value, dict) else {}


def word(value: Any) -> str | None:
    """Return it if it is a text, without the halves of characters that nobody can write down."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _pieces(content: Mapping[str, Any], people: dict[str, None], *, answers: bool) -> Iterator[Piece]:
    body, source = word(content.get("body")) or "", word(content.get("formatted_body"))
    if source is None:
        yield Piece(body, list(_quotes(body, everywhere=False, answers=answers)))
    else:
        shown = matrix_html.read(source, answers=answers)
        people.update(dict.fromkeys(shown.people))
        yield from _with_html(body, shown, answers=answers)
    yield Piece(word(content.get("filename")) or "")
    for text, is_html in _extensible(content):
        if is_html:
            shown = matrix_html.read(text, answers=False)
            yield Piece(shown.text, shown.quotes)
            yield from map(Piece, shown.elsewhere)
        else:
            yield Piece(text)


def _with_html(body: str, shown: Shown, *, answers: bool) -> Iterator[Piece]:
    """Yield what is shown with HTML and without; once where that is the same but for marks of Markdown."""
    asked, own = _answered(body) if answers else ("", body)
    bare, targets = _LINK.sub(r"\1", own), {found[2] for found in _LINK.finditer(own)}
    plain = Piece(body, list(_quotes(body, everywhere=shown.has_quotes, answers=answers)))
    rich = Piece(shown.text, shown.quotes)
    if _same(shown.full, own):
        yield plain
    elif targets <= set(shown.links) and _same(shown.full, bare):
        yield rich
        yield Piece(asked, [(0, len(asked))])
    else:
        yield rich
        yield plain
    yield from map(Piece, shown.elsewhere)
    theirs = _words(_IN_REPLY.sub("", shown.reply, count=1))
    if theirs != _words(_ASKED.sub("", _unmarked(asked), count=1)):
        yield Piece(shown.reply, [(0, len(shown.reply))])


def _extensible(content: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, bool]]:
    """Yield texts, and whether each is HTML."""
    for key in (*_TEXTS, "body") if depth else _TEXTS:
        value = content.get(key)
        for each in value if isinstance(value, list) else [value]:
            text = word(fields(each).get("body")) if isinstance(each, dict) else word(each)
            if text:
                yield text, key.endswith("html") or fields(each).get("mimetype") == "text/html"
    for key in _HOLDERS if depth < _DEEPEST else ():
        value = content.get(key)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield from _extensible(each, depth + 1)


def _quotes(text: str, *, everywhere: bool, answers: bool) -> Iterator[Span]:
    """Yield the lines that are quoted: those of the HTML's quotes, and before an answer what is answered."""
    if everywhere:
        yield from (found.span() for found in _QUOTED.finditer(text))
    elif answers:
        yield from (found.span() for found in _QUOTED.finditer(text.partition("\n\n")[0]))


def _answered(body: str) -> tuple[str, str]:
    """Return what is answered, which stands in front, and the answer."""
    found = _QUOTED.match(body)
    return (found[0], body[found.end() :]) if found else ("", body)


def _same(shown: str, body: str) -> bool:
    """Return whether both say the same, word by word, or line by line where marks begin them."""
    return _words(shown) == _words(body) or [_words(line) for line in shown.splitlines() if _words(line)] == [
        line for line in _lines(body) if line
    ]


def _lines(text: str) -> Iterator[list[str]]:
    yield from map(_words, _unmarked(text).splitlines())


def _unmarked(text: str) -> str:
    return "\n".join(line[_BEFORE.match(line).end() :] for line in text.splitlines())  # type: ignore[union-attr]


def _words(text: str) -> list[str]:
    return _AROUND.sub("", text).split()
