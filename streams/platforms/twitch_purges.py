"""What a time-out or a ban takes away on Twitch: what its author lately said in that channel.

Twitch doesn't name the messages, nor who has asked for it; both are remembered here, since the last start.
"""

from __future__ import annotations

import time

from rules.message import Kind, Message
from streams.platforms.twitch_chat import Purge

# So many messages of all channels are remembered, and so many of one author told as deleted.
KEPT, TOLD = 20_000, 200
# So soon after we asked for it Twitch tells of a time-out.
OURS_S = 60.0


class Purges:
    """Makes deletions of purges."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, str]] = {}
        self._ours: dict[Purge, float] = {}

    def heard(self, message: Message) -> None:
        """Remember whose message it is, or forget one that is gone."""
        if message.kind is Kind.DELETED:
            self._said.pop(message.id, None)
        elif message.author is not None:
            self._said[message.id] = (message.channel, message.author.id)
            if len(self._said) > KEPT:
                del self._said[next(iter(self._said))]

    def expect(self, purge: Purge) -> None:
        """We are about to ask for it."""
        now = time.monotonic()
        self._ours = {each: until for each, until in self._ours.items() if until > now}
        self._ours[purge] = now + OURS_S

    def deletions(self, purge: Purge) -> list[Message]:
        """Return what is gone, each once; nothing where we have asked for it: that isn't judged again.

        Not those of the whole channel either, since clearing it says nothing of anybody, and a deletion takes
        back an author's credit.
        """
        if self._ours.pop(purge, 0.0) > time.monotonic() or purge.author is None:
            return []
        who = (purge.channel, purge.author)
        gone = [name for name, its in self._said.items() if its == who]
        for name in gone:
            del self._said[name]
        return [Message(name, None, "", channel=purge.channel, kind=Kind.DELETED) for name in gone[-TOLD:]]
