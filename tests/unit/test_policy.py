"""What scores are worth, and which policies are refused."""

from pathlib import Path

import pytest

from rules import packs
from rules.message import Message
from rules.reputation import Entry, Reputation
from rules.schema.policy import Policy
from rules.verdict import Action
from tests.rule_folders import NOW, loaded, problems

RULE = """
- id: scam/gift-card
  label: scam
  strength: strong
  terms: [gift card code]
"""


def policy(text: str) -> Policy:
    """Return the policy of a folder with one harmless rule."""
    return loaded(RULE, policy=text).policy


def complaints(text: str) -> list[str]:
    """Return what is wrong with a policy."""
    return problems(RULE, policy=text)


def test_scopes_merge_step_by_step_over_the_base() -> None:
    """A scope that names one step leaves the others as they are; the later scope has the last word."""
    found = policy("""
        labels: {spam: {base: -4, ladder: {flag: 40, hold: 60, remove: 90}}}
        scopes:
          - match: {channels: ["kids-*"]}
            labels: {spam: {ladder: {flag: 20, hold: 50}}}
          - match: {tenants: [acme]}
            labels: {spam: {ladder: {hold: 55}}}
    """)
    assert found.resolve("acme", "kids-1").of("spam").steps == (
        (90, Action.REMOVE), (55, Action.HOLD), (20, Action.FLAG),
    )  # fmt: skip
    assert found.resolve("other", "main").of("spam").steps == (
        (90, Action.REMOVE), (60, Action.HOLD), (40, Action.FLAG),
    )  # fmt: skip


def test_a_scope_can_take_a_step_away() -> None:
    """`never` is a step that no score reaches."""
    found = policy("""
        labels: {spam: {ladder: {flag: 40, remove: 90}}}
        scopes: [{match: {channels: [market]}, labels: {spam: {ladder: {remove: never}}}}]
    """)
    assert found.resolve("default", "market").of("spam").steps == ((40, Action.FLAG),)


def test_custom_labels_share_a_policy_unless_they_have_their_own() -> None:
    """An operator's label needs no entry."""
    found = policy("labels: {custom.*: {ladder: {flag: 50}}, custom.links: {ladder: {hold: 50}}}")
    labels = found.resolve("default", "default")
    assert labels.of("custom.anything").steps == ((50, Action.FLAG),)
    assert labels.of("custom.links").steps == ((50, Action.HOLD),)


def test_a_policy_that_forgets_self_harm_still_cares() -> None:
    """A cry for help is never punished, whatever a policy leaves out."""
    label = policy("labels: {}").resolve("default", "default").of("self_harm")
    assert label.care
    assert label.queue == "care"


def test_standing_moves_a_score_by_no_more_than_the_bound() -> None:
    """Strikes raise it, trust lowers it; a newcomer and an unknown author are not moved."""
    found = policy("max_shift: 1.0")
    assert found.shift(None, NOW) == 0
    assert found.shift(Reputation(), NOW) == 0
    assert found.shift(Reputation(strikes=40, as_of=NOW), NOW) == 1
    assert -1 < found.shift(Reputation(good=500, as_of=NOW), NOW) < -0.9


def test_strikes_count_half_after_a_half_life() -> None:
    """Who behaves for a week is half forgiven."""
    found = policy("reputation: {half_life: 7d, strikes_per_shift: 4}")
    before = Reputation(strikes=2, as_of=NOW)
    assert found.shift(before, NOW) == pytest.approx(0.5)
    assert found.shift(before, NOW + 7 * 86_400) == pytest.approx(0.25)


def test_a_label_may_have_a_half_life_of_its_own() -> None:
    """Who was struck for a scam waits longer than who was rude."""
    found = policy("reputation: {half_life: 7d, half_lives: {scam: 28d}, strikes_per_shift: 4}")
    week_ago = NOW - 7 * 86_400
    for label, shift in (("scam", 0.5 * 2**0.75), ("insult", 0.5)):
        struck = Reputation(ledger=(Entry("v", 4.0, week_ago, label),))
        assert found.reputation.strikes_at(struck, NOW) == pytest.approx(4 * shift)


def test_who_is_established_is_a_matter_of_good_messages() -> None:
    """Only they count for a brake, so that a raid of newcomers doesn't trip it."""
    terms = policy("reputation: {established: {good: 3}}").reputation
    assert terms.is_established(Reputation(good=3))
    assert not terms.is_established(Reputation(good=2, messages=90))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("labels: {spam: {base: 0, ladder: {flag: 70}}}",
         "spam: a message without evidence can reach 73.1 points"),
        ("labels: {spam: {ladder: {flag: 60, hold: 40}}}",
         "spam: the ladder must rise from flag over hold to remove"),
        ("labels: {spam: {ladder: {allow: 10}}}", "spam: allow is no step of a ladder"),
        ("labels: {self_harm: {ladder: {flag: 20}}}",
         "self_harm: is about someone in need; write care: true"),
        ("labels: {self_harm: {care: true, ladder: {hold: 60}}}", "self_harm: care never goes above flag"),
        ("labels: {spamm: {ladder: {flag: 20}}}", 'unknown label "spamm"; use a known one or custom.spamm'),
        ("labels: {spam: {ladder: {flag: 100}}}",
         'labels.spam.ladder.flag: expected points above 0 and below 100'),
        ("labels: {spam: {ladder: {ban: 50}}}", "expected allow or flag or hold or remove"),
        ("labels: {spam: {base: high}}", 'labels.spam.base: expected a number, got "high"'),
        ("strengths: {weak: 1, medium: 0, strong: 4}", "strengths.medium: must be above 0"),
        ("reputation: {half_life: 7}",
         'reputation.half_life: expected a time such as 30s, 10m, 24h or 7d, got "7"'),
        ("reputation: {strikes: {allow: 1}}", "reputation.strikes.allow: must not be 1"),
        ("reputation: {model_alone_a_day: -1}", "reputation.model_alone_a_day: must not be below 0"),
        ("reputation: {half_lives: {scamm: 3d}}", 'half_lives: unknown label "scamm"'),
        ("brake: {authors: 0}", "brake.authors: must be above 0"),
        ("hold: {for: 1d, on_expiry: flag}", "hold.on_expiry: write allow or remove"),
        ("max_shfit: 1", 'unknown key "max_shfit"; did you mean "max_shift"?'),
        ("max_evidence: 0", "max_evidence: must be above 0"),
        (
            "scopes: [{match: {}, labels: {self_harm: {ladder: {remove: 90}}}}]",
            "self_harm: care never goes above flag",
        ),
    ],
)  # fmt: skip
def test_an_unsound_policy_is_refused(text: str, complaint: str) -> None:
    """With the file, the line and what to do."""
    found = complaints(text)
    assert any(complaint in line for line in found), found
    assert all(line.startswith("policy.yaml:1: ") for line in found)


def test_the_line_is_that_of_the_label() -> None:
    """A long policy is searched by line, not by eye."""
    assert complaints("""
        labels:
          scam: {base: -4, ladder: {flag: 30}}
          spam: {base: 3, ladder: {flag: 30}}
    """) == [
        "policy.yaml:4: spam: a message without evidence can reach 98.2 points, and flag begins at 30;"
        " lower the base or raise the step"
    ]


def test_a_folder_without_a_policy_is_refused(tmp_path: Path) -> None:
    """A forgotten file must not make a healthy worker that moderates nothing."""
    (tmp_path / "a.yaml").write_text("rules:" + RULE)
    assert [str(problem) for problem in packs.check(tmp_path)] == [
        "policy.yaml: is missing; without its ladders no score has a consequence"
    ]


def test_a_place_is_worked_out_once() -> None:
    """Resolving is for the first message of a channel, not for each."""
    rules = loaded(RULE)
    first = rules.place(Message("1", channel="a"))
    assert rules.place(Message("2", channel="a")) is first
    assert rules.place(Message("3", channel="b")) is first
