"""Whether the kernel is there: kernel.pyx, compiled by building.py where there is a C compiler.

All of it can be done in Python too, in a few microseconds more a message.
"""

from __future__ import annotations

import sys

from streams.judging.building import is_built

# Looked at where work is done, so that tests can have both ways. Hashes are read as little-endian numbers.
there = sys.byteorder == "little" and is_built()

if there:
    from streams.judging import kernel as kernel
