"""Puts an artifact together: network, tokenizer, words and runs, manifest, in one folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from models.artifact import FORMAT, MANIFEST, MODEL, NGRAMS, TOKENIZER, Maturity, Platt
from models.training.rows import LABELS, MAX_TOKENS
from models.training.sources import Source
from rules.fold import FOLD_VERSION


def pack(
    folder: Path,
    version: str,
    model: bytes,
    tokenizer: bytes,
    ngrams: bytes,
    *,
    calibration: Mapping[str, Platt],
    maturity: Mapping[str, Maturity],
    thresholds: Mapping[str, Mapping[float, float]],
    sources: Mapping[str, Source],
) -> None:
    """Write an artifact's files, its card excepted; the folder's name is the model's."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {MODEL: model, TOKENIZER: tokenizer, NGRAMS: ngrams}
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    lines = [
        f"format = {FORMAT}",
        f"name = {_text(folder.name)}",
        f"version = {_text(version)}",
        f"fold = {_text(FOLD_VERSION)}",
        f"max_tokens = {MAX_TOKENS}",
        f"labels = [{', '.join(map(_text, LABELS))}]",
        "",
        "[maturity]",
        *(f"{label} = {_text(maturity[label])}" for label in LABELS),
        "",
        "[calibration]",
        *(
            f"{label} = {{ a = {calibration[label].a:.4f}, b = {calibration[label].b:.4f} }}"
            for label in LABELS
        ),
        "",
        "[thresholds]",
        *(f"{label} = {{ {_levels(levels)} }}" for label, levels in thresholds.items()),
        "",
        "[checksums]",
        *(f"{_text(name)} = {_text(hashlib.sha256(content).hexdigest())}" for name, content in parts.items()),
        "",
        "[licences]",
        *(f"{_text(name)} = {_text(_licence(source))}" for name, source in sorted(sources.items())),
    ]
    (folder / MANIFEST).write_text("\n".join(lines) + "\n")


def _levels(levels: Mapping[float, float]) -> str:
    return ", ".join(f'"{promise:g}" = {probability:g}' for promise, probability in levels.items())


def _licence(source: Source) -> str:
    return source.licence + (" (to confirm)" if source.to_confirm and "confirm" not in source.licence else "")


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
