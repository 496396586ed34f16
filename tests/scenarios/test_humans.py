"""Standing over weeks, appeals, and accounts of staff that get stolen: who is acted on, and who is not."""

from streams.process.embedded import Store
from tests.scenarios.chat import Chat

DAY_S = 86_400.0
COARSE = "you stupid bitch"
SALES = (
    "compra seguidores reales",
    "buy followers cheap at prizes.example/now",
    "free nitro at dlscord.gift",
)
HELD = "compra seguidores reales"


def regular(chat: Chat, author: str, days: int) -> None:
    """Let somebody talk a little on so many days; the clock stands at the next one."""
    talk = "message {} of day {} about our garden"
    for day in range(days):
        chat.says(author, *(talk.format(number, day) for number in range(6)), every=60)
        chat.waits(DAY_S - 6 * 60)


async def test_a_good_member_returns_after_a_bad_day(store: Store) -> None:
    """For a while less is let go than before, ordinary talk always; in the end all is as it was."""
    chat = Chat()
    chat.says("bo", "I like your garden")
    regular(chat, "ana", 20)
    chat.says("ana", COARSE, *SALES, COARSE, "sorry about today", every=60)
    chat.waits(DAY_S)
    chat.says("ana", "good morning everybody", COARSE, every=60)
    regular(chat, "ana", 35)
    chat.says("ana", COARSE, "and good night")
    story = await chat.judged(store)
    assert [line.action for line in story.of("ana") if line.text == COARSE] == [
        "allow", "flag", "flag", "allow",
    ]  # fmt: skip
    acted_on = [line.text for line in story.of("ana") if line.action != "allow"]
    assert acted_on == [*SALES, COARSE, COARSE]
    assert story.acted_on() == {"ana": 122}
    before, bad, after = (story.of("ana")[n].verdict["standing"]["before"] for n in (120, 125, -1))
    assert (before["strikes"], bad["strikes"]) == (0.0, 1.5)
    assert bad["trust"] < before["trust"] / 2
    assert after["strikes"] < 0.1
    assert after["trust"] > before["trust"]


async def test_an_appeal_is_won(store: Store) -> None:
    """The message is let go, its strike comes back, it counts as good; the text is spared in that channel."""
    chat = Chat()
    chat.says("ana", "hello everybody", HELD)
    chat.says("bo", HELD)
    chat.decides("overturn", "ana", 2)
    chat.says("ana", "thank you", HELD)
    chat.says("bo", "so I may say it", HELD.upper())
    chat.says("bo", HELD, channel="attic")
    chat.says("bo", f"{HELD} free nitro at dlscord.gift")
    story = await chat.judged(store)
    assert story.actions("ana") == ["allow", "hold", "allow", "allow"]
    assert story.actions("bo") == ["hold", "allow", "allow", "hold", "remove"]
    spared = story.of("ana")[3].verdict
    assert (spared["decided_by"], spared["would_be"]) == ("human:f0", "hold")
    held = story.of("ana")[1].verdict
    assert held["standing"]["after"]["strikes"] == 0.5
    [revision] = story.revisions
    assert (revision.id, revision.supersedes) == (f"{held['id']}#1", held["id"])
    assert (revision.action, revision.message_id) == ("allow", held["message_id"])
    back = story.of("ana")[2].verdict["standing"]["before"]
    assert (back["strikes"], back["good"], back["messages"]) == (0.0, 2, 2)
    kept = story.of("bo")[1].verdict["standing"]["before"]
    assert (kept["strikes"], kept["good"]) == (0.5, 0), "nobody decided on bo's message"


async def test_a_stolen_moderator_account(store: Store) -> None:
    """From the third invitation on humans are asked, at once; what one of them removes stays away."""
    chat = Chat()
    for name in ("mo", "mia"):
        chat.knows(name, roles=["moderator"])
        regular(chat, name, 3)
    for number in range(5):
        chat.says("mo", f"join us at discord.gg/abc{number}", every=20)
        chat.says("ana", f"what is that, number {number}?", every=5)
    chat.decides("remove", "mo", 18 + 5, reviewer="mia")
    chat.says("mo", "join us at discord.gg/abc4", "oh my, I have lost my password", every=20)
    chat.says("mia", "our own server is discord.gg/ours", "rules are at discord.gg/ours", every=30)
    chat.says("mia", "who is it that talks here as mo?", times=5, every=3)
    story = await chat.judged(store)
    assert story.acted_on() == {"mo": 21, "mia": 25}
    spam = story.of("mo")[18:]
    assert [line.action for line in spam] == ["allow"] * 2 + ["flag"] * 3 + ["remove", "allow"]
    assert {line.verdict["would_be"] for line in spam[2:5]} <= {"hold", "remove"}
    for line in spam[2:5]:
        assert (line.verdict["queue"], line.verdict["priority"]) == ("stolen-accounts", "high")
    assert spam[5].decided_by == "human:f0"
    assert [one.action for one in story.revisions] == ["remove"]
    mia = story.of("mia")[-1]
    assert (mia.action, mia.verdict.get("queue")) == ("flag", None), "she repeats herself, without a link"


async def test_a_stolen_moderator_account_that_phishes(store: Store) -> None:
    """What a final rule forbids nobody may send, not even once."""
    chat = Chat()
    chat.knows("mo", roles=["moderator"])
    regular(chat, "mo", 3)
    chat.says("mo", "free nitro at dlscord.gift", "and good night")
    chat.says("ana", "thanks for the warning")
    story = await chat.judged(store)
    assert story.acted_on() == {"mo": 19}
    assert story.actions("mo")[18:] == ["remove", "allow"]


async def test_an_announcement_by_staff(store: Store) -> None:
    """In five channels it is flagged, as anybody's; a human looks, and nobody waits for it."""
    chat = Chat()
    chat.knows("mia", roles=["moderator"])
    for channel in ("art", "music", "help", "trade", "lfg"):
        chat.says("mia", "tonight at eight: the big quiz, see quiz.example/rules", channel=channel, every=30)
    story = await chat.judged(store)
    assert story.actions("mia") == ["allow"] * 3 + ["flag"] * 2
    assert "would_be" not in story.of("mia")[4].verdict
