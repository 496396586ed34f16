"""A message of Discord's as a message of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import discord

from rules.message import Attachment, Author, Entity, EntityType, Kind, Message

# What people write; the rest Discord itself says: who joined, what was pinned.
SAID = {
    discord.MessageType.default,
    discord.MessageType.reply,
    discord.MessageType.chat_input_command,
    discord.MessageType.context_menu_command,
}
_INLINE = re.compile(
    r"(?P<code>(`{1,3})(?!`).+?(?<!`)\2(?!`))"
    r"|(?P<emote><a?:\w+:\d+>)|(?P<mention><(?:@[!&]?|#)\d+>|@everyone\b|@here\b)",
    re.DOTALL,
)
_QUOTED = re.compile(r"^(?:>>> (?s:.*)|> .*)", re.MULTILINE)


def read(message: discord.Message, channel: str, before: str, kind: Kind, relays: Sequence[int]) -> Message:
    forwarded = message.message_snapshots
    text = "\n".join(filter(None, [message.content, *(each.content for each in forwarded), *_poll(message)]))
    files = [*message.attachments, *(file for each in forwarded for file in each.attachments)]
    attachments = [Attachment((file.content_type or "file").partition("/")[0], file.url) for file in files]
    attachments += [Attachment("sticker", sticker.url) for sticker in message.stickers]
    replied = message.reference.message_id if message.reference and not forwarded else None
    return Message(
        f"{before}{message.id}", _author(message, relays), text, channel=channel, kind=kind,
        sent_at=message.created_at, reply_to=f"{before}{replied}" if replied else None,
        mentions=tuple(str(user) for user in message.raw_mentions), entities=tuple(_entities(text)),
        attachments=tuple(attachments),
    )  # fmt: skip


def _poll(message: discord.Message) -> Iterator[str]:
    if message.poll is not None:
        yield message.poll.question
        yield from (answer.text for answer in message.poll.answers)


def _author(message: discord.Message, relays: Sequence[int]) -> Author:
    author = message.author
    # What a bot answers to a command comes as its application's webhook; that is nobody else's word.
    hook = message.webhook_id is not None and message.webhook_id != message.application_id
    roles: list[str] = []
    if isinstance(author, discord.Member):
        rights = author.guild_permissions
        if rights.administrator:
            roles.append("admin")
        elif rights.manage_messages or rights.moderate_members:
            roles.append("moderator")
        roles += [role.name for role in author.roles if not role.is_default()]
    return Author(
        str(author.id), author.display_name, tuple(dict.fromkeys(roles)),
        created_at=None if hook else author.created_at, bot=author.bot and not hook,
        relay=hook or author.id in relays,
    )  # fmt: skip


def _entities(text: str) -> Iterator[Entity]:
    code: list[tuple[int, int]] = []
    for found in _INLINE.finditer(text):
        if found.lastgroup == "code":
            code.append(found.span())
        yield Entity(EntityType(found.lastgroup or ""), found.span())
    for found in _QUOTED.finditer(text):
        if not any(begin <= found.start() < end for begin, end in code):
            yield Entity(EntityType.QUOTE, found.span())
