"""What is a link, what only looks like one, and which list it is on."""

import pytest

from rules.errors import PatternError
from rules.message import Entity, EntityType
from rules.text.links import HostList, Link, find_links


def seen(text: str) -> list[tuple[str, str, str]]:
    """Host, path and typed text of each link."""
    return [(link.host, link.path, text[slice(*link.span)]) for link in find_links(text)]


def test_links_are_found_with_their_parts() -> None:
    """The scheme makes it a link; the path keeps its case; the sentence's signs stay outside."""
    text = "(see https://Sub.Example.com/Path?x=1#y)."
    assert seen(text) == [("sub.example.com", "/Path?x=1#y", "https://Sub.Example.com/Path?x=1#y")]
    assert not find_links(text)[0].bare


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("hxxps://bad.example", "bad.example"),
        ("hxxp[:]//bad[.]example/x", "bad.example"),
        ("bad(.)example", "bad.example"),
        ("dis\u200bcord.gift", "discord.gift"),
        ("ｄｉｓｃｏｒｄ．ｇｉｆｔ", "discord.gift"),
        ("discord。gift", "discord.gift"),
        ("https:\\\\evil.example\\x", "evil.example"),
        ("https://discord.com@evil.example/", "evil.example"),
        ("https://evil.example:8080/", "evil.example"),
        ("https://evil.example./x", "evil.example"),
        ("https://localhost", "localhost"),
        ("https://пример.рф", "пример.рф"),
        ("看https://a.example快来", "a.example"),
        ("看discord.gift快来", "discord.gift"),
        ("wait...discord.gg/x", "discord.gg"),
        ("WWW.FOO.TO", "www.foo.to"),
        ("t.me/channel", "t.me"),
        ("free-nitro.fun", "free-nitro.fun"),
        ("login.steam.it", "login.steam.it"),
        ("bbc.co.uk?", "bbc.co.uk"),
        ("Discord.GG", "discord.gg"),
        ("https://dlscord%2Egift/x", "dlscord.gift"),
        ("https://%64lscord.gift%2Fx", "dlscord.gift"),
        ("https:/evil.example/x", "evil.example"),
        ("https:///evil.example/x", "evil.example"),
        ("https//evil.example/x", "evil.example"),
        ("h**ps://evil.example/x", "evil.example"),
        ("t . me / abc", "t.me"),
        ("wa dot me slash 4912", "wa.me"),
        ("dlscord.gіft", "dlscord.gіft"),
        ("ᴅɪꜱᴄᴏʀᴅ.ɢɪꜰᴛ", "ᴅɪꜱᴄᴏʀᴅ.ɢɪꜰᴛ"),
    ],
)
def test_disguised_and_bare_hosts_are_found(text: str, host: str) -> None:
    """Defanged, invisible characters inside, wide letters, a user that looks like a host, no space around."""
    assert [link.host for link in find_links(text)] == [host]


@pytest.mark.parametrize(
    "text",
    [
        "open main.py and README.md",
        "it was fun.to play",
        "See you there.Live now",
        "thanks.it works",
        "e.g. this, i.e. that, a.k.a. those",
        "v1.2.3, 3.14 or 1.2.3.4",
        "mail bob@example.com",
        "my.com.x@example.org",
        "@some.one",
        "node.js vs vs.code",
        "so....what",
        "https://",
        "http:// foo",
        "//",
        "好。世界",
        "x\ud800.com",
        "that was great.lol",
        "we lost 5.rip",
        "in 10.lol",
        "at 7.in Berlin",
        "ладно.со мной",
        "so do not . me / you",
    ],
)
def test_innocent_dots_are_not_links(text: str) -> None:
    """Files, the joints of sentences, abbreviations, versions, mail and mentions."""
    assert find_links(text) == []


def test_the_sentence_does_not_end_up_in_the_path() -> None:
    """A closing bracket belongs to the path only if it was opened there."""
    text = "[x](https://x.example/a_(b)) and discord.gg/AbC, **y.example**"
    assert [found[1:] for found in seen(text)] == [
        ("/a_(b)", "https://x.example/a_(b)"),
        ("/AbC", "discord.gg/AbC"),
        ("", "y.example"),
    ]


def test_a_bare_host_is_weaker() -> None:
    """It says so, until the platform marks it as a link."""
    assert find_links("x.example")[0].bare
    assert find_links("x.example", [Entity(EntityType.LINK, (0, 9))]) == [
        Link("x.example", "", (0, 9), False)
    ]


def test_what_the_platform_marks_is_taken_at_its_word() -> None:
    """A marked link counts even where its target can't be read; a mention is none."""
    text = "click here or foo.bar, @john.doe.com"
    marks = [(EntityType.LINK, (6, 10)), (EntityType.LINK, (14, 21)), (EntityType.MENTION, (23, 36))]
    links = find_links(text, [Entity(*mark) for mark in marks])
    assert [(link.host, link.span) for link in links] == [("", (6, 10)), ("foo.bar", (14, 21))]


def test_marks_that_make_no_sense_are_ignored() -> None:
    """Outside the text, empty, backwards or over another one."""
    spans = [(-1, 2), (0, 9), (2, 6), (5, 5), (9, 3), (8, 99)]
    assert [
        link.span for link in find_links("x.example", [Entity(EntityType.LINK, span) for span in spans])
    ] == [(0, 9)]


def on_list(text: str, *hosts: str) -> bool:
    """Whether the first link of the text is on the list."""
    return HostList(hosts).match(find_links(text)[0])


def test_a_host_stands_for_its_subdomains() -> None:
    """But not for a host that merely ends alike."""
    assert on_list("https://discord.gift", "discord.gift")
    assert on_list("https://a.b.Discord.gift/x", "*.Discord.GIFT")
    assert on_list("https://x.zip", "zip")
    assert not on_list("https://notdiscord.gift", "discord.gift")
    assert not on_list("https://discord.gift.evil.example", "discord.gift")


def test_a_path_stands_for_the_pages_below_it() -> None:
    """By whole steps, walked as a server walks them."""
    for path in ("/ours", "/ours/", "/ours/page", "/ours?x", "/x/../ours", "/%6furs", "//ours"):
        assert on_list(f"https://discord.gg{path}", "https://discord.gg/ours/")
    for path in (
        "",
        "/",
        "/oursistheirs",
        "/OURS",
        "/ours/../theirs",
        "/ours/%2e%2e/theirs",
        "/theirs?/ours",
    ):
        assert not on_list(f"https://discord.gg{path}", "discord.gg/ours")


def test_an_unknown_target_is_on_no_list() -> None:
    """Neither on a list of bad hosts nor on one of good hosts."""
    assert not HostList(["example.com"]).match(Link("", "", (0, 4), False))


@pytest.mark.parametrize(
    "entry", ["", "   ", "not a host", "a@b.example", "https://", ".", "a..b", "*", "a.*.b", "x:80"]
)
def test_an_entry_that_is_no_host_is_refused(entry: str) -> None:
    """The message quotes it and shows how to write one."""
    with pytest.raises(PatternError, match=r"write it like discord\.gift"):
        HostList([entry])


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        ("hxxps[:]//bad{.}example/x", "bad.example", "/x"),
        ("discord(dot)gift", "discord.gift", ""),
        ("discord [dot] gg/AbC", "discord.gg", "/AbC"),
        ("a discord{DOT}gift b", "discord.gift", ""),
        ("discord․gift", "discord.gift", ""),
        ("discord . gg / AbC", "discord.gg", "/AbC"),
        ("join discord .gg/AbC now", "discord.gg", "/AbC"),
        ("join discord. gg/AbC now", "discord.gg", "/AbC"),
        ("discord Dot gg slash AbC", "discord.gg", "/AbC"),
        ("free at dlscord dot gift", "dlscord.gift", ""),
        ("come to telegram . me/joinchat1", "telegram.me", "/joinchat1"),
        ("shorturl dot at/a1", "shorturl.at", "/a1"),
        ("free at steamcommunlty dot com!", "steamcommunlty.com", ""),
        ("free at discоrd-gift . com", "discоrd-gift.com", ""),
        ("ｄiscord ． gg／AbC", "discord.gg", "/AbC"),
        ("www . foo . to", "www.foo.to", ""),
    ],
)
def test_hosts_that_are_spelled_for_people_are_found(text: str, host: str, path: str) -> None:
    """In brackets, in letters, with spaces at the dots; all of it lies under the span, and nothing else."""
    (link,) = find_links(text)
    assert (link.host, link.path, link.bare) == (host, path, not text.startswith("hxxp"))
    typed = text[slice(*link.span)]
    assert find_links(typed)[0].host == host
    assert typed == typed.strip(" !")


@pytest.mark.parametrize(
    "text",
    [
        "the dot com bubble, another dot com company",
        "connect the dot to the other dot in it",
        "I went home. tv is on",
        "it was nice . gg everyone",
        "we use .net/mono and .io games",
        "a .com/.org address",
        "hello . me too",
        "ok. and/or later",
        "main . py",
        "see (dot) here",
        "asp dot net core",
        "come over . to/from work",
        "draw the blue dot to/from here",
        "yes. no/maybe",
    ],
)
def test_what_people_write_with_spaces_is_no_host(text: str) -> None:
    """Sentences, talk about endings, a lone sign between words."""
    assert find_links(text) == []
