"""Reads labelled rows as the model will see their texts: through the readable view."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from models.training.sources import Source, own, sources
from rules.fold import FOLD_VERSION, readable

LABELS = (
    "spam",
    "scam",
    "toxic",
    "insult",
    "hate",
    "threat",
    "sexual",
    "profanity",
    "self_harm",
    "terrorism",
)
# Pieces that the network reads at once; longer texts are read in three parts.
MAX_TOKENS = 128
SUFFIXES = (".jsonl.gz", ".jsonl")
# How sources dress what they cut out. Undressed for training, since a model would know the source by it.
_MENTION = re.compile(
    r"<(?:user|person|name)>|\[(?:USER|NAME|PERSON|user|name)\]|@(?:USER|user)\b|\bMENTION\w*"
)
_LINK = re.compile(r"[<\[{(](?:URL|url|Link|LINK|link)[>\]})]|\bHTTPURL\b|\bURL\b|\bHTTP\b")
_DRESS = re.compile(
    r"^(?:RT\s*(?:@\w+)?\s*:?\s+)|<(?:number|NUMBER|emoji|hashtag)>|NEWLINE_TOKEN|\bTAB_TOKEN\b"
)


class Row(msgspec.Struct):
    """One labelled text.

    Attributes:
        text: Its readable view.
        labels: 0 or 1; a label that nobody looked for is absent.
        weak: Labels that follow from how the text was found; no person gave them.
    """

    text: str
    lang: str = "und"
    labels: dict[str, int] = {}
    source: str = "own"
    weak: list[str] = []


def number(text: str) -> int:
    """Return 64 bits that a text always gets, on every machine: its name, and a seed for choices."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


def read_rows(
    folders: Sequence[Path], part: str, cache: Path, *, confirmed_only: bool = False, shippable: bool = True
) -> list[Row]:
    """Return the rows of a part ("train", "dev") of data folders, in a stable order.

    Args:
        cache: Folder that keeps readable views, since folding takes longer than reading.
        confirmed_only: Leave out sources whose licence is to be confirmed.
        shippable: Leave out what may not go into a shipped model, copyleft included.
    """
    known = sources(folders)
    rows: list[Row] = []
    for path in _files(folders, part):
        source = known.get(_name(path)) or own(_name(path))
        if shippable and (not source.usable or source.copyleft):
            continue
        if not (confirmed_only and source.to_confirm):
            rows += _readable_rows(path, cache, undressed if part.startswith("train") else str)
    return rows


def used(rows: Iterable[Row], folders: Sequence[Path]) -> dict[str, Source]:
    """Return the sources that rows came from, by name."""
    known = sources(folders)
    return {name: known.get(name) or own(name) for name in sorted({row.source for row in rows})}


def undressed(text: str) -> str:
    """Return a text with mentions and links as people type them, and without marks of its source."""
    text = _LINK.sub("https://example.com/x", _MENTION.sub("@someone", text))
    return _DRESS.sub("", text).strip() or text


def _files(folders: Sequence[Path], part: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in (folder / part).glob("*.jsonl*") if path.name.endswith(SUFFIXES))


def _name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".jsonl")


def _readable_rows(path: Path, cache: Path, clean: Callable[[str], str]) -> list[Row]:
    stamp = path.stat()
    mark = zlib.crc32(f"{path.resolve()} {stamp.st_size} {stamp.st_mtime_ns}".encode())
    kept = cache / f"{_name(path)}-{mark:08x}-fold{FOLD_VERSION}.msgpack"
    if kept.exists():
        return msgspec.msgpack.decode(kept.read_bytes(), type=list[Row])
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).splitlines()
    rows = [msgspec.json.decode(line, type=Row) for line in lines]
    for row in rows:
        row.text = readable(clean(row.text))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(msgspec.msgpack.encode(rows))
    return rows
