"""The plain view: a text without its disguises, and the way back to what was typed."""

from collections.abc import Sequence

from rules.message import Entity

# A model that was trained on another fold's readable view must not be served with this one.
FOLD_VERSION = "1"


class Folded:
    """A text as typed and its plain view.

    Attributes:
        text: The plain view.
        typed: The text that was folded.
    """

    __slots__ = ("text", "typed")

    text: str
    typed: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the half-open range of the plain view stands in the text as typed.

        Both are ranges of code points. The result is the smallest range of whole typed
        characters that the folded ones came from.
        """
        raise NotImplementedError


def fold(typed: str) -> Folded:
    """Fold a text into its plain view; any Unicode is welcome, time is linear."""
    raise NotImplementedError


def readable(typed: str, entities: Sequence[Entity] = ()) -> str:
    """Return what the model reads: invisible characters gone, case and marks kept,
    emotes, mentions and links as `<emote>`, `<user>` and `<link>`."""
    raise NotImplementedError
