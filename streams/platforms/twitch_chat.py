"""Twitch's chat over IRC, and a line of it as a message of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec
import pydle
import structlog

from rules.message import Author, Entity, EntityType, Kind, Message
from streams.errors import ConfigurationError, PlatformError
from streams.platforms.deeds import Deed
from streams.platforms.port import reason_of

log = structlog.get_logger(__name__)

ENTER_S = 30.0
WAITING = 10_000

# Lines that Twitch sends otherwise than pydle expects of an IRC server.
PASSED_OVER = {
    4,
    "004",
    "PART",
    "353",
    "366",
    353,
    366,
    "ROOMSTATE",
    "GLOBALUSERSTATE",
    "USERNOTICE",
}


class TwitchConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `twitch`.

    Attributes:
        token: A user access token of the bridge's account, which is a moderator of the channels.
        channels: Logins of the broadcasters.
        relays: Logins that carry other people's words: judged, not counted.
        bots: Logins of programs: judged, not counted.
        room: Login of the channel that reports go to; its moderators may decide. None: nothing is reported.
        can: What is done beside reporting; the token needs the scope of each.
        host, port, tls: Of the chat.
        api, identity: Base URLs of the API and of the token's check.
    """

    token: str
    channels: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    relays: tuple[str, ...] = ()
    bots: tuple[str, ...] = ()
    room: str | None = None
    can: tuple[Deed, ...] = (Deed.DELETE, Deed.TIMEOUT, Deed.WARN)
    host: str = "irc.chat.twitch.tv"
    port: int = 6697
    tls: bool = True
    api: str = "https://api.twitch.tv/helix"
    identity: str = "https://id.twitch.tv/oauth2"

    @property
    def joined(self) -> tuple[str, ...]:
        """All channels that the bridge is in, in small letters as Twitch has them."""
        return tuple(channel.lower() for channel in (*self.channels, *filter(None, [self.room])))


class Purge(NamedTuple):
    """All that was lately said in a channel is gone, by everybody or by one author.

    Attributes:
        author: The author's id; None for everybody's.
        timeout_s: How long the author is timed out; None for good.
    """

    channel: str
    author: str | None
    timeout_s: int | None = None


class Chat(pydle.Client):  # type: ignore[misc]  # pydle has no types
    """One connection to the chat."""

    RECONNECT_ON_ERROR = False

    def __init__(self, config: TwitchConfig, login: str) -> None:
        super().__init__(login)
        self._config = config
        self.said: asyncio.Queue[Message | Purge | None] = asyncio.Queue(WAITING)
        self._entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted = {f"#{channel}" for channel in config.joined}

    async def enter(self) -> None:
        """Connect, and join all channels."""
        config = self._config
        try:
            async with asyncio.timeout(ENTER_S):
                await self.connect(config.host, config.port, tls=config.tls, password=f"oauth:{config.token}")
                await self._entered
        except (OSError, TimeoutError) as error:
            raise PlatformError(
                f"Twitch's chat at {config.host}:{config.port} doesn't let us in: {reason_of(error)}"
            ) from error

    async def on_connect(self) -> None:
        await super().on_connect()
        await self.rawmsg("CAP", "REQ", "twitch.tv/tags twitch.tv/commands")
        for channel in sorted(self._wanted):
            await self.rawmsg("JOIN", channel)

    async def on_disconnect(self, expected: bool) -> None:
        self._end(PlatformError("Twitch has closed the connection"))
        if not expected:
            await self.said.put(None)

    async def on_unknown(self, message: Any) -> None:
        """Twitch knows commands that pydle doesn't, and would warn of each."""

    async def on_raw(self, message: Any) -> None:
        """Take what is said before anything is awaited, so that lines stay in their order."""
        said = read(message, self._config)
        if said is not None:
            await self.said.put(said)
        elif message.command == "JOIN":
            self._joined(message)
        elif message.command == "USERSTATE":
            self._check_rights(message)
        elif message.command == "NOTICE" and "authentication failed" in message.params[-1].lower():
            self._end(ConfigurationError("twitch.token: the chat refuses it: make a new one"))
        elif message.command == "RECONNECT":
            await self.disconnect(expected=False)
        elif message.command not in PASSED_OVER:
            await super().on_raw(message)

    def _joined(self, message: Any) -> None:
        if message.source.partition("!")[0] == self._nicknames[0]:
            self._wanted.discard(message.params[0].lower())
            if not self._wanted and not self._entered.done():
                self._entered.set_result(None)

    def _check_rights(self, message: Any) -> None:
        """Twitch tells after joining what we are in a channel; in the moderators' room we need be nothing."""
        channel, tags = message.params[0].lstrip("#"), getattr(message, "tags", None) or {}
        wanted = self._config.can and channel in map(str.lower, self._config.channels)
        if wanted and tags.get("mod") != "1" and "broadcaster/" not in str(tags.get("badges")):
            login = self._nicknames[0]
            log.warning(
                "no_moderator", reason=f"{login} is no moderator of {channel}: type /mod {login} there"
            )

    def _end(self, error: Exception) -> None:
        if not self._entered.done():
            self._entered.set_exception(error)
            self._entered.exception()  # nobody may be waiting for it


def read(line: Any, config: TwitchConfig) -> Message | Purge | None:
    tags: Mapping[str, Any] = getattr(line, "tags", None) or {}
    channel = str(line.params[0]).lstrip("#") if line.params else ""
    if line.command == "CLEARMSG":
        return Message(str(tags.get("target-msg-id")), None, "", channel=channel, kind=Kind.DELETED)
    if line.command == "CLEARCHAT":
        author, seconds = tags.get("target-user-id"), str(tags.get("ban-duration"))
        return Purge(channel, str(author) if author else None, int(seconds) if seconds.isdecimal() else None)
    if line.command != "PRIVMSG" or not isinstance(tags.get("id"), str):
        return None
    login, text = line.source.partition("!")[0], line.params[-1]
    if text.startswith("\x01"):
        text = text.strip("\x01").removeprefix("ACTION ")
    badges = str(tags.get("badges", "")) if tags.get("badges") is not True else ""
    roles = tuple(badge.partition("/")[0] for badge in badges.split(",") if badge)
    name = tags.get("display-name")
    author = Author(
        str(tags.get("user-id", login)), name if isinstance(name, str) else login, roles,
        bot=_named(login, config.bots), relay=_named(login, config.relays),
    )  # fmt: skip
    sent, reply = tags.get("tmi-sent-ts"), tags.get("reply-parent-msg-id")
    return Message(
        tags["id"], author, text, channel=channel,
        sent_at=datetime.fromtimestamp(int(sent) / 1000, UTC) if isinstance(sent, str) else None,
        reply_to=reply if isinstance(reply, str) else None, entities=tuple(_emotes(tags.get("emotes"))),
    )  # fmt: skip


def _named(login: str, logins: Sequence[str]) -> bool:
    return any(login == each.lower() for each in logins)


def _emotes(said: Any) -> Iterator[Entity]:
    """Yield the emotes of a tag like "25:0-4,12-16/1902:6-10", whose ends count in."""
    for each in said.split("/") if isinstance(said, str) else ():
        for span in each.partition(":")[2].split(","):
            first, _, last = span.partition("-")
            if first.isdigit() and last.isdigit():
                yield Entity(EntityType.EMOTE, (int(first), int(last) + 1))
