"""The section `discord` of bridge.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class DiscordConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `discord`.

    Attributes:
        token: The bot's.
        channels: Ids of the channels that are listened to, with their threads.
        room: Id of the moderators' channel, whoever can write there may decide. None: nothing is reported.
        can: What is done beside reporting; the bot needs the permission of each.
        warn: Whether the author is told in the channel or by a direct message.
        relays: Ids of bots that carry other people's words, as webhooks do: judged, not counted.
        api, gateway: Base URLs.
    """

    token: str
    channels: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]
    room: int | None = None
    can: tuple[Literal["delete", "timeout", "warn"], ...] = ("delete", "timeout", "warn")
    warn: Literal["reply", "dm"] = "reply"
    relays: tuple[int, ...] = ()
    api: Annotated[str, msgspec.Meta(pattern="^https?://")] = "https://discord.com/api/v10"
    gateway: Annotated[str, msgspec.Meta(pattern="^wss?://")] = "wss://gateway.discord.gg/"
