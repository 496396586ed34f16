"""Twitch as far as a bridge sees it, written from its documentation: chat over IRC with tags, and the API."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

TOKEN = "a-token"
SIEVE, LANTERN, MODS = "1001", "2002", "2003"
CHANNELS = {"lantern": LANTERN, "lantern_mods": MODS}
SCOPES = [
    "chat:read", "moderator:manage:chat_messages", "moderator:manage:banned_users",
    "moderator:manage:warnings", "user:write:chat",
]  # fmt: skip


class Twitch:
    """A chat server and the API of a channel, `lantern`, and its moderators' room; `sieve` is a moderator."""

    def __init__(self) -> None:
        self.scopes = list(SCOPES)
        self.moderator = True
        self.calls: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[int] = []
        self.ages_asked: list[str] = []
        self.room: list[dict[str, str]] = []
        self.entered = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._number = 0

    def config(self, **more: Any) -> dict[str, Any]:
        """The section of bridge.yaml, once it listens."""
        base = f"http://127.0.0.1:{self._api_port}"
        return {
            "token": TOKEN, "channels": ["lantern"], "host": "127.0.0.1",
            "port": self._chat_port, "tls": False,
            "api": f"{base}/helix", "identity": f"{base}/oauth2",
        } | more  # fmt: skip

    async def start(self) -> None:
        """Listen on two ports."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._chat_port = self._server.sockets[0].getsockname()[1]
        app = web.Application()
        app.add_routes([
            web.get("/oauth2/validate", self._validate), web.get("/helix/users", self._users),
            web.post("/helix/chat/messages", self._post),
            web.route("*", "/helix/moderation/{what}", self._moderate),
        ])  # fmt: skip
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._api_port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close everything."""
        self._server.close()
        self.drop()
        await self._runner.cleanup()

    def drop(self) -> None:
        """Close the chat's connections."""
        for writer in self._open:
            writer.close()
        self._writers.clear()
        self.entered.clear()

    def say(self, text: str, user: str = "kim", channel: str = "lantern", **tags: str) -> str:
        """Have somebody say something, and return the message's id."""
        self._number += 1
        name = f"msg-{self._number}"
        told = {
            "badge-info": "", "badges": "subscriber/6", "display-name": user.title(), "emotes": "",
            "id": name,
            "room-id": LANTERN, "tmi-sent-ts": "1714593600000", "user-id": f"id-{user}",
        } | tags  # fmt: skip
        line = ";".join(f"{tag}={value}" for tag, value in told.items())
        self._send(f"@{line} :{user}!{user}@{user}.tmi.twitch.tv PRIVMSG #{channel} :{text}")
        return name

    def clear(self, name: str) -> None:
        """Tell that a message was deleted."""
        self._send(f"@login=kim;target-msg-id={name} :tmi.twitch.tv CLEARMSG #lantern :gone")

    def purge(self, user: str | None, seconds: int | None = None) -> None:
        """Tell that somebody was timed out, or banned, or that the whole channel was cleared."""
        tags = {"room-id": LANTERN, "tmi-sent-ts": "1714593600000"}
        tags |= {"target-user-id": f"id-{user}"} if user else {}
        tags |= {"ban-duration": str(seconds)} if seconds else {}
        line = ";".join(f"{tag}={value}" for tag, value in tags.items())
        self._send(f"@{line} :tmi.twitch.tv CLEARCHAT #lantern" + (f" :{user}" if user else ""))

    def _send(self, line: str) -> None:
        for writer in self._writers:
            writer.write(f"{line}\r\n".encode())

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._chat(reader, writer)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _chat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def send(line: str) -> None:
            writer.write(f":tmi.twitch.tv {line}\r\n".encode())

        nick, password = "", ""
        while raw := await reader.readline():
            command, _, rest = raw.decode().strip().partition(" ")
            if command == "PASS":
                password = rest
            elif command == "CAP" and rest.startswith("LS"):
                send("CAP * LS :twitch.tv/commands twitch.tv/membership twitch.tv/tags")
            elif command == "CAP" and rest.startswith("REQ"):
                send(f"CAP * ACK {rest[4:]}")
            elif command == "NICK":
                nick = rest
            elif command == "USER":
                if password.lstrip(":") != f"oauth:{TOKEN}":
                    send("NOTICE * :Login authentication failed")
                    break
                for number, text in (
                    ("001", "Welcome, GLHF!"),
                    ("002", "Your host"),
                    ("003", "new"),
                    ("004", "-"),
                ):
                    send(f"{number} {nick} :{text}")
                send(f"375 {nick} :-")
                send(f"376 {nick} :>")
            elif command == "JOIN":
                writer.write(f":{nick}!{nick}@{nick}.tmi.twitch.tv JOIN {rest}\r\n".encode())
                send(f"353 {nick} = {rest} :{nick}")
                send(f"366 {nick} {rest} :End of /NAMES list")
                mod = int(self.moderator)
                writer.write(f"@badges=;mod={mod} :tmi.twitch.tv USERSTATE {rest}\r\n".encode())
                if writer not in self._writers:
                    self._writers.append(writer)
                self.entered.set()
            elif command == "PING":
                send(f"PONG tmi.twitch.tv {rest}")

    async def _validate(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"status": 401, "message": "invalid access token"}, status=401)
        mine = {
            "client_id": "client",
            "login": "sieve",
            "user_id": SIEVE,
            "scopes": self.scopes,
            "expires_in": 5000,
        }
        return web.json_response(mine)

    async def _users(self, request: web.Request) -> web.Response:
        ids, logins = request.query.getall("id", []), request.query.getall("login", [])
        self.ages_asked += ids
        found = [{"id": each, "login": each[3:], "created_at": "2019-03-02T10:00:00Z"} for each in ids]
        found += [{"id": CHANNELS[each], "login": each} for each in logins if each in CHANNELS]
        return web.json_response({"data": found})

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert (body["broadcaster_id"], body["sender_id"]) == (MODS, SIEVE)
        name = self.say(body["message"], "sieve", "lantern_mods", **{"user-id": SIEVE})
        self.room.append(body | {"id": name})
        return web.json_response({"data": [{"message_id": name, "is_sent": True}]})

    async def _moderate(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        status = self.answers.pop(0) if self.answers else 200 if body else 204
        if not self.moderator:
            status = 403
        if request.headers.get("Client-Id") != "client" or request.query["moderator_id"] != SIEVE:
            status = 400
        if status < 300:
            method, what, query = request.method, request.match_info["what"], dict(request.query)
            self.calls.append((method, what, query, body))
            if what == "chat":
                self.clear(query["message_id"])
            elif (method, what) == ("POST", "bans"):
                self.purge(body["data"]["user_id"].removeprefix("id-"), body["data"]["duration"])
            return web.Response(status=204) if status == 204 else web.json_response({"data": [{}]})
        return web.json_response({"status": status, "message": "no"}, status=status)
