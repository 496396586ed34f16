"""Discord as far as a bridge sees it, written from its documentation: gateway and API of one server."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web

from streams.process.embedded import free_port

TOKEN = "a.bot.token"
EPOCH_MS = 1_420_070_400_000
GUILD, LOBBY, MODS, THREAD, FORUM = 1001, 1002, 1003, 1004, 1005
SIEVE, KIM, ANA = 2001, 175_928_847_299_117_063, 275_928_847_299_117_063
BOTS_ROLE, MODS_ROLE = 3001, 3002
VIEW, SEND, DELETE, HISTORY, SILENCE = 1 << 10, 1 << 11, 1 << 13, 1 << 16, 1 << 40
MESSAGE_CONTENT = 1 << 15
HEARTBEAT_MS = 30_000


def user(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": str(number), "username": name, "discriminator": "0", "avatar": None} | more


USERS = {
    SIEVE: user(SIEVE, "sieve", bot=True),
    KIM: user(KIM, "kim", global_name="Kim"),
    ANA: user(ANA, "ana"),
}
ROLES = {SIEVE: [BOTS_ROLE], KIM: [], ANA: [MODS_ROLE]}


class DiscordServer:
    """The gateway and the API; `sieve` is the bot, kim a member, ana a moderator."""

    def __init__(self) -> None:
        self.port = free_port()
        self.rights = VIEW | SEND | DELETE | HISTORY | SILENCE
        self.message_content = True
        self.calls: list[tuple[str, str, Any]] = []
        self.answers: list[int] = []
        self.said: dict[int, list[dict[str, Any]]] = {LOBBY: [], MODS: [], THREAD: []}
        self.greeted: list[str] = []
        self._told: list[dict[str, Any]] = []
        self._session = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._last = 0

    def config(self, **more: Any) -> dict[str, Any]:
        """The section of bridge.yaml."""
        at = f"127.0.0.1:{self.port}"
        return {
            "token": TOKEN, "channels": [LOBBY], "room": MODS,
            "api": f"http://{at}/api/v10", "gateway": f"ws://{at}/gateway/",
        } | more  # fmt: skip

    async def start(self) -> None:
        """Listen."""
        app = web.Application(middlewares=[self._admit])
        app.add_routes([
            web.get("/gateway/", self._gateway),
            web.get("/api/v10/users/@me", self._me),
            web.get("/api/v10/oauth2/applications/@me", self._application),
            web.get("/api/v10/users/{user}", self._user),
            web.post("/api/v10/users/@me/channels", self._open),
            web.get("/api/v10/channels/{channel}/messages", self._history),
            web.post("/api/v10/channels/{channel}/messages", self._post),
            web.delete("/api/v10/channels/{channel}/messages/{message}", self._delete),
            web.get("/api/v10/guilds/{guild}/members/{user}", self._member),
            web.patch("/api/v10/guilds/{guild}/members/{user}", self._silence),
        ])  # fmt: skip
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """Close everything."""
        await self.drop()
        await self._runner.cleanup()

    async def drop(self, *, forget: bool = False) -> None:
        """Close the connections; a session that is forgotten can't be resumed."""
        if forget:
            self._session += 1
        sockets, self._sockets = self._sockets, []
        for socket in sockets:
            await socket.close(code=4000)

    # -- what people do

    def say(self, text: str, author: int | dict[str, Any] = KIM, channel: int = LOBBY, **more: Any) -> str:
        """Have somebody say something, and return the message's id."""
        who = USERS[author] if isinstance(author, int) else author
        message = {
            "id": str(self._snowflake()), "channel_id": str(channel), "author": who,
            "content": text, "timestamp": datetime.now(UTC).isoformat(), "edited_timestamp": None,
            "tts": False, "mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": [],
            "embeds": [], "pinned": False, "type": 19 if "message_reference" in more else 0,
        } | more  # fmt: skip
        self.said[channel].append(message)
        self._tell("MESSAGE_CREATE", self._live(message))
        return str(message["id"])

    def edit(self, name: str, text: str, channel: int = LOBBY, *, edited: bool = True) -> None:
        """Change a message, or have Discord add a preview to it."""
        message = self._find(channel, name)
        message["content"] = text
        if edited:
            message["edited_timestamp"] = datetime.now(UTC).isoformat()
        self._tell("MESSAGE_UPDATE", self._live(message))

    def delete(self, name: str, channel: int = LOBBY) -> None:
        """Delete a message."""
        self.said[channel].remove(self._find(channel, name))
        told = {"id": name, "channel_id": str(channel), "guild_id": str(GUILD)}
        self._tell("MESSAGE_DELETE", told)

    def react(self, name: str, emoji: str, who: int = ANA) -> None:
        """Have somebody react to a message in the moderators' room."""
        told = {
            "user_id": str(who), "channel_id": str(MODS), "message_id": name, "guild_id": str(GUILD),
            "emoji": {"id": None, "name": emoji}, "member": self._membership(who), "type": 0, "burst": False,
        }  # fmt: skip
        self._tell("MESSAGE_REACTION_ADD", told)

    def _snowflake(self) -> int:
        self._last = max(self._last + 1, (int(time.time() * 1000) - EPOCH_MS) << 22)
        return self._last

    def _find(self, channel: int, name: str) -> dict[str, Any]:
        return next(message for message in self.said[channel] if message["id"] == name)

    def _live(self, message: dict[str, Any]) -> dict[str, Any]:
        """A message as the gateway tells it: with the server, and what its author is there."""
        more: dict[str, Any] = {"guild_id": str(GUILD)}
        if "webhook_id" not in message:
            more["member"] = {
                k: v for k, v in self._membership(int(message["author"]["id"])).items() if k != "user"
            }
        return message | more

    def _membership(self, number: int) -> dict[str, Any]:
        return {
            "user": USERS[number], "roles": [str(role) for role in ROLES[number]],
            "joined_at": "2024-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0,
        }  # fmt: skip

    # -- the gateway

    def _tell(self, event: str, data: dict[str, Any]) -> None:
        told = {"op": 0, "t": event, "s": len(self._told) + 1, "d": data}
        self._told.append(told)
        for socket in self._sockets:
            asyncio.get_running_loop().create_task(socket.send_json(told))

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": HEARTBEAT_MS}})
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            said = frame.json()
            if said["op"] == 1:
                await socket.send_json({"op": 11})
            elif said["op"] == 2:
                await self._identify(socket, said["d"])
            elif said["op"] == 6:
                await self._resume(socket, said["d"])
        if socket in self._sockets:
            self._sockets.remove(socket)
        return socket

    async def _identify(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        if said["token"] != TOKEN:
            await socket.close(code=4004)
        elif said["intents"] & MESSAGE_CONTENT and not self.message_content:
            await socket.close(code=4014)
        else:
            self.greeted.append("identified")
            self._sockets.append(socket)
            self._tell("READY", {
                "v": 10, "user": USERS[SIEVE], "guilds": [{"id": str(GUILD), "unavailable": True}],
                "session_id": str(self._session), "application": {"id": str(SIEVE), "flags": 0},
                "resume_gateway_url": f"ws://127.0.0.1:{self.port}/gateway/",
            })  # fmt: skip
            self._tell("GUILD_CREATE", self._guild())

    async def _resume(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        if said["session_id"] != str(self._session):
            await socket.send_json({"op": 9, "d": False})
            return
        self.greeted.append("resumed")
        for told in self._told[said["seq"] :]:
            await socket.send_json(told)
        self._sockets.append(socket)
        self._tell("RESUMED", {})

    def _guild(self) -> dict[str, Any]:
        def role(number: int, name: str, rights: int) -> dict[str, Any]:
            look = {"color": 0, "hoist": False, "managed": False, "mentionable": False, "flags": 0}
            return {"id": str(number), "name": name, "permissions": str(rights), "position": 1} | look

        def channel(number: int, name: str, kind: int = 0) -> dict[str, Any]:
            said = self.said.get(number) or []
            last = said[-1]["id"] if said else None
            its = {"id": str(number), "name": name, "type": kind, "last_message_id": last, "position": 0}
            return its | {
                "guild_id": str(GUILD),
                "permission_overwrites": [],
                "nsfw": False,
                "parent_id": None,
            }

        thread = channel(THREAD, "a thread", 11) | {
            "parent_id": str(LOBBY), "owner_id": str(KIM), "message_count": 0, "member_count": 1,
            "thread_metadata": {"archived": False, "auto_archive_duration": 60, "locked": False,
                                "archive_timestamp": "2024-01-01T00:00:00+00:00"},
        }  # fmt: skip
        return {
            "id": str(GUILD), "name": "lantern", "owner_id": "9", "member_count": 3, "unavailable": False,
            "roles": [role(GUILD, "@everyone", 0), role(BOTS_ROLE, "bots", self.rights),
                      role(MODS_ROLE, "Lamplighters", VIEW | SEND | DELETE)],
            "channels": [channel(LOBBY, "lobby"), channel(MODS, "mods")], "threads": [thread],
            "members": [self._membership(SIEVE)],
        }  # fmt: skip

    # -- the API

    @web.middleware
    async def _admit(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/api") and request.headers.get("Authorization") != f"Bot {TOKEN}":
            return _no(401, 0, "401: Unauthorized")
        if request.method != "GET" and self.answers:
            status = self.answers.pop(0)
            return _json(
                {"message": "not now", "retry_after": 0.2, "global": False, "code": 0},
                status=status, headers={"Via": "1.1 google"},
            )  # fmt: skip
        return await handler(request)

    def _note(self, request: web.Request, body: Any = None) -> None:
        self.calls.append((request.method, request.path.removeprefix("/api/v10"), body))

    async def _me(self, request: web.Request) -> web.Response:
        return _json(USERS[SIEVE])

    async def _application(self, request: web.Request) -> web.Response:
        told = {"id": str(SIEVE), "name": "sieve", "description": "", "bot_public": False, "flags": 0}
        more = {"bot_require_code_grant": False, "verify_key": "", "icon": None, "rpc_origins": None}
        return _json(told | more | {"team": None, "owner": USERS[ANA]})

    async def _user(self, request: web.Request) -> web.Response:
        return _json(USERS[int(request.match_info["user"])])

    async def _open(self, request: web.Request) -> web.Response:
        recipient = int((await request.json())["recipient_id"])
        self.said.setdefault(recipient, [])
        told = {"id": str(recipient), "type": 1, "recipients": [USERS[recipient]], "last_message_id": None}
        return _json(told)

    async def _history(self, request: web.Request) -> web.Response:
        after, limit = int(request.query.get("after", 0)), int(request.query["limit"])
        later = [m for m in self.said[int(request.match_info["channel"])] if int(m["id"]) > after]
        return _json(later[:limit][::-1])

    async def _post(self, request: web.Request) -> web.Response:
        channel, body = int(request.match_info["channel"]), await request.json()
        for message in self.said[channel]:
            if body.get("enforce_nonce") and message.get("nonce") == body["nonce"]:
                return _json(message)
        self._note(request, body)
        more = {"nonce": body.get("nonce")}
        name = self.say(body["content"], SIEVE, channel, **more)
        return _json(self._find(channel, name))

    async def _delete(self, request: web.Request) -> web.Response:
        channel, name = int(request.match_info["channel"]), request.match_info["message"]
        if not any(message["id"] == name for message in self.said[channel]):
            return _no(404, 10008, "Unknown Message")
        self._note(request)
        self.delete(name, channel)
        return web.Response(status=204)

    async def _member(self, request: web.Request) -> web.Response:
        return _json(self._membership(int(request.match_info["user"])))

    async def _silence(self, request: web.Request) -> web.Response:
        number, body = int(request.match_info["user"]), await request.json()
        if number == ANA:
            return _no(403, 50013, "Missing Permissions")
        self._note(request, body)
        return _json(self._membership(number) | body)


def _json(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    # Discord names no charset, and the client goes by that.
    body = json.dumps(data).encode()
    return web.Response(
        body=body, status=status, headers={"Content-Type": "application/json"} | (headers or {})
    )


def _no(status: int, code: int, message: str) -> web.Response:
    return _json({"code": code, "message": message}, status=status)
