"""`twitch`: channels of Twitch; what is said comes over its IRC (pydle), deeds go to its API (Helix)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import aiohttp
import msgspec
import structlog

from rules.message import Message
from streams.errors import ConfigurationError, PlatformError
from streams.platforms import commands, words
from streams.platforms.deeds import Deed, Task, with_untimeout
from streams.platforms.orders import Asked, Orders, together
from streams.platforms.port import Away, Ear, Impossible, reason_of
from streams.platforms.twitch_chat import Chat, Purge, TwitchConfig
from streams.platforms.twitch_purges import Purges

log = structlog.get_logger(__name__)

REQUEST_S = 15.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
TOGETHER = 200
# Users asked for at once, and whose age is remembered.
PAGE, KNOWN = 100, 10_000
# What a token must allow for a deed.
SCOPES = {
    Deed.DELETE: "moderator:manage:chat_messages",
    Deed.TIMEOUT: "moderator:manage:banned_users",
    Deed.WARN: "moderator:manage:warnings",
}
READS, SPEAKS = "chat:read", "user:write:chat"
# Twitch takes no longer time-out, no longer reason or line.
LONGEST_TIMEOUT_S, LONGEST_TEXT = 1_209_600, 500
# Whose word counts in the moderators' room.
MODERATORS = {"broadcaster", "lead_moderator", "moderator"}
HINT = " — reply !approve, !remove, !notspam or !why"


class Twitch:
    """See Platform; a message that is gone is not deleted again, nor a time-out begun anew."""

    repeatable = frozenset({Deed.DELETE, Deed.TIMEOUT, Deed.UNTIMEOUT})
    counts_lines = False

    def __init__(self, config: TwitchConfig) -> None:
        unknown = set(config.can) - set(SCOPES)
        if unknown:
            raise ConfigurationError(f"twitch.can: Twitch knows no {', '.join(sorted(unknown))}")
        self._config = config
        if config.room and config.room.lower() in map(str.lower, config.channels):
            raise ConfigurationError("twitch.room is one of twitch.channels: the moderators need their own")
        self.can = with_untimeout(config.can) | ({Deed.REPORT} if config.room else set())
        self._session: aiohttp.ClientSession | None = None
        self._client_id, self._login, self._user_id = "", "", ""
        self._broadcasters: dict[str, str] = {}
        self._made: dict[str, datetime | None] = {}
        self._ages_from = 0.0
        self._purges = Purges()
        self._orders = Orders()

    # -- in

    async def run(self, ear: Ear) -> None:
        """Be there, and come back; what is said while we are away is not heard: Twitch keeps nothing."""
        try:
            await self._check()
        except Away as error:
            raise PlatformError(f"Twitch doesn't answer: {error}") from error
        await together(self._stay(ear), self._orders.work(ear))

    async def _stay(self, ear: Ear) -> None:
        wait, been = FIRST_WAIT_S, False
        while True:
            client = Chat(self._config, self._login)
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
            raise _refused(str(error)) from error
        self._client_id, self._login, self._user_id = mine["client_id"], mine["login"], mine["user_id"]
        needed = {READS, *(SCOPES[deed] for deed in self._config.can)} | (
            {SPEAKS} if self._config.room else set()
        )
        if missing := needed - set(mine.get("scopes") or ()):
            raise ConfigurationError(
                f"twitch.token lacks {', '.join(sorted(missing))}: make one that has it, or cut twitch.can"
            )
        found = await self._call(
            "GET", f"{self._config.api}/users", [("login", c) for c in self._config.joined]
        )
        self._broadcasters = {user["login"]: user["id"] for user in found["data"]}
        for channel in self._config.joined:
            if channel not in self._broadcasters:
                raise ConfigurationError(f"twitch.channels or room: there is no {channel!r} on Twitch")

    async def _listen(self, client: Chat, ear: Ear) -> None:
        while True:
            said = [await client.said.get()]
            while len(said) < TOGETHER and not client.said.empty():
                said.append(client.said.get_nowait())
            await self._hear([message for message in said if message is not None], ear)
            if any(message is None for message in said):
                raise PlatformError("Twitch has closed the connection")

    async def _hear(self, said: Sequence[Message | Purge], ear: Ear) -> None:
        judged, room = self._apart(said)
        await ear.hear(await self._aged(judged))
        asked = ((_order(message), message.id) for message in room)
        await self._orders.put(
            [Asked(order, partial(self._say, reply_to=name)) for order, name in asked if order is not None]
        )

    def _apart(self, said: Sequence[Message | Purge]) -> tuple[list[Message], list[Message]]:
        """Return what others have said, in the channels with what is gone there, and in the room."""
        judged: list[Message] = []
        room: list[Message] = []
        for each in said:
            if isinstance(each, Purge):
                judged += self._purges.deletions(each)
            elif each.author is not None and each.author.id == self._user_id:
                continue
            elif each.channel == (self._config.room or "").lower():
                room.append(each)
            else:
                self._purges.heard(each)
                judged.append(each)
        return judged, room

    async def _aged(self, said: Sequence[Message]) -> list[Message]:
        """Return the messages with when their authors' accounts were made; unknown where Twitch is away."""
        new = list({each.author.id for each in said if each.author} - self._made.keys())
        for begin in range(0, len(new), PAGE):
            ids = new[begin : begin + PAGE]
            if time.monotonic() < self._ages_from:
                break
            try:
                found = await self._call("GET", f"{self._config.api}/users", [("id", each) for each in ids])
            except (Away, Impossible) as error:
                log.warning("ages_unknown", reason=str(error), retry_s=LONGEST_WAIT_S)
                self._ages_from = time.monotonic() + LONGEST_WAIT_S
                break
            made = {user["id"]: datetime.fromisoformat(user["created_at"]) for user in found["data"]}
            self._made |= {each: made.get(each) for each in ids}
        aged = [
            msgspec.structs.replace(
                each, author=msgspec.structs.replace(each.author, created_at=self._made.get(each.author.id))
            )
            if each.author
            else each
            for each in said
        ]
        while len(self._made) > KNOWN:
            del self._made[next(iter(self._made))]
        return aged

    # -- out

    async def do(self, task: Task) -> str | None:
        """Delete, time out, warn, report."""
        if not self._broadcasters:
            raise Away("the bridge isn't in yet", FIRST_WAIT_S)
        verdict = task.verdict
        broadcaster = self._broadcasters.get(verdict.channel)
        if broadcaster is None:
            raise Impossible(f"the bridge isn't in {verdict.channel}")
        where = [("broadcaster_id", broadcaster), ("moderator_id", self._user_id)]
        reason = words.warning(verdict)[:LONGEST_TEXT]
        if task.deed is Deed.DELETE:
            await self._call(
                "DELETE", f"{self._config.api}/moderation/chat", [*where, ("message_id", verdict.message_id)]
            )
        elif task.deed is Deed.TIMEOUT:
            seconds = min(LONGEST_TIMEOUT_S, max(1, int(task.timeout_s)))
            data = {"user_id": verdict.author, "duration": seconds, "reason": reason}
            self._purges.expect(Purge(verdict.channel, verdict.author, seconds))
            await self._call("POST", f"{self._config.api}/moderation/bans", where, {"data": data})
        elif task.deed is Deed.UNTIMEOUT:
            user = ("user_id", verdict.author or "")
            await self._call("DELETE", f"{self._config.api}/moderation/bans", [*where, user])
        elif task.deed is Deed.WARN:
            data = {"user_id": verdict.author, "reason": reason}
            await self._call("POST", f"{self._config.api}/moderation/warnings", where, {"data": data})
        else:
            return await self._say(words.report(task), end=HINT)
        return None

    async def _say(self, text: str, reply_to: str | None = None, end: str = "") -> str:
        """Say something in the moderators' room, in one line, and return its id."""
        line = " ".join(text.split())[: LONGEST_TEXT - len(end)] + end
        room = self._broadcasters[(self._config.room or "").lower()]
        body = {"broadcaster_id": room, "sender_id": self._user_id, "message": line}
        body |= {"reply_parent_message_id": reply_to} if reply_to else {}
        (sent,) = (await self._call("POST", f"{self._config.api}/chat/messages", body=body))["data"]
        if not sent["is_sent"]:
            why = (sent.get("drop_reason") or {}).get("message")
            raise Impossible(f"Twitch has dropped what was to be said in {self._config.room}: {why}")
        return str(sent["message_id"])

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
            raise Away(f"{url}: {reason_of(error)}") from error
        if status < 300:
            return said
        why = f"{url.rpartition('/')[2]}: {status} {(said or {}).get('message', '')}"
        if status == 429:
            raise Away(why, max(1.0, float(reset) - time.time()) if reset.isdigit() else None)
        if status >= 500:
            raise Away(why)
        if status == 401 and self._login:
            # It was good at the start: it has run out. What is under way is done with the next one.
            raise _refused(why)
        raise Impossible(
            f"{why}; is {self._login or 'the account'} a moderator there?" if status == 403 else why
        )


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(f"twitch.token: Twitch refuses it: {why}; make a new one")


def _order(message: Message) -> commands.Order | None:
    """Return what a moderator asks for in reply to a report; Twitch puts "@name " before it."""
    author = message.author
    if author is None or not MODERATORS.intersection(author.roles) or message.reply_to is None:
        return None
    text = message.text.partition(" ")[2] if message.text.startswith("@") else message.text
    word, _, reason = text.strip().partition(" ")
    return commands.read(f"{word} {message.reply_to} {reason}", author.name or author.id)
