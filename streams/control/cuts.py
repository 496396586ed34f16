"""Guards lists against being cut by accident: where much is gone, somebody has to say that it is meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

# A shorter list, and fewer rules, may change as they like.
FEW_ENTRIES, FEW_RULES = 20, 10
# The share that may go in one change.
MOST_GONE = 0.3
# What the rules of all packs are called, where a list is called by its path.
RULES = "rules"


class Cut(NamedTuple):
    """A list, or the rules, of which more is gone than may."""

    file: str
    before: int
    gone: int

    def __str__(self) -> str:
        what = "rules" if self.file == RULES else f"entries of {self.file}"
        return (
            f"{self.gone} of {self.before} {what} are gone: if that is meant, "
            f"`python -m streams rules accept-shrink {self.file} --reason …`"
        )


def cut_lists(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[Cut]:
    """Yield the lists that are cut; entries that have moved to another list are not gone."""
    changed = [name for name, content in before.items() if after.get(name) != content]
    if not changed:
        return
    kept: set[bytes] | None = None
    for name in changed:
        entries = set(_entries(before[name]))
        if len(entries) < FEW_ENTRIES:
            continue
        gone = entries.difference(_entries(after.get(name, b"")))
        if len(gone) > MOST_GONE * len(entries):
            kept = kept or {entry for content in after.values() for entry in _entries(content)}
            gone -= kept
        if len(gone) > MOST_GONE * len(entries):
            yield Cut(name, len(entries), len(gone))


def cut_rules(before: Collection[str], after: Collection[str]) -> Iterator[Cut]:
    """Yield one cut if too many rules are gone, by their ids."""
    gone = set(before) - set(after)
    if len(before) >= FEW_RULES and len(gone) > MOST_GONE * len(before):
        yield Cut(RULES, len(before), len(gone))


def _entries(content: bytes) -> Iterator[bytes]:
    for line in content.split(b"\n"):
        entry = line.partition(b"#")[0].strip()
        if entry:
            yield entry
