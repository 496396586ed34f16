"""Opens what the settings name: the packs, and the model where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rules import packs
from rules.errors import RuleFileError
from rules.fold import FOLD_VERSION
from rules.ruleset import RuleSet
from rules.verdict import ModelNote
from streams.errors import ConfigurationError

if TYPE_CHECKING:
    from models import Classifier
    from streams.control.last_good import LastGood


def load_packs(folder: Path, model: Classifier | None = None) -> RuleSet:
    """Return the rule set in a folder; rules that ask for a precision get the model's promises.

    Raises:
        ConfigurationError: When it is unusable; the message holds every problem, a line each.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder of packs: name one with CHATSIEVE_PACKS or --packs")
    try:
        return packs.load(folder, promises=model.thresholds if model else None)
    except RuleFileError as error:
        raise ConfigurationError(f"the packs in {folder} can't be used:\n{error}") from error


def load_or_last_good(
    folder: Path, last_good: LastGood, model: Classifier | None = None
) -> tuple[RuleSet, str | None]:
    """Return the rule set in a folder, or the one that was good last and why it is that one.

    Raises:
        ConfigurationError: The folder is unusable, and no earlier rule set was kept.
    """
    try:
        return load_packs(folder, model), None
    except ConfigurationError as error:
        rules = last_good.newest()
        if rules is None:
            raise
        return rules, str(error)


def load_model(
    folder: Path | None, setting: str = "CHATSIEVE_MODEL"
) -> tuple[Classifier | None, ModelNote | None]:
    """Return the classifier in a folder and what verdicts say of it; None twice without a folder.

    Raises:
        ConfigurationError: When the artifact is unusable; the message names the setting.
    """
    if folder is None:
        return None, None
    import models

    try:
        classifier = models.load(folder, FOLD_VERSION)
    except models.ModelError as error:
        raise ConfigurationError(f"{setting}: {error}") from error
    return classifier, ModelNote(classifier.name, classifier.hash[:12])


def load_shadow(folder: Path | None) -> Classifier | None:
    """Return the classifier in the folder of CHATSIEVE_SHADOW_MODEL, None without one.

    Raises:
        ConfigurationError: When the artifact is unusable.
    """
    return load_model(folder, "CHATSIEVE_SHADOW_MODEL")[0]
