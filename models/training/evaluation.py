"""Evaluates an artifact: all tables that its rows allow, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from models import Classifier, load
from models.training.contrast import fairness, short_texts
from models.training.promises import calibrates
from models.training.rows import Row, number
from models.training.scored import Scored, by_group, by_label, scored
from models.training.source_known import source_known
from models.training.strain import GAMES, disguises, false_alarms, padding, sample
from models.training.tables import Table
from rules.fold import FOLD_VERSION

# A language with fewer labelled rows has no line of its own.
LANGUAGE_ROWS = 300
UNSEEN = "Unseen"


def evaluated(folder: Path, dev: Sequence[Row], unseen: Sequence[Row]) -> Iterator[Table]:
    """Yield the tables of the artifact in `folder`, the quickest first.

    Args:
        dev: Rows of sources that it was trained on, from parts that it was not.
        unseen: Rows of sources that it was never trained on.
    """
    classifier = load(folder, FOLD_VERSION)
    score = classifier.score
    found = scored(dev, score)
    held = found.part(lambda row: not calibrates(row))
    yield by_label(found, held)
    yield source_known(found)
    yield _languages(found)
    note = "Each source's dev part, labels given by people; the model was trained on the rest of the source."
    yield by_group(found, lambda row: row.source, "Source", note)
    others = scored(unseen, score)
    if unseen:
        note = "Sources whose licence keeps them out of training: all of it is unseen."
        yield by_group(others, lambda row: row.source, UNSEEN, note)
    yield fairness(score)
    yield short_texts(score)
    yield _alarms(classifier, held, others)
    known = sample(dev)
    harmless = [row.text for row in dev if row.source.startswith("benign") and row.lang == "en"]
    if known and harmless:
        yield padding(known, sorted(harmless, key=number), score)
        yield disguises(known, score)


def _languages(found: Scored) -> Table:
    note = f"Dev, labels given by people, languages with {LANGUAGE_ROWS} rows or more."
    return by_group(found, lambda row: row.lang, "Language", note, LANGUAGE_ROWS)


def _alarms(classifier: Classifier, dev: Scored, unseen: Scored) -> Table:
    games = unseen.part(lambda row: row.source in GAMES and row.labels.get("toxic") == 0)
    personal = unseen.part(lambda row: row.source.startswith("benign"))
    parts = {
        "game chat, not toxic, unseen source": games,
        "personal messages, unseen source": personal,
        "benign sources, half of dev": dev.part(lambda row: row.source.startswith("benign")),
    }
    parts = {name: part for name, part in parts.items() if part.rows}
    return false_alarms(parts, classifier.thresholds, classifier.score)
