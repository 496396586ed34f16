"""A log that is judged again, from an empty store and cut into other batches, comes out the same.

Everything is there that a worker has: rules, the model, standings, trails, edits, deletions; the brake is
off, and no raid is begun, because both go by what was judged when.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pytest

from models import Classifier
from rules.ruleset import RuleSet
from streams.judging.outbox import Record
from streams.process.embedded import Store
from streams.process.opening import load_model
from tests.scenarios.chat import Chat
from tests.scenarios.stage import Stage, together

ARTIFACT = Path(__file__).parents[2] / "models" / "artifacts" / "chat-compact"
NUMBERS = 1e-3
PARTITIONS = 4
# What is counted over authors depends on who was judged before, and that on how partitions take turns.
OF_OTHERS = frozenset({"campaign", "raid"})
ADVERT = "come and see my wonderful channel"
PITCH = "friends {} has opened a little shop for {} players take a look at shop{}.example/{}"
TALK = (
    "good evening everybody", "what did I miss", "well played {}", "I think {} is better than last year",
    "has anybody tried {} yet", "lol", "brb", "that was close, {} almost fell", "you stupid bitch",
    "compra seguidores reales", "see blog.example/{}", "thanks @ana and @bo", "kill yourself", "fuck this {}",
)  # fmt: skip

Verdicts = dict[str, dict[str, Any]]


def chat_of(seed: int, length: int) -> list[Record]:
    """A lively evening: regulars, newcomers, a flooder, an advertiser, a campaign, staff, a bot, a relay."""
    chat, dice = Chat(), random.Random(seed)
    regulars = [f"fan{number}" for number in range(25)]
    chat.knows("mo", roles=["moderator"])
    chat.knows("timer", bot=True)
    chat.knows("bridge", relay=True)
    for name in regulars[:5]:
        chat.knows(name, age_days=dice.choice((0.2, 3, 900)))
    while len(chat.records) < length:
        off = dice.uniform(-2, 2)
        number = len(chat.records)
        match dice.randrange(14):
            case 0:
                chat.says("eve", ADVERT, every=dice.uniform(0.1, 4), off=off)
            case 1:
                chat.says("eve", f"join discord.gg/abc{number}", channel=dice.choice("abcde"), off=off)
            case 2:
                words = dice.choice(("mia", "leo")), dice.choice(("chess", "go")), number, number
                chat.says(f"bot{number}", PITCH.format(*words), off=off)
            case 3:
                chat.says("flo", *(f"line {number} {n}" for n in range(dice.randrange(12))), every=0.3)
            case 4:
                chat.says("sly", *dice.choice((("kys",), ("k", "y", "s"), ("fu", "ck"))), every=1)
            case 5:
                chat.says(dice.choice(("mo", "timer", "bridge")), dice.choice(TALK).format("it"), off=off)
            case 6 if number:
                kind = dice.choice(("edited", "edited", "deleted", "created"))
                again = msgspec.json.decode(dice.choice(chat.records[-20:]).value or b"")
                text = dice.choice((again["text"], dice.choice(TALK)))
                chat.says(again["author"]["id"], text, id=again["id"], kind=kind, every=0.2)
            case _:
                text = dice.choice(TALK).format(dice.choice(("chess", "rain", "the boss")))
                chat.says(dice.choice(regulars), text, every=dice.expovariate(2), off=off)
    return chat.records


def parted(records: Sequence[Record]) -> list[Record]:
    """The same with each author in a partition."""
    ends = [0] * PARTITIONS
    found = []
    for record in records:
        number = crc32(record.key or b"") % PARTITIONS
        found.append(msgspec.structs.replace(record, partition=number, offset=ends[number]))
        ends[number] += 1
    return found


def cut(records: Sequence[Record], largest: int, dice: random.Random) -> Iterator[Sequence[Record]]:
    """Batches of up to so many."""
    ends = [0]
    while ends[-1] < len(records):
        ends.append(min(len(records), ends[-1] + dice.randint(1, largest)))
    return (records[begin:end] for begin, end in pairwise(ends))


def in_turns(records: Sequence[Record], largest: int, dice: random.Random) -> Iterator[Sequence[Record]]:
    """Batches in which partitions take turns at random; within each the order stays."""
    left = defaultdict(list)
    for record in reversed(records):
        left[record.partition].append(record)
    mixed = []
    while partitions := [number for number, waiting in left.items() if waiting]:
        mixed.append(left[dice.choice(partitions)].pop())
    return cut(mixed, largest, dice)


def straight(batches: Iterator[Sequence[Record]]) -> Callable[[Stage], Any]:
    """Judge batch after batch, each saved before the next."""

    async def run(stage: Stage) -> list[dict[str, Any]]:
        return [one for batch in batches for one in await stage.judge(batch)]

    return run


def behind(batches: Iterator[Sequence[Record]]) -> Callable[[Stage], Any]:
    """Judge ahead of what is saved, as a worker does."""

    async def run(stage: Stage) -> list[dict[str, Any]]:
        saving = asyncio.create_task(stage.desk.run())
        found = [one for batch in batches for one in await stage.judge(batch, "behind")]
        saving.cancel()
        with suppress(asyncio.CancelledError):
            await saving
        return found

    return run


def killed(records: Sequence[Record], dice: random.Random) -> Callable[[Stage], Any]:
    """Judge, and now and then lose what a batch meant for standings: its records are judged again."""

    async def run(stage: Stage) -> list[dict[str, Any]]:
        found, at = [], 0
        while at < len(records):
            if dice.random() < 0.3:
                found += await stage.judge(records[at : at + dice.randint(1, 120)], "killed")
            size = dice.randint(1, 200)
            found += await stage.judge(records[at : at + size])
            at += size
        return found

    return run


@pytest.fixture(scope="module")
def model() -> Classifier:
    """The one that ships."""
    found, _ = load_model(ARTIFACT)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def rules(model: Classifier) -> RuleSet:
    """All packs that ship."""
    return together(brake=False, promises=model.thresholds)


@pytest.fixture
def judged(store: Store, rules: RuleSet, model: Classifier) -> Callable[[Callable[[Stage], Any]], Any]:
    """Judges on an empty store; of verdicts with one id the first counts, as everywhere."""

    async def judge(how: Callable[[Stage], Any]) -> Verdicts:
        stage = Stage(store, rules, model=model, raids=False)
        try:
            found: Verdicts = {}
            for one in await how(stage):
                found.setdefault(one["id"], one)
            return found
        finally:
            await stage.close()

    return judge


def difference(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Say where two verdicts differ; numbers by more than a thousandth."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted((one.keys() | other.keys()) - {"judged_at"}):
            yield from difference(one.get(key), other.get(key), f"{where}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from difference(left, right, f"{where}[{number}]")
    elif isinstance(one, float | int) and isinstance(other, float | int):
        if abs(one - other) > NUMBERS:
            yield f"{where}: {one} is {other}"
    elif one != other:
        yield f"{where}: {one!r} is {other!r}"


def assert_same(one: Verdicts, other: Verdicts) -> None:
    """Every field of every verdict, and so every action."""
    assert one.keys() == other.keys()
    found = [f"{name}{each}" for name in one for each in difference(one[name], other[name])]
    assert not found, "\n".join(found[:20])


def of_others(verdict: dict[str, Any]) -> bool:
    """Whether other authors have a part in it."""
    spoken = (*verdict.get("reasons", ()), *verdict.get("shadow", ()))
    return any(one.get("label") in OF_OTHERS for one in spoken)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_one_partition(judged: Any, seed: int) -> None:
    """In large batches, which are sifted, and in small ones, saved late, and judged twice."""
    records, dice = chat_of(seed, 700), random.Random(seed)
    whole = await judged(straight(cut(records, 400, dice)))
    seen = {one["action"] for one in whole.values()} | {
        each["label"] for one in whole.values() for each in one.get("reasons", ())
    }
    assert seen >= {"allow", "flag", "hold", "remove", "flood", "campaign", "spam", "threat"}
    assert_same(whole, await judged(straight(cut(records, 7, dice))))
    assert_same(whole, await judged(behind(cut(records, 40, dice))))
    assert_same(whole, await judged(killed(records, dice)))


@pytest.mark.parametrize("seed", [4, 5])
async def test_several_partitions(judged: Any, seed: int) -> None:
    """However they take turns: the model's word, and of authors whom no campaign touches all the rest."""
    records, dice = parted(chat_of(seed, 700)), random.Random(seed)
    one = await judged(straight(in_turns(records, 300, dice)))
    other = await judged(straight(in_turns(records, 20, dice)))
    assert one.keys() == other.keys()
    touched = {each["author"] for run in (one, other) for each in run.values() if of_others(each)}
    assert 0 < len(touched) < len({each["author"] for each in one.values()}) / 1.5
    for name, verdict in one.items():
        again = other[name]
        assert not list(difference(verdict.get("model_scores"), again.get("model_scores")))
        if verdict["author"] not in touched:
            assert not list(difference(verdict, again)), name
