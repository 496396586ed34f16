"""HTML in a Matrix message as the text that clients show; whoever is in the room may have put anything in.

Python's own `html.parser` takes a minute for 64 KiB of unclosed tags; this takes time in proportion.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

import msgspec

# As browsers read tags (WHATWG HTML, 13.2.5).
_ATTRIBUTE = re.compile(
    r"(=[^\s/>=]*+|[^\s/>=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|(?![\"'>])([^\s>]++))?+)?+"
)
_TAG = re.compile(rf"<(/?+)([a-zA-Z][^\s/>]*+)((?:[\s/]++|{_ATTRIBUTE.pattern})*+)>")
_TAG_BEGIN = re.compile(r"</?[a-zA-Z]")
_COMMENT_END = re.compile(r"--!?>")
_ANY_TAG = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"[ \t\n\r\f]+")
# Zeros before a character's number, and more digits than any has; beyond 4,300 Python refuses to count.
_ZEROS, _ENDLESS = re.compile(r"&#0+(?=[0-9])"), re.compile(r"&#[0-9]{8,};?")
_PERSON = re.compile(r"(?i)(?:https?://matrix\.to/#/(@|%40)|matrix:u/)([^/?#]+)")

# Of the tags that clients keep those that begin and end lines, and those that do so in tables, where alone
# they mean anything. Of all others the text stays where it is.
_BLOCKS = {
    "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "hr", "details",
    "summary", "table",
}  # fmt: skip
_IN_TABLE = {"caption", "thead", "tbody", "tr", "td", "th"}
_ENDED_BY_THE_NEXT = {"li", "p", "tr", "td", "th"}
# What is shown of a tag beside what is in it: in a hint, in front of a spoiler, drawn as a formula.
_SHOWN = {"alt", "title", "data-mx-spoiler", "data-mx-maths"}


class Shown(msgspec.Struct, frozen=True):
    """What clients show.

    Attributes:
        text: What is read without a click, a line for a line.
        quotes: Where in the text others are quoted; half-open, ascending.
        full: The text with what stands for pictures, as it is in a message without HTML.
        reply: What is answered, in front; most clients leave it out.
        links: Where the text leads to; in order, each once.
        elsewhere: What is shown in hints and for spoilers, and links that aren't told by their own text.
        people: Ids of those who are mentioned by a link.
        has_quotes: There are quotes, be they empty.
    """

    text: str
    quotes: tuple[tuple[int, int], ...] = ()
    full: str = ""
    reply: str = ""
    links: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    has_quotes: bool = False


def read(source: str, *, answers: bool) -> Shown:
    """Return what clients show of this.

    Args:
        answers: The message answers another, so what stands in front in `mx-reply` is not its own.
    """
    reader = _Reader(answers)
    reader.feed(source)
    return reader.shown()


class _Page:
    """Text as it grows."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.full: list[str] = []
        self.length = 0
        self._last = "\n"

    def say(self, text: str, *, as_is: bool = False) -> None:
        if not as_is:
            text = _SPACE.sub(" ", text)
            if self._last in " \n":
                text = text.lstrip(" ")
        if text:
            self.parts.append(text)
            self.full.append(text)
            self.length += len(text)
            self._last = text[-1]

    def stand_in(self, text: str) -> None:
        """Add what stands for a picture."""
        if text:
            self.full.append(text)
            self._last = text[-1]

    def end_line(self) -> None:
        if self._last != "\n":
            self.say("\n", as_is=True)


class _Reader:
    def __init__(self, answers: bool) -> None:
        self._page = self._main = _Page()
        self._reply = _Page() if answers else None
        self._open: list[str] = []  # only those that mean something here
        self._count: Counter[str] = Counter()
        self._quotes: list[tuple[int, int]] = []
        self._quote_from = 0
        self._has_quotes = False
        self._link: tuple[str, _Page, int] | None = None
        self._links: dict[str, None] = {}
        self._elsewhere: dict[str, None] = {}
        self._people: dict[str, None] = {}

    def feed(self, source: str) -> None:
        """Read it to its end."""
        position, last = 0, source.rfind(">")
        while 0 <= (start := source.find("<", position)) < last:
            self._say(source[position:start])
            position = self._markup(source, start)
        self._say(source[position:])

    def shown(self) -> Shown:
        """Return what was read."""
        self._end_link()
        if self._count["blockquote"]:
            self._end_quote()
        text = "".join(self._main.parts).rstrip()
        quotes = tuple((start, min(end, len(text))) for start, end in self._quotes if start < len(text))
        return Shown(
            text, quotes, "".join(self._main.full).rstrip(),
            "".join(self._reply.parts).rstrip() if self._reply else "", tuple(self._links),
            tuple(self._elsewhere), tuple(self._people), self._has_quotes,
        )  # fmt: skip

    def _markup(self, source: str, start: int) -> int:
        """Take what begins with "<", and return where it ends; a ">" follows somewhere."""
        if source.startswith("<!--", start):
            end = _COMMENT_END.search(source, start + 2)
            if end:
                self._doubtful(source[start + 4 : end.start()])
                return end.end()
        elif tag := _TAG.match(source, start):
            self._tag(tag[2].lower(), bool(tag[1]), tag[3])
            return tag.end()
        elif not _TAG_BEGIN.match(source, start):
            if source[start + 1] in "!?/":
                return source.index(">", start) + 1
            self._say("<")
            return start + 1
        # A tag or a comment without an end: browsers show nothing of what follows, others may.
        self._say(_ANY_TAG.sub("", source[start:]))
        return len(source)

    def _doubtful(self, text: str) -> None:
        """Keep what is hidden from whoever reads HTML as browsers do, and perhaps not from others."""
        if ">" in text:
            self._add_elsewhere(_ANY_TAG.sub("", text))

    def _say(self, text: str) -> None:
        if text:
            self._page.say(_unescaped(text), as_is=bool(self._count["pre"]))

    def _tag(self, tag: str, ends: bool, attributes: str) -> None:
        if not ends and attributes:
            self._attributes(tag, attributes)
        if tag == "mx-reply":
            self._switch(ends)
        elif tag == "a":
            if ends:
                self._end_link()
        elif tag == "br":
            self._page.end_line()
        elif tag in _BLOCKS or (tag in _IN_TABLE and self._count["table"]):
            self._end(tag) if ends else self._begin(tag)

    def _attributes(self, tag: str, attributes: str) -> None:
        for name, value in _pairs(attributes):
            if name == "href" and tag == "a":
                self._end_link()
                self._link = (_target(value), self._page, len(self._page.parts))
            elif name in _SHOWN:
                self._add_elsewhere(value)
                if name == "alt" and tag == "img":
                    self._page.stand_in(value)
        self._doubtful(attributes)

    def _add_elsewhere(self, text: str) -> None:
        text = " ".join(text.split())
        if text:
            self._elsewhere[text] = None

    def _switch(self, ends: bool) -> None:
        """Go to what is answered and back: it stands in front, and only there it is left out."""
        if self._reply is None:
            return
        if ends:
            self._page = self._main
        elif not self._main.length and not self._reply.length:
            self._page = self._reply

    def _begin(self, tag: str) -> None:
        if self._open[-1:] == [tag] and tag in _ENDED_BY_THE_NEXT:
            self._pop()
        self._space(tag)
        if tag == "hr":
            return
        if tag == "blockquote":
            self._has_quotes = True
            if not self._count[tag]:
                self._quote_from = self._main.length
        self._open.append(tag)
        self._count[tag] += 1

    def _end(self, tag: str) -> None:
        if self._count[tag]:
            while self._open and self._pop() != tag:
                pass
            self._space(tag)
        elif tag == "p":
            self._page.end_line()

    def _pop(self) -> str:
        tag = self._open.pop()
        self._count[tag] -= 1
        if tag == "blockquote" and not self._count[tag]:
            self._end_quote()
        return tag

    def _space(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._page.say(" ")
        else:
            self._page.end_line()

    def _end_quote(self) -> None:
        end = self._main.length
        if self._main.parts and self._main.parts[-1] == "\n":
            end -= 1
        if self._quote_from < end:
            self._quotes.append((self._quote_from, end))

    def _end_link(self) -> None:
        if self._link is None:
            return
        target, page, start = self._link
        self._link = None
        if not target or (page is self._reply and target.startswith("https://matrix.to/")):
            return
        self._links[target] = None
        person = _PERSON.match(target)
        if person:
            self._people["@" + unquote(person[2])] = None
        elif _bare(target) != _bare("".join(page.parts[start:])):
            self._add_elsewhere(target)


def _pairs(attributes: str) -> Iterator[tuple[str, str]]:
    for found in _ATTRIBUTE.finditer(attributes):
        yield found[1].lower(), _unescaped(found[2] or found[3] or found[4] or "")


def _unescaped(text: str) -> str:
    return html.unescape(_ENDLESS.sub("\ufffd", _ZEROS.sub("&#", text))) if "&" in text else text


def _target(value: str) -> str:
    """Return the address as browsers follow it."""
    return re.sub(r"[\t\n\r]", "", value).strip()


def _bare(address: str) -> str:
    return re.sub(r"(?i)^(?:https?://|mailto:)", "", address.strip()).rstrip("/")
