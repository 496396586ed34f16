"""The process that `tests.bench.model` measures: batches come as a line of JSON, then a round for each line.

No batch comes twice, or words that are kept at hand would seem to cost nothing. With a folder the process
loads the artifact there, without one alt-profanity-check. It imports nothing else of this tree, since the
other model lives in an environment of its own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ALONE, REPEATS = 40, 5
Predict = Callable[[Sequence[str]], Any]


def main() -> None:
    """Answer each line with figures as one line of JSON."""
    batches = iter(json.loads(sys.stdin.readline()))
    runtime_mb = 0.0
    if len(sys.argv) > 1:
        import onnxruntime  # noqa: F401  (imports aren't the artifact's cost)

        import models  # noqa: F401  (as above)

        runtime_mb = resident_mb()
    started = time.perf_counter()
    predict = loaded(*sys.argv[1:])
    load_s = time.perf_counter() - started
    predict(next(batches))

    def one_by_one(texts: Sequence[str]) -> None:
        for text in texts:
            predict([text])

    for _ in sys.stdin:
        figures = {
            "batch_us": _best(predict, [next(batches) for _ in range(REPEATS)]),
            "alone_us": _best(one_by_one, [next(batches)[:ALONE] for _ in range(REPEATS)]),
            "load_s": load_s,
            "memory_mb": resident_mb() - runtime_mb,
        }
        print(json.dumps(figures), flush=True)


def loaded(folder: str | None = None) -> Predict:
    """Return what scores texts."""
    if folder is None:
        from profanity_check import predict_prob

        return lambda texts: predict_prob(texts)
    from models import load, read_manifest

    return load(Path(folder), read_manifest(Path(folder)).fold).score


def resident_mb() -> float:
    """Return the memory of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def _best(run: Callable[[Sequence[str]], object], batches: Sequence[Sequence[str]]) -> float:
    """Return the µs that a text took in the quickest of the batches."""
    best = float("inf")
    for texts in batches:
        started = time.perf_counter()
        run(texts)
        best = min(best, (time.perf_counter() - started) / len(texts))
    return best * 1e6


if __name__ == "__main__":
    main()
