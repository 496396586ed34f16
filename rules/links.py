"""Finds links and hosts in a text as typed, and compares them with lists of hosts."""

from collections.abc import Iterable, Sequence

import msgspec

from rules.message import Entity


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


def find_links(typed: str, entities: Sequence[Entity] = ()) -> list[Link]:
    """Return the links of a text, ascending and without overlaps.

    File names ("main.py"), the joints of sentences ("for fun.to play") and mail addresses
    are not links.
    """
    raise NotImplementedError


class HostList:
    """A list of hosts, each with all its subdomains, or with the pages below a path."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """Read entries such as "discord.gift", "*.example.com" or "discord.gg/ourserver".

        Raises:
            PatternError: For an entry that isn't a host; the message quotes it.
        """
        raise NotImplementedError

    def match(self, link: Link) -> bool:
        """Return whether the link leads to a host of the list, or below a path of it."""
        raise NotImplementedError
