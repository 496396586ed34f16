"""What is asked only where a hit depends on it: the text's language, and where words end without spaces."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

from rules.text import borders, language
from tests.bench.chat import of_length
from tests.bench.scan import LENGTHS, TEXTS, best_of_all
from tests.bench.table import Line, Part

# Around a hit at its place; the texts are the bench's own.
UNSPACED = (
    ("中出", "我们的城市在发展中出现了很多问题大家一起想办法"),
    ("ばか", "昨日は会社でばかりいたので今日は家でゆっくりします"),
    ("นม", "เมื่อวานเราไปซื้อขนมที่ตลาดกับเพื่อนแล้วกลับบ้าน"),
)
# In a process of its own: how long it takes the first time, and how much memory stays with it.
LOADING = """
import re, time
def held():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
from rules.text import borders, language
before, start = held(), time.perf_counter()
{first}
print(time.perf_counter() - start, held() - before)
"""
FIRST = {
    "language": "language.prepare(); language.guess('the first text of all')",
    "borders": "borders.is_word('发展中出现', 2, 4)",
}


def seldom() -> Part:
    """Measure a guess by length of text, a cut by language, and what both take to load."""
    lines = [_line(f"language, {length} characters", _guesses(length), TEXTS) for length in LENGTHS]
    lines += [_line(f"borders of {term}", _cuts(term, text), TEXTS) for term, text in UNSPACED]
    for what, first in FIRST.items():
        seconds, megabytes = _loaded(first)
        lines.append(Line(f"{what}, loaded", {"load_ms": seconds * 1000, "memory_mb": megabytes}))
    return Part("seldom", "µs each time, not remembered; load and memory in a process of their own", lines)


def _line(what: str, run: Callable[[], object], count: int) -> Line:
    (each_us,) = best_of_all([run], count)
    return Line(what, {"each_us": each_us})


def _guesses(length: int) -> Callable[[], object]:
    texts: Sequence[str] = of_length(length, TEXTS)

    def run() -> None:
        language._guess.cache_clear()
        for text in texts:
            language.guess(text)

    return run


def _cuts(term: str, text: str) -> Callable[[], object]:
    start = text.index(term)

    def run() -> None:
        for _ in range(TEXTS):
            borders._words.cache_clear()
            borders.is_word(text, start, start + len(term))

    return run


def _loaded(first: str) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", LOADING.format(first=first)], capture_output=True, text=True, check=True
    )
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes
