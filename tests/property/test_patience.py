"""What a rule with conditions has found is passed over where they don't hold, and nothing is lost by that."""

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from rules.decide import decide
from rules.finding.behaviour import QUIET, Lately
from rules.message import Author, Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from tests.property.test_alarm import seen
from tests.property.test_decide import scores
from tests.rule_folders import NOW, loaded

FINDERS = (
    "links: {kind: [full, bare]}",
    "domains: [evil.example]",
    "terms: [prize]",
    'regex: ["priz[ea]s"]',
)
CONDITIONS = (
    "",
    'author: {messages: "< 5"}',
    'author: {messages: "< 5"}, unknown: true',
    'none: [{author: {messages: "< 5"}}]',
    'behaviour: {alike: "> 2", within: 60s}',
    'behaviour: {messages: "> 1", within: 60s}, author: {messages: "< 5"}',
    'none: [{behaviour: {links: "> 1", within: 60s}}]',
)
DOES = (
    "label: spam, strength: strong",
    "label: scam, action: hold",
    "label: spam, action: flag, status: shadow",
    "against: [spam, scam], strength: medium",
    "tags: [seen]",
    "label: spam, strength: weak, tags: [other]",
)
BESIDE = """
- {id: game/talk, against: [scam, spam], strength: strong, terms: [boss fight]}
- {id: exempt/staff, author: {roles: [moderator]}, at_most: flag}
- {id: spam/others, label: spam, action: hold, all: [{rule: "odd/*"}, {author: {messages: "< 9"}}]}
- {id: allow/prizes, allow: [nobel prize], spares: ["odd/*"]}
"""


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    """Return a few rules that find something, under conditions or none, beside others that go with them."""
    rules = []
    for number in range(draw(st.integers(1, 3))):
        parts = (
            draw(st.sampled_from(DOES)),
            draw(st.sampled_from(FINDERS)),
            draw(st.sampled_from(CONDITIONS)),
        )
        rules.append(f"- {{id: odd/r{number}, {', '.join(filter(None, parts))}}}")
    return loaded("\n".join(rules) + BESIDE)


TEXTS = st.lists(
    st.sampled_from(
        ("hello", "prize", "prizes", "nobel prize", "evil.example", "see https://x.example/a", "boss fight")
    ),
    max_size=4,
).map(" ".join)
SEEN: st.SearchStrategy[Lately | None] = (
    st.none() | st.just(QUIET) | st.randoms(use_true_random=True).map(seen)
)


@settings(max_examples=300, deadline=None)
@given(
    rule_sets(),
    TEXTS,
    st.sampled_from(((), ("moderator",))),
    st.none() | st.sampled_from((0, 7, 50)),
    SEEN,
    scores,
)
def test_it_is_as_if_everything_had_been_weighed(
    rules: RuleSet,
    text: str,
    roles: tuple[str, ...],
    said: int | None,
    lately: Lately | None,
    scores: dict[str, float] | None,
) -> None:
    """The short way and the long one end at the same judgement."""
    message = Message("m", Author("ann", roles=roles), text)
    reputation = None if said is None else Reputation(messages=said)
    short, long = rules.scan(message), rules.scan(message)
    long.harmless = False
    found = [
        decide(message, evidence, rules, scores=scores, reputation=reputation, now=NOW, seen=lately)
        for evidence in (short, long)
    ]
    event("short" if found[0].quiet else "long")
    assert not found[1].quiet
    if not found[0].quiet:
        assert repr(found[0]) == repr(found[1])
        return
    # It is only not said what would have spoken in the author's favour, or how that moves scores.
    assert all(reason.weight < 0 for reason in found[1].reasons)
    silent = {name: getattr(found[0], name) for name in ("reasons", "scores", "quiet")}
    assert found[0] == msgspec.structs.replace(found[1], **silent)
