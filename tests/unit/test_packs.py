"""Packs are read strictly: each mistake is named with its file, its line and what to do."""

from pathlib import Path

import pytest

from rules import packs
from rules.errors import RuleFileError
from tests.rule_folders import loaded, problems, said, write

GOOD = """
- id: scam/gift-card
  label: scam
  strength: strong
  terms: [gift card code]
"""
WEAK = "- id: scam/a\n  label: scam\n  strength: weak\n  "
ACT = "- id: scam/a\n  label: scam\n  action: hold\n  "
SHIPPED = Path(packs.__file__).parent / "packs"


def test_a_good_folder_loads_and_has_nothing_wrong_with_it(tmp_path: Path) -> None:
    """Loading says where it came from, which rules are in it and what it is called."""
    folder = write(tmp_path / "packs", GOOD)
    rules = packs.load(folder)
    assert list(rules.rules) == ["scam/gift-card"]
    assert rules.loaded_from == folder
    assert len(rules.hash) == 16
    assert packs.check(folder) == []


def test_every_scalar_is_the_string_that_was_written() -> None:
    """YAML would make `no`, `on`, `1488` and `2026-12-06` something else than words."""
    rules = loaded("""
        - id: spam/words
          label: spam
          strength: weak
          terms: [no, on, 1488, 0x10, 2026-12-06, null]
          hit: [no, on, 1488, 0x10, 2026-12-06, null]
    """)
    assert rules.rules["spam/words"].terms == ("no", "on", "1488", "0x10", "2026-12-06", "null")


def test_the_hash_is_that_of_all_files_read(tmp_path: Path) -> None:
    """A changed list is another rule set, a renamed pack too; reading twice is the same one."""
    rule = GOOD + "  list: lists/more.txt\n"
    folder = write(tmp_path / "packs", rule, more="free money\n")
    first = packs.load(folder).hash
    assert packs.load(folder).hash == first
    (folder / "lists" / "more.txt").write_text("free money\n# said twice a day\n")
    second = packs.load(folder).hash
    (folder / "test.yaml").rename(folder / "scam.yaml")
    assert len({first, second, packs.load(folder).hash}) == 3


def test_a_folder_that_did_not_change_gives_back_the_previous_rule_set(tmp_path: Path) -> None:
    """A reload that changes nothing costs next to nothing."""
    folder = write(tmp_path / "packs", GOOD)
    first = packs.load(folder)
    assert packs.load(folder, previous=first) is first


@pytest.mark.parametrize(
    ("rules", "line", "complaint"),
    [
        ("- id: scam/a\n  label: scam\n  strength: high\n  terms: [x]", 4,
         'strength: expected weak or medium or strong, got "high"'),
        ("- id: scam/a\n  label: scam\n  weight: heavy\n  terms: [x]", 4,
         'weight: expected a number, got "heavy"'),
        (WEAK + "phrases: [x]", 5, 'unknown key "phrases"; known are '),
        ("- id: scam/a\n  label: scam\n  strenght: weak\n  terms: [x]", 4, 'did you mean "strength"?'),
        (WEAK + "terms: []", 5, "terms: the list is empty"),
        (WEAK + "terms:", 5, "terms: is empty"),
        (WEAK + "terms: [x, '']", 5, "terms: is empty"),
        ("- id: scam/a\n  label: scam\n  label: spam", 4, '"label" stands here twice (first in line 3)'),
        ("- label: scam\n  strength: weak\n  terms: [x]", 2, '"id:" is missing'),
        ("- id: a\n  label: scam\n  strength: weak\n  terms: [x]", 2, 'id: "a": write theme/name'),
        ("- id: scam/a\n  label: scum\n  strength: weak\n  terms: [x]", 3, 'label: unknown label "scum"'),
        (WEAK + "list: lists/no.txt", 5, 'list: there is no file "lists/no.txt"'),
        (WEAK + "list: ../secret.txt", 5, 'there is no file "../secret.txt"'),
        (WEAK + "regex: '(a'", 5, "regex: "),
        (WEAK + "regex:\n    - good\n    - '(bad'", 7, "regex: "),
        (WEAK + "terms: [good, '&']", 5, "&"),
        (WEAK + "terms: ['a & ']", 5, "write a term on both sides of & and ~"),
        (WEAK + "domains: [not a host]", 5, "not a host"),
        (WEAK + "model: {hate: 0.9}", 5, 'model.hate: expected a comparison such as "< 3"'),
        (WEAK + "model: {hate: '> 9'}", 5, "expected a probability from 0 to 1"),
        (WEAK + "model: {hate: {precision: 95}}", 5, "hate.precision: write a share from 0.5"),
        (WEAK + "model: {flood: '> 0.9'}", 5, 'model: the model knows no label "flood"'),
        (WEAK + "behaviour: {n: 4}", 5, 'unknown key "n"'),
        (WEAK + "behaviour: {same_text: '> 4'}", 5, "behaviour: write messages, same_text, channels"),
        (WEAK + "behaviour: {same_text: '< 4', within: 9s}", 5, 'same_text: counts what is too much'),
        (WEAK + "behaviour: {messages: '> 32', within: 9s}", 5, "write a number from 1 to 31"),
        (WEAK + "behaviour: {messages: '> 0', within: 9s}", 5, "write a number from 1 to 31"),
        (WEAK + "behaviour: {messages: '>= 1', within: 9s}", 5, 'behaviour: messages: ">= 1" is met by this'),
        (WEAK + "behaviour: {links: '> 2', alike: '>= 1', within: 9s}", 5, 'alike: ">= 1" is met by this'),
        (WEAK + "any: [{behaviour: {channels: '>= 1.0', within: 9s}}, {has: link}]", 5, 'write ">= 2" or'),
        (WEAK + "behaviour: {messages: '> 4', within: 2h}", 5, "within: looks back 1h at most"),
        (WEAK + "behaviour: {same_text: '> 4', within: 9s, ignore: [dots]}", 5, 'or "under 12 letters"'),
        (WEAK + "behaviour: {same_text: '> 4', within: 9s}\n  unknown: true", 6, "would fire on everybody"),
        (WEAK + "rollout: 25\n  terms: [x]", 5, "rollout: expected a share such as 25%"),
        (WEAK + "budget: {authors: 0}\n  terms: [x]", 5, "budget: authors and within must be above 0"),
        (ACT + "final: true\n  budget: {authors: 9}\n  terms: [x]", 6, "budget: doesn't go with final"),
        (ACT + "final: true\n  model: {hate: '> 0.9'}", 5, "final: doesn't go with conditions on the model"),
        (WEAK + "at_least: {count: 2, of: [{has: link}, {has: code}]}", 5, "at_least: 2 of 2 conditions"),
        (WEAK + "all:\n    - has: link\n    - any: [{caps: '> 1'}, {}]", 7, "all: the condition is empty"),
        (WEAK + "all: [{script: [klingon]}]", 5, "all.script: expected a script such as latin"),
        (WEAK + "all: [{language: [German]}]", 5, "all: language: write codes such as en"),
        (WEAK + "all: [{emoji: {}}]", 5, "all: emoji: is empty; write count or share"),
        (WEAK + "all: [{links: {like: [discord]}}]", 5, '"discord" is no host to look like'),
        (WEAK + "all: [{has: link}]\n  parts: said", 6, "parts: there is nothing to be found in them"),
        ("- id: allow/a\n  allow: whole-message\n  spares: [scam/*]", 3, "whole-message needs copies"),
        ("- id: allow/a\n  allow: [x]\n  copies: [y]\n  spares: [scam/*]", 4, "copies: is for allow: whole"),
        (WEAK + "scope: {languages: [german]}\n  terms: [x]", 5, "scope: languages: write codes"),
        ("- id: scam/a\n  label: scam\n  strength: weak", 2, "the rule would fire on everything"),
        ("- id: scam/a\n  label: scam\n  terms: [x]", 2, "the rule does nothing"),
        ("- id: scam/a\n  strength: weak\n  terms: [x]", 3, "needs a label that it is evidence for"),
        ("- id: scam/a\n  action: hold\n  terms: [x]", 3, "needs a label that says what it is for"),
        (WEAK + "weight: 2\n  terms: [x]", 5, "strength or weight, not both"),
        ("- id: scam/a\n  label: scam\n  weight: -2\n  terms: [x]", 4, "has against:"),
        (ACT + "at_most: flag\n  terms: [x]", 5, "is milder than the rule's own"),
        (WEAK + "terms: [x]\n  message: {english: Please be kind.}", 6, 'message: write codes such as en'),
        ("- id: scam/a\n  at_most: remove\n  terms: [x]", 3, "at_most: remove is the most anyway"),
        (WEAK + "final: true\n  terms: [x]", 5, "final: needs an action"),
        (ACT + "final: true\n  terms: [x]\n  author: {messages: '< 3'}", 5,
         "final: doesn't go with conditions on standing"),
        ("- id: self_harm/a\n  label: self_harm\n  action: remove\n  terms: [x]", 4, "flag is the most"),
        ("- id: self_harm/a\n  label: self_harm\n  strength: weak\n  strike: 1\n  terms: [x]", 5,
         "never costs a strike"),
        (WEAK + "domains: lists/no.txt", 5, 'domains: there is no file "lists/no.txt"'),
        ("- id: allow/a\n  allow: [Scunthorpe]\n  spares: [allow/*, scam/b]", 4, '"scam/b" names no rule'),
        (WEAK + "terms: [x]\n  within: 8", 6, "expected a distance such as 8 words"),
        (WEAK + "terms: [x]\n  severity: '>= 2'", 6, "severity: is for lists"),
        (WEAK + "all: [{rule: 'spam/*'}]", 5, 'rule: "spam/*" names no rule'),
        (WEAK + "all: [{rule: scam/a}]", 5, 'rule: "scam/a" asks about other rules itself'),
        (WEAK + "all: [{}]", 5, "all: the condition is empty"),
        (WEAK + "author: {messages: 3}", 5,
         'author.messages: expected a comparison such as "< 3", got "3"'),
        (WEAK + "author: {age: '< 3'}", 5, "author.age: expected a time"),
        (WEAK + "links: {only: [a.example], except: [b.example]}", 5, "links: write either except or only"),
        ("- id: allow/a\n  allow: [Scunthorpe]", 3, "allow: needs spares"),
        ("- id: allow/a\n  allow: [Scunthorpe]\n  spares: [profanity/*]", 4,
         'spares: "profanity/*" names no rule'),
        (WEAK + "terms: [x]\n  status: shadow\n  expires: soon", 7, "expires: expected a day such as"),
        ("- just a word", 2, "expected keys with values"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(rules: str, line: int, complaint: str) -> None:
    """One line that says where, what, and what to do."""
    found = problems(rules)
    assert any(one.startswith(f"test.yaml:{line}: ") and complaint in one for one in found), found


def test_all_mistakes_are_named_at_once_and_in_order() -> None:
    """Nobody mends a file in ten rounds."""
    found = problems("""
        - id: scam/a
          label: scum
          strength: high
          terms: [x]
        - id: scam/b
          label: scam
          strength: weak
          list: lists/no.txt
        - id: scam/b
          label: scam
          strength: weak
          terms: ["a &"]
    """)
    assert [one.split(": ")[0] for one in found] == [
        "test.yaml:4",
        "test.yaml:9",
        "test.yaml:10",
        "test.yaml:13",
    ]


def test_an_id_is_given_once_across_files(tmp_path: Path) -> None:
    """The second one is named, with the place of the first."""
    folder = write(tmp_path / "packs", GOOD)
    (folder / "zoo.yaml").write_text("# A zoo.\nrules:" + GOOD)
    assert [str(problem) for problem in packs.check(folder)] == [
        'zoo.yaml:3: id: "scam/gift-card" is taken by test.yaml:2; choose another'
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty; fill it or take it away"),
        (b"# nothing yet\n", "holds only comments"),
        (b"rules: [\n", "x.yaml:2: not YAML"),
        (b"rules:\n  - id: \xff\n", "x.yaml:2: is not UTF-8"),
        (b"rules: " + b"[" * 400 + b"]" * 400, "nests deeper than 16 levels"),
        (b"a: &a [x, x]\nrules: [*a, *a]\n", "x.yaml:1: an anchor or alias"),
        (b"rules: !!python/object:os.system []\n", "x.yaml:1: a tag"),
        (b"- id: scam/a\n", "x.yaml:1: expected the one key `rules:`"),
        (b"rules:\n", "expected the one key `rules:`"),
        (b"rules: []\nextra: 1\n", "expected the one key `rules:`"),
        (b"--- 1\n--- 2\n", "a second document"),
    ],
)
def test_a_file_that_is_no_pack_is_named(tmp_path: Path, content: bytes, complaint: str) -> None:
    """Half-written, foreign and hostile files end in one line, not in a traceback."""
    folder = write(tmp_path / "packs", GOOD)
    (folder / "x.yaml").write_bytes(content)
    (problem,) = packs.check(folder)
    assert complaint in str(problem)
    with pytest.raises(RuleFileError, match=r"^x\.yaml"):
        packs.load(folder)


def test_a_folder_without_packs_is_refused(tmp_path: Path) -> None:
    """Also one that isn't there."""
    assert [str(problem) for problem in packs.check(tmp_path)] == [".: no packs here; expected *.yaml files"]
    assert packs.check(tmp_path / "nowhere") == packs.check(tmp_path)


def test_lists_have_comments_and_severities() -> None:
    """A rule takes the entries that its severity asks for; one without a number has 1."""
    rules = loaded(
        """
        - id: profanity/coarse
          label: profanity
          strength: medium
          list: lists/words.txt
          severity: ">= 2"
          hit: [what the frak, smeg off]
          miss: [oh darn, gosh]
        """,
        words="""
            # Provenance: written for this test. Language: none.
            darn | 1
            gosh        # mild
            frak | 2    # coarse

            smeg | 3
        """,
    )
    assert rules.scan(said("frak")).hits


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("frak | high\n", 'lists/words.txt:1: expected "term" or "term | 3", got "frak | high"'),
        ("ok\n*\n", "lists/words.txt:2: "),
        (
            "frak | 2\ndarn\nfrak | 3\n",
            'lists/words.txt:3: "frak" has severity 2 in line 1; keep one of them',
        ),
        ("", "lists/words.txt: is empty; fill it or take it away"),
    ],
)
def test_a_mistake_in_a_list_is_named_with_the_lists_own_line(words: str, complaint: str) -> None:
    """Not with the line of the rule that uses it."""
    rule = "- {id: profanity/a, label: profanity, strength: weak, list: lists/words.txt}"
    found = problems(rule, words=words)
    assert len(found) == 1
    assert found[0].startswith(complaint)


@pytest.mark.parametrize(
    ("tests", "complaint"),
    [
        ("hit: [gift card code, hello]", 'test.yaml:6: scam/gift-card: hit: "hello" is not hit'),
        (
            "miss:\n    - hello\n    - my gift card code",
            'test.yaml:8: scam/gift-card: miss: "my gift card code" is hit',
        ),
        ("spared: [x]", "spared: is for rules with allow"),
    ],
)
def test_a_rules_own_test_that_fails_is_named_with_its_line(tests: str, complaint: str) -> None:
    """So that a rule that broke is refused before it judges anybody."""
    assert complaint in "\n".join(problems(GOOD + f"  {tests}\n"))


def test_own_tests_run_inside_the_rules_scope() -> None:
    """Channel, language, surface and role are those that the rule acts in, unless a test says where."""
    loaded("""
        - id: scam/there
          label: scam
          strength: weak
          terms: [gift card]
          scope: {tenants: [acme], channels: ["kids-*", "x"], surfaces: [bio], languages: [de]}
          hit: [gift card]
          miss:
            - {text: gift card, channel: main}
            - {text: gift card, tenant: acme, channel: kids-1, surface: bio, lang: en}
        - id: scam/staff
          label: scam
          strength: weak
          terms: [gift card]
          author: {roles: [moderator]}
          hit: [gift card]
          miss: [{text: gift card, author: {roles: [subscriber]}}]
    """)


def test_own_tests_know_no_standing_unless_they_give_one() -> None:
    """A newcomer's test says so; without it the author is unknown, and the rule fires on nobody."""
    loaded("""
        - id: scam/newcomer
          label: scam
          strength: weak
          terms: [gift card]
          all: [{author: {messages: "< 3", age: "< 2d"}}]
          hit: [{text: gift card, standing: {messages: 2}, author: {age: 1d}}]
          miss:
            - gift card
            - {text: gift card, standing: {messages: 2}}
            - {text: gift card, author: {age: 1d}}
            - {text: gift card, standing: {messages: 3}, author: {age: 1d}}
    """)


def test_an_allow_rule_is_tested_by_what_it_spares_and_what_it_keeps() -> None:
    """Also where the rules that it spares act elsewhere only."""
    rules = """
        - id: profanity/kids
          label: profanity
          strength: weak
          terms: ["*cunt*"]
          scope: {channels: ["kids-*"]}
        - id: allow/names
          allow: [Scunthorpe]
          spares: [profanity/*]
    """
    fitting = '          spared: ["I live in Scunthorpe"]\n          kept: ["Scunthorpe cunt"]\n'
    assert problems(rules.rstrip() + "\n" + fitting) == []
    failing = '          spared: ["Scunthorpe cunt"]\n          kept: ["I live in Scunthorpe"]\n'
    assert problems(rules.rstrip() + "\n" + failing) == [
        'test.yaml:10: allow/names: spared: "Scunthorpe cunt" is still hit by profanity/kids',
        'test.yaml:11: allow/names: kept: of "I live in Scunthorpe" nothing is hit any more',
    ]


def test_a_miss_by_an_allow_rule_says_so() -> None:
    """Otherwise one searches the wrong file."""
    found = problems("""
        - id: profanity/a
          label: profanity
          strength: weak
          terms: ["*cunt*"]
          hit: [Scunthorpe]
        - id: allow/names
          allow: [Scunthorpe]
          spares: [profanity/*]
    """)
    assert found == ['test.yaml:6: profanity/a: hit: "Scunthorpe" is not hit; spared by allow/names']


def test_a_draft_is_read_and_checked_but_does_nothing() -> None:
    """Its tests may still fail; its keys may not be wrong."""
    draft = GOOD + "  status: draft\n  hit: [not there yet]\n"
    rules = loaded(draft)
    assert not rules.scan(said("gift card code")).hits
    assert "unknown key" in "\n".join(problems(draft + "  phrases: [x]\n"))


def test_the_shipped_packs_have_nothing_wrong_with_them() -> None:
    """What we ship, a platform can switch on today."""
    assert packs.check(SHIPPED) == []


def test_the_shipped_packs_hold_nothing_idle() -> None:
    """Every term finds something that no other one of its list or rule does: `check` has no advice for us."""
    assert packs.inspect(SHIPPED).advice == []
