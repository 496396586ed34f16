"""Hosts that are spelled for people, with spaces at their dots: "discord . gg / abc", "discord dot gift".

People write so in earnest too ("at home. TV/radio is on", "the dot com bubble"), so an ending has
to be one that is hardly a word, and mostly there has to be a path.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from rules.text.hosts import is_ending, is_host, is_plain_ending
from rules.text.letters import undisguised
from rules.text.words import NO_SPACES

Span = tuple[int, int]


class Spaced(NamedTuple):
    """A host in the plain view: how it is meant, where it stands, and where its path does, if any."""

    host: str
    span: Span
    path: Span | None


_WORD = rf"[^\W_{NO_SPACES}]"
# As long as labels and hosts may be, and no longer: the time must stay linear.
_LABEL = rf"{_WORD}{{1,63}}+(?:-{{1,3}}+{_WORD}{{1,63}}+){{0,9}}+"
_JOINT = r"(?: dot | ?\. ?)"
_SPACED = re.compile(
    rf"(?<!{_WORD})(?<![@/\\_.-])(?P<host>{_LABEL}(?:{_JOINT}{_LABEL}){{1,4}}+)(?![@_-]|\.?{_WORD})"
    rf"(?:(?: slash | ?/ ?)(?P<path>[^\W_][^\s<>\"`{NO_SPACES}\u3000-\u303f]*+))?+"
)
_JOINTS = re.compile(_JOINT)
# Each begins with what is looked for first: a search for one character costs next to nothing.
_STOP = re.compile(
    r"\.(?:[ \t][A-Za-z0-9-]{2,24}(?: ?/ ?[A-Za-z0-9]| (?i:slash) | ?\. ?[A-Za-z])"
    r"|(?<=[ \t]\.)(?:[A-Za-z]{2,24} ?/|[ \t](?i:com|org|xyz)\b)"
    r"|(?<=(?i:www)\.) |(?<=(?i:www) \.))"
)
_SURE_ENDINGS = frozenset(("com", "org", "xyz"))  # no sentence begins with these
_SIGN = re.compile(r"(?=.*[^\W\d_]).*[\d-]")
_DIGIT = re.compile(r"\d")
_FEW_LETTERS = 4
# Of so few letters that their endings decide nothing, but with a path they are always links.
_SHORT_HOSTS = frozenset(("t.me", "wa.me"))
_AT_A_STOP = re.compile(r"\s*(?:[^\w\s]|$)")


def may_hold_spaced(text: str) -> bool:
    """Return whether a text as typed is worth a closer look."""
    if not text.isascii() and ("．" in text or "／" in text):
        text = undisguised(text)
    # After the end of a sentence only a path makes a host, or "www".
    stops = " ." in text or (". " in text and ("/" in text or "slash" in text or "www" in text))
    if stops and _STOP.search(text):
        return True
    return " dot " in text or " Dot " in text or " DOT " in text


def find_spaced(text: str) -> Iterator[Spaced]:
    """Yield the hosts of a plain view that have a space at one of their dots; time is linear."""
    for match in _SPACED.finditer(text):
        spelled, path = match["host"], match["path"]
        if " " in spelled and _is_meant(spelled, match.end("host"), text, path):
            host = _JOINTS.sub(".", spelled)
            span = match.span("host") if path is None else match.span()
            yield Spaced(host, span, None if path is None else match.span("path"))


def _is_meant(spelled: str, end: int, text: str, path: str | None) -> bool:
    has_path = path is not None
    joint = _JOINTS.findall(spelled)[-1]
    *names, ending = _JOINTS.split(spelled)
    if names[0] == "www":
        return is_host(_JOINTS.sub(".", spelled), has_path=has_path)
    name = names[-1]
    if has_path and joint != ". " and _JOINTS.sub(".", spelled) in _SHORT_HOSTS:
        return True
    if not is_plain_ending(ending):
        # "telegram . me/a1", but not "come over . to/from".
        certain = path is not None and _DIGIT.search(path) is not None and len(name) >= _FEW_LETTERS
        return certain and joint != ". " and is_ending(ending)
    if joint == " dot ":
        return has_path or _SIGN.match(name) is not None or _stands_alone(name, ending, text, end)
    if joint == " . ":
        return has_path or ending in _SURE_ENDINGS or (len(ending) > 2 and _SIGN.match(name) is not None)
    return has_path and len(name) >= _FEW_LETTERS and (len(ending) > 2 or ending == "gg") and ending != "net"


def _stands_alone(name: str, ending: str, text: str, end: int) -> bool:
    """Whether a spelled-out host is one: of "dot com" people talk, so nothing may follow it but a sign."""
    if ending in ("com", "net"):
        return len(name) > _FEW_LETTERS and _AT_A_STOP.match(text, end) is not None
    return len(name) >= _FEW_LETTERS
