"""What all of this leaves in the store: nothing stays for good."""

import random

import redis

from rules.reputation import LEDGER
from streams.process.embedded import Store
from tests.scenarios.chat import Chat
from tests.scenarios.test_campaigns import pitch


async def test_every_key_ends(store: Store) -> None:
    """Standings, what is remembered of messages, trails of every kind, decisions, reports, old strikes."""
    chat, dice = Chat(), random.Random(3)
    for number in range(12):
        chat.knows(f"new{number}", age_days=0.1)
        chat.says(f"new{number}", pitch(dice), "k", "ys", every=0.5)
    chat.says("eve", "free nitro at dlscord.gift", times=LEDGER + 8, every=60)
    chat.decides("overturn", "eve", 1)
    chat.decides("report", "eve", 2, role="user", reviewer="ana")
    await chat.judged(store)
    with redis.Redis.from_url(store.url) as server:
        left = {key.decode(): server.ttl(key) for key in server.scan_iter("scene-*")}
    kinds = {key.split("}:")[1][0] for key in left}
    assert {"a", "m", "d"} < kinds
    assert [key for key, seconds in left.items() if seconds <= 0] == []
