"""Trains the SentencePiece vocabulary: lower case, many languages, placeholders whole."""

from __future__ import annotations

import io
import random
import tempfile
from collections.abc import Iterator, Sequence

import sentencepiece

from models.training.normaliser import normalisation_table
from models.training.rows import Row

PIECES = 64_000
SENTENCES = 420_000
PLACEHOLDERS = ["<user>", "<link>", "<emote>"]
# A language with n rows is read with weight n ** this: small ones are heard, big ones still lead.
LANGUAGE_POWER = 0.6
LONGEST = 400


def train_vocabulary(rows: Sequence[Row], extra: Sequence[str], seed: int) -> bytes:
    """Return the bytes of a tokenizer.model for rows and `extra` texts, which are read in full."""
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as table:
        table.write(normalisation_table())
        table.flush()
        _train(rows, extra, seed, model, table.name)
    return model.getvalue()


def _train(rows: Sequence[Row], extra: Sequence[str], seed: int, model: io.BytesIO, table: str) -> None:
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_sentences(rows, extra, random.Random(seed)),
        model_writer=model,
        vocab_size=PIECES,
        model_type="unigram",
        hard_vocab_limit=False,
        character_coverage=0.9997,
        normalization_rule_tsv=table,
        split_digits=True,
        max_sentencepiece_length=14,
        user_defined_symbols=PLACEHOLDERS,
        pad_id=0, unk_id=1, bos_id=-1, eos_id=-1,
        num_threads=2,
        minloglevel=1,
    )  # fmt: skip


def _sentences(rows: Sequence[Row], extra: Sequence[str], choice: random.Random) -> Iterator[str]:
    languages: dict[str, list[Row]] = {}
    for row in rows:
        languages.setdefault(row.lang, []).append(row)
    weights = {lang: len(members) ** LANGUAGE_POWER for lang, members in languages.items()}
    share = SENTENCES / sum(weights.values())
    for lang, members in sorted(languages.items()):
        wanted = min(len(members), int(share * weights[lang]))
        yield from (row.text[:LONGEST] for row in choice.sample(members, wanted))
    yield from extra
