"""What one author does over many messages: who is acted on, at which message, and who is not."""

import pytest

from streams.process.embedded import Store
from tests.scenarios.chat import Chat

ADVERT = "come and see my wonderful channel"


async def test_the_same_text_again_and_again(store: Store) -> None:
    """Held from the fifth time within half a minute; the verdict says how often it was."""
    chat = Chat()
    chat.says("ana", "hello everybody")
    chat.says("eve", ADVERT, times=6, every=3)
    chat.says("bo", ADVERT)
    story = await chat.judged(store)
    assert story.acted_on() == {"eve": 5}
    assert story.actions("eve")[4:] == ["hold", "hold"]
    assert story.of("eve")[4].why == "5 times this text in 30 s"
    assert story.of("eve")[4].decided_by == "flood/same-text"


async def test_case_spaces_and_punctuation_make_no_other_text(store: Store) -> None:
    """Whoever varies only these still says the same."""
    chat = Chat()
    chat.says("eve", ADVERT, ADVERT.upper(), f"{ADVERT}!!", f"  {ADVERT} ...", ADVERT.title(), every=2)
    assert (await chat.judged(store)).acted_on() == {"eve": 5}


async def test_the_window_slides(store: Store) -> None:
    """Five times in two minutes is no flood, though four of them lie in one minute of the clock."""
    chat = Chat()
    chat.says("ana", ADVERT, times=5, every=25)
    assert (await chat.judged(store)).acted_on() == {}


async def test_slow_drip(store: Store) -> None:
    """The same advertisement every four minutes is seen at the seventh, between other talk."""
    chat = Chat()
    for _ in range(8):
        chat.says("eve", ADVERT, "well played", "where are you all from?", every=5)
        chat.says("ana", "back again", "see you soon", every=5)
        chat.waits(215)
    story = await chat.judged(store)
    assert story.acted_on() == {"eve": 19}
    assert story.of("eve")[18].why == "7 times this text in 30 min"


async def test_ten_messages_in_ten_seconds(store: Store) -> None:
    """Flagged at the tenth, held at the twentieth; a lively talker who pauses is not."""
    chat = Chat()
    chat.says("eve", *(f"line {number} of my song" for number in range(22)), every=0.3)
    chat.waits(60)
    chat.says("ana", *(f"thing {number} that I like" for number in range(22)), every=2)
    story = await chat.judged(store)
    assert story.acted_on("flag") == {"eve": 10}
    assert story.acted_on("hold") == {"eve": 20}


async def test_one_text_in_many_channels(store: Store) -> None:
    """Flagged in the fourth channel; the same author's other words there are not."""
    chat = Chat()
    for channel in ("art", "music", "help", "trade", "lfg"):
        chat.says("eve", ADVERT, f"hi {channel}", channel=channel, every=20)
    story = await chat.judged(store)
    assert [line.action for line in story.of("eve") if line.text == ADVERT] == ["allow"] * 3 + ["flag"] * 2
    assert all(line.action == "allow" for line in story.of("eve") if line.text != ADVERT)


async def test_invitations(store: Store) -> None:
    """The third into other communities within ten minutes waits for a human."""
    chat = Chat()
    chat.says("eve", "join discord.gg/abc", "and discord.gg/def", "or t.me/ghi", every=60)
    story = await chat.judged(store)
    assert story.of("eve")[2].action in ("hold", "remove")
    assert "3 invites in 10 min" in story.of("eve")[2].why
    assert all("invites" not in line.why for line in story.of("eve")[:2])


async def test_mentions_without_end(store: Store) -> None:
    """More than fifteen people within a minute, however they are spread over messages."""
    chat = Chat()
    chat.says("eve", "@ana @bo @cy @dan come here", "@eli @fay @gus @hal you too", times=3, every=5)
    assert (await chat.judged(store)).acted_on() == {"eve": 4}


async def test_a_link_from_a_new_account_is_no_verdict(store: Store) -> None:
    """It weighs a little, with whatever else is found; by itself nothing follows."""
    chat = Chat()
    chat.knows("eve", age_days=0.2)
    chat.says("eve", "see blog.example/today")
    story = await chat.judged(store)
    assert story.acted_on() == {}
    assert [one["rule"] for one in story.lines[0].verdict["reasons"]] == ["fresh/account-link"]


async def test_a_relay_carries_a_whole_other_chat(store: Store) -> None:
    """Under its one name many people say the same; it is judged, not counted, and so is a bot."""
    chat = Chat()
    chat.knows("bridge", relay=True)
    chat.knows("timer", bot=True)
    chat.says("bridge", "good game everybody, well played", times=40, every=0.1)
    chat.says("timer", "follow our house rules please", times=10, every=0.1)
    chat.says("bridge", "compra seguidores reales", every=1)
    story = await chat.judged(store)
    assert [line.number for line in story.of("bridge") if line.action != "allow"] == [41]
    assert story.actions("timer") == ["allow"] * 10


async def test_an_edit_is_no_message_more(store: Store) -> None:
    """Previews that come as edits make nobody a flooder; nor does a message that comes twice."""
    chat = Chat()
    chat.says("ana", "look at what I drew today", every=0, id="pic")
    chat.says("ana", "look at what I drew today", times=12, every=0.2, id="pic", kind="edited")
    chat.says("ana", "look at what I drew today", times=3, every=0.2, id="pic")
    assert (await chat.judged(store)).acted_on() == {}


async def test_edit_bypass(store: Store) -> None:
    """What an edit brings in is judged as if it had been said, and its links count."""
    chat = Chat()
    for number in range(4):
        chat.says("eve", f"good morning to you {number}", every=5, id=f"e{number}")
        chat.says("eve", f"join discord.gg/abc{number}", every=5, id=f"e{number}", kind="edited")
        chat.says("ana", f"good moning {number}", every=1, id=f"a{number}")
        chat.says("ana", f"good morning {number}", every=1, id=f"a{number}", kind="edited")
    story = await chat.judged(store)
    assert story.acted_on() == {"eve": 6}
    assert "3 invites in 10 min" in story.of("eve")[5].why
    assert story.of("eve")[5].action in ("hold", "remove")


async def test_clock_skew(store: Store) -> None:
    """Records whose clock runs ahead or behind neither hide a flood nor make one."""
    chat = Chat()
    chat.says("eve", ADVERT, times=3, every=2, off=20)
    chat.says("eve", ADVERT, times=3, every=2)
    chat.says("ana", "how is your evening going", off=-3000)
    chat.says("ana", "how is your evening going", times=2, every=60)
    story = await chat.judged(store)
    assert story.acted_on() == {"eve": 5}


async def test_a_moderator_is_reported_and_not_acted_on(store: Store) -> None:
    """Exempt roles are judged like anybody, and the verdict says what would be."""
    chat = Chat()
    chat.knows("mo", roles=["moderator"])
    chat.says("mo", "the event begins at eight tonight", times=5, every=2)
    fifth = (await chat.judged(store)).of("mo")[4]
    assert (fifth.action, fifth.verdict["would_be"]) == ("flag", "hold")


@pytest.mark.parametrize("batch", [1, 3, 7, 500])
async def test_how_records_are_cut_into_batches_changes_nothing(store: Store, batch: int) -> None:
    """The same actions, reasons and numbers, one by one or all at once."""
    chat = Chat()
    for number in range(6):
        chat.says("eve", ADVERT, "see join.example/now", "@ana @bo @cy hi there", every=0.7)
        chat.says("ana", f"talk {number}", every=0.2)
        chat.says("bo", "gg", channel=f"c{number}", every=0.1)
    one = await chat.judged(store, batch=5)
    other = await chat.judged(store, batch=batch)
    assert [line[:7] for line in one.lines] == [line[:7] for line in other.lines]
