"""In which language a message is, as far as anybody knows, and whether words of a language count in it."""

from __future__ import annotations

from typing import NamedTuple, Self

from rules.text.language import can_guess, guess


class Spoken(NamedTuple):
    """A message's language.

    Attributes:
        lang: Its code; None where nobody knows.
        sure: The platform or the channel says so; else the text looks like it.
        channel: The languages of the channel; empty where it has none set.
    """

    lang: str | None
    sure: bool
    channel: frozenset[str]

    @classmethod
    def of(cls, said: str | None, channel: frozenset[str], text: str) -> Self:
        """Return the language of a text: what is `said`, else a guess at one of the channel's."""
        if said is not None:
            return cls(said, True, channel)
        lang = guess(text)
        return cls(lang if not channel or lang in channel else None, False, channel)

    @property
    def because(self) -> str:
        """What keeps words of other languages from counting."""
        if self.lang is None:
            return f"the channel's languages are {', '.join(sorted(self.channel))}"
        return f"the message {'is' if self.sure else 'seems to be'} in {self.lang}"

    def takes(self, languages: frozenset[str], *, surely: bool = False) -> bool:
        """Return whether words count that belong to these languages; those of none belong to all.

        Where the language isn't known, words of the channel's languages do, or all where it has none
        set. A mere guess keeps no word from counting of a language that is never guessed, and none at
        all from what must act `surely`.
        """
        if not languages or self.lang in languages:
            return True
        if self.lang is None or not (self.sure or (not surely and any(map(can_guess, languages)))):
            return not self.channel or not self.channel.isdisjoint(languages)
        return False


def said_of(lang: str | None, channel: frozenset[str]) -> str | None:
    """Return what is said of a message's language: by the platform, else by a channel with only one."""
    return lang or (next(iter(channel)) if len(channel) == 1 else None)
