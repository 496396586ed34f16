"""What a worker promises to those who send and those who consume, on whatever broker `broker` is."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import islice
from typing import Any, Protocol

import msgspec
import pytest

from streams.kafka.records import Record, produce, tail
from streams.kafka.topics import topic_ids
from streams.process.embedded import Store
from tests.deployment import Deployment, terminate

LONG_S = 20.0


class HasAddress(Protocol):
    address: str


@pytest.fixture
def it(broker: HasAddress, store: Store, prefix: str) -> Iterator[Deployment]:
    """A deployment with one worker that is ready."""
    with Deployment(broker.address, store.url, prefix) as deployment:
        deployment.start()
        yield deployment


def say(it: Deployment, *messages: dict[str, Any] | bytes) -> list[tuple[int, int]]:
    """Put messages on the topic, keyed by author, and return where they lie."""
    raw = [message if isinstance(message, bytes) else msgspec.json.encode(message) for message in messages]
    return produce(it.access, it.topics.messages, [(b"default/default/ana", value) for value in raw])


def read(it: Deployment, topic: str, count: int) -> list[Record]:
    """Return so many records of a topic from its beginning; fewer when no more come."""
    with tail(it.access, topic, from_beginning=True, count=count, idle_s=LONG_S) as records:
        return list(records)


def verdicts(it: Deployment, count: int) -> list[dict[str, Any]]:
    """Return so many verdicts, as JSON, ordered by the record that they are about."""
    found = [json.loads(record.value or b"") for record in read(it, it.topics.verdicts, count)]
    return sorted(found, key=lambda verdict: (verdict["source"]["partition"], verdict["source"]["offset"]))


def outcomes(it: Deployment, count: int) -> list[str]:
    """Return so many outcomes of loading packs, as `mod.control` tells them among other things."""
    with tail(it.access, it.topics.control, from_beginning=True, idle_s=LONG_S) as records:
        events = (json.loads(record.value or b"")["event"] for record in records)
        return list(islice((event for event in events if event.startswith("ruleset_")), count))


def message(number: int, text: str, **more: Any) -> dict[str, Any]:
    return {"id": f"m{number}", "author": "ana", "text": text} | more


def headers(record: Record) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def probe(it: Deployment, text: str) -> str:
    """Send a message and return its action."""
    say(it, {"id": f"probe-{time.monotonic_ns()}", "author": "bo", "text": text})
    it.probes = getattr(it, "probes", 0) + 1  # type: ignore[attr-defined]
    return str(json.loads(read(it, it.topics.verdicts, it.probes)[-1].value or b"")["action"])  # type: ignore[attr-defined]


def status(it: Deployment) -> tuple[int, dict[str, Any]]:
    """What /ready says."""
    try:
        with urllib.request.urlopen(f"http://{it.http}/ready", timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def wait_for(it: Deployment, step: int, true: Any) -> None:
    """Return when it is so; fail when it doesn't come to that."""
    patience = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < patience, f"step {step}: {status(it)}"
        time.sleep(0.05)


class WorkerContract:
    """Holds on the embedded broker and on Apache Kafka; each test has a deployment of its own."""

    def test_an_order_is_followed_until_it_ends(self, it: Deployment) -> None:
        """An emergency term, and a switch over it, given at a terminal."""
        assert probe(it, "come to zzraid") == "allow"
        assert "1 of 1 workers follow it" in it.command("block", "zzraid", "--reason", "a test")
        assert probe(it, "come to zzraid") == "hold"
        out = it.command("control", "off", "--tenant", "default", "--reason", "a test")
        assert "1 of 1 workers follow it" in out
        assert probe(it, "come to zzraid") == "allow"
        assert probe(it, "this is zzbad") == "remove"  # final
        switch = out.split()[1].rstrip(":")
        assert "1 of 1 workers have ended it" in it.command("control", "end", switch)
        assert probe(it, "come to zzraid") == "hold"

    def test_each_record_comes_out_once(self, it: Deployment) -> None:
        """As a verdict or as a dead letter, whatever lies beside it in the batch."""
        good = [message(number, f"hello {number}") for number in range(50)]
        bad = [b"\xff\xfe", b"{", b"[]", b'{"id": "x"}', b""]
        where = say(it, *good[:25], *bad, *good[25:])
        found = verdicts(it, 50)
        dead = read(it, it.topics.deadletters, 5)
        answered = [(v["source"]["partition"], v["source"]["offset"]) for v in found]
        origins = [(int(h["chatsieve_partition"]), int(h["chatsieve_offset"])) for h in map(headers, dead)]
        assert sorted(answered + origins) == sorted(where)

    def test_a_dead_letter_keeps_the_bytes_the_key_and_the_headers(self, it: Deployment) -> None:
        """So that it can be looked at, mended and driven through again."""
        say(it, b"\xff not a message")
        (dead,) = read(it, it.topics.deadletters, 1)
        assert dead.value == b"\xff not a message"
        assert dead.key == b"default/default/ana"
        assert headers(dead)["chatsieve_reason"] == "not_utf8"
        assert headers(dead)["chatsieve_topic"] == it.topics.messages

    def test_a_verdict_is_a_cloud_event_with_the_id_of_its_record(self, it: Deployment) -> None:
        """Topic UUID, partition and offset: the same when it is judged again."""
        ((partition, offset),) = say(it, message(1, "hello"))
        (record,) = read(it, it.topics.verdicts, 1)
        verdict = json.loads(record.value or b"")
        topic_id = topic_ids(it.access, [it.topics.messages])[it.topics.messages]
        assert verdict["id"] == f"{topic_id}/{partition}/{offset}"
        assert headers(record)["ce_id"] == verdict["id"]
        assert headers(record)["ce_type"] == verdict["schema"] == "mod.verdict.v1"
        assert headers(record)["ce_specversion"] == "1.0"

    def test_without_a_model_verdicts_say_so(self, it: Deployment) -> None:
        """Nothing pretends to be one."""
        say(it, message(1, "hello"))
        assert verdicts(it, 1)[0]["missing"] == ["model"]

    def test_the_shipped_model_speaks_where_nothing_else_is_said(
        self, broker: HasAddress, store: Store, prefix: str
    ) -> None:
        """An empty setting is one that isn't set."""
        with Deployment(broker.address, store.url, prefix) as it:
            it.start(model="")
            say(it, message(1, "hello"))
            (verdict,) = verdicts(it, 1)
        assert verdict["model"]["name"].startswith("chat-compact")
        assert "missing" not in verdict

    def test_an_author_is_judged_in_order_and_the_standing_moves_along(self, it: Deployment) -> None:
        """The second message of a batch sees the standing after the first."""
        say(it, *(message(number, "zzbad" if number == 3 else "fine") for number in range(6)))
        found = verdicts(it, 6)
        before = [verdict["standing"]["before"]["messages"] for verdict in found]
        strikes = [round(verdict["standing"]["after"]["strikes"], 2) for verdict in found]
        assert before == [0, 1, 2, 3, 4, 5]
        assert strikes == [0, 0, 0, 1, 1, 1]

    def test_what_is_to_be_acted_on_is_on_the_actions_topic(self, it: Deployment) -> None:
        """And only that; what a human should see, with the message, on the review topic."""
        say(it, message(1, "hello"), message(2, "zzbad"), message(3, "zzodd"))
        verdicts(it, 3)
        actions = [json.loads(record.value or b"") for record in read(it, it.topics.actions, 2)]
        assert {verdict["message_id"]: verdict["action"] for verdict in actions} == {
            "m2": "remove",
            "m3": "flag",
        }
        (item,) = [json.loads(record.value or b"") for record in read(it, it.topics.review, 1)]
        assert item["message"]["text"] == "zzodd"
        assert item["verdict"]["message_id"] == "m3"

    def test_the_text_is_not_in_the_verdict(self, it: Deployment) -> None:
        """Only what was matched, and where."""
        say(it, message(1, "a secret and zzbad"))
        (record,) = read(it, it.topics.verdicts, 1)
        assert b"secret" not in (record.value or b"")
        assert b"zzbad" in (record.value or b"")

    def test_an_edit_that_changes_nothing_repeats_the_action(self, it: Deployment) -> None:
        """And costs nothing again."""
        say(it, message(1, "zzbad"), message(1, "zzbad", kind="edited"))
        first, second = verdicts(it, 2)
        assert (second["action"], second["decided_by"]) == ("remove", "unchanged")
        assert second["standing"]["after"] == first["standing"]["after"]

    def test_an_edit_is_judged_when_the_text_changed(self, it: Deployment) -> None:
        """What became bad costs a strike and its credit; what became good earns nothing."""
        say(
            it,
            message(1, "fine"),
            message(1, "zzbad now", kind="edited"),
            message(1, "fine again", kind="edited"),
        )
        created, worse, better = verdicts(it, 3)
        assert created["standing"]["after"]["good"] == 1
        assert worse["action"] == "remove"
        assert worse["standing"]["after"] == {"strikes": 1, "good": 0, "messages": 1, "trust": 0}
        assert better["action"] == "allow"
        assert better["standing"]["after"]["good"] == 0
        acted = [json.loads(record.value or b"")["action"] for record in read(it, it.topics.actions, 2)]
        assert acted == ["remove", "allow"]

    def test_a_deletion_withdraws_the_credit_and_never_a_strike(self, it: Deployment) -> None:
        """Deleting what one said doesn't undo what it cost."""
        say(
            it,
            message(1, "fine"),
            message(2, "zzbad"),
            {"id": "m1", "author": "ana", "kind": "deleted"},
            {"id": "m2", "author": "ana", "kind": "deleted"},
        )
        last = verdicts(it, 4)[-1]
        assert (last["action"], last["decided_by"]) == ("allow", "deleted")
        assert last["standing"]["after"]["good"] == 0
        assert round(last["standing"]["after"]["strikes"], 2) == 1

    def test_a_deletion_by_nobody_known_is_judged(self, it: Deployment) -> None:
        """It corrects nothing, and says what was missing."""
        say(it, {"id": "m1", "kind": "deleted"})
        assert "author" in verdicts(it, 1)[0]["missing"]

    def test_a_message_sent_twice_counts_once(self, it: Deployment) -> None:
        """A bridge that retries makes two records, each with its verdict, and one effect."""
        say(it, message(1, "zzbad"), message(1, "zzbad"))
        assert round(verdicts(it, 2)[-1]["standing"]["after"]["strikes"], 2) == 1

    def test_an_unseen_image_is_not_called_clean(self, it: Deployment) -> None:
        """It says that nothing looked at it."""
        say(
            it,
            {"id": "m1", "author": "ana", "attachments": [{"type": "image", "url": "https://img.example/1"}]},
        )
        assert verdicts(it, 1)[0]["missing"] == ["attachments"]

    def test_a_bot_is_judged_and_not_counted(self, it: Deployment) -> None:
        """A relay carries other people's words."""
        say(it, {"id": "m1", "author": {"id": "ana", "bot": True}, "text": "zzbad"})
        (verdict,) = verdicts(it, 1)
        assert verdict["action"] == "remove"
        assert verdict["standing"]["after"] == {"strikes": 0, "good": 0, "messages": 0, "trust": 0}

    def test_packs_reload_while_it_runs(self, it: Deployment) -> None:
        """A good edit is in force within seconds; a broken one leaves the old rules, and says so."""
        it.write_pack("more.yaml", it.pack("test/more", "zzmore"))
        wait_for(it, 1, lambda: probe(it, "zzmore") == "remove")
        it.write_pack("more.yaml", "rules: [oops")
        wait_for(it, 2, lambda: status(it)[0] == 503)
        assert "more.yaml:" in status(it)[1]["stale"]
        assert probe(it, "zzmore") == "remove"
        it.write_pack("more.yaml", it.pack("test/more", "zzother"))
        wait_for(it, 3, lambda: status(it)[0] == 200)
        assert probe(it, "zzmore") == "allow"
        wanted = ["ruleset_accepted", "ruleset_accepted", "ruleset_rejected", "ruleset_accepted"]
        assert outcomes(it, 4) == wanted

    def test_metrics_tell_what_was_done(self, it: Deployment) -> None:
        """By action and label, with the rule set's hash."""
        say(it, message(1, "hello"), message(2, "zzbad"), b"nonsense")
        verdicts(it, 2)
        with urllib.request.urlopen(f"http://{it.http}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        assert 'chatsieve_actions_total{action="remove",label="spam"} 1.0' in text
        assert 'chatsieve_deadletters_total{reason="not_json"} 1.0' in text
        assert "chatsieve_ruleset_info{hash=" in text
        # Counted where fetches wait for credit: past that, each record would come as a batch of its own.
        assert re.search(r"^chatsieve_fetches_total [1-9]", text, re.MULTILINE)

    def test_a_stop_is_graceful(self, it: Deployment) -> None:
        """SIGTERM: what is in flight is finished and committed; the next worker judges nothing twice."""
        say(it, *(message(number, "fine") for number in range(500)))
        verdicts(it, 100)
        assert terminate(it.workers[0]) == 0
        it.start()
        say(it, message(1000, "the last"))
        found = verdicts(it, 501)
        assert len({verdict["id"] for verdict in found}) == len(found) == 501
