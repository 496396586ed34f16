"""The files of a folder of packs, each read once, and the hash that names what was read."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

from rules.errors import Problem, RuleFileError

_HASH_LETTERS = 16


class PackFiles:
    """Reads the files of one folder by their path below it.

    The hash and the rules come from the same bytes, even while somebody writes the files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._contents: dict[str, bytes] = {}

    def packs(self) -> list[str]:
        """Return the YAML files, sorted; what is hidden behind a dot isn't ours.

        Raises:
            RuleFileError: When the folder isn't there or has no packs.
        """
        found = []
        for where, folders, names in os.walk(self.folder, followlinks=True):
            folders[:] = [name for name in folders if not name.startswith(".")]
            below = Path(where).relative_to(self.folder)
            found += [(below / name).as_posix() for name in names if _is_pack(name)]
        if not found:
            raise RuleFileError([Problem(".", 0, "no packs here; expected *.yaml files")])
        return sorted(found)

    def lists(self) -> list[str]:
        """Return the text files below the folder, sorted, whether a rule reads them or not."""
        found = (path for path in self.folder.rglob("*.txt") if path.is_file())
        below = (path.relative_to(self.folder) for path in found)
        return sorted(path.as_posix() for path in below if not any(one.startswith(".") for one in path.parts))

    def read(self, path: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileNotFoundError: When there is none below the folder.
            OSError: When it can't be read.
        """
        if path not in self._contents:
            inside = os.path.normpath(path)
            if inside.startswith(("..", "/")):
                raise FileNotFoundError(path)
            self._contents[path] = read_regular(self.folder / inside)
        return self._contents[path]

    def hash(self) -> str:
        """Return the first letters of the SHA-256 over every file that was read, path and bytes."""
        digest = hashlib.sha256()
        for path, content in sorted(self._contents.items()):
            for part in (path.encode(), content):
                digest.update(len(part).to_bytes(8, "big"))
                digest.update(part)
        return digest.hexdigest()[:_HASH_LETTERS]


def read_regular(path: Path) -> bytes:
    """Return the bytes of a file; whoever reads a pipe or a device instead may wait for ever.

    Raises:
        OSError: When it can't be read, or is something else.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return path.read_bytes()


def _is_pack(name: str) -> bool:
    return name.endswith(".yaml") and not name.startswith(".")
