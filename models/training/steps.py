"""What `make train` does, step by step; each step's product lies in the work folder or in the artifact."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch

from models import Classifier, load, read_manifest
from models.artifact import MODEL, NGRAMS, TOKENIZER, Platt
from models.tokenizer import Tokenizer
from models.training.card import SPAM, TOXIC, card
from models.training.evaluation import UNSEEN, evaluated
from models.training.examples import Examples, examples
from models.training.gathered import SEED, Place
from models.training.grammar import WRITTEN
from models.training.learning import Plan
from models.training.leave_out import Tested, families, leave_out
from models.training.making import exported, trained
from models.training.ngrams import train_ngrams
from models.training.packing import pack
from models.training.promises import calibrates, earned, platts, thresholds
from models.training.rows import LABELS, Row, used
from models.training.scored import scored
from models.training.tables import Table, plain
from rules.fold import FOLD_VERSION

# A source with fewer of either kind of row is no evidence for a label's maturity.
ENOUGH = 50


def train(options: argparse.Namespace) -> None:
    """Train a student and put the artifact together."""
    torch.set_num_threads(options.threads)
    place = _place(options)
    if options.begin:
        place.adopt(options.begin.with_name(TOKENIZER).read_bytes())
    rows = place.training_rows()
    ground = place.ground(rows)
    student = trained(place, ground, Plan(epochs=options.epochs), options.mentors, options.begin)
    model = exported(student, ground.tokenizer, [row.text for row in _fitted(place)[::20]])
    _put_together(options, rows, ground.found, model, place.vocabulary())


def train_ngrams_alone(options: argparse.Namespace) -> None:
    """Train words and runs anew beside the network of an artifact, and put it together again."""
    rows = _place(options).training_rows()
    model, vocabulary = ((options.model / name).read_bytes() for name in (MODEL, TOKENIZER))
    _put_together(options, rows, examples(rows, Tokenizer(vocabulary), None), model, vocabulary)


def _put_together(
    options: argparse.Namespace, rows: Sequence[Row], found: Examples, model: bytes, vocabulary: bytes
) -> None:
    ngrams = train_ngrams(found, Tokenizer(vocabulary).mended, SEED)
    fitted = _fitted(_place(options))
    sources = used([row for row in rows if not row.source.startswith(WRITTEN)], options.data)

    def packed(calibration: dict[str, Platt], promised: dict[str, dict[float, float]]) -> Classifier:
        pack(
            options.model, options.version, model, vocabulary, ngrams,
            calibration=calibration, maturity=earned({}), thresholds=promised, sources=sources,
        )  # fmt: skip
        return load(options.model, FOLD_VERSION)

    bare = packed(dict.fromkeys(LABELS, Platt(1.0, 0.0)), {})
    calibration = platts(scored(fitted, bare.logits).scores, fitted)
    packed(calibration, thresholds(scored(fitted, packed(calibration, {}).score)))
    write_card(options)


def leave_families_out(options: argparse.Namespace) -> None:
    """Leave out each family that is large enough, those that bars are set on first."""
    torch.set_num_threads(options.threads)
    place = _place(options)
    rows = place.training_rows()
    ground = place.ground(rows)
    found = families(rows)
    for names in options.family or sorted(found, key=lambda name: name not in (*TOXIC, *SPAM)):
        for each in leave_out(names.split("+"), ground, _left_out(options)):
            print(each, flush=True)


def write_card(options: argparse.Namespace) -> None:
    """Evaluate an artifact and write its card; maturity follows from sources that it was not trained on."""
    place = _place(options)
    unseen = [*place.unshippable("dev"), *place.unshippable("train")]
    tables = []
    for table in evaluated(options.model, place.rows("dev"), unseen):
        print(plain(table), flush=True)
        tables.append(table)
    _mature(options, tables)
    sources = used([Row("", source=name) for name in read_manifest(options.model).licences], options.data)
    sizes = {name: (options.model / name).stat().st_size for name in (MODEL, TOKENIZER, NGRAMS)}
    written = card(read_manifest(options.model), sizes, sources, _tested(options), tables)
    (options.model / "CARD.md").write_text(written)


def _mature(options: argparse.Namespace, tables: Sequence[Table]) -> None:
    manifest = read_manifest(options.model)
    pack(
        options.model,
        manifest.version,
        (options.model / MODEL).read_bytes(),
        (options.model / TOKENIZER).read_bytes(),
        (options.model / NGRAMS).read_bytes(),
        calibration=manifest.calibration,
        maturity=earned(_areas(_tested(options), tables)),
        thresholds=manifest.thresholds,
        sources=used([Row("", source=name) for name in manifest.licences], options.data),
    )


def _place(options: argparse.Namespace) -> Place:
    return Place(tuple(options.data), options.work, options.confirmed_only)


def _fitted(place: Place) -> list[Row]:
    return [row for row in place.rows("dev") if calibrates(row)]


def _left_out(options: argparse.Namespace) -> Path:
    return Path(options.work / "left-out")


def _tested(options: argparse.Namespace) -> list[Tested]:
    files = sorted(_left_out(options).glob("*.json"))
    return [each for path in files for each in msgspec.json.decode(path.read_bytes(), type=list[Tested])]


def _areas(tested: Sequence[Tested], tables: Sequence[Table]) -> dict[str, dict[str, float]]:
    """Return the area of each label on each source that was left out of training, for a run or for good."""
    areas: dict[str, dict[str, float]] = {}
    for each in tested:
        areas.setdefault(each.label, {})[each.family] = each.student
    for table in tables:
        for source, label, positives, negatives, area, _ in table.rows if table.title == UNSEEN else ():
            if min(int(positives or 0), int(negatives or 0)) >= ENOUGH:
                areas.setdefault(str(label), {})[str(source)] = float(area or 0)
    return areas
