"""Thirty packs, each broken in its own way: `check` says thirty different things, each with file and line."""

from pathlib import Path

import pytest

from rules import packs
from tests.rule_folders import POLICY

OK = "label: spam, strength: weak"

# What is wrong, as the body of a rule or as a whole file, and a word of what is said.
BROKEN = {
    "unknown-key": (f"- {{id: x/NAME, {OK}, phrases: [x]}}", 'unknown key "phrases"'),
    "misspelt-key": ("- {id: x/NAME, label: spam, strenght: weak, terms: [x]}", 'did you mean "strength"'),
    "no-such-strength": ("- {id: x/NAME, label: spam, strength: huge, terms: [x]}", "weak or medium"),
    "no-number": ("- {id: x/NAME, label: spam, weight: much, terms: [x]}", 'expected a number, got "much"'),
    "no-such-label": ("- {id: x/NAME, label: spamm, strength: weak, terms: [x]}", 'unknown label "spamm"'),
    "no-id": (f"- {{{OK}, terms: [x]}}", '"id:" is missing'),
    "odd-id": (f"- {{id: Spam, {OK}, terms: [x]}}", "write theme/name"),
    "twice-the-same-id": (
        f"- {{id: x/same, {OK}, terms: [x]}}\n- {{id: x/same, {OK}, terms: [y]}}", "choose another"
    ),
    "key-twice": (f"- {{id: x/NAME, {OK}, label: scam, terms: [x]}}", "stands here twice (first in line"),
    "no-such-list": (f"- {{id: x/NAME, {OK}, list: lists/gone.txt}}", "there is no file"),
    "no-such-rule": (f"- {{id: x/NAME, {OK}, all: [{{rule: nobody/here}}]}}", '"nobody/here" names no rule'),
    "bad-regex": (f"- {{id: x/NAME, {OK}, regex: '(unclosed'}}", "missing )"),
    "look-around": (f"- {{id: x/NAME, {OK}, regex: '(?!no)x'}}", "RE2 has no look-around"),
    "regex-of-nothing": (f"- {{id: x/NAME, {OK}, regex: 'a*'}}", "matches the empty text"),
    "half-a-term": (f"- {{id: x/NAME, {OK}, terms: ['buy & ']}}", "write a term on both sides"),
    "star-inside": (f"- {{id: x/NAME, {OK}, terms: ['a*b']}}", "a star stands before or behind"),
    "no-host": (f"- {{id: x/NAME, {OK}, domains: [no host]}}", "is not a host"),
    "not-yaml": ("- {id: x/a", "not YAML"),
    "an-alias": (f"- &one {{id: x/NAME, {OK}, terms: [x]}}", "an anchor or alias"),
    "empty-list": (f"- {{id: x/NAME, {OK}, terms: []}}", "the list is empty"),
    "fires-on-everything": (f"- {{id: x/NAME, {OK}}}", "would fire on everything"),
    "does-nothing": ("- {id: x/NAME, label: spam, terms: [x]}", "the rule does nothing"),
    "final-on-standing": (
        "- {id: x/NAME, label: spam, action: hold, final: true, author: {trust: '< 1'}}", "on standing"
    ),
    "punished-care": ("- {id: x/NAME, label: self_harm, action: remove, terms: [x]}", "someone in need"),
    "own-test-fails": (f"- {{id: test/a, {OK}, terms: [aaa], hit: [bbb]}}", '"bbb" is not hit'),
    "term-twice": (f"- {{id: twice/a, {OK}, terms: [free stuff, FREE  stuff]}}", 'twice as "free stuff"'),
    "term-within-a-term": (f"- {{id: nested/a, {OK}, terms: [viewer*, viewers now]}}", 'found by "viewer*"'),
    "never-both": (
        f"- {{id: never/a, {OK}, all: [{{length: '> 9'}}, {{length: '< 3'}}]}}", "never hold together"
    ),
    "spares-its-own-term": (
        f"- {{id: self/a, {OK}, terms: [darn]}}\n- {{id: self/allow, allow: [darn], spares: [self/a]}}",
        "self/allow spares that very term",
    ),
    "never-found": (f"- {{id: apart/a, {OK}, terms: [buy & gold ~ gold]}}", "is never found"),
}  # fmt: skip


def write(folder: Path, names: list[str]) -> Path:
    """Write these packs and a policy, and a list that no rule reads."""
    (folder / "lists").mkdir(parents=True)
    (folder / "policy.yaml").write_text("\n".join(line[4:] for line in POLICY.splitlines()))
    for name in names:
        (folder / f"{name}.yaml").write_text(f"# Broken.\nrules:\n{BROKEN[name][0].replace('NAME', name)}\n")
    return folder


def test_there_are_thirty() -> None:
    """The bar."""
    assert len(BROKEN) == 30


@pytest.mark.parametrize("name", BROKEN)
def test_each_by_itself_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    """File, line, what is wrong and what to do."""
    found = packs.inspect(write(tmp_path / "packs", [name]))
    (line,) = [str(problem) for problem in (*found.problems, *found.advice)]
    place, _, message = line.partition(": ")
    assert place.rpartition(":")[0] == f"{name}.yaml"
    assert int(place.rpartition(":")[2]) >= 3
    assert BROKEN[name][1] in message
    assert "\n" not in line


def test_a_folder_of_all_thirty_gives_thirty_different_lines(tmp_path: Path) -> None:
    """Nobody mends a folder in thirty rounds."""
    found = packs.inspect(write(tmp_path / "packs", list(BROKEN)))
    lines = [str(problem) for problem in (*found.problems, *found.advice)]
    assert sorted(line.partition(".yaml:")[0] for line in lines) == sorted(BROKEN)
    messages = {line.partition(": ")[2] for line in lines}
    assert len(messages) == 30
    for name, (_, said) in BROKEN.items():
        assert any(line.startswith(f"{name}.yaml:") and said in line for line in lines), name
