"""Whether the kernel is there: kernel.pyx, compiled by building.py where there is a C compiler.

All of it can be done in Python too, in a few microseconds more a message.
"""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

SOURCE = Path(__file__).with_name("kernel.pyx")


def fingerprint(source: Path = SOURCE) -> str:
    """Return what tells a source from others; a kernel of another one is left alone."""
    return sha256(source.read_bytes()).hexdigest()[:16]


def _is_there() -> bool:
    if sys.byteorder != "little":
        return False
    try:
        from streams.judging import kernel
    except ImportError:
        return False
    return fingerprint() == kernel.SOURCE


# Looked at where work is done, so that tests can have both ways.
there = _is_there()
