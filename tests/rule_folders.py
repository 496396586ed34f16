"""Folders of packs for tests: written to a temporary folder and loaded like any other."""

import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path

from rules import packs
from rules.decide import decide
from rules.errors import Problem
from rules.finding.behaviour import Lately
from rules.message import Author, Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.schema.labels import Maturity
from rules.switches import NONE, Switches
from rules.verdict import Judgement

POLICY = """
    max_evidence: 8
    max_shift: 1.0
    strengths: {weak: 1.0, medium: 2.2, strong: 4.5}
    reputation: {strikes: {hold: 0.5, remove: 1}}
    labels:
      scam: {base: -4, trust: ignored, ladder: {flag: 30, hold: 60, remove: 90}}
      spam: {base: -4, ladder: {flag: 30, hold: 60, remove: 90}}
      profanity: {base: -4, ladder: {flag: 60}}
      self_harm: {base: -4.5, trust: ignored, care: true, ladder: {flag: 20}, queue: care}
"""
NOW = 1_800_000_000.0


def write(folder: Path, rules: str, *, policy: str = POLICY, **lists: str) -> Path:
    """Write a pack of these rules, a policy, and lists by name without their ending."""
    (folder / "lists").mkdir(parents=True)
    (folder / "policy.yaml").write_text(textwrap.dedent(policy))
    (folder / "test.yaml").write_text(
        "rules:\n" + textwrap.indent(textwrap.dedent(rules).strip("\n"), "  ") + "\n"
    )
    for name, text in lists.items():
        (folder / "lists" / f"{name}.txt").write_text(textwrap.dedent(text))
    return folder


def loaded(
    rules: str, *, policy: str = POLICY, maturity: Mapping[str, Maturity] | None = None, **lists: str
) -> RuleSet:
    """Return the rule set of such a folder."""
    with tempfile.TemporaryDirectory() as root:
        return packs.load(write(Path(root) / "packs", rules, policy=policy, **lists), maturity=maturity)


def problems(rules: str, *, policy: str = POLICY, **lists: str) -> list[str]:
    """Return what is wrong with such a folder, one line each."""
    with tempfile.TemporaryDirectory() as root:
        found: list[Problem] = packs.check(write(Path(root) / "packs", rules, policy=policy, **lists))
    return [str(problem) for problem in found]


def said(text: str, **fields: object) -> Message:
    """Return a message of an ordinary author; `roles=` are theirs."""
    roles = fields.pop("roles", ())
    author = fields.pop("author", Author("ann", roles=roles))  # type: ignore[arg-type]
    return Message("m1", author, text, **fields)  # type: ignore[arg-type]


def judged(
    rules: RuleSet,
    message: Message | str,
    *,
    scores: dict[str, float] | None = None,
    reputation: Reputation | None = None,
    now: float = NOW,
    braked: tuple[str, ...] = (),
    switches: Switches = NONE,
    seen: Lately | None = None,
) -> Judgement:
    """Scan a message and decide."""
    if isinstance(message, str):
        message = said(message)
    evidence = rules.scan(message)
    return decide(
        message, evidence, rules,
        scores=scores, reputation=reputation, now=now, braked=braked, switches=switches, seen=seen,
    )  # fmt: skip
