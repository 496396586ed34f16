"""New authors flood into a channel: ladders are lowered there, and the fleet is told, until it is calm."""

from rules.ruleset import RuleSet
from streams.control.orders import RaidOrder, moment
from streams.process.embedded import Store
from tests.rule_folders import POLICY, loaded
from tests.scenarios.chat import BEGIN, Chat

RULES = """
- {id: spam/some, label: spam, strength: medium, terms: [zzsome], scope: {tenants: [default]}}
- {id: raid/wave, label: raid, strength: weak, behaviour: {newcomers: "> 39", within: 60s}}
"""
# Medium evidence of spam comes to 14 points: below the flag at 20, above the one at 10 that a raid leaves.
LADDERS = POLICY.replace("spam: {base: -4, ladder: {flag: 30,", "spam: {base: -4, ladder: {flag: 20,")


def rules() -> RuleSet:
    """One weak sign of spam, and a rule that sees raids."""
    return loaded(RULES, policy=LADDERS)


def _raid(chat: Chat, channel: str = "lobby") -> None:
    for number in range(60):
        chat.says(f"raider{number}", f"we are here {number}", every=0.5, channel=channel)


async def test_a_raid(store: Store) -> None:
    """What is let go on a calm day is flagged in the raided channel; nobody is acted on for coming."""
    chat = Chat()
    chat.says("ana", "zzsome words")
    _raid(chat)
    chat.says("bo", "zzsome words")
    chat.says("cy", "zzsome words", channel="attic")
    story = await chat.judged(store, rules(), batch=8)
    assert story.acted_on() == {"bo": 1}
    assert story.of("bo")[0].verdict["raid"].startswith("raid-")
    assert "raid" not in story.of("cy")[0].verdict


async def test_it_is_told_when_it_begins_and_when_it_is_over(store: Store) -> None:
    """As an order, which the fleet follows and bridges turn slow mode on by; calm ends it."""
    chat = Chat()
    _raid(chat)
    chat.waits(240)
    chat.says("ana", "zzsome words")
    chat.waits(120)
    chat.says("ana", "zzsome words", times=2)
    story = await chat.judged(store, rules(), batch=1)
    assert story.actions("ana") == ["flag", "allow", "allow"]
    first, last = story.orders[0], story.orders[-1]
    assert isinstance(first, RaidOrder)
    assert (first.channel, first.lower, first.ended_at) == ("lobby", 10.0, None)
    assert "40 new authors in this channel in 1 min" in first.reason
    assert (last.id, last.end_reason) == (first.id, "calm again")


async def test_a_raid_by_the_starter_rules(store: Store) -> None:
    """It begins at the fortieth new author within a minute; nobody is acted on for coming."""
    chat = Chat()
    chat.says("ana", "hello everybody", "how are you")
    _raid(chat)
    chat.says("ana", "so many of you", "welcome to all")
    story = await chat.judged(store, batch=1)
    assert story.acted_on() == {}
    calm = [line.author for line in story.lines if "raid" not in line.verdict]
    assert calm == ["ana", "ana", *(f"raider{number}" for number in range(39))]
    assert story.orders[0].reason.startswith("raid/new-accounts: 40 new authors")


async def test_regulars_are_no_raid(store: Store) -> None:
    """A hundred people who have been here before come back for the evening."""
    chat = Chat()
    for number in range(100):
        chat.says(f"fan{number}", "hello", every=0.1)
        chat.waits(5)
    chat.waits(86_400)
    for number in range(100):
        chat.says(f"fan{number}", "hello again", every=0.1)
    story = await chat.judged(store, rules())
    assert story.orders == []


async def test_by_hand(store: Store) -> None:
    """An operator says that there is a raid; it ends by the clock, or by hand."""
    chat = Chat()
    chat.by_hand.append(
        RaidOrder(
            id="abc",
            author="ana",
            reason="they told us",
            channel="lob*",
            lower=10.0,
            at=moment(BEGIN),
            until=moment(BEGIN + 60),
        )
    )
    chat.says("bo", "zzsome words", every=50, times=3)
    story = await chat.judged(store, rules(), batch=1)
    assert story.actions("bo") == ["flag", "flag", "allow"]
    assert story.of("bo")[0].verdict["raid"] == "abc"


async def test_an_end_by_hand_holds(store: Store) -> None:
    """The worker doesn't begin it again while it would have lasted."""
    chat = Chat()
    ended = RaidOrder(
        id="raid-bb2c", author="w", reason="seen", channel="lobby", tenant="default",
        at=moment(BEGIN), until=moment(BEGIN + 300), ended_at=moment(BEGIN + 1), ended_by="ana",
    )  # fmt: skip
    chat.by_hand.append(ended)
    _raid(chat)
    story = await chat.judged(store, rules(), batch=1)
    begun = story.orders[0].id
    again = Chat()
    again.by_hand.append(
        RaidOrder(**{name: getattr(ended, name) for name in ended.__struct_fields__} | {"id": begun})
    )
    _raid(again)
    assert (await again.judged(store, rules(), batch=1)).orders == []
