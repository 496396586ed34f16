"""Hosts that pretend to be another; an honest neighbour is tested as carefully as a pretender."""

import pytest

from rules.errors import PatternError
from rules.text.lookalike_hosts import Lookalikes

PROTECTED = Lookalikes(
    [
        "discord.com", "discord.gg", "discord.gift", "steamcommunity.com", "steampowered.com", "twitch.tv",
        "paypal.com",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("dlscord.gift", "discord"), ("d1scord.com", "discord"), ("discorcl.com", "discord"),
        ("discоrd.gg", "discord"), ("xn--discrd-zqf.com", "discord"), ("dicsord.com", "discord"),
        ("discordd.com", "discord"), ("disord.com", "discord"), ("discord.co", "discord"),
        ("discord.com.evil.example", "discord"), ("discord-nitro.ru", "discord"),
        ("nitro-discord.ru", "discord"), ("freediscord.site", "discord"), ("login.d-iscord.com", "discord"),
        ("stearncommunity.com", "steamcommunity"), ("steamcomunity.com", "steamcommunity"),
        ("steamcommunlty.com", "steamcommunity"), ("twitch-drops.com", "twitch"), ("paypa1.com", "paypal"),
        ("secure.paypal.com.evil.example", "paypal"), ("dіƽⲥord.bio", "discord"),
        ("xn--dord-lkb301b3r7g.bio", "discord"), ("steamcоmmunіty.ru", "steamcommunity"),
        ("xn--steamcmmunty-9fk62a.ru", "steamcommunity"),
        ("dìscord.com", "discord"), ("pạypal.com", "paypal"),
    ],
)  # fmt: skip
def test_a_pretender_is_named_by_whom_it_pretends_to_be(host: str, name: str) -> None:
    """Letters that look alike or changed places, a name with a lure, a name in front of another."""
    assert PROTECTED.match(host) == name


@pytest.mark.parametrize(
    "host",
    [
        "discord.com", "cdn.discord.com", "discord.gift", "www.twitch.tv",
        "discard.com", "discordance.com", "record.com", "cisco.com", "switch.com", "stitch.com",
        "steampunk.com", "stream.com", "community.com", "power.com", "payroll.com", "papal.org",
        "example.com", "localhost", "", "xn--80ak6aa92e.com", "xn--99999999999.com",
    ],
)  # fmt: skip
def test_an_honest_host_is_left_alone(host: str) -> None:
    """The protected ones with their subdomains, and neighbours of the name."""
    assert PROTECTED.match(host) is None


def test_only_a_host_can_be_protected() -> None:
    """A bare word would look like half the dictionary."""
    for entry in ("discord", "discord.com/x", "not a host"):
        with pytest.raises(PatternError):
            Lookalikes([entry])
