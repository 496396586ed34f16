"""What loads and yet could be better is said with file and line; what is in order is left alone."""

import tempfile
from pathlib import Path

import pytest

from rules import packs
from tests.rule_folders import NOW, POLICY, write

WEAK = "- id: spam/a\n  label: spam\n  strength: weak\n  "


def advised(rules: str, **lists: str) -> list[str]:
    """Return the advice on a folder that loads."""
    with tempfile.TemporaryDirectory() as root:
        found = packs.inspect(write(Path(root) / "packs", rules, policy=POLICY, **lists), now=NOW)
    assert found.problems == []
    return [str(each) for each in found.advice]


@pytest.mark.parametrize(
    ("rules", "line", "said"),
    [
        (WEAK + "terms: [a b, A  B]", 5, '"A  B" stands here twice as "a b" (first in line 5)'),
        (WEAK + "terms:\n    - viewers\n    - buy viewers now", 7, 'is found by "viewers" (line 6) already'),
        (WEAK + 'terms: ["*view*", "viewers"]', 5, 'is found by "*view*"'),
        (WEAK + 'terms: ["view*", "viewer*"]', 5, '"viewer*" is found by "view*"'),
        (WEAK + 'terms: ["*ab*"]', 5, '"*ab*" is in every other word'),
        (WEAK + "terms: [gold ~ gold]", 5, '"gold ~ gold" is never found'),
        (WEAK + "terms: [x]\n  within: 4 words", 6, "within: no term has parts"),
        (WEAK + "regex:\n    - ab+\n    - cd+\n    - ab+", 8, 'the expression "ab+" stands here twice'),
        (WEAK + "domains: [evil.example, www.evil.example]", 5, '"www.evil.example" is under "evil.example"'),
        (WEAK + "domains: [com]", 5, '"com" is an ending'),
        (WEAK + "all: [{length: '> 9'}, {length: '< 4'}]", 5, 'length: "< 4" and "> 9" never hold together'),
        (WEAK + "all: [{caps: '> 1'}]", 5, 'caps: "> 1" never holds'),
        (WEAK + "all: [{mentions: '>= 0'}]", 5, 'mentions: ">= 0" always holds'),
        (WEAK + "all: [{author: {trust: '>= 2'}}]", 5, 'author.trust: ">= 2" never holds'),
        (WEAK + "all: [{has: link}]\n  none: [{has: link}]", 6, "none: stands under all too (line 5)"),
        (WEAK + "all: [{surface: name}]\n  scope: {surfaces: [chat]}", 5, "the rule's scope has no name"),
        (WEAK + "all: [{language: de}]\n  scope: {languages: [en]}", 5, "the rule's scope has no de"),
        (WEAK + "terms: [x]\n  expires: 2020-01-01", 6, "expires: ended on 2020-01-01"),
        (WEAK + "terms: [x]\n  rollout: 100%", 6, "rollout: all authors are in it"),
        ("- id: spam/a\n  label: spam\n  weight: 12\n  terms: [x]", 4, "weight: the policy counts 8 at most"),
        ("- id: hate/a\n  label: violence\n  weight: 2\n  terms: [x]", 3, "violence has no ladder"),
        (WEAK + "model: {spam: {precision: 0.9}}", 2, "waits for a precision of 0.9; no model promises any"),
        (WEAK + "terms: [x]\n- {id: spam/b, against: spam, strength: weak, terms: [x]}", 6,
         "speaks for spam in spam/a"),
        (WEAK + "terms: [x]\n  status: shadow\n- {id: a/b, label: spam, weight: 1, all: [{rule: spam/a}]}", 7,
         "asks for rules in shadow only (spam/a)"),
        (WEAK + "terms: [x]\n- {id: allow/a, allow: [y], spares: [spam/a]}", 6, '"y" spares nothing'),
        (WEAK + "terms: [x]\n- {id: allow/a, allow: [x, a x], spares: [spam/a]}", 5, '"x" never counts'),
        ("- {id: spam/a, label: spam, action: hold, final: true, terms: [x]}\n"
         "- {id: allow/a, allow: [a x], spares: [spam/a]}", 3, "names only final rules"),
    ],
)  # fmt: skip
def test_what_could_be_better_is_named_with_its_line(rules: str, line: int, said: str) -> None:
    """In a sentence that says what to do, or what is the matter."""
    found = advised(rules)
    assert any(each.startswith(f"test.yaml:{line}: ") and said in each for each in found), found


def test_a_term_that_ends_inside_a_word_finds_no_longer_one() -> None:
    """In scripts without spaces the longer term may be needed; dictionaries say so."""
    rule = "- {id: spam/a, label: spam, strength: weak, list: lists/words.txt}"
    assert advised(rule, words="中出\n发展中出现\n") == []
    assert advised(rule, words="微信\n加微信\n") == [
        'lists/words.txt:2: "加微信" is found by "微信" (line 1) already; take it out'
    ]


def test_lists_are_looked_at_too() -> None:
    """By their own lines; a list that no rule reads is named."""
    rule = "- {id: spam/a, label: spam, strength: weak, list: lists/words.txt}"
    found = advised(rule, words="# provenance: here\nfree gold\nbuy free gold | 1\nfree gold\n", lost="x\n")
    assert found == [
        "lists/lost.txt:1: no rule reads this list; name it in one, or delete it",
        'lists/words.txt:3: "buy free gold" is found by "free gold" (line 2) already; take it out',
        'lists/words.txt:4: "free gold" stands here twice (first in line 2); take one out',
    ]


@pytest.mark.parametrize(
    "rules",
    [
        WEAK + "terms: [view*, review, ungold, gold*, Buy, '*coin', coins]",
        WEAK + "terms: [buy & gold, gold & buy now, buy gold ~ gold rush]\n  within: 3 words",
        WEAK + "all: [{length: '> 3'}, {length: '< 9'}, {caps: '> 0.5'}]",
        WEAK + "terms: [x]\n- {id: allow/a, allow: [a x b, x b], spares: [spam/a]}",
        WEAK
        + "terms: [x]\n- {id: spam/b, against: spam, strength: weak, terms: [x], scope: {channels: [c]}}",
        WEAK + "domains: [evil.example, evil.example.org, evilexample.org/a]",
    ],
)
def test_what_is_in_order_is_left_alone(rules: str) -> None:
    """Advice that is wrong teaches people not to read it."""
    assert advised(rules) == []


def test_a_severer_term_within_a_milder_one_is_not_idle() -> None:
    """A rule may read only the severe ones."""
    rule = "- {id: spam/a, label: spam, strength: weak, list: lists/words.txt, severity: '>= 2'}"
    assert advised(rule, words="gold\ngold rush | 3\n") == []


def test_a_severity_that_no_term_has_is_named() -> None:
    """Such a rule never fires."""
    rule = "- {id: spam/a, label: spam, strength: weak, list: lists/words.txt, severity: '>= 4'}"
    assert advised(rule, words="gold | 3\n") == [
        "test.yaml:2: spam/a: severity: no term of its lists has such a severity; nothing is found"
    ]


def test_a_long_list_is_looked_at_in_no_time() -> None:
    """Comparing each term with each would take minutes."""
    words = "\n".join(f"word{number} and more" for number in range(30_000))
    rule = "- {id: spam/a, label: spam, strength: weak, list: lists/words.txt}"
    assert advised(rule, words=words) == []
