"""Commands as processes of their own, and the one line with which they refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).parents[1]


def streams(*args: object, stdin: bytes = b"", **settings: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end, with these CHATSIEVE_ settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHATSIEVE_")}
    given = {f"CHATSIEVE_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "streams", *map(str, args)],
        input=stdin, capture_output=True, cwd=TREE, env=inherited | given, timeout=120, check=False,
    )  # fmt: skip


def refused(done: subprocess.CompletedProcess[bytes], code: int) -> str:
    """Return the one line that a command ends with, its logs aside, having asserted the exit code."""
    assert done.returncode == code, done.stderr
    said = [row for row in done.stderr.decode().splitlines() if not row.startswith("{")]
    assert len(said) == 1, said
    assert "Traceback" not in said[0]
    return said[0]
