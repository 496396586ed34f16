"""What many authors say together: campaigns are told from copypasta, whoever says it first."""

import random

import pytest

from streams.process.embedded import Store
from tests.scenarios.chat import Chat

DAY_S = 86_400.0
PITCH = (
    "hey friends {name} has opened a little shop for {game} players today take a look at {site} {now} {emoji}"
)
COPYPASTA = (
    "to be fair you need a very high rank to understand this streamer because the jokes are so subtle that "
    "most of them go over the head of a typical viewer"
)


def pitch(dice: random.Random) -> str:
    """The same advertisement with another word, link and emoji."""
    return PITCH.format(
        name=dice.choice(("mia", "leo", "sam", "kim", "jo")),
        game=dice.choice(("chess", "racing", "farming")),
        site=f"gift{dice.randrange(10_000)}.example/{dice.randrange(10_000)}",
        now=dice.choice(("now", "quick", "hurry", "fast")),
        emoji=dice.choice(("🎁", "🔥", "🎉🎉", "")),
    )


def regulars(chat: Chat, count: int) -> list[str]:
    """People who have been here before; the clock stands a day later."""
    names = [f"fan{number}" for number in range(count)]
    for name in names:
        chat.says(name, "good evening everybody", every=0.1)
    chat.waits(DAY_S)
    return names


async def test_fifty_accounts_with_varied_wording(store: Store) -> None:
    """From the eighth account on nearly every message is held; the verdict names campaign and size."""
    chat, dice = Chat(), random.Random(7)
    for number in range(50):
        chat.says(f"bot{number}", pitch(dice), every=3)
        chat.says("ana", f"anyone for round {number}?", every=1)
    story = await chat.judged(store)
    held = story.acted_on("hold", "remove")
    assert held == story.acted_on(), "nobody is flagged, ana least of all"
    assert set(held) <= {f"bot{number}" for number in range(7, 50)}
    assert "bot7" in held
    assert len(held) >= 40
    assert {line.decided_by for line in story.lines if line.action == "hold"} == {"campaign/new-accounts"}
    last = story.of("bot49")[0]
    assert "32 authors who say nearly the same in 10 min" in last.why
    assert last.verdict["campaign"]["size"] == 32
    assert last.verdict["campaign"]["id"]
    ids = [story.of(f"bot{number}")[0].verdict["campaign"]["id"] for number in range(20, 50)]
    assert max(map(ids.count, ids)) >= 15


async def test_new_accounts_without_a_link(store: Store) -> None:
    """A hate wave needs no link, for most of its authors are new; a rule in shadow sees it."""
    chat = Chat()
    for number in range(20):
        chat.says(
            f"new{number}", f"this streamer is a fraud and everybody here knows it number{number}", every=2
        )
    story = await chat.judged(store)
    seen = {line.author for line in story.lines if line.verdict.get("campaign")}
    assert seen >= {f"new{number}" for number in range(8, 20)}
    assert {one["rule"] for one in story.lines[-1].verdict["shadow"]} == {"campaign/new-voices"}


async def test_copypasta_of_five_hundred(store: Store) -> None:
    """Regulars repeat it, and so do thirty newcomers who find it funny: nobody is acted on."""
    chat, dice = Chat(), random.Random(3)
    names = regulars(chat, 470) + [f"newcomer{number}" for number in range(30)]
    dice.shuffle(names)
    for name in names:
        words = COPYPASTA.split()
        words[dice.randrange(len(words))] = dice.choice(("lol", "haha", "kappa"))
        chat.says(name, " ".join(words), every=0.2)
    assert (await chat.judged(store)).acted_on() == {}


async def test_stolen_accounts_are_watched(store: Store) -> None:
    """Regulars whose accounts were stolen send a link; a rule in shadow says what it would do."""
    chat, dice = Chat(), random.Random(5)
    for name in regulars(chat, 20):
        chat.says(name, pitch(dice), every=5)
    story = await chat.judged(store)
    shadows = {one["rule"] for line in story.lines for one in line.verdict.get("shadow", ())}
    assert "campaign/stolen-accounts" in shadows


async def test_short_words_are_no_campaign(store: Store) -> None:
    """A hundred newcomers greet the same way."""
    chat = Chat()
    for number in range(100):
        chat.says(f"new{number}", "hello chat!", every=0.5)
        chat.says(f"new{number}", "let's go", every=0.5)
    assert (await chat.judged(store)).acted_on() == {}


@pytest.mark.parametrize("batch", [1, 9, 1000])
async def test_cuts_change_nothing(store: Store, batch: int) -> None:
    """The same campaigns, of the same size, at the same messages."""
    chat, dice = Chat(), random.Random(11)
    for number in range(30):
        chat.says(f"bot{number}", pitch(dice), every=3)
    one, other = await chat.judged(store, batch=4), await chat.judged(store, batch=batch)
    assert [line.verdict.get("campaign") for line in one.lines] == [
        line.verdict.get("campaign") for line in other.lines
    ]
    assert [line[:7] for line in one.lines] == [line[:7] for line in other.lines]
