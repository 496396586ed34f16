"""Which sources there are, under which licence, and which of them are really one: their families.

A data folder has parts (train, dev …) with one `<source>.jsonl.gz` or `.jsonl` a source, and a README.md
whose table says what each may be used for. A source that the table doesn't know is the user's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

# Sources that share texts: leaving one out while training on another would prove nothing.
FAMILIES = {
    "jigsaw": [
        "jigsaw_sample_5k", "jigsaw_sample_20k", "jigsaw_multilabel_2k", "jigsaw_multilabel_3k",
        "wiki_detox_sample", "wiki_context_toxicity", "toxic_spans_civil", "paradetox",
    ],
    "uci_sms": ["sms_spam_uci", "sms_smishing_5971", "sms_spam_multi"],
    "pt_twitter": ["pt_toldbr", "pt_tupy"],
    "vi_comments": ["vi_vihos", "vi_safesense"],
}  # fmt: skip
_FAMILY_OF = {source: family for family, sources in FAMILIES.items() for source in sources}
_ROW = re.compile(r"^\| (?P<source>\w+) \| (?P<repository>.*?) \| (?P<licence>.*?) \| (?P<use>.*?) \|")


class Source(msgspec.Struct, frozen=True):
    """One source of labelled text.

    Attributes:
        licence: As the data folder states it; "own" for a user's own data.
        usable: It may go into a model that is shipped.
        to_confirm: Its licence was not found in the copy itself.
        copyleft: Its licence is of the GPL family.
    """

    name: str
    licence: str
    usable: bool
    to_confirm: bool
    copyleft: bool


def family(source: str) -> str:
    """Return the family that a source belongs to: its own name where it has no relatives."""
    return _FAMILY_OF.get(source, source)


def sources(folders: Iterable[Path]) -> dict[str, Source]:
    """Return what the README files of data folders say of their sources, by name."""
    found: dict[str, Source] = {}
    for folder in folders:
        readme = folder / "README.md"
        lines = readme.read_text().splitlines() if readme.exists() else []
        for match in filter(None, map(_ROW.match, lines)):
            if match["source"] != "source":
                found[match["source"]] = _source(match["source"], match["licence"], match["use"])
    return found


def own(name: str) -> Source:
    """Return the source of a file that no table knows."""
    return Source(name, "own", usable=True, to_confirm=False, copyleft=False)


def _source(name: str, licence: str, use: str) -> Source:
    return Source(
        name=name,
        licence=licence,
        usable=use.startswith("train-ok"),
        to_confirm="confirm" in use or "to confirm" in licence,
        copyleft="GPL" in licence,
    )
