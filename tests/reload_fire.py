"""Reload under fire: packs change in every way they can go wrong while messages flow, and everything adds up.

python -m tests.reload_fire --reloads 1000     (make reload-fire)
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rules import packs
from streams.kafka import records
from streams.process.embedded import Broker, Store
from streams.wire.records import ControlEvent
from tests.deployment import Deployment

RATE = 2_000
PARTITIONS = 4
# What a step may take, on a machine with other things to do.
PATIENCE_S = 60.0

POLICY = "labels:\n  spam: {base: -4, ladder: {flag: 30, hold: 60, remove: 90}}\n"
PACK = """# Number {number}.
rules:
  - {{id: fire/list, label: spam, strength: medium, list: lists/words.txt}}
  - {{id: fire/word, label: spam, action: flag, terms: [zzfire{number}], hit: [a zzfire{number} here]}}
"""
WORDS = 200
MESSAGE = b'{"id":"m%d","author":"a%d","text":"message %d zzword%d"}'


class Told(msgspec.Struct, frozen=True):
    """The part of a verdict that is counted."""

    class Where(msgspec.Struct, frozen=True):
        """Its record."""

        partition: int
        offset: int

    ruleset: str
    source: Where


class Outcome(NamedTuple):
    """What came of a run.

    Attributes:
        told: Events on the control topic, by kind.
        counted: Reloads in the worker's metrics, by outcome.
        lost: Records without a verdict.
        strange: Verdicts under a rule set that never was good, with the hash they carry.
        peak_mb: The worker's memory at its largest.
    """

    reloads: Counter[str]
    told: Counter[str]
    counted: Counter[str]
    messages: int
    lost: int
    strange: Counter[str]
    rulesets: int
    seconds: float
    peak_mb: float

    @property
    def held(self) -> bool:
        """Whether everything adds up."""
        accepted, refused = self.told["ruleset_accepted"], self.told["ruleset_rejected"]
        counts = self.counted["accepted"], self.counted["refused"] + self.counted["cut"]
        # One more was accepted than counted: the one at the start.
        return not self.lost and not self.strange and counts == (accepted - 1, refused)

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.reloads.items()))
        rate = self.messages / self.seconds
        return "\n".join((
            f"{self.reloads.total()} reloads ({kinds}) in {self.seconds:.0f} s",
            f"{self.messages} messages, {rate:.0f} a second; lost: {self.lost}",
            f"verdicts under an unknown or empty rule set: {self.strange.total()} {dict(self.strange) or ''}",
            f"rule sets seen on verdicts: {self.rulesets}",
            f"on mod.control: {dict(self.told)}",
            f"in the metrics: {dict(self.counted)}",
            f"the worker's memory: at most {self.peak_mb:.0f} MB",
            "everything adds up" if self.held else "IT DOES NOT ADD UP",
        ))  # fmt: skip


class Packs:
    """A folder of packs as Kubernetes mounts it: links through `..data`, which is swapped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0
        self.good: set[str] = set()
        shutil.rmtree(folder)
        folder.mkdir()
        self._release(0)
        for name in ("policy.yaml", "fire.yaml", "lists"):
            (folder / name).symlink_to(f"..data/{name}")
        self.note()

    @property
    def real(self) -> Path:
        """Where the files are, behind the links."""
        return (self.folder / "..data").resolve()

    def note(self) -> str:
        """Remember what is there now as good, and return its hash."""
        ruleset = packs.load(self.folder).hash
        self.good.add(ruleset)
        return ruleset

    def pack(self) -> str:
        """Return a pack that never was."""
        self._number += 1
        return PACK.format(number=self._number)

    def replace(self, name: str, text: str) -> None:
        """Put a file in place, whole."""
        part = self.real / f".{name.replace('/', '-')}"
        part.write_text(text)
        part.replace(self.real / name)

    def _release(self, number: int) -> None:
        new = self.folder / f"..{number}"
        (new / "lists").mkdir(parents=True)
        (new / "policy.yaml").write_text(POLICY)
        (new / "fire.yaml").write_text(self.pack())
        (new / "lists/words.txt").write_text(words(WORDS))
        (self.folder / "..next").symlink_to(new.name)
        (self.folder / "..next").replace(self.folder / "..data")

    def swap(self) -> None:
        """Put another release in force, as a ConfigMap changes."""
        old = self.real
        self._release(self._number + 1)
        shutil.rmtree(old)


def words(count: int) -> str:
    """Return a list of so many."""
    return "# English.\n" + "".join(f"zzword{number}\n" for number in range(count))


class Fire:
    """One worker, a stream of messages, and packs that change."""

    def __init__(self, it: Deployment, folder: Packs) -> None:
        self._it = it
        self._packs = folder
        self._events: list[ControlEvent] = []
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self.sent = [0] * PARTITIONS
        self._judged = [bytearray() for _ in range(PARTITIONS)]
        self.seen: Counter[str] = Counter()
        self.reloads: Counter[str] = Counter()

    # -- what the worker says of it

    def follow(self) -> None:
        """Gather what is told on the control topic."""
        with records.tail(self._it.access, self._it.topics.control, from_beginning=True) as found:
            for record in found:
                event = msgspec.json.decode(record.value or b"{}", type=ControlEvent)
                with self._changed:
                    self._events.append(event)
                    self._changed.notify_all()
                if self._stop.is_set():
                    return

    def until(self, what: str, true: Callable[[ControlEvent], bool], since: int) -> ControlEvent:
        """Return the first event from a place on of which something is true."""
        patience = time.monotonic() + PATIENCE_S
        with self._changed:
            at = since
            while True:
                for event in self._events[at:]:
                    if true(event):
                        return event
                at = len(self._events)
                if not self._changed.wait(1.0) and time.monotonic() > patience:
                    raise AssertionError(
                        f"{what} was not told: {self._events[since:]}\n{self._it.log(0)[-2000:]}"
                    )

    def accepted(self, what: str, act: Callable[[], None]) -> None:
        """Do something good; the worker says that this very rule set is in force."""
        since = len(self._events)
        act()
        ruleset = self._packs.note()
        self.until(what, lambda e: e.event == "ruleset_accepted" and e.ruleset == ruleset, since)

    def rejected(self, what: str, act: Callable[[], None], reason: str) -> None:
        """Do something bad; the worker says why, and stays with what it had."""
        since = len(self._events)
        act()
        event = self.until(what, lambda e: e.event == "ruleset_rejected", since)
        assert reason in (event.reason or ""), event
        assert event.ruleset in self._packs.good

    def waited(self, what: str, act: Callable[[], None], reason: str) -> None:
        """Do something that may pass; the worker says what it waits for."""
        since = len(self._events)
        act()
        self.until(what, lambda e: e.event == "worker_alive" and reason in (e.reason or ""), since)

    def calm(self, act: Callable[[], None]) -> None:
        """Take back what was waited for; the worker says that nothing is wrong any more."""
        since = len(self._events)
        act()
        self.until("calm", lambda e: e.event == "worker_alive" and e.reason is None, since)

    # -- the ways in which packs change

    def reload(self, kind: str) -> None:
        """Change the packs in one way, see that it is told, and leave good ones behind."""
        p = self._packs
        pack, lists = (p.real / "fire.yaml").read_text(), (p.real / "lists/words.txt").read_text()
        mended = p.pack()
        if kind == "good":
            self.accepted(kind, lambda: p.replace("fire.yaml", mended))
        elif kind == "symlinked":
            self.accepted(kind, p.swap)
        elif kind == "broken":
            self.rejected(
                kind, lambda: p.replace("fire.yaml", pack.replace("medium", "enormous")), "fire.yaml:3:"
            )
            self.accepted("mended", lambda: p.replace("fire.yaml", mended))
        elif kind == "half-written":
            path = p.real / "fire.yaml"
            self.rejected(kind, lambda: _write_in_place(path, mended[: len(mended) - 25]), "fire.yaml:")
            self.accepted("whole", lambda: _write_in_place(path, mended))
        elif kind == "empty":
            path = p.real / "lists/words.txt"
            self.waited(kind, lambda: _write_in_place(path, ""), "is empty")
            self.calm(lambda: _write_in_place(path, lists))
        elif kind == "vanishing":
            path = p.real / "fire.yaml"
            self.waited(kind, path.unlink, "fire.yaml: no such file")
            self.calm(lambda: _write_in_place(path, pack))
        elif kind == "shrunken":
            self.rejected(kind, lambda: p.replace("lists/words.txt", words(WORDS // 3)), "accept-shrink")
            self.accepted(
                "grown", lambda: p.replace("lists/words.txt", words(WORDS + self.reloads[kind] % 7))
            )
        self.reloads[kind] += 1

    # -- messages

    async def send(self, rate: int) -> None:
        """Send messages until told to stop, evenly."""
        producer = AIOKafkaProducer(bootstrap_servers=self._it.access.brokers[0], linger_ms=5)
        await producer.start()
        last, number, sent = time.monotonic(), 0, []
        while not self._stop.is_set():
            await asyncio.sleep(0.01)
            now = time.monotonic()
            # What a pause of the machine held up isn't made good in one go.
            due = min(round((now - last) * rate), rate)
            last = now
            for _ in range(due):
                number += 1
                partition = number % PARTITIONS
                value = MESSAGE % (number, number % 500, number, number % WORDS)
                sent.append(await producer.send(self._it.topics.messages, value, partition=partition))
                self.sent[partition] += 1
            if len(sent) > 5_000:
                await asyncio.gather(*sent)
                sent = []
        await asyncio.gather(*sent)
        await producer.stop()

    async def listen(self) -> None:
        """Read verdicts until there is one for each message that was sent."""
        consumer = AIOKafkaConsumer(
            self._it.topics.verdicts, bootstrap_servers=self._it.access.brokers[0], group_id=None,
            auto_offset_reset="earliest", fetch_max_wait_ms=50,
        )  # fmt: skip
        await consumer.start()
        decoder, heard = msgspec.json.Decoder(Told), time.monotonic()
        try:
            while time.monotonic() - heard < PATIENCE_S:
                if self._stop.is_set() and not self.lost:
                    return
                for found in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
                    heard = time.monotonic()
                    for record in found:
                        self._enter(decoder.decode(record.value))
        finally:
            await consumer.stop()

    def _enter(self, verdict: Told) -> None:
        self.seen[verdict.ruleset] += 1
        book = self._judged[verdict.source.partition]
        if len(book) <= verdict.source.offset:
            book.extend(bytes(verdict.source.offset + 1000 - len(book)))
        book[verdict.source.offset] = 1

    @property
    def lost(self) -> int:
        """Messages that have no verdict (yet)."""
        return sum(sent - sum(book) for sent, book in zip(self.sent, self._judged, strict=True))

    async def burn(self, reloads: int, rate: int, progress: Callable[[int], None]) -> None:
        """Change packs so often while messages flow, then wait for the last verdict."""
        kinds = ("good", "broken", "symlinked", "empty", "half-written", "vanishing", "shrunken")
        follower = threading.Thread(target=self.follow, daemon=True)
        follower.start()

        def change() -> None:
            try:
                self.until("the start", lambda e: e.event == "ruleset_accepted", 0)
                for number in range(reloads):
                    self.reload(kinds[number % len(kinds)])
                    progress(number + 1)
            finally:
                self._stop.set()

        await asyncio.gather(asyncio.to_thread(change), self.send(rate), self.listen())

    def outcome(self, seconds: float) -> Outcome:
        """Balance the books."""
        time.sleep(1.5)  # what was announced last is on its way
        metrics = _metrics(self._it.http)
        strange = Counter({name: n for name, n in self.seen.items() if name not in self._packs.good})
        return Outcome(
            self.reloads,
            Counter(event.event for event in self._events if event.event.startswith("ruleset_")),
            Counter({
                name.split('"')[1]: int(value)
                for name, value in metrics.items() if name.startswith("chatsieve_reloads_total{")
            }),
            sum(self.sent), self.lost, strange, len(self.seen), seconds, _peak_mb(self._it.workers[0].pid),
        )  # fmt: skip


def _write_in_place(path: Path, text: str) -> None:
    """As an editor without manners writes."""
    with path.open("w") as file:
        file.write(text)


def _metrics(http: str) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{http}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")
    }


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    found = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(found[0]) / 1024


def run(
    broker: str, store: str, prefix: str, reloads: int, *, rate: int = RATE,
    progress: Callable[[int], None] = lambda _done: None,
) -> Outcome:  # fmt: skip
    """Burn once, and return what came of it."""
    with Deployment(broker, store, prefix, partitions=PARTITIONS) as it:
        fire = Fire(it, Packs(it.packs))
        it.start(packs_every=0.05, standstill=300.0)
        began = time.monotonic()
        asyncio.run(fire.burn(reloads, rate, progress))
        return fire.outcome(time.monotonic() - began)


def main() -> int:
    """Burn as often as was asked for, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=RATE, help="messages a second")
    options = parser.parse_args()
    shown = sys.stderr.isatty()

    def progress(done: int) -> None:
        if shown or done % 100 == 0:
            print(f"\r{done} of {options.reloads} reloads", end="" if shown else "\n", file=sys.stderr)

    with Broker() as broker, Store() as store:
        found = run(broker.address, store.url, "fire-", options.reloads, rate=options.rate, progress=progress)
    print(found)
    return 0 if found.held else 1


if __name__ == "__main__":
    sys.exit(main())
