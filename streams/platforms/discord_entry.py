"""Getting in at Discord: the token, the gateway, the permissions; what keeps us out is said in one line."""

from __future__ import annotations

import asyncio

import aiohttp
import discord
import structlog
import yarl

from streams.errors import ConfigurationError, PlatformError
from streams.platforms.discord_calls import asked
from streams.platforms.discord_config import DiscordConfig
from streams.platforms.discord_events import Client
from streams.platforms.port import Away, Impossible, reason_of

log = structlog.get_logger(__name__)

# Who doesn't answer in this time at the start isn't there.
ANSWER_S = 10.0
ENTER_S = 60.0
WAIT_S = 1.0
# It closes when it likes: what it would say then doesn't matter.
_CLOSING = aiohttp.ClientWSTimeout(ws_close=1.0)


async def log_in(client: Client, config: DiscordConfig) -> None:
    """Show the token to the API.

    Raises:
        ConfigurationError: It is refused.
        PlatformError: The API doesn't answer.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            await client.login(config.token)
    except discord.LoginFailure as error:
        raise ConfigurationError(
            "discord.token: Discord refuses it: reset it in the developer portal, under Bot"
        ) from error
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise PlatformError(
            f"Discord doesn't answer at {config.api}: is discord.api right, and may this machine reach it?"
            f" ({reason_of(error)})"
        ) from error


async def reach(gateway: str) -> None:
    """See that the gateway greets: of a first connection that fails the library doesn't tell why.

    Raises:
        PlatformError: It doesn't.
    """
    url = yarl.URL(gateway).update_query(v="10", encoding="json")
    try:
        async with (
            asyncio.timeout(ANSWER_S),
            aiohttp.ClientSession() as session,
            session.ws_connect(url, timeout=_CLOSING) as socket,
        ):
            if (await socket.receive()).type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionError("it closes the connection without a word")
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise _unreachable(gateway, reason_of(error)) from error


def _unreachable(gateway: str, reason: str) -> PlatformError:
    return PlatformError(
        f"Discord's gateway doesn't answer at {gateway}: is discord.gateway right, and may this machine"
        f" reach it? ({reason})"
    )


async def connect(client: Client, gateway: str) -> None:
    """Be connected, and connect again after a break.

    Raises:
        ConfigurationError: The token or an intent is refused.
        PlatformError: The gateway sends us away for good, or is gone again before it has let us in.
    """
    try:
        await client.connect()
    except discord.PrivilegedIntentsRequired as error:
        raise ConfigurationError(
            "the bot lacks the Message Content intent: switch it on in the developer portal, under Bot"
        ) from error
    except discord.ConnectionClosed as error:
        if error.code == 4004:
            raise ConfigurationError(
                "discord.token: the gateway refuses it: reset it in the developer portal, under Bot"
            ) from error
        raise PlatformError(f"Discord's gateway has sent us away with code {error.code}") from error
    except AttributeError as error:
        if client.ws is not None:
            raise
        # The library takes up its last connection, also where there has been none.
        raise _unreachable(gateway, "it greeted, and was gone") from error


async def enter(client: Client, config: DiscordConfig) -> None:
    """Wait until the gateway has told of all channels, and see that we may do there what we are to do.

    Raises:
        ConfigurationError: A channel isn't there, or a permission is missing.
        PlatformError: It takes too long.
    """
    try:
        async with asyncio.timeout(ENTER_S):
            await client.filled.wait()
            for channel in config.channels:
                await _check_rights(client, channel, _needed(config))
            if config.room:
                await _check_rights(client, config.room, {"send_messages"})
    except TimeoutError as error:
        raise PlatformError(f"Discord's gateway at {config.gateway} doesn't let us in everywhere") from error


def _needed(config: DiscordConfig) -> set[str]:
    needed = {"delete": "manage_messages", "timeout": "moderate_members"}
    if config.warn == "reply":
        needed["warn"] = "send_messages"
    return {needed[deed] for deed in config.can if deed in needed}


async def _check_rights(client: Client, number: int, needed: set[str]) -> None:
    while (channel := client.get_channel(number)) is None:
        # A server may be told late; or it is none of ours.
        try:
            await asked(client.fetch_channel(number))
        except Impossible as error:
            raise ConfigurationError(
                f"the bot sees no channel {number}: invite it to the server, and allow it to view it"
            ) from error
        except Away as error:
            log.warning("discord_away", error=str(error))
        await asyncio.sleep(WAIT_S)
    if not isinstance(channel, discord.abc.GuildChannel):
        raise ConfigurationError(f"{number} is no channel of a server: threads come with their channel")
    rights = channel.permissions_for(channel.guild.me)
    needed = needed | {"view_channel", "read_message_history"}
    if missing := sorted(name for name in needed if not getattr(rights, name)):
        raise ConfigurationError(
            f"the bot lacks {', '.join(missing)} in #{channel.name} ({number}):"
            " give its role these permissions, or cut discord.can"
        )
