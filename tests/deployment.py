"""A deployment of a test's own: topics, packs, worker processes, and books that must balance."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
from aiokafka import AIOKafkaConsumer

from rules.reputation import strikes_at
from rules.verdict import Verdict
from streams.kafka.records import produce
from streams.kafka.topics import Access, Topics, ensure
from streams.process.embedded import free_port
from streams.process.opening import NO_SECRET
from streams.store.standings import Ask, Standing
from streams.store.standings_redis import RedisStandings

READY_S = 60.0
ANSWER_S = 90.0

# One rule that costs a strike, so that an effect counted twice shows, and one for review.
PACK = """
rules:
  - id: test/odd
    label: spam
    strength: weak
    action: flag
    why: Made for the tests.
    terms: [zzodd]
    hit: [this is zzodd]
    miss: [this is fine]
"""

REMOVES = """
rules:
  - id: {rule}
    label: spam
    strength: strong
    action: remove
    final: true
    strike: 1
    why: Made for the tests.
    terms: [{term}]
    hit: [this is {term}]
    miss: [this is fine]
"""

Where = tuple[int, int]


HALF_LIFE_S = 7 * 86_400.0


class Sent(NamedTuple):
    """A message that was written to Kafka; a bad one costs its author a strike."""

    author: str
    message_id: str
    bad: bool


class Books(NamedTuple):
    """What came out.

    Attributes:
        lost: Records without a verdict or a dead letter.
        repeated: Verdicts beyond the first of an id.
        wrong: Authors whose standing isn't what their messages add up to, with what it is and should be.
    """

    lost: list[Where]
    repeated: int
    wrong: dict[str, tuple[tuple[int, float], tuple[int, float]]]


class Deployment:
    """Topics, store and worker processes of one test; a context manager that ends its workers."""

    def __init__(self, broker: str, store_url: str, prefix: str, *, partitions: int = 4) -> None:
        self.access = Access((broker,))
        self.topics = Topics(prefix)
        self.sent: dict[tuple[str, int, int], Sent] = {}
        self.workers: list[subprocess.Popen[bytes]] = []
        self._partitions = partitions
        self._store_url = store_url
        self._prefix = prefix
        self._folder = tempfile.TemporaryDirectory(prefix="chatsieve-test-")
        self.packs = Path(self._folder.name) / "packs"
        self.packs.mkdir()
        shipped = Path(__file__).parents[1] / "rules" / "packs" / "policy.yaml"
        self.write_pack("policy.yaml", shipped.read_text())
        self.write_pack("odd.yaml", PACK)
        self.write_pack("bad.yaml", self.pack("test/bad", "zzbad"))
        ensure(self.access, self.topics, partitions)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        if kind is not None:
            print("\n".join(self.log(number)[-3000:] for number in range(len(self.workers))))
        self._folder.cleanup()

    def write_pack(self, name: str, text: str) -> None:
        """Put a rule file in place, whole."""
        part = self.packs / f"{name}.tmp"
        part.write_text(text)
        part.replace(self.packs / name)

    @staticmethod
    def pack(rule: str, term: str) -> str:
        """Return a pack of one rule that removes what holds the term."""
        return REMOVES.format(rule=rule, term=term)

    def start(self, *program: str, wait: bool = True, **settings: object) -> subprocess.Popen[bytes]:
        """Start a worker process, or another program, and wait until it is ready."""
        self.http = http = f"127.0.0.1:{free_port()}"
        environment = self.environment(http=http, **settings)
        with (Path(self._folder.name) / f"worker-{len(self.workers)}.log").open("wb") as log:
            command = [sys.executable, *(program or ("-m", "streams", "serve"))]
            worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.workers.append(worker)
        if wait:
            self.wait_until_ready(worker, http)
        return worker

    def environment(self, **settings: object) -> dict[str, str]:
        """Return the environment of a process that belongs to this deployment."""
        given = {
            "broker": self.access.brokers[0], "store": self._store_url, "topic_prefix": self._prefix,
            "store_prefix": self._prefix, "group": self._prefix + "group", "log": "info",
            "packs": self.packs, "state": self._folder.name + "/state", "worker": f"w{len(self.workers)}",
            "session_timeout": 2.0, "rebalance_timeout": 4.0, "store_timeout": 2.0,
            # What tests expect is the rules' word.
            "model": "none",
        }  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATSIEVE_")}
        return environment | {
            f"CHATSIEVE_{name.upper()}": str(value) for name, value in (given | settings).items()
        }

    def command(self, *arguments: str, code: int = 0) -> str:
        """Run a command against this deployment and return what it prints; it must end with `code`."""
        done = subprocess.run(
            [sys.executable, "-m", "streams", *arguments],
            env=self.environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def wait_until_ready(self, worker: subprocess.Popen[bytes], http: str) -> None:
        """Return when the worker has partitions; fail when it ends or takes too long."""
        patience = time.monotonic() + READY_S
        while time.monotonic() < patience and worker.poll() is None:
            with suppress(OSError), urllib.request.urlopen(f"http://{http}/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"a worker did not get ready (exit code {worker.poll()})")

    def log(self, number: int) -> str:
        """Return what a worker has written."""
        return (Path(self._folder.name) / f"worker-{number}.log").read_text(errors="replace")

    def send(self, messages: int, *, authors: int = 50, start: int = 0, incarnation: str = "") -> None:
        """Write messages of `authors` authors in turn, every tenth bad, and enter them in the books."""
        made = []
        for number in range(start, start + messages):
            author, bad = f"author-{number % authors}", number % 10 == 0
            text = f"message {number} is {'zzbad' if bad else 'fine'}"
            value = {"id": f"m{number}{incarnation}", "author": author, "text": text}
            made.append((Sent(author, value["id"], bad), msgspec.json.encode(value)))
        keyed = ((f"default/default/{sent.author}".encode(), value) for sent, value in made)
        written = produce(self.access, self.topics.messages, keyed)
        for (sent, _), where in zip(made, written, strict=True):
            self.sent[incarnation, *where] = sent

    async def verdicts(self, expected: int) -> dict[str, list[Verdict]]:
        """Return all verdicts by id, read until so many different ids are there or none comes any more."""
        consumer = AIOKafkaConsumer(
            self.topics.verdicts, bootstrap_servers=self.access.brokers[0], auto_offset_reset="earliest",
            group_id=None,
        )  # fmt: skip
        found: dict[str, list[Verdict]] = {}
        await consumer.start()
        try:
            last = time.monotonic()
            while len(found) < expected and time.monotonic() - last < ANSWER_S:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    last = time.monotonic()
                    for record in records:
                        verdict = msgspec.json.decode(record.value, type=Verdict)
                        found.setdefault(verdict.id, []).append(verdict)
        finally:
            await consumer.stop()
        return found

    async def books(self) -> Books:
        """Wait until all that was sent is answered and its effects are saved, and balance the books."""
        found = await self.verdicts(len(self.sent))
        answered = Counter(verdicts[0].message_id for verdicts in found.values())
        lost = [where[1:] for where, sent in self.sent.items() if sent.message_id not in answered]
        repeated = sum(len(verdicts) - 1 for verdicts in found.values())
        patience = time.monotonic() + 20
        while (wrong := await self._wrong(self.sent.values())) and time.monotonic() < patience:
            await asyncio.sleep(0.3)
        return Books(lost, repeated, wrong)

    async def _wrong(self, sent: Iterable[Sent]) -> dict[str, tuple[tuple[int, float], tuple[int, float]]]:
        due: dict[str, tuple[int, float]] = {}
        for each in sent:
            messages, strikes = due.get(each.author, (0, 0.0))
            due[each.author] = messages + 1, strikes + each.bad
        store = RedisStandings(self._store_url, key=NO_SECRET, prefix=self._prefix, timeout_s=10)
        try:
            authors = list(due)
            standings = await store.load(
                [Ask(f"default/default/{author}") for author in authors], time.time()
            )
        finally:
            await store.close()
        is_now = {author: _sums(standing) for author, standing in zip(authors, standings, strict=True)}
        return {
            author: (is_now[author], due[author])
            for author in authors
            # Strikes halve in a week; in the minutes of a test they lose less than a thousandth.
            if is_now[author][0] != due[author][0]
            or abs(is_now[author][1] - due[author][1]) > 0.01 * due[author][1]
        }


def _sums(standing: Standing) -> tuple[int, float]:
    known = standing.reputation
    return known.messages, round(strikes_at(known, known.as_of, HALF_LIFE_S), 4)


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker as a power cut would."""
    worker.kill()
    worker.wait()


def terminate(worker: subprocess.Popen[bytes]) -> int:
    """Ask a worker to stop, and return its exit code."""
    worker.send_signal(signal.SIGTERM)
    return worker.wait(30)
