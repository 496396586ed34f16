"""`irc`: channels of an IRC network, with pydle.

IRC can't take back what was said: there is nothing to delete. What can be done is to keep an author from
writing for a while (a channel ban), to warn, and to report to a moderators' channel.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import ssl
import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import pydle
import structlog

from rules.message import Author, Message
from streams.errors import ConfigurationError, PlatformError
from streams.platforms import commands, words
from streams.platforms.deeds import Deed, Task
from streams.platforms.port import Away, Ear, Impossible, reason_of

log = structlog.get_logger(__name__)

REGISTER_S = 30.0
# So long after joining the network's services may take to make us an operator.
OPERATOR_S = 3.0
# Between tries to come back, growing.
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# So many lines are heard together; beyond the bound the network is no longer read, and keeps them.
TOGETHER, WAITING = 200, 10_000
# pydle's writer is gone with its connection, and is then None.
GONE = (OSError, TimeoutError, AttributeError)
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


class Irc:
    """See Platform."""

    # A ban that is there isn't set again.
    repeatable = frozenset({Deed.TIMEOUT, Deed.UNTIMEOUT})

    def __init__(self, config: IrcConfig) -> None:
        self._config = config
        can = {Deed.TIMEOUT, Deed.UNTIMEOUT, Deed.WARN} | ({Deed.REPORT} if config.room else set())
        self.can = frozenset(can)
        self._client: _Client | None = None
        self._ear: Ear | None = None

    async def run(self, ear: Ear) -> None:
        """Be there, and come back; what is said while we are away is not heard: IRC keeps nothing."""
        self._ear = ear
        wait, been = FIRST_WAIT_S, False
        while True:
            client = _Client(self._config)
            try:
                await client.enter()
                self._client, been, wait = client, True, FIRST_WAIT_S
                log.info("joined", channels=self._config.channels, nick=client.nickname)
                asyncio.get_running_loop().call_later(OPERATOR_S, self._say_rights, client)
                await self._listen(client, ear)
            except PlatformError as error:
                if not been:
                    raise
                log.warning("network_away", error=str(error), retry_s=wait)
            finally:
                self._client = None
                await client.leave()
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def _listen(self, client: _Client, ear: Ear) -> None:
        while True:
            said = [await client.said.get()]
            while len(said) < TOGETHER and not client.said.empty():
                said.append(client.said.get_nowait())
            await ear.hear([message for message in said if isinstance(message, Message)])
            for order in said:
                if isinstance(order, commands.Order):
                    await self._answer(client, order, ear)
            if any(message is None for message in said):
                raise PlatformError(f"{self._config.host} has closed the connection")

    async def _answer(self, client: _Client, order: commands.Order, ear: Ear) -> None:
        text = await commands.answer(order, ear)
        try:
            await client.say(self._config.room or "", text)
        except GONE as error:
            log.warning("answer_unsaid", report=order.report, reason=reason_of(error))

    def _say_rights(self, client: _Client) -> None:
        """Say once, before the first deed, what can't be done and how to mend it."""
        if self._ear is None or Deed.TIMEOUT not in self._ear.wants or client is not self._client:
            return
        for channel in self._config.channels:
            if not client.is_operator(channel):
                log.warning("no_operator", reason=no_operator(channel, client.nickname))

    async def do(self, task: Task) -> str | None:
        """Ban for a while, warn, report."""
        client = self._client
        if client is None:
            raise Away(f"{self._config.host} is away")
        verdict = task.verdict
        nick = verdict.author or ""
        try:
            if task.deed is Deed.TIMEOUT:
                await self._silence(client, verdict.channel, nick, task.timeout_s)
            elif task.deed is Deed.UNTIMEOUT:
                await self._let_speak(client, verdict.channel, nick)
            elif task.deed is Deed.WARN:
                await client.notice(nick, words.warning(verdict))
            else:
                report = report_id(task)
                await client.say(
                    self._config.room or "", f"[{report}] {words.report(task)}\n{commands.hint(report)}"
                )
                return report
        except GONE as error:
            raise Away(f"{self._config.host} has gone: {reason_of(error)}") from error
        return None

    async def _silence(self, client: _Client, channel: str, nick: str, seconds: float) -> None:
        if not client.is_operator(channel):
            raise Impossible(no_operator(channel, client.nickname))
        assert self._ear is not None
        await self._ear.later(f"{channel} {nick}", time.time() + seconds)
        await client.rawmsg("MODE", channel, "+b", f"{nick}!*@*")

    async def _let_speak(self, client: _Client, channel: str, nick: str) -> None:
        if not client.is_operator(channel):
            raise Impossible(no_operator(channel, client.nickname))
        assert self._ear is not None
        await client.rawmsg("MODE", channel, "-b", f"{nick}!*@*")
        await self._ear.not_later(f"{channel} {nick}")

    async def due(self, what: str) -> None:
        """Let somebody write again."""
        client = self._client
        if client is None:
            raise Away(f"{self._config.host} is away")
        channel, _, nick = what.partition(" ")
        try:
            await client.rawmsg("MODE", channel, "-b", f"{nick}!*@*")
        except GONE as error:
            raise Away(f"{self._config.host} has gone: {reason_of(error)}") from error

    async def close(self) -> None:
        """Leave."""
        if self._client is not None:
            await self._client.leave()


class _Client(pydle.Client):  # type: ignore[misc]  # pydle has no types
    """One connection: joins, puts what is said into a queue, and ends when the network does."""

    RECONNECT_ON_ERROR = False

    def __init__(self, config: IrcConfig) -> None:
        account = (
            {"sasl_username": config.account, "sasl_password": config.password} if config.account else {}
        )
        super().__init__(config.nick, realname="Chatsieve", **account)
        self._config = config
        self.said: asyncio.Queue[Message | commands.Order | None] = asyncio.Queue(WAITING)
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

    async def say(self, channel: str, text: str) -> None:
        """Say lines in a channel."""
        for line in text.split("\n"):
            await self.message(channel, line)

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


def report_id(task: Task) -> str:
    """Return a short name that people can type."""
    return hashlib.blake2b(task.id.encode(), digest_size=3).hexdigest()


def no_operator(channel: str, nick: str) -> str:
    """Return what to do where the bridge may not set modes."""
    return f"the bridge is no operator of {channel}: /mode {channel} +o {nick}"


def _named(nick: str, nicks: Sequence[str]) -> bool:
    return any(nick == each.lower() for each in nicks)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _failed(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # nobody may be waiting for it
