"""Servers that aren't part of the package and that tests of bridges talk to; `make services` fetches them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FETCHED = Path(__file__).parents[1] / ".cache"


def fetched(name: str, program: Path | None) -> Path:
    """Return where a server's program is; skip the test where it isn't, unless services are required."""
    if program is not None and program.is_file():
        return program
    if os.environ.get("REQUIRE_SERVICES"):
        pytest.fail(f"{name} is not there, and REQUIRE_SERVICES asks for it: `make services` fetches it")
    pytest.skip(f"{name} is not there: `make services` fetches it")
