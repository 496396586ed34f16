"""The HTML of a Matrix message as the text that clients show.

No parser of the whole language: whatever isn't plainly a tag is text here, so that a reader may be shown less
than is judged, never more. Each character is looked at a fixed number of times, whatever somebody sends.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_TAG = re.compile(r"<([a-zA-Z/!?][^<>]*)>")
_NAME = re.compile(r"/?\s*([a-zA-Z0-9-]*)")
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(href|alt|title|data-mx-spoiler)\s*=\s*(?:"([^"]*)|'([^']*)|([^\s"']+))""", re.IGNORECASE
)
# They begin and end a line; every other tag stands within one.
_BLOCKS = frozenset(
    (
        "address", "blockquote", "br", "caption", "center", "dd", "details", "div", "dl", "dt", "figure",
        "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "mx-reply", "ol", "p", "pre",
        "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    )
)  # fmt: skip
_QUOTES, _QUOTED = frozenset(("blockquote", "mx-reply")), "> "
# Who is mentioned stands there by name; the address behind it is nobody's link.
_MENTION = "https://matrix.to/#/@"
_SCHEME = re.compile(r"^[a-z]+://|/$")
_ANSWERED = re.compile(r"^<mx-reply>.*?</mx-reply>", re.DOTALL)
# A character's number: zeros before it, and what is too long for any; of 4,300 digits Python makes an error.
_ZEROS, _ENDLESS = re.compile(r"&#0+(?=[0-9])"), re.compile(r"&#[0-9]{8,};?")
# What Markdown writes where HTML has a tag.
_LINKED, _MARKS = re.compile(r"\]\("), re.compile(r"[*_~`#>\[\]()|\\+-]+")


def shown(formatted: str, *, answers: bool = False) -> str:
    """Return the lines that a reader sees; those of a quotation begin with "> ".

    Where a link leads stands in brackets behind its words, unless they say it; of a picture what describes
    it is shown, and of a spoiler its reason.

    Args:
        answers: The message answers another, so clients put away what it quotes of that at its beginning.
    """
    if answers:
        formatted = _ANSWERED.sub("", formatted)
    lines: list[str] = []
    line, quoted = "", 0
    for name, closes, piece in _pieces(formatted):
        more = piece.split("\n")
        if name in _BLOCKS:
            lines.append(_QUOTED + line if quoted else line)
            line = ""
        if name in _QUOTES:
            quoted = max(0, quoted - 1) if closes else quoted + 1
        for end in more[:-1]:
            lines.append(_QUOTED + line + end if quoted else line + end)
            line = ""
        line += more[-1]
    lines.append(_QUOTED + line if quoted else line)
    return "\n".join(each for each in lines if each.strip(_QUOTED))


def alike(one: str, other: str) -> bool:
    """Return whether two texts consist of the same words, whatever marks of Markdown's are between."""
    return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    return _MARKS.sub("", _LINKED.sub(" ", text)).split()


def _pieces(formatted: str) -> Iterator[tuple[str, bool, str]]:
    """Yield each tag's name, whether it closes, and the text from there to the next; before the first, ""."""
    at, name, closes, said = 0, "", False, ""
    href, words = "", ""
    for tag in _TAG.finditer(formatted):
        text = _characters(formatted[at : tag.start()])
        words += text
        yield name, closes, said + text
        at, inner = tag.end(), tag[1]
        name, closes, said = _NAME.match(inner)[1].lower(), inner.startswith("/"), ""  # type: ignore[index]
        if closes and name == "a":
            said, href = _leads(href, words), ""
        elif not closes:
            has = {key.lower(): _characters(a or b or c) for key, a, b, c in _ATTRIBUTE.findall(inner)}
            said = " ".join(dict.fromkeys(has[key] for key in sorted(has.keys() - {"href"})))
            if "href" in has:
                said, href, words = _leads(href, words) + said, has["href"], said
    yield name, closes, said + _characters(formatted[at:]) + _leads(href, None)


def _characters(text: str) -> str:
    return html.unescape(_ENDLESS.sub("\ufffd", _ZEROS.sub("&#", text)))


def _leads(href: str, words: str | None) -> str:
    """Return what is said of where a link leads: nothing where its words do, or where it is a mention."""
    if not href or href.startswith(_MENTION):
        return ""
    if words is not None and _SCHEME.sub("", href) == _SCHEME.sub("", words.strip()):
        return ""
    return f" ({href})"
