"""What an allow rule may spare: hits wholly inside its terms, or an exact copy; nothing final."""

import re

from hypothesis import given
from hypothesis import strategies as st

from rules.decide import decide
from rules.finding.composites import Facts
from rules.finding.firing import Fired, fire
from rules.message import Author, Message
from rules.reputation import Reputation
from rules.verdict import Action
from tests.rule_folders import NOW, loaded

WORDS = ["gold", "rush", "pure gold", "gold rush", "cheap", "viewers", "cheap viewers", "hello", "x"]
ALLOWED = ["gold rush", "pure gold rush", "cheap"]
# As far as signs and spaces between the letters don't matter.
SPELLED = [re.compile(r"[\W_]*".join(term.replace(" ", "")), re.IGNORECASE) for term in ALLOWED]
COPY = "cheap viewers hello"
RULES = loaded(f"""
- {{id: spam/gold, label: spam, strength: weak, terms: [gold, pure gold]}}
- {{id: spam/both, label: spam, strength: weak, terms: [gold & viewers, viewers & cheap]}}
- {{id: spam/views, label: spam, action: hold, regex: 'view\\w+'}}
- {{id: spam/long, label: spam, strength: weak, all: [{{length: "> 9"}}]}}
- {{id: scam/gold, label: scam, action: flag, terms: [gold]}}
- {{id: scam/model, model: {{scam: "> 0.5"}}, action: hold}}
- {{id: block/gold, label: scam, action: remove, final: true, terms: [gold]}}
- {{id: block/both, label: spam, action: hold, final: true, terms: [cheap & viewers], rollout: 100%}}
- {{id: allow/words, allow: [{", ".join(ALLOWED)}], spares: ["spam/*", "block/*"]}}
- {{id: allow/copy, allow: whole-message, copies: ["{COPY}"], spares: ["spam/*", "scam/model", "block/*"]}}
- {{id: exempt/all, all: [{{length: "> 0"}}], at_most: allow}}
""")
texts = st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=7).map(" ".join) | st.just(COPY)
scores = st.none() | st.dictionaries(st.sampled_from(["spam", "scam"]), st.floats(0, 1), max_size=2)
reputations = st.none() | st.builds(Reputation, strikes=st.floats(0, 9), good=st.integers(0, 9000))


def fired(text: str, model: dict[str, float] | None) -> Fired:
    message = Message("m", Author("ann"), text)
    evidence = RULES.scan(message)
    facts = Facts(message, None, NOW, RULES.policy.reputation, evidence.links, model)
    return fire(evidence, facts)


def is_copy(text: str) -> bool:
    return " ".join(RULES.scan(Message("m", text=text)).folded.text.split()) == COPY


@given(texts, scores)
def test_an_allow_term_that_does_not_contain_a_hit_never_spares_it(
    text: str, model: dict[str, float] | None
) -> None:
    """Whatever else stands in the message: no term buys immunity for what lies beside it."""
    for hit, by in fired(text, model).spared:
        if by == "allow/copy":
            assert is_copy(text)
        else:
            assert hit.span is not None
            around = (match.span() for term in SPELLED for match in term.finditer(text))
            assert any(start <= hit.span[0] and hit.span[1] <= end for start, end in around)


@given(texts, scores)
def test_only_what_is_named_is_spared_and_nothing_final(text: str, model: dict[str, float] | None) -> None:
    """A final rule that found something has fired."""
    told = fired(text, model)
    assert all(not hit.rule.startswith("block/") and hit.rule != "scam/gold" for hit, _ in told.spared)
    found = {hit.rule for hit in RULES.scan(Message("m", Author("ann"), text)).hits}
    assert {rule for rule in found if rule.startswith(("block/", "scam/gold"))} <= told.live.keys()


@given(texts, scores)
def test_a_copy_with_a_word_more_is_no_copy(text: str, model: dict[str, float] | None) -> None:
    """Whatever the word."""
    if not is_copy(f"{COPY} {text}"):
        assert all(by != "allow/copy" for _, by in fired(f"{COPY} {text}", model).spared)


@given(texts, scores, reputations, st.sets(st.sampled_from(list(RULES.rules))))
def test_no_text_standing_score_or_brake_makes_a_final_action_milder(
    text: str, model: dict[str, float] | None, reputation: Reputation | None, braked: set[str]
) -> None:
    """Adding words to a message that a final rule removes leaves it removed."""
    message = Message("m", Author("ann"), f"gold {text}")
    judgement = decide(
        message, RULES.scan(message), RULES, scores=model, reputation=reputation, now=NOW, braked=braked
    )
    assert judgement.action is Action.REMOVE
