"""Conditions on message, author and other rules: true, false, or not known."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.message import Attachment, Author, Entity, EntityType, Message, Surface
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from tests.rule_folders import NOW, judged, loaded, said


def condition(keys: str) -> RuleSet:
    """Return a rule set in which a rule fires where these conditions hold, and tags the message."""
    return loaded(f"- {{id: test/a, tags: [fired], {keys}}}")


def holds(keys: str, message: Message, reputation: Reputation | None = None) -> bool:
    """Return whether the conditions hold."""
    return judged(condition(keys), message, reputation=reputation).tags == ("fired",)


@pytest.mark.parametrize(
    ("keys", "text", "expected"),
    [
        ("all: [{length: '> 5'}]", "hello!", True),
        ("all: [{length: '> 5'}]", "hello", False),
        ("all: [{length: '= 5'}, {caps: '> 0.7'}]", "HELLo", True),
        ("all: [{caps: '> 0.7'}]", "HELlo 123 !!!", False),
        ("all: [{caps: '>= 0'}]", "123", True),
        ("all: [{caps: '> 0'}]", "123 中文", False),
        ("all: [{has: link}]", "see shop.example/x", True),
        ("all: [{has: link}]", "see main.py", False),
        ("all: [{has: mention}]", "hey @bob", True),
        ("all: [{has: mention}]", "bob@mail.example", False),
        ("all: [{has: emoji}]", "nice 🎉", True),
        ("all: [{has: emoji}]", "nice :)", False),
        ("all: [{links: {only: [ours.example]}}]", "www.ours.example", True),
        ("all: [{links: {only: [ours.example]}}]", "ours.example shop.example", False),
        ("all: [{links: {only: [ours.example]}}]", "no link", False),
        ("all: [{links: {except: [ours.example]}}]", "ours.example shop.example", True),
        ("all: [{links: {except: [ours.example]}}]", "no link", False),
        ("all: [{links: {count: '> 1'}}]", "a.example b.example", True),
        ("all: [{links: {count: '> 1'}}]", "a.example", False),
        ("all: [{links: {count: '< 1'}}]", "no link", True),
        ("all: [{links: {except: [ours.example], count: '> 1'}}]", "ours.example a.example b.example", True),
        (
            "all: [{links: {except: [ours.example], count: '> 1'}}]",
            "ours.example ours.example a.example",
            False,
        ),
        ("all: [{links: {only: [ours.example], count: '> 1'}}]", "ours.example www.ours.example", True),
        ("all: [{links: {kind: full}}]", "see https://a.example", True),
        ("all: [{links: {kind: full}}]", "see a.example", False),
        ("all: [{links: {kind: bare}}]", "see a.example", True),
        ("all: [{links: {kind: bare}}]", "see main.py. Then go", False),
        ("all: [{links: {kind: ip}}]", "http://203.0.113.7/login", True),
        ("all: [{links: {kind: ip}}]", "http://[2001:db8::1]/", True),
        ("all: [{links: {kind: ip}}]", "http://3405803783/", True),
        ("all: [{links: {kind: ip}}]", "203.0.113.7:25565", True),
        ("all: [{links: {kind: ip}}]", "version 1.2.3.4 in 10.0.0.0/8", False),
        ("all: [{links: {like: [discord.com, discord.gift]}}]", "dlscord.gift", True),
        (
            "all: [{links: {like: [discord.com, discord.gift]}}]",
            "https://cdn.discord.com/x discord.gift",
            False,
        ),
        ("all: [{mentions: '> 2'}]", "@ann @bob @cy", True),
        ("all: [{mentions: '> 2'}]", "@ann @bob cy@mail.example", False),
        ("all: [{emoji: '> 2'}]", "🎉🎉🎉", True),
        ("all: [{emoji: '> 1'}]", "👨‍👩‍👧", False),
        ("all: [{emoji: '= 1'}]", "🇩🇪", True),
        ("all: [{emoji: '= 1'}]", "👍🏽", True),
        ("all: [{emoji: {share: '> 0.7'}}]", "🎉🎉🎉 a", True),
        ("all: [{emoji: {share: '> 0.7'}}]", "🎉 abc", False),
        ("all: [{emoji: {count: '> 1', share: '> 0.7'}}]", "🎉", False),
        ("all: [{repeated: '> 5'}]", "noooOOO", True),
        ("all: [{repeated: '> 5'}]", "no      o", False),
        ("all: [{script: [cyrillic, greek]}]", "привет 123", True),
        ("all: [{script: cyrillic}]", "hello привет всем friends", False),
        ("all: [{script: han}]", "你好", True),
        ("all: [{script: latin}]", "123 !!", False),
        ("at_least: {count: 2, of: [{has: link}, {has: emoji}, {caps: '> 0.9'}]}", "HEY 🎉", True),
        ("at_least: {count: 2, of: [{has: link}, {has: emoji}, {caps: '> 0.9'}]}", "hey 🎉", False),
        ("all: [{any: [{has: link}, {none: [{length: '> 3'}]}]}]", "hey", True),
        ("all: [{any: [{has: link}, {none: [{length: '> 3'}]}]}]", "hello", False),
        ("all: [{at_least: {count: 2, of: [{has: link}, {has: emoji}, {has: mention}]}}]", "@a 🎉", True),
        ("any: [{length: '> 90'}, {has: link}]", "shop.example", True),
        ("any: [{length: '> 90'}, {has: link}]", "hello", False),
        ("none: [{length: '> 90'}, {has: link}]", "hello", True),
        ("none: [{length: '> 90'}, {has: link}]", "shop.example", False),
        ("all: [{length: '> 2'}], any: [{has: emoji}], none: [{caps: '> 0.9'}]", "🎉 yes", True),
        ("all: [{length: '> 2'}], any: [{has: emoji}], none: [{caps: '> 0.9'}]", "🎉 YES", False),
    ],
)
def test_a_condition_on_the_message(keys: str, text: str, expected: bool) -> None:
    """What is asked is asked of the text as typed."""
    assert holds(keys, said(text)) is expected


def test_what_the_platform_marks_counts_as_well() -> None:
    """An emote is an emoji; a mention and an attachment need no text."""
    assert holds("all: [{has: emoji}]", said("Kappa", entities=(Entity(EntityType.EMOTE, (0, 5)),)))
    assert holds("all: [{has: mention}]", said("hey", mentions=("bob",)))
    assert holds("all: [{has: attachment}]", said("", attachments=(Attachment("image"),)))
    assert holds("all: [{surface: bio}]", said("x", surface=Surface.BIO))
    assert not holds("all: [{surface: bio}]", said("x"))
    assert holds("all: [{mentions: '> 1'}]", said("hey", mentions=("bob", "cy")))
    assert holds(
        "all: [{emoji: {share: '> 0.9'}}]", said("Kappa", entities=(Entity(EntityType.EMOTE, (0, 5)),))
    )
    assert holds("all: [{has: quote}]", said("x", entities=(Entity(EntityType.QUOTE, (0, 1)),)))
    assert holds("all: [{has: code}]", said("x", entities=(Entity(EntityType.CODE, (0, 1)),)))
    assert not holds("all: [{has: code}]", said("`x`"))


def test_a_language_is_known_or_not() -> None:
    """What nobody knows is in no language, and in no other either."""
    assert holds("all: [{language: [de, nl]}]", said("hallo", lang="nl"))
    assert not holds("all: [{language: [de, nl]}]", said("hello", lang="en"))
    assert holds("none: [{language: [de]}]", said("hello", lang="en"))
    assert not holds("none: [{language: [de]}]", said("hello"))


def test_what_the_model_says_is_known_or_not() -> None:
    """Without a model's word neither the condition nor its opposite holds."""
    tagged = condition("model: {spam: '> 0.8'}, scope: {}")
    assert judged(tagged, "hi", scores={"spam": 0.9}).tags == ("fired",)
    assert judged(tagged, "hi", scores={"spam": 0.8}).tags == ()
    assert judged(tagged, "hi").tags == ()
    opposite = condition("none: [{model: {spam: '> 0.8'}}]")
    assert judged(opposite, "hi", scores={"spam": 0.1}).tags == ("fired",)
    assert judged(opposite, "hi").tags == ()
    low = condition("all: [{model: {spam: '< 0.2', scam: '< 0.2'}}]")
    assert judged(low, "hi", scores={"spam": 0.1, "scam": 0.1}).tags == ("fired",)
    assert judged(low, "hi", scores={"spam": 0.1, "scam": 0.3}).tags == ()


def test_of_several_unknown_ones_so_many_must_be_possible() -> None:
    """Two of three: one that holds and one unknown are not known to be two."""
    keys = "at_least: {count: 2, of: [{length: '> 1'}, {author: {messages: '< 3'}}, {has: link}]}"
    assert not holds(keys, said("hi"))
    assert holds(f"{keys}, unknown: true", said("hi"))
    assert not holds(f"{keys}, unknown: true", said("h"))
    assert holds(keys, said("hi"), Reputation())


def aged(days: float) -> Message:
    """Return a message whose author's account is so old."""
    created = datetime.fromtimestamp(NOW, UTC) - timedelta(days=days)
    return said("hi", author=Author("ann", created_at=created))


def test_a_condition_on_the_author() -> None:
    """Roles and age come with the message, the rest from standing."""
    assert holds("author: {roles: [moderator, vip]}", said("hi", roles=("vip",)))
    assert not holds("author: {roles: [moderator]}", said("hi", roles=("vip",)))
    assert holds("author: {age: '< 2d'}", aged(1))
    assert not holds("author: {age: '< 2d'}", aged(3))
    assert holds("author: {messages: '< 3'}", said("hi"), Reputation(messages=2))
    assert not holds("author: {messages: '< 3'}", said("hi"), Reputation(messages=3))
    assert holds("author: {trust: '> 0.4'}", said("hi"), Reputation(good=50, as_of=NOW))
    assert not holds("author: {trust: '> 0.4'}", said("hi"), Reputation(good=50, strikes=9, as_of=NOW))
    assert holds("author: {first_message: true}", said("hi"), Reputation())
    assert not holds("author: {first_message: true}", said("hi"), Reputation(messages=1))
    assert holds("author: {first_message: false}", said("hi"), Reputation(messages=1))
    assert holds("author: {bot: true}", said("hi", author=Author("ann", bot=True)))
    assert not holds("author: {bot: true}", said("hi"))
    assert holds(
        "author: {name: ['*official*']}", said("hi", author=Author("ann", name="The ＯＦＦＩＣＩＡＬ one"))
    )
    assert not holds("author: {name: [admin]}", said("hi", author=Author("ann", name="administrator")))
    assert not holds("none: [{author: {name: [admin]}}]", said("hi"))
    assert holds("author: {strikes: '>= 2'}", said("hi"), Reputation(strikes=2, as_of=NOW))
    assert not holds("author: {strikes: '>= 2'}", said("hi"), Reputation(strikes=2, as_of=NOW - 86_400))


def test_an_account_date_without_a_zone_is_utc() -> None:
    """The zone of the machine must not change a verdict."""
    naive = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None) - timedelta(hours=47)
    message = said("hi", author=Author("ann", created_at=naive))
    assert holds("author: {age: '< 2d'}", message)
    assert not holds("author: {age: '< 46h'}", message)


ON_THE_AUTHOR = [
    "{messages: '< 3'}",
    "{first_message: true}",
    "{trust: '< 0.1'}",
    "{strikes: '< 1'}",
    "{age: '< 2d'}",
]


@pytest.mark.parametrize("author", ON_THE_AUTHOR)
def test_what_is_not_known_of_an_author_never_fires(author: str) -> None:
    """Neither the condition nor its opposite: nobody is held because the store is down."""
    assert not holds(f"all: [{{author: {author}}}]", said("hi"))
    assert not holds(f"any: [{{author: {author}}}]", said("hi"))
    assert not holds(f"none: [{{author: {author}}}]", said("hi"))


@pytest.mark.parametrize("author", ON_THE_AUTHOR)
def test_a_rule_may_say_that_it_fires_where_something_is_not_known(author: str) -> None:
    """For who would rather look twice."""
    assert holds(f"all: [{{author: {author}}}], unknown: true", said("hi"))
    assert holds(f"none: [{{author: {author}}}], unknown: true", said("hi"))


def test_what_is_known_can_settle_what_is_not() -> None:
    """False beats unknown in `all`, true beats it in `any` and in `none`."""
    unknown = "{author: {messages: '< 3'}}"
    assert not holds(f"all: [{unknown}, {{has: link}}], unknown: true", said("hi"))
    assert holds(f"any: [{unknown}, {{length: '> 1'}}]", said("hi"))
    assert not holds(f"none: [{unknown}, {{length: '> 1'}}], unknown: true", said("hi"))


def test_a_message_without_an_author_has_an_unknown_one() -> None:
    """Also its roles are not known."""
    nobody = said("hi", author=None)
    assert not holds("author: {roles: [moderator]}", nobody)
    assert not holds("none: [{author: {roles: [moderator]}}]", nobody)


LURE = """
- {id: scam/lure, label: scam, strength: weak, terms: [claim your prize]}
- {id: scam/other, label: scam, strength: weak, terms: [guaranteed profit]}
- {id: spam/talk, label: spam, strength: weak, terms: [follow me]}
- {id: scam/with-link, label: scam, strength: medium, all: [{rule: "scam/*"}, {has: link}]}
- {id: scam/again, label: scam, strength: medium, all: [{rule: "scam/*"}], none: [{rule: spam/talk}]}
"""


def fired(rules: RuleSet, text: str, **known: object) -> set[str]:
    """Return the rules with a reason in the judgement."""
    return {reason.rule for reason in judged(rules, text, **known).reasons}  # type: ignore[arg-type]


def test_a_composite_sees_the_rules_that_fired() -> None:
    """By name or glob."""
    rules = loaded(LURE)
    assert fired(rules, "claim your prize at shop.example") == {"scam/lure", "scam/with-link", "scam/again"}
    assert fired(rules, "claim your prize, follow me") == {"scam/lure", "spam/talk"}
    assert fired(rules, "look at shop.example") == set()


def test_a_composite_sees_neither_itself_nor_its_like() -> None:
    """Otherwise two of them would hold each other up."""
    rules = loaded(LURE)
    assert fired(rules, "shop.example") == set()


def test_a_composite_adds_to_what_it_is_made_of() -> None:
    """It has no span, so it overlaps nothing."""
    rules = loaded(LURE)
    alone = judged(rules, "claim your prize, follow me").scores["scam"]
    with_link = judged(rules, "claim your prize, follow me: shop.example").scores["scam"]
    assert with_link > alone


def test_a_live_composite_does_not_see_rules_in_shadow() -> None:
    """What is in shadow decides nothing, not even by way of another rule."""
    rules = loaded("""
        - {id: scam/dim, label: scam, strength: weak, terms: [claim your prize], status: shadow}
        - {id: scam/live, label: scam, action: hold, all: [{rule: scam/dim}]}
        - {id: scam/tried, label: scam, action: hold, all: [{rule: scam/dim}], status: shadow}
    """)
    judgement = judged(rules, "claim your prize")
    assert judgement.action == "allow"
    assert [shadow.rule for shadow in judgement.shadow] == ["scam/dim", "scam/tried"]


def test_terms_with_conditions_need_both() -> None:
    """The shorthand `author:` is a condition like any other."""
    rules = loaded("""
        - id: scam/a
          label: scam
          strength: weak
          terms: [gift card]
          author: {messages: "< 3"}
          any: [{has: link}]
    """)
    newcomer = Reputation(messages=1)
    assert fired(rules, "gift card shop.example", reputation=newcomer) == {"scam/a"}
    assert fired(rules, "gift card", reputation=newcomer) == set()
    assert fired(rules, "shop.example", reputation=newcomer) == set()
    assert fired(rules, "gift card shop.example", reputation=Reputation(messages=5)) == set()
    assert fired(rules, "gift card shop.example") == set()


def test_a_composite_may_stand_on_conditions_alone() -> None:
    """Then it fires on messages in which nothing was found."""
    rules = loaded("""
        - {id: shape/shout, tags: [shout], all: [{caps: "> 0.9"}, {length: "> 5"}]}
        - {id: spam/shout, label: spam, action: flag, all: [{rule: "shape/*"}, {has: mention}]}
    """)
    assert judged(rules, "WAKE UP @BOB").decided_by == "spam/shout"
    assert judged(rules, "WAKE UP BOB").decided_by == "nothing"
