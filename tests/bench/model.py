"""What the model costs a message, beside alt-profanity-check on the same texts: in batches, and one by one.

Each runs in a process of its own with one thread, and they take turns.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rules.fold import readable
from tests.bench.chat import of_length
from tests.bench.speeds import REPEATS
from tests.bench.table import Line, Part

BATCH, ROUNDS = 256, 5
# One to warm up, and of each round as many in batches as one by one.
BATCHES = 1 + 2 * ROUNDS * REPEATS
ALONE_BAR, MEMORY_BAR_MB, LOAD_BAR_S = 0.1, 120, 0.5
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": "."}

Figures = dict[str, float]


def model(folder: Path, other: Path) -> Part:
    """Measure the artifact in `folder`; `other` is a Python that has alt-profanity-check."""
    texts = [readable(text) for text in of_length(60, BATCH * BATCHES)]
    batches = [texts[first : first + BATCH] for first in range(0, len(texts), BATCH)]
    with _running(sys.executable, batches, str(folder)) as ours, _running(str(other), batches) as theirs:
        rounds = [(_ask(ours), _ask(theirs)) for _ in range(ROUNDS)]
    mine, yours = (  # by who was asked
        {name: median(pair[who][name] for pair in rounds) for name in rounds[0][who]} for who in (0, 1)
    )
    return Part(
        "model",
        f"µs a message, tokenising included, one thread, {BATCH} texts of 60 characters; median of {ROUNDS}",
        [
            Line("alt-profanity-check", yours),
            Line(
                "Chatsieve's model",
                mine,
                "in batches no more than alt-profanity-check",
                mine["batch_us"] <= yours["batch_us"],
            ),
            Line(
                "to alt-profanity-check",
                {name: mine[name] / yours[name] for name in ("batch_us", "alone_us")},
                f"one message alone at most {ALONE_BAR} of alt-profanity-check's call",
                mine["alone_us"] <= ALONE_BAR * yours["alone_us"],
            ),
            Line(
                "loading",
                {"load_s": mine["load_s"], "memory_mb": mine["memory_mb"]},
                f"loads in {LOAD_BAR_S} s and takes less than {MEMORY_BAR_MB} MB",
                mine["load_s"] < LOAD_BAR_S and mine["memory_mb"] < MEMORY_BAR_MB,
            ),
        ],
    )


def _running(python: str, batches: Sequence[Sequence[str]], *folder: str) -> subprocess.Popen[str]:
    command = [python, str(Path(__file__).with_name("speeds.py")), *folder]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ONE_THREAD
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(batches) + "\n")
    process.stdin.flush()
    return process


def _ask(process: subprocess.Popen[str]) -> Figures:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    figures: Figures = json.loads(process.stdout.readline())
    return figures
