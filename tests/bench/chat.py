"""A lively chat for the bench: seeded, mostly clean, about 60 characters a message, some 3 % of it bad.

What is bad comes from few authors, as it does where people talk: were everybody an offender, nobody would
ever be trusted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import msgspec

AUTHORS = 2_000
BAD_SHARE = 0.03
# One author in so many says all that is bad.
OFFENDER_IN = 10
# Of the rest so many are sentences that are always the same.
SET_SHARE = 0.3

TENANTS = ("lantern", "quarry", "lantern", "meadow")
PLATFORMS = ("web", "mobile")
CHANNELS = (
    "general", "raids", "help", "art", "music", "cooking", "trade", "stream", "lfg", "off-topic", "deutsch",
    "español",
)  # fmt: skip

OPENERS = (
    "", "", "", "", "", "lol ", "ok so ", "honestly ", "wait, ", "hey @{name} ", "yeah ", "nah ", "haha ",
    "hmm, ", "btw ", "no way, ", "@{name} ", "good morning, ", "sorry, ", "quick question: ", "PSA: ",
    "oh and ", "true, ",
)  # fmt: skip

SAID = (
    "I'm in",
    "gg",
    "same",
    "that's exactly what I meant",
    "what time is it for you?",
    "I kill the process and it comes right back",
    "did anyone else get kicked out just now",
    "that play at {number}:{number} was unreal",
    "¿alguien quiere jugar en {place} {day}, con {name}?",
    "no encuentro la {thing} desde la actualización, ¿ideas?",
    "mañana a las {hour} empezamos en {place}, llegad a tiempo",
    "qué bonito te quedó el dibujo de {thing}, {name}",
    "ich komme heute erst gegen {hour} online, fangt in {place} ruhig an",
    "weiß jemand, wo man {thing} und {food} günstig bekommt?",
    "das war knapp am {day}, aber schön gespielt, {name}",
    "alguém sabe se o {place} abre no {day}?",
    "não consigo entrar com {thing}, está dando erro {number}",
)

# Most of what is said: sentences of parts that are drawn one by one, so that few say nearly the same.
WHO = (
    "my brother", "the streamer", "our healer", "that tank", "my cat", "somebody at work", "the dev team",
    "half the guild", "my old laptop", "this patch", "the new mod", "a friend of mine", "the referee",
    "my neighbour", "the drummer", "whoever made this", "the other team", "my teacher", "the server",
    "nobody I know", "the winner", "my sister", "that singer", "the whole lobby",
)  # fmt: skip
DOES = (
    "keeps losing", "just found", "finally fixed", "sold", "painted", "forgot about", "wants to trade",
    "still needs", "hates", "loves", "burned", "dropped", "is talking about", "wrote a song about",
    "spent {number} hours on", "won", "can't afford", "ordered", "is streaming", "carried me through",
    "broke", "reviewed", "gave away", "stole", "ignored", "laughed at", "missed", "rebuilt",
)  # fmt: skip
WHAT = (
    "the {thing}", "a second {thing}", "{number} plates of {food}", "the last level", "a huge spider",
    "his headphones", "the final exam", "an old guitar", "that ugly hat", "the wrong bus", "our tournament",
    "a free ticket", "the best ending", "her recipe for {food}", "the blue door", "a broken chair",
    "the whole soundtrack", "some rare card", "the training room", "a pair of boots", "the green team",
    "every single boss", "a weird bug", "the night shift", "one more round", "the map of the {place}",
    "two keyboards", "the river stage",
)  # fmt: skip
MORE = (
    "", "", "", "in the {place}", "near the {place}", "at {hour}", "on {day}", "before {hour}",
    "after {day}", "without telling me", "again", "and nobody noticed", "because of the rain",
    "for no reason", "with {name}", "in under {number} minutes", "during the break", "so I went home",
    "and it was worth it", "while I was asleep", "which is fine by me", "like every year", "and then left",
)  # fmt: skip

CLOSERS = (
    "", "", "", "", "", "", "", "", "", " lol", " haha", "!", "...", " 😂", " 🔥🔥", " ❤️", " PogChamp",
    " Kappa", " imo", ", thoughts?", " or at least {name} says so", " (not even joking)", ", can't wait",
    " but the {thing} was fine", " https://clips.example/{name}-{number}",
)  # fmt: skip

BAD = (
    "send me the gift card code and I double it",
    "FREE NITRO for everyone, claim it at http://n1tro-drop.example/{number}",
    "you are a worthless idiot and everyone here hates you",
    "shut the fuck up {name}",
    "hey @{name} accidentally reported your account, add the admin on Steam",
    "double your bitcoin in one day, message me on telegram",
    "this is bullshit, the {thing} is rigged",
    "I will find you and kill you, {name}",
    "buy followers cheap, best prices, link in bio",
    "go kill yourself {name}",
    "what a fucking {thing}, I'm done",
    "guaranteed profit no risk, ask me how on whatsapp",
)

SLOTS = {
    "name": ("mira", "tobias", "ana_k", "juno", "pixelfox", "oleander", "sam", "ferris", "noor", "bo"),
    "place": ("Sunken Temple", "north gate", "harbour", "Glass Tower", "arena", "old mine", "winter market"),
    "thing": ("crossbow", "headset", "build", "spreadsheet", "graphics card", "shader", "quest", "bike"),
    "food": ("ramen", "pancakes", "curry", "tacos", "plum cake", "soup", "fried rice", "too much coffee"),
    "day": ("Monday", "Tuesday", "Friday", "Saturday", "the weekend", "last night", "Thursday"),
    "hour": ("8", "9 pm", "half past six", "20:30", "noon", "7", "10-ish"),
}  # fmt: skip


class Message(NamedTuple):
    """A message that only wants its id and time: `body` is the JSON of the rest, from its first comma on."""

    key: bytes
    body: bytes


def sentences(seed: int = 7) -> Iterator[str]:
    """Yield what is said, without end; the same for the same seed."""
    chance = random.Random(seed)
    while True:
        yield _sentence(chance, BAD_SHARE)


def messages(count: int, seed: int = 7) -> list[Message]:
    """Return messages of AUTHORS authors, the same for any seed, a few of whom say most, as they do."""
    chance = random.Random(seed)
    weights = list(accumulate(1 / (rank + 20) for rank in range(AUTHORS)))
    authors = _authors()
    found = []
    for number in chance.choices(range(AUTHORS), cum_weights=weights, k=count):
        key, author = authors[number]
        bad_share = 0.0 if number % OFFENDER_IN else BAD_SHARE * OFFENDER_IN
        place = {"text": _sentence(chance, bad_share), "channel": chance.choice(CHANNELS)}
        found.append(Message(key, b"," + msgspec.json.encode(author | place)[1:]))
    return found


def of_length(length: int, count: int, seed: int = 7) -> list[str]:
    """Return texts of exactly so many characters: sentences one after the other, cut."""
    said = sentences(seed)
    texts = []
    for _ in range(count):
        text = next(said)
        while len(text) < length:
            text = f"{text} {next(said)}"
        texts.append(text[:length])
    return texts


def _sentence(chance: random.Random, bad_share: float) -> str:
    if chance.random() < bad_share:
        text = chance.choice(BAD)
    else:
        text = chance.choice(OPENERS) + _said(chance) + chance.choice(CLOSERS)
    return _filled(text, chance)


def _said(chance: random.Random) -> str:
    if chance.random() < SET_SHARE:
        return chance.choice(SAID)
    return " ".join(filter(None, map(chance.choice, (WHO, DOES, WHAT, MORE))))


@cache
def _authors() -> list[tuple[bytes, dict[str, object]]]:
    chance = random.Random(0)
    return [_author(number, chance) for number in range(AUTHORS)]


def _author(number: int, chance: random.Random) -> tuple[bytes, dict[str, object]]:
    tenant, platform = chance.choice(TENANTS), chance.choice(PLATFORMS)
    name = f"{chance.choice(SLOTS['name'])}{number}"
    who: dict[str, object] = {"id": f"u{number:05}", "name": name}
    who["created_at"] = (
        f"20{chance.randint(15, 25)}-0{chance.randint(1, 9)}-{chance.randint(10, 28)}T12:00:00Z"
    )
    if chance.random() < 0.2:
        who["roles"] = [chance.choice(("subscriber", "member", "vip"))]
    return f"{tenant}/{platform}/{who['id']}".encode(), {
        "author": who,
        "tenant": tenant,
        "platform": platform,
    }


def _filled(text: str, chance: random.Random) -> str:
    while "{" in text:
        slot = text[text.index("{") + 1 : text.index("}")]
        word = str(chance.randint(2, 59)) if slot == "number" else chance.choice(SLOTS[slot])
        text = text.replace(f"{{{slot}}}", word, 1)
    return text
