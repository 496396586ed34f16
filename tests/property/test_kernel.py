"""The kernel says what its twins in Python say, of whatever there is."""

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from rules.finding.asked import Alarm, Asked
from rules.finding.evidence import Evidence
from rules.finding.likeness import FEWEST_WORDS, HASHES
from rules.finding.trail import LATEST_MS, LAYOUT, MOST, stamp
from rules.fold import fold
from rules.message import Author, Entity, EntityType, Kind, Message, Surface
from rules.text.links import find_links
from streams.judging import behaviour, building, native, sketches
from streams.judging.behaviour import Observer
from streams.judging.cases import Case
from streams.judging.outbox import Record
from streams.judging.sifting import sifted
from streams.judging.sketches import Sketcher, nearly_same, words_of
from streams.store.trails import MemoryTrails
from tests.property.test_alarm import NOW_S, condition
from tests.property.test_nearly_same import _trails as bands
from tests.property.test_nearly_same import in_order
from tests.property.test_said import NOWHERE
from tests.property.test_sifting import entry

T = TypeVar("T")
Said = tuple[str, str, float, int, Kind, bool, str, Author | None]

# An account that was made by then is not new.
OLD = datetime(2020, 1, 1, tzinfo=UTC)
AUTHORS = (
    None,
    Author("a"),
    Author("bot", bot=True),
    Author("relay", relay=True),
    *(Author(f"old{number}", created_at=OLD) for number in range(20)),
    Author("b", created_at=OLD + timedelta(seconds=1)),
    Author("c", created_at=datetime(1970, 1, 1, tzinfo=UTC)),
    Author("d", created_at=datetime(2019, 1, 1)),
    Author("e", created_at=datetime(2019, 1, 1, tzinfo=timezone(timedelta(hours=2)))),
)

PARTS = (
    "say", "so ", " ", "ONE", "é", "ß", "ÿ", "Ünder_score", "!", "/go", "@ana", "@", "a@b", "_@x", "日本",
    "ไทย", "😂", "discord.gg/abc ", "a.b ", "ü.ö ", ".", "12", "3d ", "٣٤", "²", "\u3000", "\u2028", "न्",
    "a" * 300, "ö" * 70,
)  # fmt: skip
WORDS = (
    "red",
    "Green",
    "blü",
    "12",
    "3d",
    ".say",
    "a.b",
    "a. b",
    "!.x",
    "@ana",
    "x/y",
    "_",
    "a_b",
    "so!",
    "😂",
)
TEXTS = st.lists(st.sampled_from(PARTS), max_size=8).map("".join) | st.text(max_size=12)
TIMES = st.floats(0, 2e9) | st.sampled_from((-1.0, -0.0004, 0.0004, LATEST_MS / 1e3, 1e300, -1e300))
IDS = st.text(max_size=8) | st.sampled_from(("", "\udc80", "m" * 300))


@pytest.fixture(autouse=True, scope="module")
def _kernel() -> None:
    if not native.there:
        if os.environ.get("REQUIRE_KERNEL"):
            pytest.fail("the kernel is not there, and REQUIRE_KERNEL asks for it: `make setup` builds it")
        pytest.skip("the kernel is not there: `make setup` builds it where there is a C compiler")


@contextmanager
def in_python() -> Iterator[None]:
    native.there = False
    try:
        yield
    finally:
        native.there = True


def both(ask: Callable[[], T]) -> tuple[T, T]:
    """What the kernel says, and what its twin does."""
    compiled = ask()
    with in_python():
        return compiled, ask()


@given(st.binary(max_size=64), st.binary(max_size=400))
def test_it_hashes_as_the_library_does(key: bytes, data: bytes) -> None:
    assert native.kernel.Hash(key).digest(data) == blake2b(data, key=key, digest_size=8).digest()


@given(
    st.lists(
        st.tuples(
            TEXTS, IDS, TIMES, st.integers(0, 2**40), st.sampled_from(Kind), st.booleans(),
            st.sampled_from(("", "", "emote", "mention", "entity")), st.sampled_from(AUTHORS),
        ),
        max_size=6,
    ),
    st.booleans(),
    st.sampled_from((0, 20, 100_000)),
)  # fmt: skip
def test_the_same_is_remembered(said: list[Said], compares: bool, most_bytes: int) -> None:
    observer = Observer(MemoryTrails(), secret=b"secret")

    def remembered() -> tuple[int, list[int], list[int], list[bytes]]:
        cases = [_case(*one) for one in said]
        found = observer.remember(cases, "topic", OLD, compares=compares)
        return *found, [case.entry for case in cases]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(behaviour, "BYTES_AT_ONCE", most_bytes)
        compiled, plain = both(remembered)
    event(f"{len(compiled[1])} perhaps new, {len(compiled[2])} to compare")
    assert compiled == plain
    assert 0 < compiled[0] <= len(said) or not said


def _case(
    text: str, name: str, at: float, offset: int, kind: Kind, looked: bool, marks: str, author: Author | None
) -> Case:
    text = text.encode("utf-8", "replace").decode()
    types = {"emote": EntityType.EMOTE, "entity": EntityType.MENTION}
    entities = (Entity(types[marks], (0, 1)),) if marks in types and text else ()
    mentions = ("bo", "di") if marks == "mention" else ()
    message = Message(
        name, author, text, "t", "p", f"c{offset % 3}", kind=kind, entities=entities, mentions=mentions,
        surface=Surface.CHAT if offset % 7 else Surface.BIO,
    )  # fmt: skip
    links = find_links(text, entities) if looked else None
    record = Record(offset % 5, offset, at, None, None)
    return Case(record, message, at, message.author_key, Evidence(fold(text), NOWHERE, links))


@given(TEXTS | st.lists(st.sampled_from(WORDS), max_size=16).map(" ".join))
def test_words_are_the_same(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    evidence, message = Evidence(fold(text), NOWHERE), Message("1", Author("a"), text)
    for fewest in (0, FEWEST_WORDS):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sketches, "FEWEST_WORDS", fewest)
            compiled, plain = both(lambda: words_of(message, evidence))
        event(f"{fewest} words: {compiled is not None}, easy: {evidence.folded.easy}")
        assert (compiled is None) == (plain is None)
        assert sorted(compiled or ()) == sorted(plain or ())


@given(st.lists(st.tuples(st.lists(st.integers(0, 2**32 - 1), min_size=1), st.integers(0, 2**64 - 1))))
def test_sketches_are_the_same(texts: list[tuple[list[int], int]]) -> None:
    sketcher = Sketcher(b"secret")
    compiled, plain = both(
        lambda: sketcher.sketch([words for words, _ in texts], [tenant for _, tenant in texts])
    )
    assert compiled == plain


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=True), st.sampled_from((0, 1, 2, 70)))
def test_the_same_are_nearly_the_same(chance: Random, messages: int) -> None:
    owns = [chance.randbytes(HASHES) for _ in range(messages)]
    said = [bands(chance, own) for own in owns]
    if said and chance.random() < 0.5:
        said[0][0] += b"?"
    compiled, plain = both(lambda: [(in_order(alike), count) for alike, count in nearly_same(owns, said)])
    assert compiled == plain


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=True))
def test_the_sieve_lets_the_same_through(chance: Random) -> None:
    alarm = Alarm.of([Asked.of(condition(chance)) for _ in range(8)])
    authors = range(chance.choice((0, 1, 2, 5)))
    lengths = (0, 1, 3, 12, MOST, 2 * MOST)
    trails = [b"".join(entry(chance, n) for n in range(chance.choice(lengths))) for _ in authors]
    said = [[entry(chance, 1_000 + n) for n in range(chance.choice((1, 1, 2, 6, 40)))] for _ in authors]
    compiled, plain = both(lambda: sifted(trails, said, alarm))
    event(f"{sum(map(bool, compiled)) > 0} that something may hold")
    assert compiled == plain


def test_both_look_back_equally_far() -> None:
    """At the last MOST - 1 messages before one's own."""
    chance = Random(1)
    asked = Asked.of(condition(chance))._replace(
        counts=(), before=1, reach=stamp(1e9, 0), marks=(), copies=1, alike=0, newcomers=0
    )
    said = [LAYOUT.pack(stamp(NOW_S + n, 0), n, b"%08d" % n, 1, n, 20, 0, 0, 0, 0) for n in range(MOST + 1)]
    again = LAYOUT.pack(stamp(NOW_S + 99, 0), 99, b"%08d" % 1, 1, 99, 20, 0, 0, 0, 0)
    near, far = b"".join(said[1:MOST]), b"".join(said[1:])
    compiled, plain = both(lambda: sifted([near, far], [[again], [again]], Alarm.of([asked])))
    assert compiled == plain
    assert [bool(done) for done in compiled] == [True, False]


def test_a_kernel_of_another_source_is_left_alone(tmp_path: Path) -> None:
    """So that a checkout that moved on does not judge by what was built before, nor fail to start by it."""
    source = tmp_path / "kernel.pyx"
    source.write_bytes(building.SOURCE.read_bytes())
    assert not building.is_built(source)
    built = building.build(source)
    assert building.is_built(source)
    source.write_bytes(source.read_bytes() + b"\n")
    assert not building.is_built(source)
    source.unlink()
    assert built.exists()
    assert not building.is_built(source)


def test_what_was_not_built_from_this_source_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever lies there."""
    monkeypatch.setattr(building, "is_built", lambda: False)
    assert not importlib.reload(native).there
    monkeypatch.undo()
    assert importlib.reload(native).there


def test_where_it_can_not_be_built_a_line_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing else is lost, unless it is asked for."""
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    monkeypatch.delenv("REQUIRE_KERNEL", raising=False)
    assert building.main() == 0
    assert "no-compiler: No such file" in capsys.readouterr().err
    (tmp_path / "cc").touch()
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    assert building.main() == 0
    assert "cc: Permission denied" in capsys.readouterr().err
    monkeypatch.setenv("CC", "sh -c 'echo first; echo an error: refused; exit 1'")
    monkeypatch.setenv("REQUIRE_KERNEL", "1")
    assert building.main() == 1
    assert "not built (an error: refused)" in capsys.readouterr().err
