"""One connection to an IRC network with pydle, and a line of it as a message of ours."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import msgspec
import pydle

from rules.message import Author, Message
from streams.errors import ConfigurationError, PlatformError
from streams.platforms import commands
from streams.platforms.pace import Queue
from streams.platforms.port import Ear, reason_of

REGISTER_S = 30.0
# So many lines wait to be heard; beyond that the network is no longer read, and keeps them.
WAITING = 10_000
# Bytes of a line, without its end, and of the longest host that the network may put before it.
LINE, HOST = 510, 63
# Numerics that say why we can't be here.
_REFUSED = {
    "464": "the password is wrong: see irc.password",
    "465": "we are banned from this server",
    "432": "the server doesn't take this nick: see irc.nick",
    "904": "the account or its password is wrong: see irc.account",
}
_NOT_JOINED = {
    "403": "there is no such channel",
    "405": "we are in too many channels",
    "471": "it is full",
    "473": "it is invite-only: invite the bridge, or give it an exception (+I)",
    "474": "we are banned there",
    "475": "it has a key",
    "477": "it asks for a registered nick: see irc.account",
}


Channel = Annotated[str, msgspec.Meta(pattern=r"^[#&+!][^\s,:]+$")]


class IrcConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `irc`.

    Attributes:
        channels: What is listened to; the bridge should be an operator there, for time-outs.
        room: The moderators' channel: whoever is in it may decide. None: nothing is reported.
        account: With `password`, SASL; without an account the password is the server's.
        bots: Nicks of programs: judged, not counted.
        relays: Nicks that carry other people's words: judged, not counted.
    """

    host: str
    nick: Annotated[str, msgspec.Meta(pattern=r"^[^\s:,!@*?#&+0-9-][^\s:,!@*?]*$")]
    channels: Annotated[tuple[Channel, ...], msgspec.Meta(min_length=1)]
    port: int = 6697
    tls: bool = True
    password: str | None = None
    account: str | None = None
    room: Channel | None = None
    bots: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()


class Chat(pydle.Client):  # type: ignore[misc]  # pydle has no types
    """One connection: joins, puts what is said into a queue, and ends when the network does."""

    RECONNECT_ON_ERROR = False

    def __init__(self, config: IrcConfig) -> None:
        account = (
            {"sasl_username": config.account, "sasl_password": config.password} if config.account else {}
        )
        super().__init__(config.nick, realname="Chatsieve", **account)
        self._config = config
        self.said: asyncio.Queue[Message | commands.Order | None] = asyncio.Queue(WAITING)
        self._speaking = Queue()
        self._number = itertools.count()
        self._started = f"{time.time_ns():x}"
        self._registered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted = {channel.lower() for channel in (*config.channels, *filter(None, [config.room]))}
        self._joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def enter(self) -> None:
        """Connect, register and join."""
        config = self._config
        password = config.password if config.account is None else None
        try:
            async with asyncio.timeout(REGISTER_S):
                await self.connect(
                    config.host, config.port, tls=config.tls, tls_verify=True, password=password
                )
                await self._registered
                for channel in sorted(self._wanted):
                    await self.rawmsg("JOIN", channel)
                await self._joined
        except ssl.SSLError as error:
            raise PlatformError(f"no TLS with {config.host}:{config.port}: {error}; see irc.tls") from error
        except (OSError, TimeoutError) as error:
            raise PlatformError(
                f"no IRC server lets us in at {config.host}:{config.port}: are irc.host, irc.port and irc.tls"
                f" right, and is it up? ({reason_of(error)})"
            ) from error

    async def leave(self) -> None:
        """Close the connection."""
        if self.connected:
            await self.disconnect(expected=True)

    def is_operator(self, channel: str) -> bool:
        """Return whether we may set modes there."""
        modes = self.channels.get(channel, {}).get("modes", {})
        return any(self.nickname in modes.get(mode, ()) for mode in ("o", "a", "q", "h"))

    async def say(self, how: str, to: str, text: str, ear: Ear, *, urgent: bool = False) -> None:
        """Say a text in as few lines as it fits in, together, each at its turn; how is PRIVMSG or NOTICE."""
        before = f":{self.nickname}!~{self.username}@ {how} {to} :"
        async with self._speaking.turn(urgent=urgent):
            for line in packed(text.split("\n"), LINE - HOST - len(before.encode())):
                await ear.turn(urgent=urgent)
                await self.rawmsg(how, to, line)

    # -- what pydle does by itself

    async def whois(self, nickname: str) -> None:
        """Nobody is asked for: pydle would ask who each newcomer is, a line each, in a raid too many."""

    # -- pydle's callbacks

    async def on_connect(self) -> None:
        await super().on_connect()
        _done(self._registered)

    async def on_join(self, channel: str, user: str) -> None:
        await super().on_join(channel, user)
        if self.is_same_nick(user, self.nickname):
            self._wanted.discard(channel.lower())
            if not self._wanted:
                _done(self._joined)

    async def on_raw_error(self, message: Any) -> None:
        """The server says why it closes the connection."""
        said = f"{self._config.host}: {' '.join(message.params)}"
        wrong = "password" in said.lower() or "denied" in said.lower()
        _failed(
            self._registered,
            ConfigurationError(f"{said}: see irc.password") if wrong else PlatformError(said),
        )

    async def on_disconnect(self, expected: bool) -> None:
        gone = PlatformError(f"{self._config.host} has closed the connection")
        _failed(self._registered, gone)
        _failed(self._joined, gone)
        if not expected:
            await self.said.put(None)

    async def on_raw(self, message: Any) -> None:
        """Look for refusals, which pydle passes over."""
        command = f"{message.command:03}"
        if command in _REFUSED:
            _failed(self._registered, ConfigurationError(f"{self._config.host}: {_REFUSED[command]}"))
            return
        if command in _NOT_JOINED and len(message.params) > 1:
            why = _NOT_JOINED[command]
            _failed(self._joined, ConfigurationError(f"can't join {message.params[1]}: {why}"))
        await super().on_raw(message)

    async def on_unknown(self, message: Any) -> None:
        """What matters of it `on_raw` has seen; pydle would warn of each."""

    async def on_raw_privmsg(self, message: Any) -> None:
        # The queue is filled before anything is awaited, so that lines stay in their order.
        said = self._read(message)
        if said is not None:
            await self.said.put(said)
        await super().on_raw_privmsg(message)

    def _read(self, line: Any) -> Message | commands.Order | None:
        nick, _ = self._parse_user(line.source)
        channel, text = line.params[0], line.params[-1]
        if not self.is_channel(channel):
            return None
        if text.startswith("\x01"):
            text = text.strip("\x01").removeprefix("ACTION ")
        if self._config.room and self.is_same_channel(channel, self._config.room):
            return commands.read(text, nick)
        tags = getattr(line, "tags", None) or {}
        name = tags.get("msgid") or f"{self._started}-{next(self._number)}"
        who = nick.lower()
        author = Author(
            who,
            nick,
            self._roles(channel, nick),
            bot=_named(who, self._config.bots),
            relay=_named(who, self._config.relays),
        )
        return Message(name, author, text, channel=channel.lower())

    def _roles(self, channel: str, nick: str) -> tuple[str, ...]:
        modes = self.channels.get(channel, {}).get("modes", {})
        names = {"q": "owner", "a": "admin", "o": "operator", "h": "halfop", "v": "voice"}
        return tuple(name for mode, name in names.items() if nick in modes.get(mode, ()))


def packed(parts: Iterable[str], most: int) -> Iterator[str]:
    """Yield the parts in as few lines as they fit in, of at most so many bytes; a longer part is cut."""
    line = ""
    for part in parts:
        words = " ".join(part.split())
        if line and len(f"{line} {words}".encode()) > most:
            yield line
            line = ""
        line = f"{line} {words}".strip()
        while len(line.encode()) > most:
            begin = line.encode()[:most].decode(errors="ignore")
            begin = begin.rpartition(" ")[0] or begin
            yield begin
            line = line.removeprefix(begin).lstrip()
    if line:
        yield line


def _named(nick: str, nicks: Sequence[str]) -> bool:
    return any(nick == each.lower() for each in nicks)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _failed(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # nobody may be waiting for it
