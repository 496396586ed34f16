"""An incident on a fleet of three: what is ordered reaches every worker within ten seconds, and ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from rules.verdict import Verdict
from streams.control.orders import RaidOrder, is_order, read_order
from streams.kafka.records import produce, tail
from streams.process.embedded import Broker, Store
from tests.deployment import Deployment, terminate

PARTITIONS = 6
WITHIN_S = 10.0
# So many that each partition has some of them, wherever they fall.
AUTHORS = 200

SOFT = """
rules:
  - id: test/lure
    label: spam
    action: remove
    why: Made for the tests.
    terms: [zzlure]
  - id: test/doubtful
    label: spam
    weight: 3.1
    why: Comes to 29 points, where the first step is at 35.
    terms: [zzdoubt]
"""


@pytest.fixture(scope="module")
def fleet(broker: Broker, store: Store) -> Iterator[Deployment]:
    """Three workers that share six partitions; one rule is final and one isn't."""
    with Deployment(broker.address, store.url, "incidents-", partitions=PARTITIONS) as it:
        it.write_pack("soft.yaml", SOFT)
        for _ in range(3):
            it.start()
        while len(said(it)) < 3:
            time.sleep(0.2)
        yield it


def said(it: Deployment) -> list[dict[str, Any]]:
    """What `rules status` says of each worker."""
    return [json.loads(line) for line in it.command("rules", "status", "--json").splitlines()]


def verdicts(it: Deployment, text: str, **fields: str) -> list[Verdict]:
    """Say something in every partition, so to every worker, and return what was judged of it."""
    names = {f"{time.monotonic_ns()}-{number}" for number in range(AUTHORS)}
    with tail(it.access, it.topics.verdicts, idle_s=20) as records:
        messages = {name: {"id": name, "author": name, "text": text, **fields} for name in names}
        records_in = [(name.encode(), msgspec.json.encode(value)) for name, value in messages.items()]
        produce(it.access, it.topics.messages, records_in)
        found: dict[str, Verdict] = {}
        for record in records:
            verdict = msgspec.json.decode(record.value or b"", type=Verdict)
            if verdict.message_id in names:
                found[verdict.message_id] = verdict
            if len(found) == len(names):
                break
    assert set(found) == names
    partitions = {verdict.source.partition for verdict in found.values() if verdict.source}
    assert partitions == set(range(PARTITIONS))
    return list(found.values())


def actions(it: Deployment, text: str) -> set[str]:
    """What all workers do with a text."""
    return {verdict.action.value for verdict in verdicts(it, text)}


def ordered(it: Deployment, *arguments: str) -> str:
    """Give an order, see that all three follow it in time, and return its id."""
    began = time.monotonic()
    out = it.command(*arguments, "--reason", "a test", "--by", "ana")
    assert "3 of 3 workers follow it" in out, out
    assert time.monotonic() - began < WITHIN_S
    return out.split()[1].rstrip(":")


def ended(it: Deployment, order: str) -> None:
    assert "3 of 3 workers have ended it" in it.command("control", "end", order)


def test_an_emergency_term_reaches_every_worker_and_ends(fleet: Deployment) -> None:
    """Within ten seconds, without a file touched; the hash on verdicts tells the two states apart."""
    before = {verdict.ruleset for verdict in verdicts(fleet, "come to zzraid now")}
    assert actions(fleet, "come to zzraid now") == {"allow"}
    order = ordered(fleet, "block", "zzraid", "--for", "6h")
    found = verdicts(fleet, "come to zzraid now")
    assert {verdict.action.value for verdict in found} == {"hold"}
    assert {verdict.decided_by for verdict in found} == {f"block/{order}"}
    assert {verdict.label for verdict in found} == {"custom.blocked"}
    (ruleset,) = {verdict.ruleset for verdict in found}
    assert {ruleset.partition("+")[0]} == before
    assert '"zzraid" → hold, custom.blocked' in fleet.command("block", "list")
    ended(fleet, order)
    assert actions(fleet, "come to zzraid now") == {"allow"}
    assert {verdict.ruleset for verdict in verdicts(fleet, "hello")} == before


def test_a_broad_switch_leaves_final_rules_acting(fleet: Deployment) -> None:
    """And verdicts say what would have been, and by which switch it isn't."""
    order = ordered(fleet, "control", "off", "--tenant", "default", "--for", "1h")
    found = verdicts(fleet, "take the zzlure")
    assert {(v.action.value, v.would_be, v.lowered_by) for v in found} == {
        ("allow", "remove", (f"switch:{order}",))
    }
    assert actions(fleet, "this is zzbad") == {"remove"}
    assert "off, tenant default" in fleet.command("control", "list")
    ended(fleet, order)
    assert actions(fleet, "take the zzlure") == {"remove"}


def test_a_switch_that_names_a_final_rule_stops_it(fleet: Deployment) -> None:
    """Nothing else does."""
    order = ordered(fleet, "control", "flag-only", "--rule", "test/bad", "--for", "1h")
    assert actions(fleet, "this is zzbad") == {"flag"}
    assert actions(fleet, "take the zzlure") == {"remove"}
    ended(fleet, order)
    assert actions(fleet, "this is zzbad") == {"remove"}


def test_an_expired_switch_ends_by_itself(fleet: Deployment) -> None:
    """Nobody has to remember it."""
    order = ordered(fleet, "control", "off", "--label", "spam", "--channel", "def*", "--for", "6s")
    assert actions(fleet, "take the zzlure") == {"allow"}
    time.sleep(6)
    assert actions(fleet, "take the zzlure") == {"remove"}
    assert "nothing is in force" in fleet.command("control", "list")
    assert "is over already" in fleet.command("control", "end", order, code=2)


def test_a_worker_that_starts_in_an_incident_knows_of_it(fleet: Deployment) -> None:
    """It reads the whole topic before it judges anything."""
    order = ordered(fleet, "control", "off", "--tenant", "default", "--for", "1h")
    terminate(fleet.workers.pop())
    while [one["state"] for one in said(fleet)].count("running") > 2:
        time.sleep(0.2)
    fleet.start(worker="late")
    assert actions(fleet, "take the zzlure") == {"allow"}
    while not (late := [one for one in said(fleet) if one["worker"] == "late"]):
        time.sleep(0.2)
    assert late[0]["orders"] == [order]
    ended(fleet, order)


def words_on(it: Deployment, order: str) -> list[RaidOrder]:
    """All that was said of a raid on mod.control, where bridges read it, in its order."""
    with tail(it.access, it.topics.control, from_beginning=True, idle_s=2) as records:
        orders = [read_order(record.value or b"") for record in records if is_order(record.key)]
    return [one for one in orders if isinstance(one, RaidOrder) and one.id == order]


def test_a_raid_begins_and_ends_by_hand(fleet: Deployment) -> None:
    """Every worker lowers the ladders of that channel meanwhile; bridges see it begin and end."""
    doubtful = "some zzdoubt here"
    assert {(v.action.value, v.raid) for v in verdicts(fleet, doubtful, channel="lobby")} == {("allow", None)}
    order = ordered(fleet, "control", "raid", "--channel", "lob*", "--lower", "12", "--for", "1h")
    found = verdicts(fleet, doubtful, channel="lobby")
    assert {(v.action.value, v.decided_by, v.raid) for v in found} == {("flag", "ladder:spam:flag", order)}
    assert {(v.action.value, v.raid) for v in verdicts(fleet, doubtful, channel="attic")} == {("allow", None)}
    assert {(v.action.value, v.raid) for v in verdicts(fleet, "hello", channel="lobby")} == {("allow", order)}
    assert "ladders 12 points lower, channel lob*" in fleet.command("control", "list")
    [begun] = words_on(fleet, order)
    assert (begun.channel, begun.lower, begun.reason, begun.author) == ("lob*", 12.0, "a test", "ana")
    ended(fleet, order)
    assert {(v.action.value, v.raid) for v in verdicts(fleet, doubtful, channel="lobby")} == {("allow", None)}
    assert [one.ended_at is not None for one in words_on(fleet, order)] == [False, True]


def test_going_back_to_an_earlier_rule_set(fleet: Deployment) -> None:
    """A bad edit is undone in seconds, whoever holds the repository; then the files hold again."""
    (old,) = {verdict.ruleset for verdict in verdicts(fleet, "hello")}
    fleet.write_pack("more.yaml", fleet.pack("test/more", "hello"))
    while actions(fleet, "hello") != {"remove"}:
        time.sleep(0.3)
    order = ordered(fleet, "rules", "rollback", old[:8], "--for", "1h")
    assert {verdict.ruleset for verdict in verdicts(fleet, "hello")} == {old}
    assert {one["origin"] for one in said(fleet) if one["state"] == "running"} == {"rollback"}
    ended(fleet, order)
    assert actions(fleet, "hello") == {"remove"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("control", "off"), "Missing option '--reason'"),
        (("control", "off", "--reason", "x"), "or --everywhere alone"),
        (("control", "off", "--everywhere", "--rule", "a/b", "--reason", "x"), "or --everywhere alone"),
        (("control", "off", "--label", "spam", "--rule", "a/b", "--reason", "x"), "not both"),
        (("control", "off", "--label", "spma", "--reason", "x"), "there is no label 'spma'"),
        (("control", "off", "--rule", "test/bda", "--reason", "x"), "did you mean test/bad"),
        (
            ("control", "off", "--tenant", "a", "--for", "soon", "--reason", "x"),
            "--for: expected a time such as",
        ),
        (("control", "off", "--tenant", "a", "--for", "900d", "--reason", "x"), "up to 90d"),
        (("control", "off", "--tenant", "", "--everywhere", "--reason", ""), "length >= 1"),
        (("control", "raid", "--reason", "x"), "name the channel (--channel) or the tenant (--tenant)"),
        (("control", "raid", "--channel", "a", "--lower", "100", "--reason", "x"), "lower"),
        (("control", "end", "nosuch"), "there is no order 'nosuch'"),
        (("block", "zz*x", "--reason", "x"), "a star stands before or behind"),
        (("block", " ", "--reason", "x"), "TERM is empty"),
        (("block", "zz", "--label", "odd", "--reason", "x"), 'unknown label "odd"'),
        (("block", "zz", "--action", "allow", "--reason", "x"), "'allow' is not one of"),
        (("rules", "rollback", "nothex", "--reason", "x"), "'nothex' is no rule set"),
    ],
)
def test_bad_input_gets_one_clear_line(fleet: Deployment, arguments: tuple[str, ...], says: str) -> None:
    """Which says what to do; nothing is sent."""
    out = fleet.command(*arguments, code=2)
    assert says in out
    assert len([line for line in out.splitlines() if line.startswith(("chatsieve:", "Error:"))]) == 1
    assert "Traceback" not in out
