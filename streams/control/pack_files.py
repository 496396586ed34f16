"""What the folder of packs holds at this moment: by `stat`, cheaply, and by content, surely."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from rules.loading.files import read_regular

Stats = dict[str, tuple[int, ...]]
Prints = dict[str, str]  # path below the folder → SHA-256 of the content


class InProgressError(Exception):
    """The files are being written, as far as one can see; the message says which."""


def stats(folder: Path) -> Stats:
    """Return size, times and numbers of each file; other ones mean that something happened to it.

    Raises:
        InProgressError: When a file went away in between.
    """
    try:
        found = {path: path.stat() for path in _files(folder)}
    except OSError as error:
        raise InProgressError(_gone(error, folder)) from error
    return {
        str(path): (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in found.items()
    }


def prints(folder: Path) -> Prints:
    """Return what each file holds.

    Raises:
        InProgressError: When a file is empty or went away in between, or no pack is there.
    """
    found: Prints = {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        try:
            content = read_regular(path)
        except OSError as error:
            raise InProgressError(_gone(error, folder)) from error
        if not content:
            raise InProgressError(f"{name} is empty: a list that is meant to be holds a comment")
        found[name] = hashlib.sha256(content).hexdigest()
    if not any(name.endswith(".yaml") for name in found):
        raise InProgressError(f"no packs in {folder}")
    return found


def as_they_are(folder: Path) -> Prints:
    """Return what `prints` does, or nothing where it raises."""
    with contextlib.suppress(InProgressError):
        return prints(folder)
    return {}


def lists(folder: Path) -> dict[str, bytes]:
    """Return what the lists hold; one that can't be read is left out."""
    found = {}
    for path in _files(folder):
        if path.suffix == ".txt":
            with contextlib.suppress(OSError):
                found[path.relative_to(folder).as_posix()] = read_regular(path)
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Yield packs, lists and whatever lies beside them, linked ones too; not what is hidden or temporary."""
    for where, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (
            Path(where, name)
            for name in names
            if not name.startswith((".", "#")) and not name.endswith(("~", ".tmp"))
        )


def _gone(error: OSError, folder: Path) -> str:
    name = Path(error.filename or folder)
    if name.is_relative_to(folder) and name != folder:
        name = name.relative_to(folder)
    return f"{name}: {(error.strerror or 'unreadable').lower()}"
