"""What of a message is remembered, so that rules can ask what its author did: its gist, and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.finding import seen as measured
from rules.finding.trail import COMMAND, EDITED, EMOTES
from rules.message import Kind, Message
from rules.text.links import HostList, Link, find_links

_COMMAND_SIGNS = frozenset("!/$?.+-")
_COMMAND = re.compile(r"[!/$?.+-]{1,2}[^\W\d_]\w*(?:\s+\S+){0,4}")
_NO_WORD = re.compile(r"[\W_]+")
_NO_WORD_CHARACTERS = bytes(set(range(128)) - set(b"abcdefghijklmnopqrstuvwxyz0123456789"))
_INVITES = HostList(
    (
        "discord.gg", "discord.com/invite", "discordapp.com/invite", "dsc.gg", "t.me", "telegram.me",
        "chat.whatsapp.com", "guilded.gg", "revolt.chat/invite", "matrix.to", "signal.group",
    )
)  # fmt: skip


def gist(folded: str, data: bytes) -> tuple[bytes, int]:
    """Return what makes two texts the same, and how many letters and digits there are.

    Case, spaces and punctuation don't; where nothing else is left they do.

    Args:
        folded: The plain view.
        data: The same in UTF-8.
    """
    bare = data.translate(None, _NO_WORD_CHARACTERS)
    if len(folded) == len(data):
        return bare or data, len(bare)
    letters = bare.decode()
    if not letters.isalnum():
        letters = _NO_WORD.sub("", letters)
        bare = letters.encode()
    return bare or data, len(letters)


def measures(message: Message, letters: int, links: Sequence[Link] | None) -> tuple[int, int, int, int, int]:
    """Return what is counted of a message, as the last fields of an entry in a trail have it.

    Args:
        letters: As `gist` counts them.
        links: Those of the message, if somebody has looked for them.

    Returns:
        Letters, flags, links, mentions and invites, each at most 255.
    """
    text, entities = message.text, message.entities
    if links is None:
        links = find_links(text, entities)
    flags = EDITED if message.kind is Kind.EDITED else 0
    letters = min(letters, 255)
    if not (links or entities or message.mentions or "@" in text):
        if text[:1] in _COMMAND_SIGNS and _COMMAND.fullmatch(text):
            flags |= COMMAND
        elif not letters and not text.isascii() and _is_emotes(message):
            flags |= EMOTES
        return letters, flags, 0, 0, 0
    if entities and _is_emotes(message):
        flags |= EMOTES
    addressed = min(measured.mentions(message), 255)
    invites = sum(map(_INVITES.match, links)) if links else 0
    return letters, flags, min(len(links), 255), addressed, min(invites, 255)


def _is_emotes(message: Message) -> bool:
    pictures, others = measured.emoji(message)
    return bool(pictures and not others)
