"""What is remembered of many messages at once is what is remembered of each."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.finding.evidence import Evidence, Place
from rules.finding.said import counts_of, gists
from rules.finding.trail import COMMAND, COUNTS, EDITED, EMOTES, LATEST_MS, stamp, stamps
from rules.fold import fold
from rules.message import Author, Entity, EntityType, Kind, Message
from rules.schema.policy import Policy
from rules.text.links import find_links
from streams.judging.behaviour import Observer
from streams.judging.cases import Case
from streams.judging.outbox import Record
from streams.judging.turns import Turns
from streams.judging.watch import Watch
from streams.store.trails import MemoryTrails

# No rule acts there.
NOWHERE = Place((), Policy().resolve("t", "c"))

_PARTS = (
    "say",
    " ",
    "ONE",
    "é",
    "ß",
    "ÿ",
    "Ünder_score",
    "!",
    "/go",
    "@ana",
    "a@b",
    "日本",
    "😂",
    "discord.gg/abc",
    "a" * 300,
)
_MARKS = ("", "", "emote", "mention")
_TEXTS = st.lists(st.sampled_from(_PARTS), max_size=6).map("".join) | st.text(max_size=12)


@given(st.lists(_TEXTS, max_size=9))
def test_gists_of_many_are_those_of_each(texts: list[str]) -> None:
    """Nothing runs over from one text into the next, in whatever script."""
    folded = [fold(text.encode("utf-8", "replace").decode()) for text in texts]
    alone = [gists([one]) for one in folded]
    assert gists(folded) == ([one[0][0] for one in alone], [one[1][0] for one in alone])


def test_a_gist_knows_no_case_space_or_punctuation() -> None:
    """And where nothing else is left, they are the gist."""
    texts, letters = gists(
        [fold(text) for text in ("See YOU, soon!", "see_you soon", "Grüße, 1", "?!", "", "日本 語")]
    )
    assert texts == [b"seeyousoon", b"seeyousoon", "grüsse1".encode(), b"?!", b"", "日本語".encode()]
    assert letters == [10, 10, 7, 0, 0, 3]


@given(st.lists(st.tuples(_TEXTS, st.sampled_from(Kind), st.booleans(), st.sampled_from(_MARKS)), max_size=9))
def test_counts_of_many_are_those_of_each(said: list[tuple[str, Kind, bool, str]]) -> None:
    """Also of those that are told at a glance to have nothing but letters."""
    messages, evidence = [], []
    for text, kind, looked, marks in said:
        text = text.encode("utf-8", "replace").decode()
        messages.append(_message(text, kind, marks if text else ""))
        links = find_links(text, messages[-1].entities) if looked else None
        evidence.append(Evidence(fold(text), NOWHERE, links))
    letters = gists([one.folded for one in evidence])[1]
    assert counts_of(messages, letters, evidence) == [
        _counted(message, count) for message, count in zip(messages, letters, strict=True)
    ]


def _counted(message: Message, letters: int) -> bytes:
    """What is counted, told by somebody else who takes their time."""
    (alone,) = counts_of([message], [letters], [Evidence(fold(message.text), NOWHERE)])
    return alone


def test_what_is_counted() -> None:
    """Letters, flags, links, mentions, invites."""
    assert _count("hello") == (5, 0, 0, 0, 0)
    assert _count("!drop") == (4, COMMAND, 0, 0, 0)
    assert _count("😂😂") == (0, EMOTES, 0, 0, 0)
    assert _count("hey @ana @bo", Kind.EDITED) == (8, EDITED, 0, 2, 0)
    assert _count("join discord.gg/abc") == (16, 0, 1, 0, 1)
    assert _count("a" * 300) == (255, 0, 0, 0, 0)
    assert _count("a@b @@c x@") == (4, 0, 0, 0, 0)


def _count(text: str, kind: Kind = Kind.CREATED) -> Any:
    return COUNTS.unpack(_counted(_message(text, kind), gists([fold(text)])[1][0]))


def _message(text: str, kind: Kind, marks: str = "") -> Message:
    entities = (Entity(EntityType.EMOTE, (0, 1)),) if marks == "emote" else ()
    mentions = ("bo",) if marks == "mention" else ()
    return Message("1", Author("a"), text, "t", "p", "c", kind=kind, entities=entities, mentions=mentions)


_TIMES = st.floats(0, 2e9) | st.sampled_from((-1.0, -0.0004, LATEST_MS / 1e3, 1e300, -1e300))


@given(st.lists(st.tuples(_TIMES, st.integers(0, 2**32 - 1)), max_size=5))
def test_stamps_of_many_are_those_of_each(records: list[tuple[float, int]]) -> None:
    """Also of times that no clock has."""
    assert stamps([at for at, _ in records], [where for _, where in records]) == [
        stamp(*one) for one in records
    ]


def test_entries_of_many_are_those_of_each() -> None:
    """However many are remembered together, and whether their texts are short or long."""
    texts = [f"{'long ' * 200 * (number > 700)}text {number % 5}" for number in range(1000)]
    assert _entries([texts]) == _entries([[text] for text in texts]) == _entries([texts[:300], texts[300:]])


async def test_the_loop_goes_on_between_long_texts() -> None:
    """Short ones are remembered by hundreds; what would take long is done a few at a time."""
    assert await _turns("short", 256) == 1
    assert await _turns("long " * 200, 256) == 8
    assert await _turns("long " * 20_000, 3) == 3
    assert await _turns("short", 257) == 2


async def _turns(text: str, count: int) -> int:
    """Return how often others might have had their turn."""

    class Counted(Turns):
        given = 0

        async def give_if_due(self) -> None:
            self.given += 1

    turns = Counted()
    await Watch(Observer(MemoryTrails(), secret=b"k"), (), "topic").remember(_cases([text] * count, 0), turns)
    return turns.given


def _entries(batches: list[list[str]]) -> list[bytes]:
    observer, offset, found = Observer(MemoryTrails(), secret=b"k"), 0, []
    for texts in batches:
        cases = _cases(texts, offset)
        offset += len(cases)
        asyncio.run(Watch(observer, (), "topic").remember(cases, Turns()))
        found += [case.entry for case in cases]
    return found


def _cases(texts: list[str], offset: int) -> list[Case]:
    cases = []
    for number, text in enumerate(texts, start=offset):
        cases.append(Case(Record(0, number, 1e9, None, b""), _message(text, Kind.CREATED), 1e9, "a"))
        cases[-1].evidence = Evidence(fold(text), NOWHERE, ())
    return cases
