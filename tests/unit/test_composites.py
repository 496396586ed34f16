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
    assert holds("author: {strikes: '>= 2'}", said("hi"), Reputation(strikes=2, as_of=NOW))
    assert not holds("author: {strikes: '>= 2'}", said("hi"), Reputation(strikes=2, as_of=NOW - 86_400))


def test_an_account_date_without_a_zone_is_utc() -> None:
    """The zone of the machine must not change a verdict."""
    naive = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None) - timedelta(hours=47)
    message = said("hi", author=Author("ann", created_at=naive))
    assert holds("author: {age: '< 2d'}", message)
    assert not holds("author: {age: '< 46h'}", message)


ON_THE_AUTHOR = ["{messages: '< 3'}", "{trust: '< 0.1'}", "{strikes: '< 1'}", "{age: '< 2d'}"]


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
