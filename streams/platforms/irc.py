"""`irc`: channels of an IRC network, with pydle.

IRC can't take back what was said: there is nothing to delete. What can be done is to keep an author from
writing for a while (a channel ban), to warn, and to report to a moderators' channel.
"""

from __future__ import annotations

import asyncio
import hashlib
import time

import structlog

from rules.message import Message
from streams.errors import PlatformError
from streams.platforms import commands, words
from streams.platforms.deeds import Deed, Task
from streams.platforms.irc_chat import Chat, IrcConfig
from streams.platforms.orders import Asked, Orders, together
from streams.platforms.port import Away, Ear, Impossible, reason_of

log = structlog.get_logger(__name__)

# So long after joining the network's services may take to make us an operator.
OPERATOR_S = 3.0
# Between tries to come back, growing.
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# So many lines are heard together.
TOGETHER = 200
# pydle's writer is gone with its connection, and is then None.
GONE = (OSError, TimeoutError, AttributeError)


class Irc:
    """See Platform."""

    # A ban that is there isn't set again.
    repeatable = frozenset({Deed.TIMEOUT, Deed.UNTIMEOUT})
    counts_lines = True

    def __init__(self, config: IrcConfig) -> None:
        self._config = config
        can = {Deed.TIMEOUT, Deed.UNTIMEOUT, Deed.WARN} | ({Deed.REPORT} if config.room else set())
        self.can = frozenset(can)
        self._client: Chat | None = None
        self._ear: Ear | None = None
        self._orders = Orders()

    async def run(self, ear: Ear) -> None:
        """Be there, and come back; what is said while we are away is not heard: IRC keeps nothing."""
        self._ear = ear
        await together(self._stay(ear), self._orders.work(ear))

    async def _stay(self, ear: Ear) -> None:
        wait, been = FIRST_WAIT_S, False
        while True:
            client = Chat(self._config)
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

    async def _listen(self, client: Chat, ear: Ear) -> None:
        while True:
            said = [await client.said.get()]
            while len(said) < TOGETHER and not client.said.empty():
                said.append(client.said.get_nowait())
            await ear.hear([message for message in said if isinstance(message, Message)])
            await self._orders.put(
                [Asked(order, self._reply) for order in said if isinstance(order, commands.Order)]
            )
            if any(message is None for message in said):
                raise PlatformError(f"{self._config.host} has closed the connection")

    async def _reply(self, text: str) -> None:
        client, ear = self._client, self._ear
        if client is None or ear is None:
            raise Away(f"{self._config.host} is away")
        try:
            await client.say("PRIVMSG", self._config.room or "", text, ear, urgent=True)
        except GONE as error:
            raise Away(f"{self._config.host} has gone: {reason_of(error)}") from error

    def _say_rights(self, client: Chat) -> None:
        """Say once, before the first deed, what can't be done and how to mend it."""
        if self._ear is None or Deed.TIMEOUT not in self._ear.wants or client is not self._client:
            return
        for channel in self._config.channels:
            if not client.is_operator(channel):
                log.warning("no_operator", reason=no_operator(channel, client.nickname))

    async def do(self, task: Task) -> str | None:
        """Ban for a while, warn, report."""
        client, ear = self._client, self._ear
        if client is None or ear is None:
            raise Away(f"{self._config.host} is away")
        verdict = task.verdict
        nick = verdict.author or ""
        try:
            if task.deed is Deed.TIMEOUT:
                await self._silence(client, ear, verdict.channel, nick, task.timeout_s)
            elif task.deed is Deed.UNTIMEOUT:
                await self._let_speak(client, ear, task)
            elif task.deed is Deed.WARN:
                await client.say("NOTICE", nick, words.warning(verdict), ear)
            else:
                report = report_id(task)
                text = f"[{report}] {words.report(task)}\n{commands.hint(report)}"
                await client.say("PRIVMSG", self._config.room or "", text, ear)
                return report
        except GONE as error:
            raise Away(f"{self._config.host} has gone: {reason_of(error)}") from error
        return None

    async def _silence(self, client: Chat, ear: Ear, channel: str, nick: str, seconds: float) -> None:
        if not client.is_operator(channel):
            raise Impossible(no_operator(channel, client.nickname))
        await ear.turn()
        await ear.later(f"{channel} {nick}", time.time() + seconds)
        await client.rawmsg("MODE", channel, "+b", f"{nick}!*@*")

    async def _let_speak(self, client: Chat, ear: Ear, task: Task) -> None:
        channel, nick = task.verdict.channel, task.verdict.author or ""
        if not client.is_operator(channel):
            raise Impossible(no_operator(channel, client.nickname))
        await ear.turn(urgent=task.urgent)
        await client.rawmsg("MODE", channel, "-b", f"{nick}!*@*")
        await ear.not_later(f"{channel} {nick}")

    async def due(self, what: str) -> None:
        """Let somebody write again."""
        client, ear = self._client, self._ear
        if client is None or ear is None:
            raise Away(f"{self._config.host} is away")
        channel, _, nick = what.partition(" ")
        await ear.turn()
        try:
            await client.rawmsg("MODE", channel, "-b", f"{nick}!*@*")
        except GONE as error:
            raise Away(f"{self._config.host} has gone: {reason_of(error)}") from error

    async def close(self) -> None:
        """Leave."""
        if self._client is not None:
            await self._client.leave()


def report_id(task: Task) -> str:
    """Return a short name that people can type."""
    return hashlib.blake2b(task.id.encode(), digest_size=3).hexdigest()


def no_operator(channel: str, nick: str) -> str:
    """Return what to do where the bridge may not set modes."""
    return f"the bridge is no operator of {channel}: /mode {channel} +o {nick}"
