"""Learns standings from elsewhere: an old log is judged without acting on anyone, a table is read."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice

import msgspec

from rules.reputation import Reputation, strikes_at
from rules.ruleset import RuleSet
from rules.schema.policy import ReputationPolicy
from rules.verdict import ModelNote
from streams.errors import ConfigurationError
from streams.judging.moderator import Moderator
from streams.judging.offline import message_in
from streams.judging.outbox import Outbox, Record
from streams.judging.perception import Scores
from streams.kafka.topics import Topics
from streams.metrics import Metrics
from streams.store.desk import Desk
from streams.store.standings import (
    LEARNED,
    Ask,
    AuthorEffects,
    Learned,
    PartitionId,
    StandingStore,
)
from streams.store.standings_memory import MemoryStandings
from streams.wire.records import record_key
from streams.wire.writing import rfc3339

# Messages that are judged together, and authors that are saved together.
BATCH = 2_000
COLUMNS = ("author", "good", "first_seen", "strikes")


class Trouble(msgspec.Struct, frozen=True):
    """A line that nothing could be learned from; counted from 1."""

    line: int
    reason: str


class _Timed(msgspec.Struct):
    sent_at: datetime


async def from_log(
    lines: Iterable[bytes], rules: RuleSet, model: Scores | None, note: ModelNote | None, secret: bytes
) -> tuple[dict[str, Reputation], list[Trouble]]:
    """Return how authors stand after these messages, and which lines could not be judged.

    A line is a message as `judge` takes it, or a record with one in `value`; `sent_at` is its time,
    and an author's lines come in the order they were said.
    """
    metrics, topics, standings = Metrics(), Topics(), MemoryStandings()
    half_life_s = rules.policy.reputation.half_life_s
    moderator = Moderator(
        current=lambda: rules,
        desk=Desk(standings, metrics=metrics, half_life=lambda: half_life_s),
        outbox=Outbox(topics, dict.fromkeys(topics.all, 1), worker="learn", metrics=metrics),
        metrics=metrics,
        topic=topics.messages,
        secret=secret,
        model=model,
        model_note=note,
    )
    trouble: list[Trouble] = []
    numbered = enumerate(lines, 1)
    while batch := list(islice(numbered, BATCH)):
        records = [found for number, line in batch if (found := _record(number, line, trouble))]
        judged = await moderator.judge("log", records)
        for output in judged.outputs:
            if output.topic == topics.deadletters:
                said = dict(output.headers)
                detail = said["chatsieve_detail"].decode()
                trouble.append(Trouble(int(said["chatsieve_offset"]), detail))
        await standings.save(judged.effects, half_life_s)
    terms = rules.policy.reputation
    return {author: _flat(known, terms) for author, known in standings.known()}, trouble


def _record(number: int, line: bytes, trouble: list[Trouble]) -> Record | None:
    value = message_in(line)
    try:
        at = msgspec.json.decode(value, type=_Timed).sent_at
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        trouble.append(Trouble(number, f"no message with its time in `sent_at`: {error}"))
        return None
    moment = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Record(0, number, moment.timestamp(), None, value)


def _flat(known: Reputation, terms: ReputationPolicy) -> Reputation:
    """Return the reputation with its ledger as a number: its verdicts were never given."""
    strikes = strikes_at(known, known.as_of, terms.half_life_s, terms.half_lives)
    return Reputation(strikes, known.good, known.messages, known.first_seen, known.as_of)


def from_table(
    lines: Iterable[str], tenant: str, platform: str, now: float
) -> tuple[dict[str, Reputation], list[Trouble]]:
    """Return how authors stand by a CSV with the columns author, good, first_seen, strikes.

    The tenant and the platform may be columns too. An author counts as having said the good messages.

    Raises:
        ConfigurationError: A column is missing, or it is no table.
    """
    try:
        return _from_rows(csv.DictReader(lines), tenant, platform, now)
    except csv.Error as error:
        raise ConfigurationError(f"no table: {error}") from error


def _from_rows(
    rows: csv.DictReader[str], tenant: str, platform: str, now: float
) -> tuple[dict[str, Reputation], list[Trouble]]:
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise ConfigurationError(
            f"the table has no column {', '.join(missing)}: its first line names {', '.join(COLUMNS)}"
        )
    found: dict[str, Reputation] = {}
    trouble: list[Trouble] = []
    for row in rows:
        try:
            where = row.get("tenant") or tenant, row.get("platform") or platform
            found[author_key(*where, row["author"] or "")] = _row(row, now)
        except ValueError as error:
            trouble.append(Trouble(rows.line_num, str(error)))
    return found, trouble


def _row(row: Mapping[str, str | None], now: float) -> Reputation:
    good, strikes = _number(row, "good"), _number(row, "strikes")
    said = (row["first_seen"] or "").strip()
    try:
        seen = _moment(said) if said else None
    except ValueError as error:
        raise ValueError(f"first_seen: expected RFC 3339 or epoch seconds, got {said!r}") from error
    return Reputation(strikes, int(good), int(good), seen, now)


def _number(row: Mapping[str, str | None], name: str) -> float:
    said = (row[name] or "0").strip()
    try:
        number = float(said)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise ValueError(f"{name}: expected a number from 0 on, got {said!r}")
    return number


def _moment(said: str) -> float:
    if said.replace(".", "", 1).isdigit():
        at = float(said)
    else:
        zoned = datetime.fromisoformat(said)
        at = (zoned if zoned.tzinfo else zoned.replace(tzinfo=UTC)).timestamp()
    try:
        rfc3339(at)
    except (OverflowError, OSError) as error:
        raise ValueError(f"there is no such time: {said}") from error
    return at


def author_key(tenant: str, platform: str, author: str) -> str:
    """Return the key of an author's standing.

    Raises:
        ValueError: A name is missing, or holds a slash where none may be.
    """
    if not author:
        raise ValueError("author: there is none")
    for name, said in (("tenant", tenant), ("platform", platform)):
        if not said or "/" in said:
            raise ValueError(f"{name}: expected a name without a slash, got {said!r}")
    return record_key(tenant, platform, author).decode("utf-8", "surrogatepass")


def source_of(first_line: bytes) -> PartitionId:
    """Return the partition under which it is marked what was learned: a file is known by its first line."""
    return PartitionId(LEARNED + blake2b(first_line.strip(), digest_size=8).hexdigest(), 0)


async def learn(
    store: StandingStore,
    found: Mapping[str, Reputation],
    source: PartitionId,
    half_life_s: float,
    *,
    progress: Callable[[int], None],
) -> int:
    """Add to the standings, to each author's once for a source; return how many that were.

    Raises:
        StoreError: The store doesn't answer; saving again goes on where it ended.
    """
    new = 0
    for some in _batched(found.items()):
        changes = [AuthorEffects(author, source, (Learned(0, known),)) for author, known in some]
        new += await _unlearned(store, [each.author for each in changes], source)
        await store.save(changes, half_life_s)
        progress(len(changes))
        await asyncio.sleep(0)
    return new


async def _unlearned(store: StandingStore, authors: list[str], source: PartitionId) -> int:
    standings = await store.load([Ask(author) for author in authors], 0.0)
    return sum(source not in standing.marks for standing in standings)


def _batched(items: Iterable[tuple[str, Reputation]]) -> Iterator[list[tuple[str, Reputation]]]:
    waiting = iter(items)
    while some := list(islice(waiting, BATCH)):
        yield some
