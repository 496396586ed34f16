"""Resolves what asks for a precision instead of a number: a promise of the model, by which its steps move."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from rules.loading.yaml_nodes import Block, Node, Scalar
from rules.loading.yaml_nodes import Mapping as Keys
from rules.schema.values import number

# By label and promised precision: the probability from which the promise holds.
Promises = Mapping[str, Mapping[float, float]]
# Told of a line, and of what is wrong there.
Note = Callable[[int, str], None]
LEAST = 0.5


def threshold(promises: Promises, label: str, precision: float) -> float | None:
    """Return the probability that keeps a promise: of those that are enough, the weakest one's."""
    kept = promises.get(label, {})
    enough = [one for one in kept if one >= precision]
    return kept[min(enough)] if enough else None


def missed(promises: Promises, label: str, precision: float) -> str | None:
    """Return what to say of a precision that nobody promises; None where it is promised."""
    if threshold(promises, label, precision) is not None:
        return None
    kept = promises.get(label, {})
    best = f"its best promise is {max(kept):g}" if kept else "no model promises any"
    return f"a precision of {precision:g}; {best}"


def in_points(policy: Node, promises: Promises, note: Note) -> Node:
    """Return policy.yaml with points in place of each `{precision: …}` on a ladder."""

    def step(label: str, node: Node) -> Node:
        if not isinstance(node, Keys) or set(node.entries) != {"precision"}:
            return node
        asked, limit = _share(node.entries["precision"]), None
        if asked is None:
            note(
                node.line, f"{label}.ladder: precision: write a share from {LEAST:g} to below 1, such as 0.95"
            )
        elif miss := missed(promises, label, asked):
            hint = "name the artifact that scores (CHATSIEVE_MODEL, --model), or write points"
            note(node.line, f"{label}.ladder: asks for {miss}: {hint}")
        else:
            limit = threshold(promises, label, asked)
        return Scalar(node.line, "never" if limit is None else repr(100 * limit))

    def of_labels(labels: Node) -> Node:
        return _each(labels, lambda label, one: _at(one, "ladder", lambda ladder: _steps(label, ladder)))

    def _steps(label: str, ladder: Node) -> Node:
        return _each(ladder, lambda _, node: step(label, node))

    policy = _at(policy, "labels", of_labels)
    return _at(policy, "scopes", lambda scopes: _items(scopes, lambda one: _at(one, "labels", of_labels)))


def _share(node: Node) -> float | None:
    try:
        value = number(node.text) if isinstance(node, Scalar) else 0.0
    except ValueError:
        return None
    return value if LEAST <= value < 1 else None


def _at(node: Node, key: str, change: Callable[[Node], Node]) -> Node:
    if not isinstance(node, Keys) or key not in node.entries:
        return node
    return msgspec.structs.replace(node, entries=node.entries | {key: change(node.entries[key])})


def _each(node: Node, change: Callable[[str, Node], Node]) -> Node:
    if not isinstance(node, Keys):
        return node
    return msgspec.structs.replace(node, entries={key: change(key, one) for key, one in node.entries.items()})


def _items(node: Node, change: Callable[[Node], Node]) -> Node:
    return (
        msgspec.structs.replace(node, items=[change(one) for one in node.items])
        if isinstance(node, Block)
        else node
    )
