"""python -m models.training: vocabulary, teaching, training, leaving out, evaluating."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models import ModelError
from models.training.tables import plain

TROUBLE = 1


def main() -> int:
    """Run one command; return the exit code."""
    options = _options()
    try:
        options.run(options)
    except (ModelError, FileNotFoundError, ValueError) as error:
        print(f"training: {error}", file=sys.stderr)
        return TROUBLE
    return 0


def _evaluate(options: argparse.Namespace) -> None:
    from models.training.evaluation import evaluated
    from models.training.rows import read_rows

    cache = options.work / "rows"
    dev = read_rows(options.data, "dev", cache)
    unseen = [
        row
        for part in ("dev-research-only", *(["train-research-only"] if options.all else []))
        for row in read_rows(options.data, part, cache, shippable=False)
    ]
    for table in evaluated(options.model, dev, unseen):
        print(plain(table), flush=True)


def _teach(options: argparse.Namespace) -> None:
    from models.training.gathered import Place

    Place(tuple(options.data), options.work, options.confirmed_only).teach(options.texts)


def _train(options: argparse.Namespace) -> None:
    from models.training.steps import train

    train(options)


def _ngrams(options: argparse.Namespace) -> None:
    from models.training.steps import train_ngrams_alone

    train_ngrams_alone(options)


def _leave_out(options: argparse.Namespace) -> None:
    from models.training.steps import leave_families_out

    leave_families_out(options)


def _card(options: argparse.Namespace) -> None:
    from models.training.steps import write_card

    write_card(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, run, says in (
        ("teach", _teach, "embed texts with the teacher's encoder; may be stopped and goes on"),
        ("train", _train, "train, export, calibrate; ends in the card"),
        ("ngrams", _ngrams, "train words and runs of letters anew beside an artifact's network"),
        ("leave-out", _leave_out, "train without each family of sources and test on it"),
        ("card", _card, "evaluate an artifact and write its card again"),
        ("evaluate", _evaluate, "print an artifact's tables; needs no torch"),
    ):
        command = commands.add_parser(name, help=says)
        command.set_defaults(run=run)
        command.add_argument(
            "--data", type=Path, action="append", required=True, help="a data folder; repeat for more"
        )
        command.add_argument(
            "--work", type=Path, default=Path(".cache/training"), help="what can be used again"
        )
        command.add_argument(
            "--model", type=Path, default=Path("models/artifacts/chat-compact"), help="the artifact"
        )
        command.add_argument("--confirmed-only", action="store_true", help="without licences to be confirmed")
        command.add_argument("--texts", type=int, default=150_000, help="teach: how many texts")
        command.add_argument("--epochs", type=int, default=5, help="train: passes")
        command.add_argument("--mentors", type=int, default=3, help="train: students that teach the last one")
        command.add_argument("--begin", type=Path, help="train: the model.onnx of an artifact to begin from")
        command.add_argument("--threads", type=int, default=2, help="processor threads")
        command.add_argument("--version", default="1", help="train: the artifact's version")
        command.add_argument(
            "--family", action="append", help="leave-out: only these; a+b leaves two out at once"
        )
        command.add_argument(
            "--all", action="store_true", help="evaluate: the larger parts of unseen sources too"
        )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
