"""The page for moderators: no key is missing from it, and what it shows as a rule can be read."""

import re
from pathlib import Path

import pytest

from rules.loading.typed import Reader, fields_of
from rules.loading.yaml_nodes import Block, Mapping, read_yaml
from rules.schema.conditions import AuthorCondition, Behaviour, Condition, EmojiCondition, LinkCondition
from rules.schema.policy import Policy
from rules.schema.rule import Rule, Scope, Test

PAGE = (Path(__file__).parents[2] / "docs" / "writing-rules.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    "kind", [Rule, Condition, AuthorCondition, LinkCondition, EmojiCondition, Behaviour, Scope, Test]
)
def test_every_key_is_on_the_page(kind: type) -> None:
    """What isn't there is used by nobody."""
    missing = [key for key in fields_of(kind) if not re.search(rf"(?<![\w]){key}(?![\w])", PAGE)]
    assert missing == []


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_what_the_page_shows_can_be_written(number: int) -> None:
    """Each key and value of each example is read without a complaint; only an id may be missing."""
    node = read_yaml("page", EXAMPLES[number].encode())
    reader = Reader("page")
    if isinstance(node, Mapping) and node.entries.keys() & {"scopes", "reputation", "model_alone"}:
        reader.read(node, Policy)
    else:
        for rule in _rules(node):
            reader.read(rule, Rule)
    complaints = [str(problem) for problem in reader.problems if '"id:" is missing' not in str(problem)]
    assert complaints == []


def _rules(node: object) -> list[Mapping]:
    if isinstance(node, Mapping) and "rules" in node.entries:
        node = node.entries["rules"]
    if isinstance(node, Block):
        return [item for item in node.items if isinstance(item, Mapping)]
    assert isinstance(node, Mapping)
    return [node]
