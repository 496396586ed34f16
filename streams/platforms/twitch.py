"""`twitch`: channels of Twitch; what is said comes over its IRC (pydle), deeds go to its API (Helix)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import aiohttp
import msgspec
import pydle
import structlog

from rules.message import Author, Entity, EntityType, Kind, Message
from streams.errors import ConfigurationError, PlatformError
from streams.platforms import words
from streams.platforms.deeds import Deed, Task
from streams.platforms.port import Away, Ear, Impossible

log = structlog.get_logger(__name__)

ENTER_S, REQUEST_S = 30.0, 15.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
TOGETHER, WAITING = 200, 10_000
# What a token must allow for a deed.
SCOPES = {
    Deed.DELETE: "moderator:manage:chat_messages",
    Deed.TIMEOUT: "moderator:manage:banned_users",
    Deed.WARN: "moderator:manage:warnings",
}
READS = "chat:read"
# Twitch takes no longer time-out, no longer reason.
LONGEST_TIMEOUT_S, LONGEST_REASON = 1_209_600, 500

# Lines that Twitch sends otherwise than pydle expects of an IRC server.
PASSED_OVER = {
    4,
    "004",
    "PART",
    "353",
    "366",
    353,
    366,
    "CLEARCHAT",
    "USERSTATE",
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
        can: What is done; the token needs the scope of each.
        host, port, tls: Of the chat.
        api, identity: Base URLs of the API and of the token's check.
    """

    token: str
    channels: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    relays: tuple[str, ...] = ()
    bots: tuple[str, ...] = ()
    can: tuple[Deed, ...] = tuple(SCOPES)
    host: str = "irc.chat.twitch.tv"
    port: int = 6697
    tls: bool = True
    api: str = "https://api.twitch.tv/helix"
    identity: str = "https://id.twitch.tv/oauth2"


class Twitch:
    """See Platform; a message that is gone is not deleted again, nor a time-out begun anew."""

    repeatable = frozenset({Deed.DELETE, Deed.TIMEOUT})

    def __init__(self, config: TwitchConfig) -> None:
        unknown = set(config.can) - set(SCOPES)
        if unknown:
            raise ConfigurationError(f"twitch.can: Twitch knows no {', '.join(sorted(unknown))}")
        self._config = config
        self.can = frozenset(config.can)
        self._session: aiohttp.ClientSession | None = None
        self._client_id, self._login, self._user_id = "", "", ""
        self._broadcasters: dict[str, str] = {}

    # -- in

    async def run(self, ear: Ear) -> None:
        """Be there, and come back; what is said while we are away is not heard: Twitch keeps nothing."""
        try:
            await self._check()
        except Away as error:
            raise PlatformError(f"Twitch doesn't answer: {error}") from error
        wait, been = FIRST_WAIT_S, False
        while True:
            client = _Chat(self._config, self._login)
            try:
                await client.enter()
                been, wait = True, FIRST_WAIT_S
                log.info("joined", channels=self._config.channels, login=self._login)
                await self._listen(client, ear)
            except PlatformError as error:
                if not been:
                    raise
                log.warning("twitch_away", error=str(error), retry_s=wait)
            finally:
                if client.connected:
                    await client.disconnect(expected=True)
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def _check(self) -> None:
        """Learn whose token it is, what it allows, and the ids of the channels."""
        try:
            mine = await self._call("GET", f"{self._config.identity}/validate")
        except Impossible as error:
            raise ConfigurationError(f"twitch.token: Twitch refuses it: {error}; make a new one") from error
        self._client_id, self._login, self._user_id = mine["client_id"], mine["login"], mine["user_id"]
        needed = {READS, *(SCOPES[deed] for deed in self.can)}
        if missing := needed - set(mine.get("scopes") or ()):
            raise ConfigurationError(
                f"twitch.token lacks {', '.join(sorted(missing))}: make one that has it, or cut twitch.can"
            )
        found = await self._call(
            "GET", f"{self._config.api}/users", [("login", c) for c in self._config.channels]
        )
        self._broadcasters = {user["login"]: user["id"] for user in found["data"]}
        for channel in self._config.channels:
            if channel.lower() not in self._broadcasters:
                raise ConfigurationError(f"twitch.channels: there is no {channel!r} on Twitch")

    async def _listen(self, client: _Chat, ear: Ear) -> None:
        while True:
            said = [await client.said.get()]
            while len(said) < TOGETHER and not client.said.empty():
                said.append(client.said.get_nowait())
            await ear.hear([message for message in said if message is not None])
            if any(message is None for message in said):
                raise PlatformError("Twitch has closed the connection")

    # -- out

    async def do(self, task: Task) -> str | None:
        """Delete, time out, warn."""
        verdict = task.verdict
        broadcaster = self._broadcasters.get(verdict.channel)
        if broadcaster is None:
            raise Impossible(f"the bridge isn't in {verdict.channel}")
        where = [("broadcaster_id", broadcaster), ("moderator_id", self._user_id)]
        reason = words.warning(verdict)[:LONGEST_REASON]
        if task.deed is Deed.DELETE:
            await self._call(
                "DELETE", f"{self._config.api}/moderation/chat", [*where, ("message_id", verdict.message_id)]
            )
        elif task.deed is Deed.TIMEOUT:
            seconds = min(LONGEST_TIMEOUT_S, max(1, int(task.timeout_s)))
            data = {"user_id": verdict.author, "duration": seconds, "reason": reason}
            await self._call("POST", f"{self._config.api}/moderation/bans", where, {"data": data})
        else:
            data = {"user_id": verdict.author, "reason": reason}
            await self._call("POST", f"{self._config.api}/moderation/warnings", where, {"data": data})
        return None

    async def due(self, what: str) -> None:
        """Nothing is put off: Twitch ends its time-outs itself."""

    async def close(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()

    async def _call(
        self, method: str, url: str, params: list[tuple[str, str]] | None = None, body: Any = None
    ) -> Any:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=REQUEST_S))
        headers = {"Authorization": f"Bearer {self._config.token}", "Client-Id": self._client_id}
        try:
            async with self._session.request(
                method, url, params=params, json=body, headers=headers
            ) as answer:
                said = await answer.json(content_type=None) if answer.status != 204 else None
                status, reset = answer.status, answer.headers.get("Ratelimit-Reset", "")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Away(f"{url}: {error!r}") from error
        if status < 300:
            return said
        why = f"{url.rpartition('/')[2]}: {status} {(said or {}).get('message', '')}"
        if status == 429:
            raise Away(why, max(1.0, float(reset) - time.time()) if reset.isdigit() else None)
        if status >= 500:
            raise Away(why)
        raise Impossible(
            f"{why}; is {self._login or 'the account'} a moderator there?" if status == 403 else why
        )


class _Chat(pydle.Client):  # type: ignore[misc]  # pydle has no types
    """One connection to the chat."""

    RECONNECT_ON_ERROR = False

    def __init__(self, config: TwitchConfig, login: str) -> None:
        super().__init__(login)
        self._config = config
        self.said: asyncio.Queue[Message | None] = asyncio.Queue(WAITING)
        self._entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted = {f"#{channel.lower()}" for channel in config.channels}

    async def enter(self) -> None:
        """Connect, and join all channels."""
        config = self._config
        try:
            async with asyncio.timeout(ENTER_S):
                await self.connect(config.host, config.port, tls=config.tls, password=f"oauth:{config.token}")
                await self._entered
        except (OSError, TimeoutError) as error:
            raise PlatformError(
                f"Twitch's chat at {config.host}:{config.port} doesn't let us in: {error!r}"
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

    async def on_raw(self, message: Any) -> None:
        """Take what is said before anything is awaited, so that lines stay in their order."""
        said = _read(message, self._config)
        if said is not None:
            await self.said.put(said)
        elif message.command == "JOIN":
            self._joined(message)
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

    def _end(self, error: Exception) -> None:
        if not self._entered.done():
            self._entered.set_exception(error)
            self._entered.exception()  # nobody may be waiting for it


def _read(line: Any, config: TwitchConfig) -> Message | None:
    tags: Mapping[str, Any] = getattr(line, "tags", None) or {}
    channel = str(line.params[0]).lstrip("#") if line.params else ""
    if line.command == "CLEARMSG":
        return Message(str(tags.get("target-msg-id")), None, "", channel=channel, kind=Kind.DELETED)
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
        bot=login in config.bots, relay=login in config.relays,
    )  # fmt: skip
    sent, reply = tags.get("tmi-sent-ts"), tags.get("reply-parent-msg-id")
    return Message(
        tags["id"], author, text, channel=channel,
        sent_at=datetime.fromtimestamp(int(sent) / 1000, UTC) if isinstance(sent, str) else None,
        reply_to=reply if isinstance(reply, str) else None, entities=tuple(_emotes(tags.get("emotes"))),
    )  # fmt: skip


def _emotes(said: Any) -> Iterator[Entity]:
    """Yield the emotes of a tag like "25:0-4,12-16/1902:6-10", whose ends count in."""
    for each in said.split("/") if isinstance(said, str) else ():
        for span in each.partition(":")[2].split(","):
            first, _, last = span.partition("-")
            if first.isdigit() and last.isdigit():
                yield Entity(EntityType.EMOTE, (int(first), int(last) + 1))
