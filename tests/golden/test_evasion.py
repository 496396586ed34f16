"""The evasion table in small: of every fiftieth term of the shipped lists, who is found in disguise."""

from pathlib import Path

from rules import packs
from tests.evasion import gaps, hosts, terms

EACH = 50
BAR, SLACK = 0.97, 0.02  # a few hundred terms are off by a term or two


def test_no_attack_hides_more_than_a_few_terms() -> None:
    """The whole table is made by `make evasion`."""
    rules = packs.load(Path("rules/packs"))
    rows = list(terms.measured(rules, EACH))
    assert len(rows) == len(terms.ATTACKS)
    assert [row for row in rows if row.tried > EACH and row.retained < BAR - SLACK] == []


def test_what_is_said_to_evade_does() -> None:
    """What is found by now belongs out of that table."""
    rules = packs.load(Path("rules/packs"))
    assert [gap for gap in gaps.GAPS if gaps.is_found(rules, gap)] == []


def test_hosts_are_found_however_they_are_spelled() -> None:
    """Each line of that table ends with the share that is found."""
    lines = list(hosts.table(packs.load(Path("rules/packs"))))[2:]
    shares = {line.split("|")[1].strip(): float(line.split("|")[4].strip(" %")) for line in lines}
    assert shares
    assert {name: share for name, share in shares.items() if share < 100 * BAR} == {}
