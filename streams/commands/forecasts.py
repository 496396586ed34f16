"""What `check --forecast`, `--traffic` and `--cost` say: what rules would hit, and what they take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from rich.table import Table
from rich.text import Text

from rules.errors import RuleError
from rules.forecast import Cost, Expected, costs, in_traffic, in_vocabulary
from rules.message import Message
from rules.ruleset import RuleSet
from rules.vocabularies import vocabularies
from streams.commands.ends import console
from streams.commands.show import printable
from streams.errors import ConfigurationError, UnreadableError
from streams.judging.offline import lines_of
from streams.wire.reading import read_offline

ROWS = 40
# So many messages are enough to measure by.
MEASURED = 400


def report(rules: RuleSet, traffic: BinaryIO | None, languages: Sequence[str] | None, *, cost: bool) -> None:
    """Print what was asked for.

    Args:
        traffic: Messages, one JSON object a line; what can't be read is left out, and counted.
        languages: Of the vocabularies; all without any, and no vocabularies where it is None.
        cost: Whether to measure.

    Raises:
        ConfigurationError: When the packages for forecasts aren't installed.
    """
    messages = _messages(traffic) if traffic else []
    if languages is not None:
        _print("Would be hit in what people write, names and places", _in_words(rules, languages))
    if traffic is not None:
        _print(f"Would be hit in {len(messages)} messages", in_traffic(rules, messages))
    if cost:
        texts = [message.text for message in messages] or list(_own_tests(rules))
        _print_costs(costs(rules, texts[:MEASURED]), min(len(texts), MEASURED))


def _in_words(rules: RuleSet, languages: Sequence[str]) -> list[Expected]:
    found: list[Expected] = []
    try:
        for vocabulary in vocabularies(languages):
            found += in_vocabulary(rules, vocabulary)
    except RuleError as error:
        raise ConfigurationError(str(error)) from error
    hit = (one for one in found if one.number)
    return sorted(hit, key=lambda one: (-one.share, -one.number, one.rule))


def _messages(traffic: BinaryIO) -> list[Message]:
    messages, unread = [], 0
    for number, line in enumerate(lines_of(traffic), 1):
        try:
            messages.append(read_offline(line, f"line-{number}"))
        except UnreadableError:
            unread += 1
    if unread:
        console().print(f"{unread} lines can't be read as messages and are left out", style="yellow")
    return messages


def _own_tests(rules: RuleSet) -> list[str]:
    return [test.text for rule in rules.rules.values() for test in (*rule.hit, *rule.miss)]


def _print(title: str, found: Sequence[Expected]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("rule", "in", "hits", "of messages", "such as"):
        table.add_column(name, justify="right" if name in ("hits", "of messages") else "left")
    for one in found[:ROWS]:
        share = f"{100 * one.share:.3g} %" if one.share else "–"
        examples = ", ".join(printable(text) for text in one.examples)
        table.add_row(one.rule, one.source, f"{one.number}", share, Text(examples))
    console().print(table)
    if len(found) > ROWS:
        console().print(f"… and {len(found) - ROWS} more rows")


def _print_costs(found: Sequence[Cost], number: int) -> None:
    title = f"Cost by rule, µs a message of {number}, each measured by itself"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in ("rule", "µs", "terms", "expressions"):
        table.add_column(name, justify="left" if name == "rule" else "right")
    for one in found[:ROWS]:
        table.add_row(one.rule, f"{one.micros:.2f}", f"{one.terms}", f"{one.patterns}")
    console().print(table)
