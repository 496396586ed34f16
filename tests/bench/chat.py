"""A lively chat for the bench: seeded, mostly clean, about 60 characters a message, some 3 % of it bad."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import msgspec

AUTHORS = 2_000
BAD_SHARE = 0.03

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
    "the new map is so much better than the old one",
    "who wants to run the {place} with me around {hour}?",
    "my {thing} broke again and I have no idea why",
    "did anyone else get kicked out just now",
    "that last boss took us {number} tries",
    "I finally finished the {thing} I told you about",
    "the stream starts at {hour}, bring snacks",
    "can somebody explain how the {thing} works",
    "we lost by {number} points and it was still fun",
    "this song has been in my head since {day}",
    "my cat just walked over the keyboard",
    "I kill the process and it comes right back",
    "is there a guide for the {place} somewhere",
    "that play at {number}:{number} was unreal",
    "I'm cooking {food} tonight, wish me luck",
    "you should try it with {food} instead",
    "the patch notes say {thing} got a nerf",
    "I can't believe it's already {day}",
    "thanks for the help with the {thing} yesterday",
    "we need one more healer for the {place}",
    "my internet is terrible today",
    "who is the best {thing} player here and why is it {name}",
    "I'd give that round a {number} out of ten",
    "brb, somebody is at the door",
    "the drawing you posted on {day} is beautiful",
    "does the {thing} ship to Canada?",
    "I have an exam on {day} and haven't slept",
    "the ending made me cry, not going to lie",
    "we moved the meeting to {hour}, please tell {name}",
    "see https://wiki.example/{thing}/{number} for the numbers",
    "clip is here: https://clips.example/{name}-{number}",
    "nobody told me the {place} was closed on {day}",
    "my score went from {number} to {number} in a week",
    "that's exactly what I meant",
    "I'm in",
    "gg",
    "same",
    "what time is it for you?",
    "¿alguien quiere jugar en {place} esta noche?",
    "no encuentro la {thing} desde la actualización, ¿ideas?",
    "mañana a las {hour} empezamos, llegad a tiempo",
    "qué bonito te quedó el dibujo, {name}",
    "ich komme heute erst gegen {hour} online, fangt ruhig an",
    "weiß jemand, wo man {thing} günstig bekommt?",
    "das war knapp, aber schön gespielt",
    "alguém sabe se o {place} abre no domingo?",
    "não consigo entrar, está dando erro {number}",
)  # fmt: skip

CLOSERS = (
    "", "", "", "", "", "", " lol", " haha", "!", "...", " 😂", " 🔥🔥", " ❤️", " PogChamp", " Kappa", " imo",
    ", thoughts?", " and it took {number} minutes", " or at least {name} says so", ", same as last {day}",
    " (not even joking)", ", can't wait for {day}", " but the {thing} was fine", " and now I want {food}",
    ", let me know before {hour} if that works for you",
    " and {name} recorded the whole thing, it's in the archive",
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
        if chance.random() < BAD_SHARE:
            text = chance.choice(BAD)
        else:
            text = chance.choice(OPENERS) + chance.choice(SAID) + chance.choice(CLOSERS)
        yield _filled(text, chance)


def messages(count: int, seed: int = 7) -> list[Message]:
    """Return messages of AUTHORS authors, a few of whom say most, as they do."""
    chance = random.Random(seed)
    authors = [_author(number, chance) for number in range(AUTHORS)]
    weights = list(accumulate(1 / (rank + 20) for rank in range(AUTHORS)))
    said = sentences(seed)
    found = []
    for key, author in chance.choices(authors, cum_weights=weights, k=count):
        place = {"text": next(said), "channel": chance.choice(CHANNELS)}
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
