"""Keeps the last rule sets that were good on disk: for a start with broken packs, and to go back to."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog

from rules import packs
from rules.errors import RuleFileError
from rules.ruleset import RuleSet
from rules.schema.labels import Maturity
from streams.control import pack_files
from streams.control.pack_files import InProgressError, Prints

log = structlog.get_logger(__name__)

# So many rule sets are kept of a folder of packs.
KEPT = 8


class LastGood:
    """Copies of the rule sets of one folder of packs, each in a folder named by its hash.

    Workers on one machine share them. What can't be written is said once and ends nothing.

    Args:
        state: Where copies are kept; None keeps nothing.
        promises: What the model keeps, for rules that ask for a precision.
        maturity: How far its labels are trusted.
    """

    def __init__(
        self,
        state: Path | None,
        folder: Path,
        *,
        promises: Mapping[str, Mapping[float, float]] | None = None,
        maturity: Mapping[str, Maturity] | None = None,
    ) -> None:
        self._promises, self._maturity = promises, maturity
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        self._root = state / name if state else None
        self._folder = folder

    def keep(self, rules: RuleSet, prints: Prints | None = None) -> None:
        """Copy the folder, if it still holds what `rules` was loaded from.

        Args:
            prints: What the files held then; without, the copy is loaded to see whether it is the same.
        """
        if self._root is None:
            return
        try:
            self._keep(self._root, rules, prints)
        except (OSError, InProgressError, RuleFileError) as error:
            log.warning("last_good_not_kept", ruleset=rules.hash, error=str(error))

    def load(self, ruleset: str) -> RuleSet | None:
        """Return the rule set of this hash, or None where there is no whole copy of it."""
        if self._root is None:
            return None
        try:
            rules = packs.load(self._root / ruleset, promises=self._promises, maturity=self._maturity)
        except RuleFileError:
            return None
        return rules if rules.hash == ruleset else None

    def newest(self) -> RuleSet | None:
        """Return the one that was good last, or None where none was."""
        return next((rules for name in self.names() if (rules := self.load(name)) is not None), None)

    def names(self) -> list[str]:
        """Return the hashes of those that are kept, the newest first."""
        if self._root is None:
            return []
        with contextlib.suppress(OSError):
            return [path.name for path in _newest_first(self._root)]
        return []

    def _keep(self, root: Path, rules: RuleSet, prints: Prints | None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        place = root / rules.hash
        if not place.is_dir():
            copy = Path(tempfile.mkdtemp(prefix=".", dir=root))
            try:
                for name in pack_files.prints(self._folder):
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(self._folder / name, copy / name)
                if _is_copy(copy, rules, prints):
                    _put(copy, place)
            finally:
                shutil.rmtree(copy, ignore_errors=True)
        if place.is_dir():
            os.utime(place)
        for old in list(_newest_first(root))[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


def _put(copy: Path, place: Path) -> None:
    """Move a copy to its place, unless another process that shares the folder was first: it has the same."""
    try:
        copy.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _is_copy(copy: Path, rules: RuleSet, prints: Prints | None) -> bool:
    if prints is None:
        return packs.load(copy, previous=rules).hash == rules.hash
    return pack_files.prints(copy) == prints


def _newest_first(root: Path) -> Iterator[Path]:
    found = [path for path in root.iterdir() if not path.name.startswith(".")]
    yield from sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
