"""A rule set without its rules: what the model and the policy would do alone."""

from rules.verdict import Action
from tests.rule_folders import judged, loaded

RULES = loaded(
    """
    - {id: scam/nitro, label: scam, strength: strong, terms: [free nitro]}
    - {id: scam/new, label: scam, action: hold, all: [{length: "> 3"}]}
    """
)


def test_no_rule_speaks() -> None:
    """Neither those that look for something nor those that only have conditions."""
    assert judged(RULES, "get free nitro").action is Action.HOLD
    assert judged(RULES.without_rules(), "get free nitro").action is Action.ALLOW
    assert not RULES.without_rules().rules


def test_the_policy_stays() -> None:
    """The model's score climbs the same ladder."""
    bare = RULES.without_rules()
    assert bare.policy is RULES.policy
    assert judged(bare, "get free nitro", scores={"scam": 0.95}).decided_by == "ladder:scam:remove"


def test_the_hash_says_so() -> None:
    """A verdict by the model alone must not pass for one by all rules."""
    assert RULES.without_rules().hash == f"{RULES.hash}-no-rules"
