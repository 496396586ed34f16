"""A moderator on a real store that is empty, with what it needs around it, in a test's own hands."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import msgspec

from rules import packs
from rules.loading.promised import Promises
from rules.ruleset import RuleSet
from rules.verdict import Verdict
from streams.control.orders import Order, Orders, is_order, moment, read_order
from streams.control.rulings import Rulings
from streams.feedback.decisions import Clerk
from streams.judging.behaviour import Observer
from streams.judging.moderator import Moderator
from streams.judging.outbox import Outbox, Record
from streams.judging.perception import Scores
from streams.judging.raids import Raids
from streams.judging.verdicts import evidence_of
from streams.kafka.topics import Topics
from streams.metrics import Metrics
from streams.process.embedded import Store
from streams.store.desk import Desk
from streams.store.standings_redis import RedisStandings
from streams.store.trails_redis import RedisTrails

BEGIN = 1_790_000_000.0
TOPICS = Topics("scene-")
SECRET = b"scenarios"


@cache
def shipped() -> RuleSet:
    """Return the packs that ship, the optional ones among them."""
    return together()


def together(*, brake: bool = True, promises: Promises | None = None) -> RuleSet:
    """Return the same, with the promises of the model that will score.

    Args:
        brake: Whether it holds back rules that act on too many established authors.
    """
    rules = Path(__file__).parents[2] / "rules"
    with TemporaryDirectory(prefix="chatsieve-test-") as root:
        folder = Path(root) / "packs"
        shutil.copytree(rules / "packs", folder)
        shutil.copytree(rules / "optional", folder, dirs_exist_ok=True)
        if not brake:
            policy = folder / "policy.yaml"
            policy.write_text(policy.read_text().replace("brake: {authors: 25,", "brake: {authors: 1000000,"))
        return packs.load(folder, promises=promises)


class HumanDecision(NamedTuple):
    """What a human decides, when so many messages were said."""

    behind: int
    decision: str
    author: str
    number: int
    fields: dict[str, Any]


class Stage:
    """A moderator on an empty store, and a clerk who follows what humans decide.

    Args:
        raids: Whether raids are begun; they last by the clock, so a log that is judged again has none.

    Attributes:
        given: Orders that the moderator gave.
        desk: Where effects wait that are judged and not saved.
    """

    def __init__(
        self,
        store: Store,
        rules: RuleSet,
        by_hand: Sequence[Order] = (),
        *,
        model: Scores | None = None,
        raids: bool = True,
    ) -> None:
        prefix, metrics = f"scene-{uuid.uuid4().hex}:", Metrics()
        partitions = dict.fromkeys(TOPICS.all, 1)
        self.given: list[Order] = []
        self.revisions: list[Verdict] = []
        self._clock = BEGIN
        self._by_hand = by_hand
        self._half_life_s = float(rules.policy.reputation.half_life_s)
        self._orders = Orders(lambda: self._clock)
        self._orders.replace(by_hand)
        self._rulings = Rulings()
        self._standings = RedisStandings(store.url, key=SECRET, prefix=prefix, timeout_s=10)
        self._trails = RedisTrails(store.url, prefix=prefix, timeout_s=10)
        self.desk = Desk(self._standings, metrics=metrics, half_life=lambda: self._half_life_s)
        outbox = Outbox(TOPICS, partitions, worker="scene", metrics=metrics)
        begun = Raids(self._orders, outbox.order, worker="scene", clock=lambda: self._clock)
        self._moderator = Moderator(
            current=lambda: rules,
            desk=self.desk,
            outbox=outbox,
            metrics=metrics,
            topic=TOPICS.messages,
            secret=SECRET,
            model=model,
            observer=Observer(self._trails, secret=SECRET),
            raids=begun if raids else None,
            rulings=self._rulings,
        )
        self._clerk = Clerk(
            TOPICS, partitions, self._standings,
            rules=lambda: rules, secret=SECRET, worker="scene", metrics=metrics,
        )  # fmt: skip

    async def judge(
        self, records: Sequence[Record], after: Literal["saved", "behind", "killed"] = "saved"
    ) -> list[dict[str, Any]]:
        """Judge a batch and return the verdicts.

        Args:
            after: What becomes of the effects: saved at once, by the desk meanwhile, or not at all.
        """
        self._clock = records[-1].at
        judged = await self._moderator.judge("topic-id", records)
        if after == "saved":
            await self._standings.save(judged.effects, self._half_life_s)
        elif after == "behind":
            self.desk.note(judged.effects)
            self.desk.confirmed(judged.effects, lambda: None)
        told = [out for out in judged.outputs if out.topic == TOPICS.control and is_order(out.key)]
        self.given += [read_order(out.value or b"") for out in told]
        self._orders.replace({one.id: one for one in (*self._by_hand, *self.given)}.values())
        return [json.loads(out.value or b"") for out in judged.outputs if out.topic == TOPICS.verdicts]

    async def decide(self, one: HumanDecision, verdict: dict[str, Any]) -> None:
        """Follow a decision as the pump does."""
        number = len(self.revisions)
        copied = ("message_id", "tenant", "platform", "channel", "author", "text_hash")
        body = {
            "id": f"f{number}", "verdict_id": verdict["id"], "decision": one.decision,
            "reviewer": "mo", "role": "moderator", "at": moment(self._clock).isoformat(),
            "evidence": evidence_of(msgspec.convert(verdict, Verdict)),
            **{name: verdict[name] for name in copied}, **one.fields,
        }  # fmt: skip
        record = Record(0, number, self._clock, b"k", json.dumps(body).encode())
        followed = await self._clerk.follow("feedback-id", [record], self._clock)
        await self._standings.save(followed.effects, self._half_life_s)
        self._rulings.take(followed.rulings)
        self.revisions += [
            msgspec.json.decode(out.value or b"", type=Verdict)
            for out in followed.outputs
            if out.topic == TOPICS.actions
        ]

    async def close(self) -> None:
        """Let the connections go."""
        await self._standings.close()
        await self._trails.close()
