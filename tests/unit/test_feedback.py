"""What follows from human decisions: revisions, reversals, rulings, dead letters."""

import json
from typing import Any

import msgspec
import pytest

from rules.message import Kind
from rules.reputation import strikes_at
from rules.verdict import Action, Verdict
from streams.control.rulings import read_ruling
from streams.feedback.decisions import Clerk, Followed
from streams.judging.outbox import Record
from streams.kafka.topics import Topics
from streams.metrics import Metrics
from streams.store.standings import Ask, AuthorEffects, Charge, Effect, PartitionId, Recall
from streams.store.standings_memory import MemoryStandings
from streams.wire.records import ReviewItem
from tests.rule_folders import loaded

NOW = 1_760_000_000.0
RULES = loaded("- {id: scam/lure, label: scam, action: hold, terms: [zzlure]}")
WEEK_S = 604_800.0
VERDICT = "topic-id/3/7"


class Bench:
    """A clerk, and a store in which ana has a strike for the message that is spoken of."""

    def __init__(self) -> None:
        self.topics, self.store, self.metrics = Topics(), MemoryStandings(), Metrics()
        self.clerk = Clerk(
            self.topics, dict.fromkeys(self.topics.all, 2), self.store,
            rules=lambda: RULES, secret=b"secret", worker="w", metrics=self.metrics,
        )  # fmt: skip
        self.offset = 0

    async def follow(self, *records: bytes | dict[str, Any], start: int | None = None) -> Followed:
        """Follow decisions as the pump does."""
        begin = self.offset if start is None else start
        made = [
            Record(1, begin + n, NOW, b"k", one if isinstance(one, bytes) else json.dumps(one).encode())
            for n, one in enumerate(records)
        ]
        self.offset = begin + len(made)
        followed = await self.clerk.follow("feedback-id", made, NOW)
        await self.store.save(followed.effects, WEEK_S)
        return followed

    def on(self, topic: str, followed: Followed) -> list[Verdict]:
        """The verdicts that go on a topic."""
        return [
            msgspec.json.decode(o.value or b"", type=Verdict) for o in followed.outputs if o.topic == topic
        ]

    async def strikes(self) -> float:
        """What ana has."""
        [standing] = await self.store.load([Ask("acme/irc/ana")], NOW)
        return strikes_at(standing.reputation, NOW, WEEK_S)


def said(name: str, decision: str, **more: object) -> dict[str, Any]:
    """A decision on ana's message."""
    return {
        "id": name, "verdict_id": VERDICT, "decision": decision, "reviewer": "mo", "message_id": "m1",
        "at": "2024-05-01T20:05:00Z", "tenant": "acme", "platform": "irc", "channel": "lobby",
        "author": "ana", "text_hash": "t", "role": "moderator", **more,
    }  # fmt: skip


@pytest.fixture
async def it() -> Bench:
    """Ana was held."""
    bench = Bench()
    recall = Recall("c0ffee", Action.HOLD, 0.5)
    effect = Effect(7, NOW, "m1", Kind.CREATED, recall, charge=Charge("scam", "a1b2"))
    await bench.store.save([AuthorEffects("acme/irc/ana", PartitionId("topic-id", 3), (effect,))], WEEK_S)
    return bench


async def test_an_overturn_revises_gives_back_and_spares(it: Bench) -> None:
    """The revision lies behind the verdict, in its partition; the text is spared in the channel."""
    followed = await it.follow(said("f1", "overturn", evidence=["scam/lure"]))
    [verdict] = it.on(it.topics.verdicts, followed)
    assert [verdict] == it.on(it.topics.actions, followed)
    assert (verdict.id, verdict.supersedes, verdict.revision) == (f"{VERDICT}#1", VERDICT, 1)
    assert (verdict.action, verdict.decided_by, verdict.message_id) == (Action.ALLOW, "human:f1", "m1")
    assert {o.partition for o in followed.outputs if o.topic == it.topics.verdicts} == {1}
    assert await it.strikes() == 0.0
    [ruling] = followed.rulings
    assert (ruling.action, ruling.channel, ruling.evidence) == (Action.ALLOW, "lobby", ("scam/lure",))
    [told] = [o for o in followed.outputs if o.topic == it.topics.control]
    assert read_ruling(told.value or b"") == ruling
    assert "ana" not in (told.value or b"").decode()


async def test_what_is_read_twice_follows_once(it: Bench) -> None:
    """The same record, and the same decision in another: the same revision, one strike back."""
    first = await it.follow(said("f1", "overturn"))
    again = await it.follow(said("f1", "overturn"), start=0)
    elsewhere = await it.follow(said("f1", "overturn"), start=9)
    ids = [it.on(it.topics.verdicts, each)[0].id for each in (first, again, elsewhere)]
    assert ids == [f"{VERDICT}#1"] * 3
    assert await it.strikes() == 0.0


async def test_a_second_decision_supersedes_the_first(it: Bench) -> None:
    """Also where it speaks of the revision."""
    followed = await it.follow(
        said("f1", "approve"), said("f2", "remove", verdict_id=f"{VERDICT}#1", text_hash=None)
    )
    found = [(one.id, one.supersedes, one.action) for one in it.on(it.topics.actions, followed)]
    assert found == [
        (f"{VERDICT}#1", VERDICT, Action.ALLOW),
        (f"{VERDICT}#2", f"{VERDICT}#1", Action.REMOVE),
    ]
    assert await it.strikes() == 0.5
    assert len(followed.rulings) == 1


async def test_staff_speaks_for_the_tenant(it: Bench) -> None:
    """Until it ends."""
    more = {"role": "staff", "scope": "tenant", "expires_at": "2024-05-02T00:00:00Z"}
    [ruling] = (await it.follow(said("f1", "overturn", **more))).rulings
    assert (ruling.platform, ruling.channel) == (None, None)
    assert ruling.expires_at is not None


@pytest.mark.parametrize("decision", ["confirm", "report"])
async def test_a_confirmation_and_a_report_change_nothing(it: Bench, decision: str) -> None:
    """A user's word least of all."""
    followed = await it.follow(said("f1", decision, role="user" if decision == "report" else "moderator"))
    assert (it.on(it.topics.verdicts, followed), followed.effects, followed.rulings) == ([], [], [])
    assert await it.strikes() == 0.5


async def test_reports_weigh_what_their_reporters_are_worth(it: Bench) -> None:
    """Newcomers raise nothing, however many; two trusted members make it urgent. Each counts once."""
    known = Recall("c0ffee", Action.ALLOW, good=True)
    for number in range(60):
        effect = Effect(number, NOW, f"g{number}", Kind.CREATED, known)
        for who in ("bo", "cy"):
            await it.store.save([AuthorEffects(f"acme/irc/{who}", PartitionId("t", 0), (effect,))], WEEK_S)
    names = [*(f"new{number}" for number in range(9)), "bo", "bo", "cy"]
    followed = await it.follow(
        *(said(f"r{n}", "report", role="user", reviewer=name) for n, name in enumerate(names))
    )
    items = [msgspec.json.decode(one.value or b"", type=ReviewItem) for one in followed.outputs]
    assert {one.topic for one in followed.outputs} == {it.topics.review}
    assert [item.reports.reporters for item in items if item.reports] == [*range(1, 10), 10, 10, 11]
    assert [item.verdict.priority for item in items] == [None] * 11 + ["high"]
    assert {item.verdict.id for item in items} == {VERDICT}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"", b"empty"),
        (b"{", b"not_json"),
        (said("f1", "banish"), b"field"),
        (said("f1", "overturn", role="user"), b"not_allowed"),
        (said("f1", "overturn", scope="tenant"), b"not_allowed"),
    ],
)
async def test_what_cannot_be_followed_is_a_dead_letter(it: Bench, record: Any, reason: bytes) -> None:
    """With where it came from; its neighbour is followed."""
    followed = await it.follow(record, said("f2", "overturn"))
    [dead] = [o for o in followed.outputs if o.topic == it.topics.deadletters]
    headers = dict(dead.headers)
    assert (headers["chatsieve_reason"], headers["chatsieve_topic"]) == (reason, b"mod.feedback")
    assert len(it.on(it.topics.verdicts, followed)) == 1


async def test_a_verdict_is_not_decided_on_without_end(it: Bench) -> None:
    """Beyond the bound a decision is refused, aloud."""
    followed = await it.follow(*(said(f"f{n}", "approve") for n in range(65)))
    assert len(it.on(it.topics.verdicts, followed)) == 64
    [dead] = [o for o in followed.outputs if o.topic == it.topics.deadletters]
    assert dict(dead.headers)["chatsieve_reason"] == b"too_many"
