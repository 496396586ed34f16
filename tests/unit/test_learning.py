"""What is learned of authors before the first day: from an old log, from a table."""

import json

import pytest

from rules.reputation import Reputation
from streams.errors import ConfigurationError
from streams.judging.learning import Trouble, author_key, from_log, from_table, learn, source_of
from streams.store.standings import Ask
from streams.store.standings_memory import MemoryStandings
from tests.rule_folders import NOW, loaded

RULES = loaded("- {id: scam/lure, label: scam, action: remove, terms: [zzlure]}")
WEEK_S = 604_800.0


def line(author: str, text: str, minute: int, **more: object) -> bytes:
    """A line of a log."""
    sent_at = f"2024-05-01T20:{minute:02}:00Z"
    said = {"id": f"{author}-{minute}", "author": author, "text": text, "sent_at": sent_at}
    return json.dumps(said | more).encode()


async def test_a_log_is_judged_without_acting_on_anyone() -> None:
    """What is left is how everybody stands, at the times of the log; a record's value will do, too."""
    record = json.dumps({"key": "k", "value": json.loads(line("bo", "hello", 2, tenant="acme"))}).encode()
    log = [line("ana", "hello", 0), line("ana", "zzlure", 1), record]
    found, trouble = await from_log(log, RULES, None, None, b"")
    assert trouble == []
    at = 1_714_593_600.0
    assert found == {
        "default/default/ana": Reputation(1.0, 1, 2, at, at + 60),
        "acme/default/bo": Reputation(0.0, 1, 1, at + 120, at + 120),
    }


async def test_lines_that_teach_nothing_are_named() -> None:
    """By number and reason; the others count."""
    log = [line("ana", "hello", 0), b"{}", b"no json", b'{"id":"x","sent_at":"2024-05-01T20:00:00Z"}']
    found, trouble = await from_log(log, RULES, None, None, b"")
    assert list(found) == ["default/default/ana"]
    assert sorted(one.line for one in trouble) == [2, 3, 4]
    assert any("author" in one.reason for one in trouble)


def test_a_table_says_who_is_known() -> None:
    """By RFC 3339 or epoch seconds; columns may name tenant and platform."""
    table = [
        "author,good,first_seen,strikes,tenant\n",
        "ana,40,2024-05-01T20:00:00Z,0.5,acme\n",
        "bo,,1714593600,,\n",
        "cy,many,,0,\n",
        ",1,,0,\n",
        "di,1,yesterday,0,\n",
    ]
    found, trouble = from_table(table, "lantern", "irc", NOW)
    at = 1_714_593_600.0
    assert found == {
        "acme/irc/ana": Reputation(0.5, 40, 40, at, NOW),
        "lantern/irc/bo": Reputation(0.0, 0, 0, at, NOW),
    }
    assert trouble == [
        Trouble(4, "good: expected a number from 0 on, got 'many'"),
        Trouble(5, "author: there is none"),
        Trouble(6, "first_seen: expected RFC 3339 or epoch seconds, got 'yesterday'"),
    ]


def test_a_table_without_its_columns_is_refused() -> None:
    """Before anything is learned."""
    with pytest.raises(ConfigurationError, match="no column first_seen, strikes"):
        from_table(["author,good\n", "ana,1\n"], "t", "p", NOW)


async def test_what_is_learned_twice_counts_once() -> None:
    """By the file's first line; another file adds."""
    store, found = MemoryStandings(), {"t/p/ana": Reputation(0.5, 40, 40, NOW - 99, NOW)}
    steps: list[int] = []
    counts = [
        await learn(store, found, source_of(first), WEEK_S, progress=steps.append)
        for first in (b"one log\n", b"one log", b"another")
    ]
    assert (counts, steps) == ([1, 0, 1], [1, 1, 1])
    [standing] = await store.load([Ask("t/p/ana")], NOW)
    assert (standing.reputation.good, standing.reputation.strikes) == (80, 1.0)


@pytest.mark.parametrize(("tenant", "author"), [("a/b", "ana"), ("", "ana"), ("t", "")])
def test_a_name_that_no_author_has_is_refused(tenant: str, author: str) -> None:
    """A slash in a tenant would make keys collide."""
    with pytest.raises(ValueError, match=r"tenant|author"):
        author_key(tenant, "p", author)
