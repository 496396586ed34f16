"""What conditions measure in a message: capitals, runs, mentions, emoji, scripts, quoted parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import groupby

import re2

from rules.fold import fold
from rules.message import EntityType, Message
from rules.schema.rule import Part
from rules.verdict import Hit

# What may not stand before the sign is looked at behind it, so that the search is for the sign.
_MENTION = re.compile(r"@(?<![\w@]@)\w")

# One picture as people count them: flags are pairs, families are joined, skin has a tone.
_PICTURE = (
    "[\u203c\u2049\u2139\u231a\u231b\u23e9-\u23f3\u25fd\u25fe\u2600-\u27bf\u2b05-\u2b55"
    "\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
)
_DRESSED = f"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]*"
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{1,2}}|{_DRESSED}(?:\u200d{_DRESSED})*|[0-9#*]\ufe0f?\u20e3")

_QUIET = re2.Options()
_QUIET.log_errors = False


def share_of_capitals(text: str) -> float:
    """Return the share of capitals among the letters that have case; 0 where none has."""
    capitals = sum(map(str.isupper, text))
    cased = capitals + sum(map(str.islower, text))
    return capitals / cased if cased else 0.0


def longest_run(text: str) -> int:
    """Return the length of the longest run of one character, in either case; white space is no run."""
    runs = (sum(1 for _ in run) for letter, run in groupby(text.lower()) if not letter.isspace())
    return max(runs, default=0)


def mentions(message: Message) -> int:
    """Return how many are addressed: what the platform says, or what looks like it, whichever is more."""
    marked = sum(entity.type is EntityType.MENTION for entity in message.entities) if message.entities else 0
    typed = len(_MENTION.findall(message.text)) if "@" in message.text else 0
    return max(marked, typed, len(message.mentions))


def emoji(message: Message) -> tuple[int, int]:
    """Return the number of emoji and emotes, and of all other characters that can be seen."""
    emotes = [entity.span for entity in message.entities if entity.type is EntityType.EMOTE]
    text = message.text if not emotes else _without(message.text, emotes)
    rest, pictures = _EMOJI.subn("", text) if emotes or not text.isascii() else (text, 0)
    return pictures + len(emotes), len(rest) - sum(map(str.isspace, rest))


def mostly_in(scripts: Sequence[str], text: str) -> bool:
    """Return whether more than half of the letters belong to one of the scripts, as Unicode names them."""
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * sum(_is_in(letter, script) for letter in letters for script in scripts) > len(letters)


def name_like(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that says whether a name fits one of the patterns, in which a star is anything."""
    spelled = (".*".join(map(re.escape, fold(pattern).text.split("*"))) for pattern in patterns)
    expression = re2.compile("(?s)" + "|".join(f"(?:{one})" for one in spelled), _QUIET)
    return lambda name: expression.fullmatch(fold(name).text) is not None


def has_quote(message: Message) -> bool:
    """Return whether the platform marked a part as quoted."""
    return any(entity.type is EntityType.QUOTE for entity in message.entities)


def has_code(message: Message) -> bool:
    """Return whether the platform marked a part as code."""
    return any(entity.type is EntityType.CODE for entity in message.entities)


def lies_in(hit: Hit, message: Message) -> Part:
    """Return the part of the message in which a hit lies wholly; what isn't marked is said."""
    if hit.span is not None:
        for entity in message.entities:
            part = _PARTS.get(entity.type)
            if part is not None and entity.span[0] <= hit.span[0] and hit.span[1] <= entity.span[1]:
                return part
    return Part.SAID


_PARTS = {EntityType.QUOTE: Part.QUOTED, EntityType.CODE: Part.CODE}


def _without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts, end = [], 0
    for first, last in sorted(spans):
        parts.append(text[end:first])
        end = max(end, last)
    return "".join(parts) + text[end:]


@lru_cache(16_384)
def _is_in(letter: str, script: str) -> bool:
    return re2.fullmatch(rf"\p{{{script}}}", letter, _QUIET) is not None
