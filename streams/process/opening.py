"""Opens what the settings name: packs, the model where there is one; or says what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rules import packs
from rules.errors import RuleFileError
from rules.fold import FOLD_VERSION
from rules.ruleset import RuleSet
from rules.schema.labels import Maturity
from rules.verdict import ModelNote
from streams.errors import ConfigurationError
from streams.settings import NOTHING, Settings

if TYPE_CHECKING:
    from models import Classifier
    from streams.control.last_good import LastGood

# Without a secret of its own a deployment's hashes can be looked up by whoever knows this line.
NO_SECRET = b"chatsieve: no secret was set"


def load_packs(folder: Path, model: Classifier | None = None) -> RuleSet:
    """Return the rule set in a folder; rules that ask for a precision get the model's promises.

    Raises:
        ConfigurationError: When it is unusable; the message holds every problem, a line each.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder of packs: name one with CHATSIEVE_PACKS or --packs")
    try:
        return packs.load(
            folder,
            promises=model.thresholds if model else None,
            maturity=maturity_of(model) if model else None,
        )
    except RuleFileError as error:
        raise ConfigurationError(f"the packs in {folder} can't be used:\n{error}") from error


def maturity_of(model: Classifier) -> dict[str, Maturity]:
    """Return how far the labels of a model are trusted, in the terms of policies."""
    return {label: Maturity(said) for label, said in model.maturity.items()}


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
    """Return the classifier in a folder and what verdicts say of it; None twice without one, or for `none`.

    Raises:
        ConfigurationError: When the artifact is unusable; the message names the setting.
    """
    if folder is None or str(folder) == NOTHING:
        return None, None
    import models

    try:
        classifier = models.load(folder, FOLD_VERSION)
    except models.ModelError as error:
        hint = "; `none` judges without a model" if setting == "CHATSIEVE_MODEL" else ""
        raise ConfigurationError(f"{setting}: {error}{hint}") from error
    return classifier, ModelNote(classifier.name, classifier.hash[:12])


def load_shadow(folder: Path | None) -> Classifier | None:
    """Return the classifier in the folder of CHATSIEVE_SHADOW_MODEL, None without one.

    Raises:
        ConfigurationError: When the artifact is unusable.
    """
    return load_model(folder, "CHATSIEVE_SHADOW_MODEL")[0]


def store_of(settings: Settings) -> str:
    """Return the store's URL.

    Raises:
        ConfigurationError: When none is set.
    """
    if not settings.store:
        raise ConfigurationError(
            "CHATSIEVE_STORE is not set: name your Redis or Valkey (redis://host:port), or start the "
            "in-package one with `python -m streams serve --embedded`"
        )
    return settings.store


def secret_of(settings: Settings) -> bytes:
    """Return the key of keyed hashes; without one a line that everybody knows, aloud."""
    if not settings.secret:
        # Whoever judges lines of a file has no use for it, and it takes a while to import.
        import structlog

        log = structlog.get_logger(__name__)
        log.warning("no_secret", hint="set CHATSIEVE_KEY: else hashes of authors and texts can be looked up")
    return settings.secret or NO_SECRET
