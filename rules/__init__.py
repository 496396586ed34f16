"""Judgement: a message, evidence and standing in, a verdict out; knows neither network nor clock.

The way of a message: `packs.load(folder)` gives a RuleSet; its `scan(message)` gives Evidence;
`decide.decide(message, evidence, rules, …)` gives a Judgement, and `explain.explain`, asked the
same, takes it apart for a person. `fold.readable` is what a model reads.
"""

from rules.errors import PatternError, Problem, RuleError, RuleFileError
from rules.finding.evidence import Evidence
from rules.message import Author, Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.schema.policy import Policy
from rules.schema.rule import Rule
from rules.verdict import Action, Judgement, Verdict

__all__ = [
    "Action",
    "Author",
    "Evidence",
    "Judgement",
    "Message",
    "PatternError",
    "Policy",
    "Problem",
    "Reputation",
    "Rule",
    "RuleError",
    "RuleFileError",
    "RuleSet",
    "Verdict",
]
