"""A batch of records, judged: one answer for each, and what goes wrong with one stays with that one."""

import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from rules.finding.evidence import Evidence
from rules.message import Message
from rules.reputation import Entry, Reputation, strikes_at
from rules.ruleset import RuleSet
from rules.verdict import ModelNote
from streams.judging.cases import MAX_CLOCK_SKEW_S
from streams.judging.moderator import Judged, Moderator
from streams.judging.outbox import MAX_REVIEW_BYTES, Outbox, Record
from streams.judging.perception import Scores
from streams.kafka.topics import Topics
from streams.metrics import Metrics
from streams.process.embedded import Store
from streams.store.desk import Desk
from streams.store.standings import Ask, PartitionId, Standing, StandingStore
from streams.store.standings_memory import MemoryStandings
from streams.store.standings_redis import RedisStandings
from streams.wire.records import ControlEvent
from tests.rule_folders import loaded

NOW = 1_760_000_000.0
TOPIC_ID = "5b8e9c0e-topic"
HERE = PartitionId(TOPIC_ID, 0)

# Base -4 and max_shift 1: strong 62 points (hold), strong and medium 94 (remove).
POLICY = """
max_evidence: 8
max_shift: 1.0
strengths: {weak: 1.0, medium: 2.2, strong: 4.5}
reputation: {strikes: {hold: 0.5, remove: 1}, established: {good: 3}}
brake: {authors: 3, within: 10m}
labels:
  scam: {base: -4, trust: ignored, ladder: {flag: 30, hold: 60, remove: 90}}
  spam: {base: -4, trust: ignored, ladder: {flag: 30, hold: 60, remove: 90}}
  self_harm: {base: -4.5, trust: ignored, care: true, ladder: {flag: 20}, queue: care}
"""
RULES = """
- {id: scam/lure, label: scam, action: remove, strength: weak, terms: [zzlure]}
- {id: scam/block, label: scam, action: remove, final: true, terms: [zzblock]}
- {id: scam/talk, label: scam, action: hold, strength: weak, terms: [zztalk]}
- {id: spam/odd, label: spam, action: flag, strength: weak, terms: [zzodd]}
- {id: spam/new, label: spam, action: hold, strength: weak, all: [{has: link}, {author: {messages: "< 3"}}]}
- {id: care/cry, label: self_harm, strength: strong, terms: [zzcry]}
- {id: spam/queued, label: spam, strength: weak, terms: [zzqueue], queue: second}
"""


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    """One rule for each thing that can be done."""
    return loaded(RULES, policy=POLICY)


class Bench:
    """A moderator with what it needs, and its outputs by topic."""

    def __init__(
        self, rules: RuleSet, standings: StandingStore, model: Scores | None = None, **more: Any
    ) -> None:
        self.rules = rules
        self.standings = standings
        self.metrics = Metrics()
        self.topics = Topics("t-")
        self.desk = Desk(standings, metrics=self.metrics, half_life=lambda: 604_800.0)
        partitions = dict.fromkeys(self.topics.all, 2)
        self.outbox = Outbox(
            self.topics,
            partitions,
            worker="w0",
            metrics=self.metrics,
            review_text=more.pop("review_text", True),
        )
        self.moderator = Moderator(
            current=lambda: self.rules,
            desk=self.desk,
            outbox=self.outbox,
            metrics=self.metrics,
            topic=self.topics.messages,
            secret=b"secret",
            model=model,
            **more,
        )
        self._offset = 0

    def records(self, *messages: dict[str, Any] | bytes, at: float = NOW, partition: int = 0) -> list[Record]:
        """One record for each, at ascending offsets, a second apart."""
        made = []
        for number, message in enumerate(messages):
            value = message if isinstance(message, bytes) else msgspec.json.encode(message)
            made.append(Record(partition, self._offset, at + number, b"key", value, [("h", b"1")]))
            self._offset += 1
        return made

    async def judge(self, records: Sequence[Record]) -> Judged:
        """Judge them, with their effects noted and saved as the worker does it."""
        judged = await self.moderator.judge(TOPIC_ID, records)
        self.desk.note(judged.effects)
        if not self.desk.away:
            await self.standings.save(judged.effects, 604_800.0)
        return judged

    async def verdicts(self, *messages: dict[str, Any] | bytes, at: float = NOW) -> list[dict[str, Any]]:
        """Judge messages as one batch; return their verdicts."""
        return self.on(self.topics.verdicts, await self.judge(self.records(*messages, at=at)))

    def on(self, topic: str, judged: Judged) -> list[dict[str, Any]]:
        """What goes on a topic, as JSON."""
        return [json.loads(each.value or b"") for each in judged.outputs if each.topic == topic]

    def metric(self, name: str, **labels: str) -> float | None:
        """What Prometheus would read."""
        return self.metrics.registry.get_sample_value(f"chatsieve_{name}", labels)

    async def standing(self, author: str) -> Standing:
        """The standing of an author, as it is saved."""
        (standing,) = await self.standings.load([Ask(f"default/default/{author}")], NOW)
        return standing

    async def establish(self, *authors: str, at: float = NOW - 60) -> None:
        """Let authors say what makes them known."""
        for _ in range(3):
            await self.verdicts(*(said(author, "hello", f"{author}-{at}-{_}") for author in authors), at=at)


def said(author: str, text: str, message_id: str = "m1", **more: Any) -> dict[str, Any]:
    """A message."""
    return {"id": message_id, "author": author, "text": text} | more


@pytest.fixture
def it(rules: RuleSet) -> Bench:
    """A moderator on standings in memory, without a model."""
    return Bench(rules, MemoryStandings())


# -- one answer for each record


async def test_each_record_comes_out_once(it: Bench) -> None:
    """As a verdict or as a dead letter, in a partition of its own number modulo theirs."""
    good = [said("ana", f"hello {number}", f"m{number}") for number in range(5)]
    records = it.records(*good[:2], b"{", *good[2:], b"\xff", partition=3)
    judged = await it.judge(records)
    verdicts = [each for each in judged.outputs if each.topic == it.topics.verdicts]
    dead = [each for each in judged.outputs if each.topic == it.topics.deadletters]
    assert [json.loads(each.value or b"")["source"]["offset"] for each in verdicts] == [0, 1, 3, 4, 5]
    assert [(each.key, each.value, ("h", b"1") in each.headers) for each in dead] == [
        (b"key", b"{", True),
        (b"key", b"\xff", True),
    ]
    assert {each.partition for each in judged.outputs} == {1}


async def test_nothing_to_judge_is_nothing(it: Bench) -> None:
    """An empty batch comes of slices of lost partitions."""
    assert await it.judge([]) == Judged([], [])


class Stumbling(RuleSet):
    """A rule set with a fault: one text is too much for it."""

    def scan_all(self, messages: Sequence[Message], **how: bool) -> list[Evidence]:
        """Find the evidence, but for one text."""
        if any(message.text == "zzstumble" for message in messages):
            raise ValueError("a fault, on purpose")
        return super().scan_all(messages, **how)


async def test_a_message_that_breaks_a_rule_costs_only_itself() -> None:
    """It goes to the dead letters, with its author's other messages judged and counted."""
    rules = loaded(RULES, policy=POLICY)
    rules.__class__ = Stumbling
    it = Bench(rules, MemoryStandings())
    with capture_logs() as logged:
        judged = await it.judge(
            it.records(said("ana", "hello", "a"), said("ana", "zzstumble", "b"), said("ana", "zzlure", "c"))
        )
    assert [verdict["message_id"] for verdict in it.on(it.topics.verdicts, judged)] == ["a", "c"]
    (dead,) = [each for each in judged.outputs if each.topic == it.topics.deadletters]
    assert dict(dead.headers)["chatsieve_reason"] == b"judging"
    assert b"on purpose" not in dict(dead.headers)["chatsieve_detail"]
    assert (await it.standing("ana")).reputation.messages == 2
    assert [each["event"] for each in logged if each["log_level"] == "error"] == ["judging_failed"]


@pytest.mark.parametrize("at", [-0.001, -9.2e15, -1.0e9])
async def test_a_record_without_a_time_of_its_own_is_judged_by_ours(it: Bench, at: float) -> None:
    """Kafka writes -1 where a producer gave none; a hold runs from when it was seen."""
    (verdict,) = await it.verdicts(said("ana", "zztalk"), at=at)
    assert verdict["action"] == "hold"
    assert verdict["hold_until"] > verdict["judged_at"]
    assert abs((await it.standing("ana")).reputation.as_of - time.time()) < 60


async def test_a_record_from_the_future_is_taken_down_to_now(it: Bench) -> None:
    """Its time would halve all strikes of its author; clocks may differ by minutes."""
    await it.verdicts(said("ana", "zzlure", "a"), at=time.time())
    (verdict,) = await it.verdicts(said("ana", "hello", "b"), at=time.time() + 365 * 86_400)
    standing = await it.standing("ana")
    assert standing.reputation.as_of <= time.time() + MAX_CLOCK_SKEW_S
    assert verdict["standing"]["before"]["strikes"] == pytest.approx(1, rel=1e-3)


# -- standing


async def test_the_second_message_of_a_batch_sees_the_first(it: Bench) -> None:
    """In the order of their offsets, also where others speak in between."""
    found = await it.verdicts(
        said("ana", "zzlure", "a"),
        said("bo", "hello", "b"),
        said("ana", "hello", "c"),
        said("ana", "hello", "d"),
    )
    ana = [verdict for verdict in found if verdict["author"] == "ana"]
    assert [verdict["standing"]["before"]["messages"] for verdict in ana] == [0, 1, 2]
    assert [verdict["standing"]["before"]["strikes"] for verdict in ana] == [0, 1, 1]


def strikes(reputation: Reputation) -> float:
    """What is left when the last message came."""
    return strikes_at(reputation, reputation.as_of, 604_800.0)


async def test_what_a_batch_moves_is_what_it_says(it: Bench) -> None:
    """The standing after the last verdict is the one that the store has then."""
    (*_, last) = await it.verdicts(
        said("ana", "hello", "a"),
        said("ana", "zzlure", "b"),
        said("ana", "zztalk", "a", kind="edited"),
        said("ana", "", "b", kind="deleted"),
        said("ana", "hello", "c"),
    )
    reputation = (await it.standing("ana")).reputation
    after = last["standing"]["after"]
    assert (reputation.messages, reputation.good) == (after["messages"], after["good"])
    assert strikes(reputation) == pytest.approx(after["strikes"], rel=1e-3)


async def test_a_strike_stands_on_the_ledger_with_what_settled_it(it: Bench) -> None:
    """By the verdict's own id, so that whoever has the verdict finds it."""
    await it.verdicts(said("ana", "hello", "a"), said("ana", "zzlure", "b"))
    (entry,) = (await it.standing("ana")).reputation.ledger
    assert entry == Entry(f"{TOPIC_ID}/0/1", 1.0, NOW + 1, "scam", it.rules.hash, credit=True)


async def test_the_model_alone_wears_nobody_down(rules: RuleSet) -> None:
    """Half a strike a day, whatever it says; a rule's word beside it costs what it costs."""
    it = Bench(rules, MemoryStandings(), Model())
    await it.verdicts(*(said("ana", f"offer {number}", f"m{number}") for number in range(5)))
    assert strikes((await it.standing("ana")).reputation) == pytest.approx(0.5, rel=1e-3)
    await it.verdicts(said("ana", "zzlure", "lure"))
    assert strikes((await it.standing("ana")).reputation) == pytest.approx(1.5, rel=1e-3)


async def test_a_record_that_was_judged_before_is_repeated(it: Bench) -> None:
    """Its verdict goes out again, with the same id, says so, and moves nothing; one above the mark does."""
    records = it.records(*(said("ana", "zzlure", f"m{number}") for number in range(3)))
    first = await it.judge(records[:2])
    again = await it.judge(records)
    ids = [verdict["id"] for verdict in it.on(it.topics.verdicts, first)]
    verdicts = it.on(it.topics.verdicts, again)
    assert [verdict["id"] for verdict in verdicts][:2] == ids
    assert [verdict.get("repeat", False) for verdict in verdicts] == [True, True, False]
    assert [effect.offset for each in again.effects for effect in each.effects] == [2]
    assert (await it.standing("ana")).reputation.messages == 3
    assert it.metric("repeats_total") == 2


async def test_a_repeat_is_known_before_it_is_saved(it: Bench) -> None:
    """After a rewind the same records may come while their effects still wait."""
    records = it.records(said("ana", "zzlure"))
    judged = await it.moderator.judge(TOPIC_ID, records)
    it.desk.note(judged.effects)
    again = await it.moderator.judge(TOPIC_ID, records)
    assert it.on(it.topics.verdicts, again)[0]["repeat"]
    assert again.effects == []


async def test_the_same_offset_of_another_incarnation_is_another_record(it: Bench) -> None:
    """A topic that was made anew begins at 0 again."""
    records = it.records(said("ana", "zzlure"))
    await it.judge(records)
    (anew,) = it.on(it.topics.verdicts, await it.moderator.judge("another-topic-id", records))
    assert "repeat" not in anew
    assert anew["id"] == "another-topic-id/0/0"


# -- the model


class Model:
    """A model that knows one word; a true one is in tests/integration/perception."""

    labels = ("spam", "self_harm")

    def __init__(self, fault: Exception | None = None, rows: int | None = None, word: str = "offer") -> None:
        self.asked: list[str] = []
        self.word = word
        self.fault = fault
        self.rows = rows

    def score(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """0.97 spam for what holds the word, 0.02 else."""
        self.asked += texts
        if self.fault is not None:
            raise self.fault
        found = [[0.97 if self.word in text else 0.02, 0.001] for text in texts]
        return np.array(found[: self.rows], dtype=np.float32).reshape(-1, 2)


async def test_scores_of_the_model_settle_actions_and_stand_on_verdicts(rules: RuleSet) -> None:
    """Its own word in `model_scores`, with all evidence in `scores`; and which model it was."""
    it = Bench(rules, MemoryStandings(), Model(), model_note=ModelNote("toy", "c0ffee"))
    offer, odd = await it.verdicts(said("ana", "an offer", "a"), said("ana", "zzodd", "b"))
    assert (offer["action"], offer["decided_by"]) == ("remove", "ladder:spam:remove")
    assert offer["model_scores"] == {"spam": 0.97, "self_harm": 0.001}
    assert odd["model_scores"]["spam"] == 0.02 < odd["scores"]["spam"]
    assert offer["model"] == {"name": "toy", "hash": "c0ffee"}
    assert "missing" not in offer


async def test_the_model_is_not_asked_where_there_is_no_text(rules: RuleSet) -> None:
    """Deletions and bare images: nothing is missing of it either."""
    model = Model()
    it = Bench(rules, MemoryStandings(), model)
    image = {"id": "i", "author": "ana", "attachments": [{"type": "image"}]}
    found = await it.verdicts({"id": "d", "author": "ana", "kind": "deleted"}, image, said("ana", "hello"))
    assert model.asked == ["hello"]
    assert [verdict.get("missing") for verdict in found] == [None, ["attachments"], None]


@pytest.mark.parametrize("model", [Model(RuntimeError("out of memory")), Model(rows=1)])
async def test_a_model_that_fails_is_missing(rules: RuleSet, model: Model) -> None:
    """By an error or by an answer of another shape: rules judge alone, and each verdict says so."""
    it = Bench(rules, MemoryStandings(), model)
    with capture_logs() as logged:
        hello, lure = await it.verdicts(said("ana", "hello", "a"), said("ana", "zzlure", "b"))
    assert (hello["action"], lure["action"]) == ("allow", "remove")
    assert hello["missing"] == lure["missing"] == ["model"]
    assert "model_scores" not in hello
    assert [each["event"] for each in logged if each["log_level"] == "error"] == ["model_failed"]
    assert it.metric("missing_total", what="model") == 2


async def test_a_model_in_shadow_settles_nothing_and_is_counted(rules: RuleSet) -> None:
    """By what was done and what it would have led to; the verdict is the live model's alone."""
    it = Bench(rules, MemoryStandings(), Model(word="live"), shadow_model=Model(word="tried"))
    live, tried, both = await it.verdicts(
        said("ana", "live", "a"), said("ana", "tried", "b"), said("ana", "tried live", "c")
    )
    assert [each["action"] for each in (live, tried, both)] == ["remove", "allow", "remove"]
    assert tried["model_scores"]["spam"] == 0.02
    counted = {
        (action, would_be): it.metric("shadow_model_total", action=action, would_be=would_be)
        for action in ("allow", "remove")
        for would_be in ("allow", "remove")
    }
    assert counted == {
        ("remove", "allow"): 1, ("allow", "remove"): 1, ("remove", "remove"): 1, ("allow", "allow"): None
    }  # fmt: skip


async def test_a_model_can_be_tried_where_none_is_live(rules: RuleSet) -> None:
    """Verdicts miss a model as before."""
    it = Bench(rules, MemoryStandings(), shadow_model=Model())
    (offer,) = await it.verdicts(said("ana", "an offer"))
    assert (offer["action"], offer["missing"]) == ("allow", ["model"])
    assert it.metric("shadow_model_total", action="allow", would_be="remove") == 1


async def test_a_model_in_shadow_that_fails_costs_nobody_anything(rules: RuleSet) -> None:
    """It is logged, and the verdict misses nothing."""
    it = Bench(rules, MemoryStandings(), Model(), shadow_model=Model(RuntimeError("out of memory")))
    with capture_logs() as logged:
        (offer,) = await it.verdicts(said("ana", "an offer"))
    assert offer["action"] == "remove"
    assert "missing" not in offer
    assert [each["model"] for each in logged if each["event"] == "model_failed"] == ["shadow"]


# -- which topic


async def test_verdicts_go_where_they_belong(it: Bench) -> None:
    """Actions: all but allow, and edits. Review: hold, flag and what has a queue."""
    judged = await it.judge(
        it.records(
            said("ana", "hello", "allowed"),
            said("ana", "zzlure", "removed"),
            said("ana", "zztalk", "held"),
            said("ana", "zzodd", "flagged"),
            said("ana", "zzcry", "cry"),
            said("ana", "zzqueue", "queued"),
            said("ana", "hello again", "allowed", kind="edited"),
        )
    )

    def ids(topic: str) -> list[str]:
        return [each.get("verdict", each)["message_id"] for each in it.on(topic, judged)]

    assert ids(it.topics.verdicts) == ["allowed", "removed", "held", "flagged", "cry", "queued", "allowed"]
    assert ids(it.topics.actions) == ["removed", "held", "flagged", "cry", "allowed"]
    assert ids(it.topics.review) == ["held", "flagged", "cry", "queued"]
    queues = {
        item["verdict"]["message_id"]: item["verdict"].get("queue")
        for item in it.on(it.topics.review, judged)
    }
    assert queues == {"held": None, "flagged": None, "cry": "care", "queued": "second"}
    assert all(item["message"]["text"] for item in it.on(it.topics.review, judged))


async def test_a_review_item_that_is_too_large_comes_without_the_message(it: Bench) -> None:
    """A broker would refuse it, and the worker would stand still before it for ever."""
    huge = said("ana", "zztalk " + "x" * MAX_REVIEW_BYTES)
    judged = await it.judge(it.records(huge))
    (item,) = it.on(it.topics.review, judged)
    assert item["verdict"]["action"] == "hold"
    assert "message" not in item


async def test_texts_can_be_kept_off_the_review_topic(rules: RuleSet) -> None:
    """And what was matched off all topics."""
    it = Bench(rules, MemoryStandings(), review_text=False, show_matched=False)
    judged = await it.judge(it.records(said("ana", "well zztalk")))
    assert not [each for each in judged.outputs if b"zztalk" in (each.value or b"")]
    assert "message" not in it.on(it.topics.review, judged)[0]


async def test_control_events_go_out_once(it: Bench) -> None:
    """With the next batch, whatever is in it."""
    it.outbox.announce(ControlEvent("ruleset_accepted", "w0", "2026-01-01T00:00:00.000Z", ruleset="abc"))
    first = await it.judge(it.records(b"nonsense"))
    second = await it.judge(it.records(said("ana", "hello")))
    assert [event["ruleset"] for event in it.on(it.topics.control, first)] == ["abc"]
    assert it.on(it.topics.control, second) == []


# -- the brake: three established authors within ten minutes


async def reach(it: Bench, *authors: str, text: str = "zzlure", at: float = NOW) -> list[dict[str, Any]]:
    return await it.verdicts(*(said(author, text, f"{author}-{at}") for author in authors), at=at)


async def test_a_rule_that_reaches_many_established_authors_is_lowered(it: Bench) -> None:
    """From the fourth on, in the same batch: one step, with what it would have been and why."""
    authors = [f"old-{number}" for number in range(5)]
    await it.establish(*authors)
    judged = await it.judge(it.records(*(said(author, "zzlure", f"x-{author}") for author in authors)))
    verdicts = it.on(it.topics.verdicts, judged)
    assert [verdict["action"] for verdict in verdicts] == ["remove", "remove", "remove", "hold", "hold"]
    assert verdicts[3]["would_be"] == "remove"
    assert verdicts[3]["lowered_by"] == ["brake:scam/lure"]
    assert verdicts[3]["hold_until"]
    assert [item["verdict"]["message_id"] for item in it.on(it.topics.review, judged)] == [
        "x-old-3",
        "x-old-4",
    ]
    (event,) = it.on(it.topics.control, judged)
    assert (event["event"], event["cause"], event["tenant"], event["authors"]) == (
        "brake_on",
        "scam/lure",
        "default",
        3,
    )
    assert it.metric("braked_total", cause="scam/lure") == 2


async def test_standings_see_what_was_done_and_not_what_would_have_been(it: Bench) -> None:
    """A braked removal is a hold, also in what it costs."""
    authors = [f"old-{number}" for number in range(4)]
    await it.establish(*authors)
    await reach(it, *authors)
    found = [strikes((await it.standing(author)).reputation) for author in authors]
    assert found == [1.0, 1.0, 1.0, 0.5]


async def test_a_raid_of_newcomers_does_not_trip_it(it: Bench) -> None:
    """However many they are; the established ones among them count alone."""
    await it.establish("old-1", "old-2")
    found = await reach(it, *(f"new-{number}" for number in range(20)), "old-1", "old-2", "new-20")
    assert {verdict["action"] for verdict in found} == {"remove"}


async def test_a_final_rule_is_exempt(it: Bench) -> None:
    """It doesn't count and it isn't lowered."""
    authors = [f"old-{number}" for number in range(6)]
    await it.establish(*authors)
    judged = await it.judge(it.records(*(said(author, "zzblock", author) for author in authors)))
    assert {verdict["action"] for verdict in it.on(it.topics.verdicts, judged)} == {"remove"}
    assert it.on(it.topics.control, judged) == []


async def test_it_lets_go_when_the_window_is_over(it: Bench) -> None:
    """By the time of the records, and it says so."""
    authors = [f"old-{number}" for number in range(5)]
    await it.establish(*authors)
    await reach(it, *authors[:4])
    (held,) = await reach(it, authors[4], at=NOW + 500)
    assert held["action"] == "hold"
    later = await it.judge(it.records(said("bo", "hello"), at=NOW + 1200))
    assert [event["event"] for event in it.on(it.topics.control, later)] == ["brake_off"]
    (removed,) = await reach(it, "new", at=NOW + 1210)
    assert removed["action"] == "remove"


async def test_a_rule_may_have_a_budget_of_its_own() -> None:
    """One established author here, where the policy allows three; newcomers never count, however many."""
    it = Bench(
        loaded(RULES.replace("[zzlure]}", "[zzlure], budget: {authors: 1}}"), policy=POLICY),
        MemoryStandings(),
    )
    await it.establish("ann", "bob")
    newcomers = await reach(it, *(f"new-{number}" for number in range(20)))
    assert {verdict["action"] for verdict in newcomers} == {"remove"}
    assert [verdict["action"] for verdict in await reach(it, "ann", "bob", at=NOW + 60)] == ["remove", "hold"]
    assert [verdict["action"] for verdict in await reach(it, "ann", "bob", text="zztalk", at=NOW + 90)] == [
        "hold", "hold",
    ]  # fmt: skip


async def test_rules_in_shadow_are_counted_and_one_message_a_minute_is_shown_to_humans() -> None:
    """They decide nothing; the sample on mod.review comes with the message, and says what was found."""
    shadow = "- {id: spam/tried, label: spam, action: remove, terms: [zztried], status: shadow}"
    it = Bench(loaded(RULES + shadow, policy=POLICY), MemoryStandings())
    judged = await it.judge(it.records(*(said("ann", "a zztried", f"m{n}") for n in range(90))))
    assert {verdict["action"] for verdict in it.on(it.topics.verdicts, judged)} == {"allow"}
    assert it.metric("shadow_total", rule="spam/tried", action="remove") == 90
    samples = it.on(it.topics.review, judged)
    assert [sample["message"]["id"] for sample in samples] == ["m0", "m60"]
    assert samples[0]["verdict"]["shadow"] == [
        {"rule": "spam/tried", "label": "spam", "action": "remove", "matched": "zztried", "span": [2, 9]}
    ]


async def test_other_rules_and_tenants_are_not_braked_with_it(it: Bench) -> None:
    """What is wrong is one rule, in one place."""
    await it.establish("a", "b", "c")
    await reach(it, "a", "b", "c")
    other, elsewhere, same = await it.verdicts(
        said("d", "zzblock", "1"), said("d", "zzlure", "2", tenant="acme"), said("d", "zzlure", "3")
    )
    assert (other["action"], elsewhere["action"], same["action"]) == ("remove", "remove", "hold")


async def test_what_is_judged_again_does_not_count_for_the_brake(it: Bench) -> None:
    """A worker that repeats after a restart would else see thrice as many people."""
    await it.establish("a", "b", "c")
    records = it.records(*(said(author, "zzlure", author) for author in "ab"))
    for _ in range(3):
        await it.judge(records)
    (third,) = await reach(it, "c")
    assert third["action"] == "remove"


# -- the store away: nobody is new because we can't look


@pytest.fixture
def server() -> Iterator[Store]:
    """A store server that a test may hurt."""
    with Store() as server:
        yield server


@pytest.fixture
async def on_valkey(rules: RuleSet, server: Store) -> AsyncIterator[Bench]:
    """A moderator on that server."""
    standings = RedisStandings(server.url, key=b"secret", timeout_s=0.5)
    yield Bench(rules, standings)
    await standings.close()


LINK = "look at https://shop.example/x"


async def test_a_newcomer_condition_fires_for_newcomers(on_valkey: Bench) -> None:
    """And not for who has spoken three times."""
    await on_valkey.establish("old")
    new, old = await on_valkey.verdicts(said("new", LINK, "1"), said("old", LINK, "2"))
    assert (new["action"], new["decided_by"]) == ("hold", "spam/new")
    assert (old["action"], "missing" in old and "standing" in old["missing"]) == ("allow", False)


async def test_with_the_store_away_it_fires_on_nobody(on_valkey: Bench, server: Store) -> None:
    """Unknown is not new: verdicts say that the standing was missing, and rules on texts go on."""
    await on_valkey.establish("old")
    server.kill()
    new, old, lure = await on_valkey.verdicts(
        said("new", LINK, "1"), said("old", LINK, "2"), said("old", "zzlure", "3")
    )
    assert (new["action"], old["action"], lure["action"]) == ("allow", "allow", "remove")
    for verdict in (new, old, lure):
        assert "standing" in verdict["missing"]
        assert "standing" not in verdict


async def test_the_brake_counts_nobody_whose_standing_is_unknown(on_valkey: Bench, server: Store) -> None:
    """Who is established can't be known then."""
    authors = [f"old-{number}" for number in range(6)]
    await on_valkey.establish(*authors)
    server.kill()
    assert {verdict["action"] for verdict in await reach(on_valkey, *authors)} == {"remove"}
