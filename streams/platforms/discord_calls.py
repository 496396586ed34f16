"""What is asked of Discord's API, and its refusals as ours."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import aiohttp
import discord

from streams.platforms import words
from streams.platforms.port import Away, Impossible, reason_of

# Discord takes no longer time-out, message or nonce.
LONGEST_TIMEOUT, LONGEST_TEXT, NONCE_BYTES = timedelta(days=28), 2000, 12
UNKNOWN_MESSAGE = 10008


class Calls:
    """Deeds, as the API has them; each raises Away or Impossible."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def delete(self, place: int, message: int) -> None:
        """Delete a message, unless it is gone."""
        partial = self._client.get_partial_messageable(place).get_partial_message(message)
        try:
            await asked(partial.delete())
        except Impossible as error:
            cause = error.__cause__
            if not (isinstance(cause, discord.NotFound) and cause.code == UNKNOWN_MESSAGE):
                raise

    async def time_out(self, channel: int, author: int, seconds: float | None, reason: str) -> None:
        """Keep a member of the channel's server from writing; with None, no more."""
        guild = getattr(self._client.get_channel(channel), "guild", None)
        if guild is None:
            raise Away(f"Discord doesn't tell of the channel {channel} at the moment")
        member = await asked(guild.fetch_member(author))
        length = None if seconds is None else min(LONGEST_TIMEOUT, timedelta(seconds=seconds))
        await asked(member.timeout(length, reason=words.short(reason)))

    async def send_privately(self, user: int, text: str, name: str) -> None:
        """Tell somebody alone."""
        person = await asked(self._client.fetch_user(user))
        await asked(person.send(text[:LONGEST_TEXT], nonce=_nonce(name)))

    async def send(
        self, place: int, text: str, name: str, reply_to: int | None = None, mention: int | None = None
    ) -> str:
        """Say something, and return the message's id; under one name it is said once in some minutes."""
        mentions = discord.AllowedMentions.none()
        if mention:
            mentions.users = [discord.Object(mention)]
        options: dict[str, Any] = {}
        if reply_to:
            # To a message that is gone, it is no reply.
            options["reference"] = discord.MessageReference(
                message_id=reply_to, channel_id=place, fail_if_not_exists=False
            )
        sent = await asked(
            self._client.get_partial_messageable(place).send(
                text[:LONGEST_TEXT], nonce=_nonce(name), allowed_mentions=mentions, suppress_embeds=True,
                **options,
            )
        )  # fmt: skip
        return str(sent.id)


async def asked(request: Any) -> Any:
    """Return Discord's answer.

    Raises:
        Impossible: Discord refuses.
        Away: It may be tried again.
    """
    try:
        return await request
    except discord.RateLimited as error:
        raise Away(str(error), error.retry_after) from error
    except discord.Forbidden as error:
        raise Impossible(
            f"{error}: the bot lacks the permission, or its role stands below the author's"
        ) from error
    except discord.HTTPException as error:
        if error.status == 429 or error.status >= 500:
            raise Away(str(error)) from error
        raise Impossible(str(error)) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Away(reason_of(error)) from error


def _nonce(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=NONCE_BYTES).hexdigest()
