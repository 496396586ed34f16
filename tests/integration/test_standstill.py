"""The watchdog: a worker that judges nothing while there is something to judge ends, and says why."""

import re
import time
import urllib.request
from pathlib import Path

from streams.process.embedded import Broker, Store
from tests.deployment import Deployment

STILL = str(Path(__file__).with_name("still_worker.py"))
STANDSTILL_S = 2.0


def ended_by_the_watchdog(it: Deployment) -> None:
    """With code 3, and a word in the log."""
    assert it.workers[0].wait(20) == 3
    assert '"event": "standstill", "level": "critical"' in it.log(0)


def lag(it: Deployment) -> float:
    """What Prometheus would read."""
    with urllib.request.urlopen(f"http://{it.http}/metrics", timeout=5) as answer:
        found = re.findall(r"^chatsieve_lag_messages{.*} (.*)$", answer.read().decode(), re.MULTILINE)
    return sum(map(float, found))


def test_a_worker_that_is_stuck_in_a_batch_ends(broker: Broker, store: Store, prefix: str) -> None:
    """Also when it is a thread that nobody can end; until then its metrics say what waits."""
    with Deployment(broker.address, store.url, prefix) as it:
        worker = it.start(STILL, "stuck", standstill=STANDSTILL_S)
        it.send(10)
        while worker.poll() is None and lag(it) != 10:
            time.sleep(0.05)
        assert worker.poll() is None
        ended_by_the_watchdog(it)


async def test_a_worker_that_no_longer_hears_of_records_ends(
    broker: Broker, store: Store, prefix: str
) -> None:
    """Its own consumer says that nothing is new; the broker is asked beside it."""
    with Deployment(broker.address, store.url, prefix) as it:
        it.start(STILL, "deaf", standstill=STANDSTILL_S, fetch_wait=0.02)
        it.send(10)
        await it.verdicts(10)
        it.send(10, start=10)
        ended_by_the_watchdog(it)
        last = it.log(0).splitlines()[-1]
        assert last == "chatsieve: no record was judged for 2 s while there were some"


async def test_waiting_for_the_store_is_no_standstill(broker: Broker, prefix: str, tmp_path: Path) -> None:
    """Verdicts flow, commits wait, and the worker lives."""
    with (
        Store(folder=tmp_path, appendonly=True) as store,
        Deployment(broker.address, store.url, prefix) as it,
    ):
        it.start(standstill=0.6, store_timeout=0.25)
        store.kill()
        gone = time.monotonic()
        sent = 0
        while time.monotonic() - gone < 1.5:
            it.send(10, start=sent)
            sent += 10
            found = await it.verdicts(sent)
        assert all("standing" in verdicts[0].missing for verdicts in list(found.values())[-5:])
        time.sleep(1.0)  # not for luck: nothing new comes, and commits still wait
        assert it.workers[0].poll() is None
        store.start()
        books = await it.books()
        assert not books.lost
        assert not books.wrong
