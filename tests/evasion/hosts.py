"""How many hosts of the shipped lists are still found as they are spelled for people, or look like others."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from rules.finding.link_search import LinkSearch
from rules.ruleset import RuleSet
from rules.text.links import HostList, find_links
from rules.text.lookalike_hosts import Lookalikes
from tests.evasion.attacks import LETTERS, respelled, wide

SENTENCES = ("look at {} tonight", "{} is what they sent me", "claim it: {}")
SEED = 5
FROM_LETTERS = 4

Spelling = Callable[[str, random.Random], str]


def dotted(*dots: str, before: str = "https://") -> Spelling:
    return lambda host, rng: f"{before}{host.replace('.', rng.choice(dots))}/a1"


def hxxp(host: str, rng: random.Random) -> str:
    return f"{rng.choice(('hxxp', 'hxxps'))}://{host}/a1"


def alike(host: str, rng: random.Random) -> str:
    """One to three inner letters of the name from other scripts, one Latin letter kept."""
    name = max(host.split(".")[:-1], key=len)
    return host.replace(name, respelled(LETTERS, inner=True)(name, rng), 1)


def punycode(host: str, rng: random.Random) -> str:
    labels = alike(host, rng).split(".")
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)


_SOME = "one to three inner letters of the name from other scripts"
SPELLINGS: dict[str, tuple[str, Spelling]] = {
    "hxxp": ("hxxp or hxxps for http", hxxp),
    "bracketed dots": ("every dot [.], (.) or {.}", dotted("[.]", "(.)", "{.}")),
    "spelled dots": ("every dot (dot), [dot] or {dot}", dotted("(dot)", "[dot]", "{dot}", before="")),
    "spaces in hosts": ("every dot with spaces around it", dotted(" . ", before="")),
    "dots as words": ('every dot the word "dot"', dotted(" dot ", before="")),
    "full-width links": ("every sign of the link", lambda host, rng: wide(f"https://{host}/a1", rng)),
    "other full stops": ("every dot 。 or ．", dotted("。", "．")),
    "look-alike hosts": (_SOME, lambda host, rng: f"https://{alike(host, rng)}/a1"),
    "punycode": ("the same as browsers send it", lambda host, rng: f"https://{punycode(host, rng)}/a1"),
}
# Of brands, only what isn't them is sought.
DISGUISES = ("look-alike hosts", "punycode")


def table(rules: RuleSet) -> Iterator[str]:
    """Yield the lines of the table: hosts of lists, and the brands that rules protect."""
    searches = [search for armed in rules.armed.values() for search in armed.links]
    listed = sorted({host for one in searches if one._hosts and one._on for host in one._hosts._paths})
    brands = sorted({host for one in searches if one._like for host in one._like._own._paths})
    yield "| spelling | strength | hosts | retained |"
    yield "|---|---|---:|---:|"
    for name, (strength, spelling) in SPELLINGS.items():
        yield _row(name, strength, spelling, [(host, LinkSearch(HostList([host]))) for host in listed])
    for name in DISGUISES:
        strength, spelling = SPELLINGS[name]
        protected = [(host, LinkSearch(like=Lookalikes([host]))) for host in brands]
        yield _row(f"{name} of brands", strength, spelling, protected)


def _row(name: str, strength: str, spelling: Spelling, searches: Sequence[tuple[str, LinkSearch]]) -> str:
    rng = random.Random(SEED)
    tried = kept = 0
    for host, search in searches:
        if max(map(len, host.split(".")[:-1])) < FROM_LETTERS:
            continue
        spelled = spelling(host, rng)
        if spelled != f"https://{host}/a1":
            tried += 1
            kept += bool(search.find(find_links(rng.choice(SENTENCES).format(spelled))))
    return f"| {name} | {strength} | {tried} | {kept / max(1, tried):.1%} |"
