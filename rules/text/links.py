"""Finds links and hosts in a text as typed, and compares them with lists of hosts."""

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

import msgspec

from rules.errors import PatternError
from rules.message import Entity, EntityType
from rules.text.hosts import is_host
from rules.text.letters import origins, plain, undisguised
from rules.text.spaced_hosts import find_spaced, may_hold_spaced
from rules.text.words import NO_SPACES


class Link(msgspec.Struct, frozen=True):
    """A link, or a bare host that a reader would type into a browser.

    Attributes:
        host: In lower case, without user, port or defanging: "discord.gift". "" where the
            platform marks a link but its target isn't in the text.
        path: Everything after the host, "" or beginning with "/", "?" or "#"; case as typed.
        span: Half-open range of code points in the text as typed.
        bare: Without a scheme, and not marked as a link by the platform: weaker evidence.
    """

    host: str
    path: str
    span: tuple[int, int]
    bare: bool

    @property
    def leads_to_address(self) -> bool:
        """Whether the host is a number instead of a name, in any of the spellings that browsers take."""
        return _NUMBER.fullmatch(self.host) is not None


def find_links(typed: str, entities: Sequence[Entity] = (), *, spaced: bool = True) -> list[Link]:
    """Return the links of a text, ascending and without overlaps.

    Defanged ones count ("hxxp://", "[.]", "(dot)"), and unless not `spaced` those with spaces
    at their dots, where hardly anything else can be meant ("discord . gg / abc"). File names
    ("main.py"), the joints of sentences ("for fun.to play") and mail addresses are not links,
    nor is what the platform marks as a mention or an emote.
    """
    spelled = "dot" in typed or "Dot" in typed or "DOT" in typed
    links = list(_seen(typed)) if _may_hold_link(typed, spelled=spelled) else []
    if spaced and (spelled or "." in typed or "．" in typed) and may_hold_spaced(typed):
        links = _merged(links, _spaced(typed))
    if not entities:
        return links
    taken = _apart(entities, len(typed))
    ends = [span[1] for _, span in taken]
    links = [link for link in links if not _overlaps(link.span, taken, ends)]
    links += [_marked(typed, span) for kind, span in taken if kind is EntityType.LINK]
    return sorted(links, key=lambda link: link.span)


class HostList:
    """A list of hosts, each with all its subdomains, or with the pages below a path."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """Read entries such as "discord.gift", "*.example.com" or "discord.gg/ourserver".

        Raises:
            PatternError: For an entry that isn't a host; the message quotes it.
        """
        self._paths: dict[str, set[str]] = {}
        for entry in hosts:
            host, path = _entry(entry)
            self._paths.setdefault(host, set()).add(path)

    def match(self, link: Link) -> bool:
        """Return whether the link leads to a host of the list, or below a path of it.

        Paths are compared by whole steps and mind case, as servers do. A link without a
        known host matches nothing.
        """
        host = link.host
        while host:
            paths = self._paths.get(host)
            if paths and ("" in paths or _is_below(link.path, paths)):
                return True
            host = host.partition(".")[2]
        return False


_TAKEN = (EntityType.LINK, EntityType.MENTION, EntityType.EMOTE)

_WORD = rf"[^\W_{NO_SPACES}]"
# As long as labels and hosts may be (RFC 1035), and no longer: from each hyphen one is tried anew,
# and the time must stay linear.
_LABEL = rf"{_WORD}{{1,63}}+(?:-{{1,31}}+{_WORD}{{1,63}}+){{0,31}}+"
_DOT = r"(?:[.。]| ?[\[({] ?(?:\.|dot) ?[\])}] ?)"  # the plain view has no other full stops
_SIX = r"\[[0-9a-f]*:[0-9a-f:.]*\]"  # an address of IP version 6
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
# Browsers take a host for an address when its last part is a number, in base 8, 10 or 16 (WHATWG URL, 3.5).
_NUMBER = re.compile(rf"(?:.*\.)?(?:\d+|0x[0-9a-f]*)|{_SIX}")
_NET = re.compile(r"/\d{1,2}")
_SCHEME = r"(?:h(?:tt|xx|\*\*)ps?|ftp)(?:(?:\[:\]|:)[/\\]{1,9}+|[/\\]{2}+)"
_LINK = re.compile(
    rf"(?:{_SCHEME}(?P<authority>(?:{_SIX}|{_DOT}|[^\s/?#\\<>\"`'|,;()\[\]{{}}])++)"
    rf"|(?<!{_WORD})(?<![@/\\_])(?<!{_WORD}[.])(?P<host>{_LABEL}(?:{_DOT}{_LABEL}){{1,126}}+)(?!@|_|[.]?{_WORD})"
    r"(?::\d{1,5})?+)"
    rf"(?P<rest>(?:[/?#\\][^\s<>\"`{NO_SPACES}\u3000-\u303f]*+)?+)"
)
_DOTS = re.compile(_DOT, re.IGNORECASE)
_GLUED = re.compile(rf"[!-~]+\.[a-z]{{2,}}(?=[{NO_SPACES}])")  # no space parts it from the Chinese behind it
_PORT = re.compile(r":\d*$")
_CLOSING = ".,;:!?'\")]}*_~|。"

_ASCII_JOINT = re.compile(r"\.(?:[A-Za-z0-9]| ?[\])}] ?[A-Za-z0-9])|//")
_BRACKETED = re.compile(r"[\[({] ?dot ?[\])}]", re.IGNORECASE)
_JOINT = re.compile(r"[.．。｡․﹒][^ \n\r\t]")

# An RE2 expression: where the plain view holds none of these there is no link.
SIGN = r"[.。/]|dot"

_ENTRY = re.compile(r"(?:[a-z]+://)?(?:\*\.)?([^\s/@:?#*!,;()<>\"']+)(/[^?#\s]*)?(?:[?#]\S*)?", re.IGNORECASE)


def _may_hold_link(typed: str, *, spelled: bool) -> bool:
    # Looking for one character costs a tenth of what an expression does.
    if typed.isascii():
        typed = typed if typed.isprintable() else undisguised(typed)
        if ("." in typed or "//" in typed) and _ASCII_JOINT.search(typed) is not None:
            return True
    elif "/" in typed or "／" in typed or _JOINT.search(typed):
        return True
    return spelled and _BRACKETED.search(typed) is not None


def _seen(typed: str, *, trusted: bool = False) -> Iterator[Link]:
    """Yield the links in sight; in a trusted text hosts may have any ending."""
    text = plain(typed).text
    matches = list(_LINK.finditer(text))
    spans = origins(typed) if matches else []

    def original(start: int, end: int) -> str:
        return undisguised(typed[spans[start][0] : spans[end - 1][1]]) if start < end else ""

    for match in matches:
        bare = match["host"] is not None
        rest = _trimmed(match["rest"])
        named = match["host"] if bare else _authority(match["authority"], followed=bool(rest))
        named_at = match.start("host" if bare else "authority")
        named_end, rest_at = named_at + len(named), match.start("rest")
        if not bare and named_end < rest_at:
            rest = ""
        if bare and not trusted:
            name = _DOTS.sub(".", original(named_at, named_end))
            behind = text[named_end:rest_at] + rest
            if not is_host(name, has_path=bool(rest)) and not _is_address(name, behind):
                continue
        host = _PORT.sub("", _DOTS.sub(".", _decoded(named.rpartition("@")[2]))).strip(".")
        if host:
            end = rest_at + len(rest) if rest else named_end
            span = (spans[match.start()][0], spans[end - 1][1])
            yield Link(host, original(rest_at, rest_at + len(rest)), span, bare)


def _decoded(named: str) -> str:
    """Return a host without its percent-encoding, which browsers undo."""
    return re.split("[/?#]", plain(unquote(named)).text, maxsplit=1)[0] if "%" in named else named


def _spaced(typed: str) -> Iterator[Link]:
    found = list(find_spaced(plain(typed).text))
    spans = origins(typed) if found else []
    for host, (start, end), path in found:
        rest = ""
        if path is not None:
            kept = typed[spans[path[0]][0] : spans[path[1] - 1][1]]
            rest = _trimmed("/" + undisguised(kept))
        yield Link(host, rest, (spans[start][0], spans[end - 1][1]), bare=True)


def _merged(links: list[Link], others: Iterable[Link]) -> list[Link]:
    """Return all links, less those of the others that overlap one of the first."""
    taken = [(EntityType.LINK, link.span) for link in links]
    ends = [link.span[1] for link in links]
    more = [link for link in others if not _overlaps(link.span, taken, ends)]
    return sorted([*links, *more], key=lambda link: link.span)


def _is_address(name: str, behind: str) -> bool:
    """Return whether four numbers are an address and no version: with a port or a path, "/24" being none."""
    return bool(behind) and _ADDRESS.fullmatch(name) is not None and _NET.fullmatch(behind) is None


def _trimmed(rest: str) -> str:
    kept = rest.rstrip(_CLOSING)
    closes = kept.count("(") > kept.count(")") and rest.startswith(")", len(kept))
    return kept + ")" if closes else kept


def _authority(text: str, *, followed: bool) -> str:
    glued = _GLUED.match(text)
    if glued:
        return glued[0]
    return text if followed else text.rstrip(_CLOSING)


def _marked(typed: str, span: tuple[int, int]) -> Link:
    for link in _seen(typed[span[0] : span[1]], trusted=True):
        return Link(link.host, link.path, span, bare=False)
    return Link("", "", span, bare=False)


def _apart(entities: Iterable[Entity], length: int) -> list[tuple[EntityType, tuple[int, int]]]:
    """Return what the platform marked, ascending, without overlaps and within the text."""
    apart: list[tuple[EntityType, tuple[int, int]]] = []
    last = 0
    for (start, end), kind in sorted((e.span, e.type) for e in entities if e.type in _TAKEN):
        if last <= start < end <= length:
            apart.append((kind, (start, end)))
            last = end
    return apart


def _overlaps(
    span: tuple[int, int], taken: Sequence[tuple[EntityType, tuple[int, int]]], ends: Sequence[int]
) -> bool:
    after = bisect_right(ends, span[0])  # the first that ends behind our start
    return after < len(taken) and taken[after][1][0] < span[1]


def _entry(text: str) -> tuple[str, str]:
    match = _ENTRY.fullmatch(undisguised(text).strip())
    host = plain(match[1]).text.strip(".") if match else ""
    if match is None or not host or ".." in host:
        raise PatternError(f'"{text}" is not a host: write it like discord.gift or discord.gg/ourserver')
    return host, _canonical(match[2] or "")


def _is_below(path: str, paths: set[str]) -> bool:
    path = _canonical(path)
    while path:
        if path in paths:
            return True
        path = path.rpartition("/")[0]
    return False


def _canonical(path: str) -> str:
    """Walk the path as a server would, so that "/ours/../theirs" isn't taken for a page of ours."""
    steps = unquote(re.split("[?#]", path, maxsplit=1)[0]).replace("\\", "/")
    return posixpath.normpath("/" + steps.lstrip("/")).rstrip("/")
