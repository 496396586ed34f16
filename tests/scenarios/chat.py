"""A chat as a script: who says what when; judged by a real moderator on a real store, with shipped packs."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from rules import packs
from rules.ruleset import RuleSet
from streams.control.orders import Order, Orders, is_order, read_order
from streams.judging.behaviour import Observer
from streams.judging.moderator import Moderator
from streams.judging.outbox import Outbox, Record
from streams.judging.raids import Raids
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
    rules = Path(__file__).parents[2] / "rules"
    with TemporaryDirectory(prefix="chatsieve-test-") as folder:
        together = Path(folder) / "packs"
        shutil.copytree(rules / "packs", together)
        shutil.copytree(rules / "optional", together, dirs_exist_ok=True)
        return packs.load(together)


class Line(NamedTuple):
    """A message and what became of it.

    Attributes:
        number: Which one of the author's it is, from 1.
        why: What the author was seen doing, of all reasons.
    """

    author: str
    number: int
    text: str
    action: str
    label: str | None
    decided_by: str
    why: str
    missing: tuple[str, ...]
    verdict: dict[str, Any]


class Chat:
    """A script, written line by line; the clock stands at the last line until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self.by_hand: list[Order] = []
        self._records: list[Record] = []
        self._people: dict[str, dict[str, Any]] = {}

    def knows(self, author: str, *, age_days: float | None = None, **fields: Any) -> None:
        """Say what the platform tells of an author: roles, bot, relay, the age of the account."""
        if age_days is not None:
            fields["created_at"] = datetime.fromtimestamp(BEGIN - 86_400 * age_days, UTC).isoformat()
        self._people[author] = {"id": author, **fields}

    def says(
        self,
        author: str,
        *texts: str,
        every: float = 1.0,
        times: int = 1,
        channel: str = "lobby",
        off: float = 0.0,
        **fields: Any,
    ) -> None:
        """Let an author say each of these, so many times, so many seconds apart.

        Args:
            off: Seconds by which the clock of their bridge is wrong.
        """
        for text in texts * times:
            body = {
                "id": f"m{len(self._records)}",
                "author": self._people.get(author, {"id": author}),
                "channel": channel,
                "text": text,
                **fields,
            }
            at = BEGIN + self.now + off
            value = msgspec.json.encode(body)
            self._records.append(Record(0, len(self._records), at, author.encode(), value))
            self.now += every

    def waits(self, seconds: float) -> None:
        """Move the clock."""
        self.now += seconds

    async def judged(self, store: Store, rules: RuleSet | None = None, *, batch: int = 256) -> Story:
        """Judge it all from an empty store, so many records at a time."""
        rules = rules or shipped()
        prefix, metrics = f"scene-{uuid.uuid4().hex}:", Metrics()
        half_life_s = float(rules.policy.reputation.half_life_s)
        lines = []
        clock = BEGIN
        orders = Orders(lambda: clock)
        orders.replace(self.by_hand)
        given: list[Order] = []
        outbox = Outbox(TOPICS, dict.fromkeys(TOPICS.all, 1), worker="scene", metrics=metrics)
        standings = RedisStandings(store.url, key=SECRET, prefix=prefix, timeout_s=10)
        trails = RedisTrails(store.url, prefix=prefix, timeout_s=10)
        async with aclosing(_Closing(standings)), aclosing(_Closing(trails)):
            moderator = Moderator(
                current=lambda: rules,
                desk=Desk(standings, metrics=metrics, half_life=lambda: half_life_s),
                outbox=outbox,
                metrics=metrics,
                topic=TOPICS.messages,
                secret=SECRET,
                observer=Observer(trails, secret=SECRET),
                raids=Raids(orders, outbox.order, worker="scene", clock=lambda: clock),
            )
            for begin in range(0, len(self._records), batch):
                some = self._records[begin : begin + batch]
                clock = some[-1].at
                judged = await moderator.judge("topic-id", some)
                await standings.save(judged.effects, half_life_s)
                lines += [
                    json.loads(out.value or b"") for out in judged.outputs if out.topic == TOPICS.verdicts
                ]
                told = [out for out in judged.outputs if out.topic == TOPICS.control and is_order(out.key)]
                given += [read_order(out.value or b"") for out in told]
                orders.replace({one.id: one for one in (*self.by_hand, *given)}.values())
        return Story(self._lines(lines), given)

    def _lines(self, verdicts: Sequence[dict[str, Any]]) -> list[Line]:
        spoken: dict[str, int] = {}
        lines = []
        for record, verdict in zip(self._records, verdicts, strict=True):
            author = verdict["author"]
            spoken[author] = spoken.get(author, 0) + 1
            seen = "; ".join(one["seen"] for one in verdict.get("reasons", ()) if "seen" in one)
            text = json.loads(record.value or b"")["text"]
            lines.append(
                Line(
                    author=author,
                    number=spoken[author],
                    text=text,
                    action=verdict["action"],
                    label=verdict.get("label"),
                    decided_by=verdict["decided_by"],
                    why=seen,
                    missing=tuple(verdict.get("missing", ())),
                    verdict=verdict,
                )
            )
        return lines


class Story:
    """What became of a chat.

    Attributes:
        orders: Given by the worker, on `mod.control`.
    """

    def __init__(self, lines: list[Line], orders: list[Order]) -> None:
        self.lines = lines
        self.orders = orders

    def of(self, author: str) -> list[Line]:
        """Return what became of an author's messages."""
        return [line for line in self.lines if line.author == author]

    def actions(self, author: str) -> list[str]:
        """Return the action on each of an author's messages."""
        return [line.action for line in self.of(author)]

    def acted_on(self, *actions: str) -> dict[str, int]:
        """Return whom one of these actions hit, and at which message first; without any, all but allow."""
        wanted = actions or ("flag", "hold", "remove")
        found: dict[str, int] = {}
        for line in self.lines:
            if line.action in wanted:
                found.setdefault(line.author, line.number)
        return found


class _Closing:
    def __init__(self, store: RedisStandings | RedisTrails) -> None:
        self._store = store

    async def aclose(self) -> None:
        await self._store.close()
