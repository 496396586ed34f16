"""What of messages is remembered, so that rules can ask what their authors did: gists, and numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.finding import seen as measured
from rules.finding.evidence import Evidence
from rules.finding.trail import COMMAND, COUNTS, EDITED, EMOTES
from rules.fold import Folded
from rules.message import CREATED, Kind, Message
from rules.text.links import HostList, Link, find_links

_COMMAND_SIGNS = frozenset("!/$?.+-")
_COMMAND = re.compile(r"[!/$?.+-]{1,2}[^\W\d_]\w*(?:\s+\S+){0,4}")
_NO_WORD = re.compile(r"[\W_]+")
_BETWEEN = b"\xff"
_NO_WORD_CHARACTERS = bytes(set(range(128)) - set(b"abcdefghijklmnopqrstuvwxyz0123456789"))
_INVITES = HostList(
    (
        "discord.gg", "discord.com/invite", "discordapp.com/invite", "dsc.gg", "t.me", "telegram.me",
        "chat.whatsapp.com", "guilded.gg", "revolt.chat/invite", "matrix.to", "signal.group",
    )
)  # fmt: skip
# What is counted of most messages.
_LETTERS_ALONE = [COUNTS.pack(letters, 0, 0, 0, 0) for letters in range(256)]


def gists(texts: Sequence[Folded]) -> tuple[list[bytes], list[int]]:
    """Return what makes two texts the same, of each, and how many letters and digits there are.

    Case, spaces and punctuation don't; where nothing else is left they do.
    """
    datas = [text.data for text in texts]
    # All in one go, with a byte between them that UTF-8 has not.
    bare = _BETWEEN.join(datas).translate(None, _NO_WORD_CHARACTERS).split(_BETWEEN) if datas else []
    letters = list(map(len, bare))
    for number, data in enumerate(datas):
        if not data.isascii():
            words = bare[number].decode()
            if not words.isalnum():
                words = _NO_WORD.sub("", words)
                bare[number] = words.encode()
            letters[number] = len(words)
    return [one or data for one, data in zip(bare, datas, strict=True)], letters


def counts_of(
    messages: Sequence[Message], letters: Sequence[int], evidence: Sequence[Evidence]
) -> list[bytes]:
    """Return what is counted of each message, as `COUNTS` in a trail have it.

    Args:
        letters: As `gists` counts them.
        evidence: Whoever looked for links has found them all.
    """
    return [
        _LETTERS_ALONE[min(count, 255)]
        if count
        and found.links is not None
        and not (found.links or message.entities or message.mentions)
        and message.kind is CREATED
        and message.text[0] not in _COMMAND_SIGNS
        and "@" not in message.text
        else COUNTS.pack(*counted(message, count, found.links))
        for message, count, found in zip(messages, letters, evidence, strict=True)
    ]


def counted(message: Message, letters: int, links: Sequence[Link] | None) -> tuple[int, int, int, int, int]:
    """Return letters, flags, links, mentions and invites, each at most 255."""
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
