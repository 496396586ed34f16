"""Parts of the API without HTTP: what is judged together, what is left of a rate, what waits for a human."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Histogram

from rules.message import Message
from rules.verdict import Action, Verdict
from streams.api.deadlines import Deadlines
from streams.api.keys import Allowance, Keyring, hash_of
from streams.api.review import Review, Wanted
from streams.api.together import Answer, Together
from streams.errors import ConfigurationError
from streams.judging.moderator import Asked
from streams.problems import Problem
from streams.wire.records import Feedback, Reports, ReviewItem

AT = "2024-05-01T20:00:0{}.000Z"


def verdict(
    name: str, message: str = "m1", action: Action = Action.FLAG, second: int = 0, **more: object
) -> Verdict:
    """A verdict as a worker would give it."""
    return Verdict(
        name, message, action, "lantern", "web", "lobby", "created", "0f", AT.format(second),
        "mod.verdict.v1", "ladder:spam:flag", **more,
    )  # type: ignore[arg-type]  # fmt: skip


def ids(review: Review, **more: object) -> list[str]:
    found, _ = review.page(Wanted("lantern"), 100, None, more.get("now", 0.0))  # type: ignore[arg-type]
    return [msgspec.json.decode(value, type=ReviewItem).verdict.id for value in found]


def item(found: Verdict) -> bytes:
    return msgspec.json.encode(ReviewItem(found, Message(found.message_id)))


def decided(name: str, decision: str, message: str = "m1") -> bytes:
    value = {
        "id": f"f-{name}", "verdict_id": name, "decision": decision, "reviewer": "ana", "message_id": message,
        "tenant": "lantern", "platform": "web", "at": AT.format(5),
    }  # fmt: skip
    return msgspec.json.encode(msgspec.convert(value, Feedback))


# -- what waits


def test_what_was_decided_waits_no_more_whichever_came_first() -> None:
    """The topics are read side by side."""
    one, other = Review(), Review()
    one.take_review(item(verdict("v1")))
    one.take_feedback(decided("v1", "approve"))
    other.take_feedback(decided("v1", "approve"))
    other.take_review(item(verdict("v1")))
    assert ids(one) == ids(other) == []


def test_a_report_decides_nothing() -> None:
    """It is a user's word."""
    review = Review()
    review.take_review(item(verdict("v1")))
    review.take_feedback(decided("v1", "report"))
    assert ids(review) == ["v1"]


def test_reports_raise_what_waits_and_bring_up_what_did_not() -> None:
    """The item keeps its message; a verdict that nobody was to see is put before humans."""
    review = Review()
    review.take_review(item(verdict("v1")))
    for name, message in (("v1", "m1"), ("v2", "m2")):
        reported = verdict(name, message, queue="reports", priority="high")
        review.take_review(msgspec.json.encode(ReviewItem(reported, reports=Reports(3, 1.5))))
    found, _ = review.page(Wanted("lantern"), 9, None, 0.0)
    first, second = (msgspec.json.decode(value, type=ReviewItem) for value in found)
    assert (first.verdict.priority, first.verdict.queue, first.message is None) == ("high", None, False)
    assert first.reports == second.reports == Reports(3, 1.5)
    assert (second.verdict.id, second.verdict.queue) == ("v2", "reports")


def test_a_later_verdict_on_the_same_message_takes_the_place_of_the_earlier() -> None:
    """An edit that is fine again leaves nothing to be looked at."""
    review = Review()
    review.take_review(item(verdict("v1")))
    review.take_review(item(verdict("v2", second=1)))
    assert ids(review) == ["v2"]
    review.take_action(msgspec.json.encode(verdict("v3", action=Action.ALLOW, second=2)))
    assert ids(review) == []


def test_a_hold_that_expired_is_not_shown() -> None:
    """What then happens is the platform's, and done."""
    review = Review()
    review.take_review(item(verdict("v1", action=Action.HOLD, hold_until="2024-05-02T20:00:00.000Z")))
    assert ids(review, now=1.7e9) == ["v1"]
    assert ids(review, now=1.8e9) == []


def test_pages_have_no_gap_and_no_double_at_equal_times() -> None:
    """The id goes with the time into the cursor."""
    review = Review()
    for number in range(7):
        review.take_review(item(verdict(f"v{number}", f"m{number}")))
    seen: list[str] = []
    cursor = None
    while True:
        page, cursor = review.page(Wanted("lantern"), 3, cursor, 0.0)
        seen += [msgspec.json.decode(value, type=ReviewItem).verdict.id for value in page]
        if cursor is None:
            break
    assert seen == [f"v{number}" for number in range(7)]


# -- what is judged together


class Bench:
    """Judges by hand: each batch waits until it is let go."""

    def __init__(self, *, most: int = 100, waiting: int = 100) -> None:
        self.batches: list[list[str]] = []
        self.go = asyncio.Semaphore(0)
        self.fails = False
        sizes = Histogram("sizes", "of batches", registry=CollectorRegistry())
        self.together = Together(self._judge, most=most, waiting=waiting, sizes=sizes)

    async def _judge(self, asked: Sequence[Asked]) -> list[Answer]:
        self.batches.append([each.verdict_id for each in asked])
        await self.go.acquire()
        if self.fails:
            raise ValueError("a fault, on purpose")
        return [verdict(each.verdict_id) for each in asked]

    async def ask(self, *names: str) -> list[str]:
        found = await self.together.ask([Asked(name, Message(name)) for name in names])
        return [one.id for one in found if isinstance(one, Verdict)]


async def test_what_waits_while_a_batch_is_judged_is_the_next() -> None:
    """However many questions it is; each gets its own answers."""
    it = Bench()
    running = asyncio.create_task(it.together.run())
    asking = [asyncio.create_task(it.ask("a"))]
    await asyncio.sleep(0.01)
    asking += [asyncio.create_task(it.ask("b", "c")), asyncio.create_task(it.ask("d"))]
    it.go.release()
    it.go.release()
    assert await asyncio.gather(*asking) == [["a"], ["b", "c"], ["d"]]
    assert it.batches == [["a"], ["b", "c", "d"]]
    running.cancel()


async def test_more_than_can_wait_is_turned_away() -> None:
    """At once, with a time to come back."""
    it = Bench(waiting=2)
    running = asyncio.create_task(it.together.run())
    first = asyncio.create_task(it.ask("a"))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(it.ask("b", "c"))
    await asyncio.sleep(0.01)
    with pytest.raises(Problem) as raised:
        await it.ask("d")
    assert (raised.value.status, "Retry-After" in raised.value.headers) == (503, True)
    it.go.release()
    it.go.release()
    assert await asyncio.gather(first, waiting) == [["a"], ["b", "c"]]
    running.cancel()


async def test_a_batch_that_fails_is_said_to_those_in_it_and_the_next_is_judged() -> None:
    """The process goes on."""
    it = Bench()
    running = asyncio.create_task(it.together.run())
    it.fails = True
    it.go.release()
    with pytest.raises(Problem):
        await it.ask("a")
    it.fails = False
    it.go.release()
    assert await it.ask("b") == ["b"]
    running.cancel()


async def test_who_gave_up_is_not_judged() -> None:
    """Its place goes to those who still wait."""
    it = Bench()
    running = asyncio.create_task(it.together.run())
    first = asyncio.create_task(it.ask("a"))
    await asyncio.sleep(0.01)
    gone = asyncio.create_task(it.ask("b"))
    await asyncio.sleep(0.01)
    gone.cancel()
    last = asyncio.create_task(it.ask("c"))
    it.go.release()
    it.go.release()
    assert await asyncio.gather(first, last) == [["a"], ["c"]]
    assert it.batches == [["a"], ["c"]]
    running.cancel()


async def test_what_takes_too_long_is_ended_and_nothing_else_is() -> None:
    """Whoever is cancelled otherwise isn't late."""
    deadlines, ends = Deadlines(0.05), []

    async def work(name: str, seconds: float) -> None:
        task = deadlines.begin()
        try:
            await asyncio.sleep(seconds)
            ends.append((name, "done"))
        except asyncio.CancelledError:
            ends.append((name, "late" if task.was_late() else "cancelled"))
        finally:
            deadlines.end(task)

    tasks = [asyncio.create_task(work(*each)) for each in (("slow", 5.0), ("left", 5.0), ("quick", 0.0))]
    await asyncio.sleep(0.01)
    tasks[1].cancel()
    await asyncio.wait(tasks, timeout=5.0)
    assert ends == [("quick", "done"), ("left", "cancelled"), ("slow", "late")]


# -- keys


def test_an_allowance_fills_with_time_up_to_its_burst() -> None:
    """What isn't given isn't taken."""
    it = Allowance(rate=10, burst=20, now=0.0)
    assert it.wait_for(20, 0.0) == 0
    assert it.wait_for(5, 0.0) == pytest.approx(0.5)
    assert it.wait_for(5, 0.5) == 0
    assert it.wait_for(20, 100.0) == 0
    assert it.wait_for(1, 100.0) > 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("keys: [{name: a, tenant: t, hash: plain}]", "$.keys[0].hash"),
        ("keys: [{name: a, tenant: t/u, hash: HASH}]", "$.keys[0].tenant"),
        ("keys: [{name: a, tenant: t, hash: HASH, may: [dance]}]", "$.keys[0].may[0]"),
        ("keys: [{name: a, tenant: t, hash: HASH, mya: []}]", "mya"),
        ("keys: [{name: a, tenant: t, hash: HASH}, {name: b, tenant: t, hash: HASH}]", "same hash"),
        ("keys: {", "no YAML"),
        ("- a", "Expected `object`"),
    ],
)
def test_a_file_of_keys_that_makes_no_sense_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """In one line that names the place."""
    path = tmp_path / "keys.yaml"
    path.write_text(text.replace("HASH", f'"{hash_of(b"x")}"'))
    with pytest.raises(ConfigurationError) as raised:
        Keyring(path, 1.0)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_environment_fills_in_what_a_file_leaves_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets need not lie in files; one that isn't set is named."""
    path = tmp_path / "keys.yaml"
    path.write_text('keys: [{name: a, tenant: "${WHOSE}", hash: "' + hash_of(b"x") + '"}]')
    with pytest.raises(ConfigurationError, match="WHOSE"):
        Keyring(path, 1.0)
    monkeypatch.setenv("WHOSE", "lantern")
    found = Keyring(path, 1.0).find(b"x")
    assert found is not None
    assert found.tenant == "lantern"
