"""How sure a guess at a text's language is, and how often a sure one is wrong: it keeps lists from acting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rules.text.language import can_guess, guess
from tests.evasion.clean import FROM_ROWS, rows

# As data sets write them, and as rules do.
SAME = {"fil": "tl", "iw": "he", "in": "id", "nb": "no", "sh": "sr"}


def table(data: Path) -> Iterator[str]:
    """Yield the lines of the table."""
    messages: Counter[str] = Counter()
    sure: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for row in rows(data):
        lang = SAME.get(row.lang, row.lang)
        if not can_guess(lang):
            continue
        guessed = guess(row.text)
        for name in ("all", lang):
            messages[name] += 1
            sure[name] += guessed is not None
            wrong[name] += guessed not in (None, lang)
    yield "| language | messages | sure | surely wrong |"
    yield "|---|---:|---:|---:|"
    for name, count in messages.most_common():
        if count >= FROM_ROWS:
            yield f"| {name} | {count} | {sure[name] / count:.0%} | {wrong[name] / count:.2%} |"
