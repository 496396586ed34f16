"""The plain view, in which rules look, and the readable view, which the model reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.message import Entity, EntityType
from rules.text.legible import legible
from rules.text.letters import origins, plain, undisguised
from rules.text.links import find_links

# A model that was trained on another fold's readable view must not be served with this one.
FOLD_VERSION = "2"


class Folded:
    """A text as typed and its plain view; treat it as frozen.

    Attributes:
        text: The plain view: NFKC without case and without what can't be seen. White space is
            " " one by one, apostrophes and hyphens are those of a typewriter, marks are kept.
        typed: The text that was folded.
        data: The plain view in UTF-8.
        lowered: The text is ASCII, and its plain view its own small letters.
        easy: Words of the plain view are runs of what `\\w` means: no marks, and all scripts have spaces.
    """

    __slots__ = ("_level", "_origins", "data", "easy", "lowered", "text", "typed")

    def __init__(self, typed: str) -> None:
        self.typed = typed
        self._origins: list[tuple[int, int]] | None = None
        self.lowered = typed.isascii() and typed.isprintable()
        if self.lowered:
            self._level = self.easy = True
            self.text = typed.lower()
        else:
            self.text, self._level, self.easy = plain(typed)
        self.data = self.text.encode()

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the half-open range of the plain view stands in the text as typed.

        Both are ranges of code points. The result is the smallest range of whole typed
        characters, letters with their marks, that the folded ones came from.
        """
        if self._level:
            return start, end
        if self._origins is None:
            # Only now that something hit: this takes ten times as long as folding.
            self._origins = origins(self.typed)
        first = self._origins[start][0] if start < len(self._origins) else len(self.typed)
        return first, self._origins[end - 1][1] if start < end else first


def fold(typed: str) -> Folded:
    """Fold a text into its plain view; any Unicode is welcome, time is linear."""
    return Folded(typed)


_PLACEHOLDERS = {EntityType.EMOTE: "<emote>", EntityType.MENTION: "<user>"}
_TYPED_PLACEHOLDER = re.compile("<(?=(?:emote|user|link)>)")
_MENTION = re.compile(r"(?<![\w.@])@(?!(?:everyone|here)\b)[^\W_][\w-]*(?:\.[\w-]+)*")


def readable(typed: str, entities: Sequence[Entity] = (), *, linked: bool = True) -> str:
    """Return what the model reads: disguises undone as in the plain view and more, but case kept,
    and emotes, mentions and links as `<emote>`, `<user>` and `<link>`.

    "@everyone" and "@here" stay, since they say something. Spans of entities that lie
    outside the text or overlap an earlier one are ignored.

    Args:
        linked: There may be links in it.
    """
    if not (linked or entities):
        return _prose(typed)
    # Spaced hosts are left as words: the model that is shipped has learnt from texts in which they are.
    marked = [(link.span, "<link>") for link in find_links(typed, entities, spaced=False)]
    marked += [(e.span, _PLACEHOLDERS[e.type]) for e in entities if e.type in _PLACEHOLDERS]
    if not marked:
        return _prose(typed)
    parts, end = [], 0
    for (first, last), placeholder in sorted(marked):
        if end <= first < last <= len(typed):
            parts += [_prose(typed[end:first]), placeholder]
            end = last
    parts.append(_prose(typed[end:]))
    return "".join(parts)


def _prose(typed: str) -> str:
    text = undisguised(typed)
    if "<" in text:
        text = _TYPED_PLACEHOLDER.sub("< ", text)
    return legible(_MENTION.sub("<user>", text) if "@" in text else text)
