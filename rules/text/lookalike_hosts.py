"""Tells hosts that pretend to be another: "dlscord.gift", "discord.com.evil.example", "discord-nitro.ru"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from unicodedata import combining, normalize

from rules.errors import PatternError
from rules.text.hosts import as_shown
from rules.text.letter_shapes import CAPITAL, SMALL
from rules.text.links import HostList, Link

# What lures write beside a name: "discord-gift.ru", "nitrodiscord.com".
_LURES = frozenset(
    """
    access account accounts airdrop app auth bonus careers check claim code codes desk drop event events free
    gift gifts giveaway help helpdesk hub id live login mod nitro official online page pay payment play portal
    premium prize promo promotion prove review reward rewards safe secure security service shop sign signin
    store support team tech trade update verification verify vip wallet web
    """.split()  # noqa: SIM905 (a list wouldn't fit)
)

# Alike in most fonts; each letter becomes the first of its kind. Whoever minds real letters loses nothing:
# only what looks like a protected name and isn't it is ever reported.
_ONE_KIND = {
    "0": "o", "1": "l", "i": "l", "j": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
    "q": "g", "2": "z", "ł": "l", "đ": "d", "ø": "o", "ß": "b",
}  # fmt: skip
_ALIKE = str.maketrans(
    _ONE_KIND | {shape: _ONE_KIND.get(letter, letter) for shape, letter in (SMALL | CAPITAL).items()}
)
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("nn", "m"))

# Shorter names have too many honest neighbours: "stream" is not "steam", nor is "switch" "twitch".
_FROM_LETTERS = 7


class Lookalikes:
    """Protected hosts, and a way to tell what only looks like one of them."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """Read hosts such as "discord.com"; the label before the ending is the name that is protected.

        Raises:
            PatternError: For an entry that isn't a host, or has no ending.
        """
        protected = list(hosts)
        self._own = HostList(protected)
        # What a chat links to it links to often.
        self.match = lru_cache(4096)(self._match)
        self._names: dict[str, str] = {}
        for host in protected:
            labels = host.strip().lower().removeprefix("*.").split(".")
            if len(labels) < 2 or "/" in host:
                raise PatternError(f'"{host}" is no host to look like: write it like discord.com')
            name = max(labels[:-1], key=len)
            self._names.setdefault(_skeleton(name), name)

    def _match(self, host: str) -> str | None:
        """Return the protected name that a host looks like; None where it is honest, or itself protected."""
        if "." not in host or self._own.match(Link(host, "", (0, 0), bare=True)):
            return None
        names = self._names.items()
        return next((name for skeleton, name in names if _resembles(host, skeleton, name)), None)


def _resembles(host: str, skeleton: str, name: str) -> bool:
    return any(_is_like(part, skeleton, name) for part in _parts(host))


def _parts(host: str) -> Iterator[str]:
    """Yield the labels but the ending, and what hyphens part in them."""
    for label in host.split(".")[:-1]:
        spelled = as_shown(label)
        yield spelled
        if "-" in spelled:
            yield from spelled.split("-")
            yield spelled.replace("-", "")


def _is_like(part: str, skeleton: str, name: str) -> bool:
    folded = _skeleton(part)
    if folded == skeleton or (len(skeleton) >= _FROM_LETTERS and _is_slip(folded, skeleton)):
        return True
    for spelled, kept in ((part, name), (folded, skeleton)):
        if spelled.startswith(kept) and spelled[len(kept) :] in _ALIKE_LURES:
            return True
        if spelled.endswith(kept) and spelled[: -len(kept)] in _ALIKE_LURES:
            return True
    return False


def _is_slip(one: str, other: str) -> bool:
    """Return whether two letters changed places, or one is too many or missing."""
    if len(one) == len(other):
        apart = [at for at, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
        return len(apart) == 2 and apart[1] == apart[0] + 1 and one[apart[0]] == other[apart[1]] and (
            one[apart[1]] == other[apart[0]]
        )  # fmt: skip
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    if len(longer) != len(shorter) + 1:
        return False
    at = next((at for at, letter in enumerate(shorter) if letter != longer[at]), len(shorter))
    return longer[at + 1 :] == shorter[at:]


@lru_cache(4096)
def _skeleton(label: str) -> str:
    """Return what a hasty reader sees: letters that look alike are one."""
    if not label.isascii():
        label = "".join(one for one in normalize("NFD", label) if not combining(one))
    spelled = label.translate(_ALIKE)
    for pair, letter in _PAIRS:
        spelled = spelled.replace(pair, letter)
    return spelled


_ALIKE_LURES = _LURES | {_skeleton(lure) for lure in _LURES}
