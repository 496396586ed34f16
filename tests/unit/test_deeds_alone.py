"""Where only what an author did speaks against them, a text is asked only for what may help against that."""

import pytest

from rules.finding.behaviour import Lately
from rules.finding.trail import LAYOUT, stamp
from rules.schema.labels import Maturity
from rules.verdict import Action
from tests.rule_folders import NOW, judged, loaded, said

RULES = """
- {id: flood/fast, label: flood, action: hold, behaviour: {messages: "> 2", within: 10s}}
- {id: spam/game, against: [threat, scam], strength: strong, terms: [boss fight]}
"""
FAST = Lately(
    LAYOUT.unpack(LAYOUT.pack(stamp(NOW, 1), 9, b"own text", 1, 9, 9, 0, 0, 0, 0)),
    b"".join(LAYOUT.pack(stamp(NOW - 3 + n, 1), n, b"%8d" % n, 1, n, 9, 0, 0, 0, 0) for n in range(3)),
)


def test_what_speaks_in_favour_elsewhere_is_not_looked_for() -> None:
    """As where nothing follows; what is done is the same."""
    judgement = judged(loaded(RULES), "boss fight", seen=FAST, scores={"threat": 0.25})
    assert (judgement.action, judgement.scores["threat"]) == (Action.HOLD, 0.25)
    assert [reason.rule for reason in judgement.reasons] == ["flood/fast"]


def test_but_it_is_where_the_model_speaks_against_them() -> None:
    """Then something follows from it: 95 points, less the plea, are 17."""
    rules = loaded(RULES, maturity={"scam": Maturity.AUTOMATIC})
    assert judged(rules, "boss fight", seen=FAST, scores={"scam": 0.95}).action is Action.HOLD
    assert judged(rules, "hello", seen=FAST, scores={"scam": 0.95}).action is Action.REMOVE


@pytest.mark.parametrize(
    "beside",
    [
        # A plea against what fired, or against what it wakes.
        "- {id: game/talk, against: [flood], strength: strong, terms: [boss fight]}",
        "- {id: other/woken, label: scam, action: remove, all: [{rule: flood/fast}]}\n"
        "- {id: game/talk, against: [scam], strength: strong, terms: [boss fight]}",
    ],
)
def test_what_speaks_against_what_fired_is_a_reason(beside: str) -> None:
    """Nobody did it without the text's word."""
    judgement = judged(loaded(RULES + beside), "boss fight", seen=FAST)
    assert "game/talk" in [reason.rule for reason in judgement.reasons]


def test_a_rule_that_asks_whether_a_plea_is_there_is_told() -> None:
    """It waits for what the author did, too."""
    asks = 'none: [{rule: spam/game}], behaviour: {messages: "> 2", within: 10s}'
    rules = loaded(f"{RULES}- {{id: flood/no-game, label: spam, action: remove, {asks}}}")
    assert judged(rules, "boss fight", seen=FAST).action is Action.HOLD
    assert judged(rules, "hello", seen=FAST).action is Action.REMOVE


@pytest.mark.parametrize("links", ["links: {kind: [full]}", "domains: [a.example]"])
def test_a_link_that_an_allow_rule_spares_is_spared(links: str) -> None:
    """The rule asks who sent it, so that it is asked late; the host is an allowed term all the same."""
    rules = loaded(
        f"""
        - {{id: spam/link, label: spam, action: hold, {links}, author: {{roles: [newbie]}}}}
        - {{id: allow/host, allow: ["https://a.example"], spares: [spam/link]}}
        """
    )
    assert judged(rules, said("https://a.example", roles=("newbie",))).action is Action.ALLOW
    assert judged(rules, said("https://a.example/b", roles=("newbie",))).action is Action.HOLD


def test_terms_of_a_rule_that_waits_are_found() -> None:
    """It looks for words, and what the author did makes them count."""
    waits = 'terms: [prize], behaviour: {messages: "> 2", within: 10s}'
    judgement = judged(
        loaded(f"- {{id: spam/fast, label: spam, action: hold, {waits}}}"), "a prize", seen=FAST
    )
    assert [(reason.rule, reason.matched) for reason in judgement.reasons] == [("spam/fast", "prize")]
