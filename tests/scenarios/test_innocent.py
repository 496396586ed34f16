"""Crowds that mean no harm: nobody is acted on."""

import random

from streams.process.embedded import Store
from tests.scenarios.chat import Chat


async def test_a_wave_of_gg(store: Store) -> None:
    """Two hundred people, some of them ten times."""
    chat = Chat()
    dice = random.Random(1)
    for number in range(200):
        chat.says(f"fan{number}", "gg", "GG!", "ggs", every=0.02)
        if dice.random() < 0.1:
            chat.says(f"fan{number}", "GG", times=6, every=0.9)
    assert (await chat.judged(store)).acted_on() == {}


async def test_a_drop_command(store: Store) -> None:
    """Everybody types it, and some type it again and again."""
    chat = Chat()
    for number in range(100):
        chat.says(f"fan{number}", "!drop", every=0.05)
    chat.says("ana", "!drop", "!drop common-chest", times=4, every=3)
    assert (await chat.judged(store)).acted_on() == {}


async def test_a_quiz(store: Store) -> None:
    """All answer at once, guess after guess."""
    chat = Chat()
    for question in range(5):
        for number in range(40):
            answer = ("Paris", "Lyon", "Marseille")[(question + number) % 3]
            chat.says(f"guest{number}", answer, every=0.1)
        chat.says("ana", "Paris", "Lyon", "Paris", every=1.5)
        chat.waits(10)
    assert (await chat.judged(store)).acted_on() == {}


async def test_emotes(store: Store) -> None:
    """Nothing but pictures, over and over, is what a chat does when it laughs."""
    chat = Chat()
    for number in range(50):
        chat.says(f"fan{number}", "😂😂😂😂😂😂😂😂😂😂😂😂😂", times=3, every=1)
    chat.says(
        "ana", "LULW LULW LULW", times=6, every=3,
        entities=[{"type": "emote", "span": [start, start + 4]} for start in (0, 5, 10)],
    )  # fmt: skip
    assert (await chat.judged(store)).acted_on() == {}


async def test_pictures_without_words(store: Store) -> None:
    """Attachments have no text, so they don't all say the same."""
    chat = Chat()
    chat.says("ana", "", times=6, every=4, attachments=[{"type": "image"}])
    assert (await chat.judged(store)).acted_on() == {}
