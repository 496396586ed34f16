"""The bridge to Discord, against a server that speaks as Discord's documentation says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from streams.process.embedded import Broker, Store
from tests.bridging import judged, messages, said_deeds, start_bridge, told, until, verdicts
from tests.deployment import Deployment, kill
from tests.discord_server import (
    ANA,
    GUILD,
    HISTORY,
    KIM,
    LOBBY,
    MODS,
    SEND,
    SIEVE,
    THREAD,
    VIEW,
    DiscordServer,
    user,
)

ROWS = [
    {"action": "remove", "do": ["delete", "timeout", "warn"], "timeout_s": 60},
    {"action": "hold", "do": ["report"]},
]
HELD = """
rules:
  - {id: test/held, label: spam, action: hold, strength: strong, why: Made for the tests., terms: [zzheld]}
"""


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    """A Discord of our own."""
    one = DiscordServer()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture(scope="module")
def deployment(broker: Broker, store: Store) -> Iterator[Deployment]:
    """A worker for all tests: each has a tenant and a bridge of its own."""
    with Deployment(broker.address, store.url, "discord-") as one:
        one.write_pack("held.yaml", HELD)
        one.start(fetch_wait=0.02)
        yield one


@pytest.fixture
def it(deployment: Deployment) -> Iterator[Deployment]:
    """The deployment; bridges end with the test."""
    yield deployment
    for bridge in deployment.workers[1:]:
        if bridge.poll() is None:
            kill(bridge)


@pytest.fixture
def tenant(prefix: str) -> str:
    """Of this test alone."""
    return prefix.rstrip("-")


def config(discord: DiscordServer, tenant: str, **more: Any) -> dict[str, Any]:
    return {"tenant": tenant, "name": tenant, "deeds": ROWS, "discord": discord.config(**more)}


async def bridged(it: Deployment) -> None:
    await until(lambda: '"entered"' in it.log(len(it.workers) - 1), it)


async def heard(it: Deployment, count: int, tenant: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The messages that the bridge has sent, when they are judged."""
    await asyncio.to_thread(verdicts, it, count, tenant=tenant)
    found = await asyncio.to_thread(messages, it, count, tenant)
    return {(each["id"], each["kind"]): each for each in found}


async def test_what_is_said_edited_and_deleted_is_judged(
    it: Deployment, discord: DiscordServer, tenant: str
) -> None:
    """With roles, the age of the account, what is quoted, mentioned or attached; previews are no edits."""
    start_bridge(it, "discord", config(discord, tenant))
    await bridged(it)
    first = discord.say("> is it on?\nhi <@275928847299117063> <:torch:77> `code`", attachments=[
        {"id": "5", "filename": "a.png", "size": 1, "url": "https://cdn.test/a.png", "proxy_url": "",
         "content_type": "image/png"},
    ])  # fmt: skip
    discord.edit(first, "a preview", edited=False)
    discord.edit(first, "hi again")
    discord.delete(first)
    reply = discord.say("yes", ANA, message_reference={"message_id": first, "channel_id": str(LOBBY)})
    hook = user(42, "from irc", discriminator="0000", bot=True)
    hooked = discord.say("hello there", hook, webhook_id="42")
    inside = discord.say("in a thread", channel=THREAD)
    said = await heard(it, 6, tenant)
    message = said[first, "created"]
    made = datetime.fromisoformat(message["author"].pop("created_at"))
    assert message["author"] == {"id": str(KIM), "name": "Kim", "roles": [], "bot": False, "relay": False}
    assert made == datetime(2016, 4, 30, 11, 18, 25, 796_000, UTC)  # of the id in Discord's documentation
    assert {(each["type"], *each["span"]) for each in message["entities"]} == {
        ("quote", 0, 11), ("mention", 15, 36), ("emote", 37, 48), ("code", 49, 55),
    }  # fmt: skip
    assert (message["mentions"], message["attachments"][0]["type"]) == ([str(ANA)], "image")
    assert (message["channel"], message["platform"]) == (str(LOBBY), "discord")
    assert said[first, "edited"]["text"] == "hi again"
    assert said[first, "deleted"]["author"]["id"] == str(KIM)
    assert said[reply, "created"]["reply_to"] == first
    assert said[reply, "created"]["author"]["roles"] == ["moderator", "Lamplighters"]
    relayed = said[hooked, "created"]["author"]
    assert (relayed["relay"], relayed["bot"], relayed["created_at"]) == (True, False, None)
    assert said[f"{THREAD}/{inside}", "created"]["channel"] == str(LOBBY)


async def test_what_is_decided_is_asked_of_the_api_once(
    it: Deployment, discord: DiscordServer, tenant: str
) -> None:
    """Turns are waited for; in a thread too; the bridge's own deeds and words are not judged."""
    discord.answers += [429, 503]
    start_bridge(it, "discord", config(discord, tenant))
    await bridged(it)
    name = discord.say("this is zzbad", channel=THREAD)
    await asyncio.to_thread(said_deeds, it, 3, tenant)
    (deleted, silenced, warned) = discord.calls
    assert deleted == ("DELETE", f"/channels/{THREAD}/messages/{name}", None)
    assert silenced[:2] == ("PATCH", f"/guilds/{GUILD}/members/{KIM}")
    ends = datetime.fromisoformat(silenced[2]["communication_disabled_until"])
    assert 50 < (ends - datetime.now(UTC)).total_seconds() < 61
    assert warned[:2] == ("POST", f"/channels/{THREAD}/messages")
    assert warned[2]["content"].startswith(f"<@{KIM}> ")
    assert warned[2]["allowed_mentions"]["users"] == [KIM]
    discord.say("zzbad, says a moderator", ANA)
    found = await asyncio.to_thread(verdicts, it, 2, tenant=tenant)
    assert {each["kind"] for each in found} == {"created"}
    outcomes = await asyncio.to_thread(said_deeds, it, 6, tenant)
    refused = [(each["deed"], each["reason"]) for each in outcomes if each["outcome"] != "done"]
    assert [deed for deed, _ in refused] == ["timeout"]
    assert "its role stands below the author's" in refused[0][1]


async def test_the_room_is_asked_and_answers(it: Deployment, discord: DiscordServer, tenant: str) -> None:
    """By a reaction or a word in reply, with the moderator's name; a held message stays till then.

    Who had something removed may be told by a direct message, and may write again if it wasn't spam.
    """
    rows = [{"action": "remove", "do": ["delete", "timeout", "warn", "report"]}, *ROWS[1:]]
    start_bridge(it, "discord", config(discord, tenant, warn="dm") | {"deeds": rows})
    await bridged(it)
    held = discord.say("come to zzheld")
    await until(lambda: discord.said[MODS], it)
    report = discord.said[MODS][0]
    assert "come to zzheld" in report["content"]
    assert f"https://discord.com/channels/{GUILD}/{LOBBY}/{held}" in report["content"]
    asked = {"message_id": report["id"], "channel_id": str(MODS)}
    discord.say("!why", ANA, MODS, message_reference=asked)
    await until(lambda: "settled by test/held" in discord.said[MODS][-1]["content"], it)
    discord.react(report["id"], "🗑️")
    await until(lambda: discord.said[MODS][-1]["content"].endswith("Removed."), it)
    assert not discord.said[LOBBY]
    feedback = next(told(it, it.topics.feedback, tenant))
    assert (feedback["decision"], feedback["reviewer"], feedback["message_id"]) == ("remove", "ana", held)
    discord.say("this is zzbad")
    await until(lambda: discord.said.get(KIM), it)
    assert discord.said[KIM][0]["author"]["id"] == str(SIEVE)
    await until(lambda: discord.said[MODS][-1]["content"].startswith("remove: "), it)
    discord.react(discord.said[MODS][-1]["id"], "♻️")
    await until(lambda: "may write again" in discord.said[MODS][-1]["content"], it)
    silenced = [
        body["communication_disabled_until"] for method, _, body in discord.calls if method == "PATCH"
    ]
    assert (len(silenced), silenced[-1]) == (2, None)


async def test_an_order_that_waits_for_the_api_keeps_nobody_waiting(
    it: Deployment, discord: DiscordServer, tenant: str
) -> None:
    """What is said meanwhile is judged. Who is killed over it does it after that, and no more then."""
    bridge = start_bridge(it, "discord", config(discord, tenant))
    await bridged(it)
    discord.say("come to zzheld")
    await until(lambda: discord.said[MODS], it)
    asked = {"message_id": discord.said[MODS][0]["id"], "channel_id": str(MODS)}
    discord.answers += [503] * 50
    discord.say("!remove", ANA, MODS, message_reference=asked)
    await until(lambda: len(discord.answers) < 50, it)
    hello = discord.say("hello", ANA)
    await asyncio.to_thread(judged, it, hello, tenant)
    assert len(discord.answers) > 40, "the order was tried for long before what came later was judged"
    assert not [each for each in discord.said[MODS] if each["content"].endswith("Removed.")]
    kill(bridge)
    discord.answers.clear()
    bridge = start_bridge(it, "discord", config(discord, tenant))
    await until(lambda: discord.said[MODS][-1]["content"].endswith("Removed."), it)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(judged, it, discord.say("thanks", ANA), tenant)
    kill(bridge)
    for each in discord.said[MODS]:  # which Discord forgets in some minutes
        each.pop("nonce", None)
    start_bridge(it, "discord", config(discord, tenant))
    await bridged(it)
    again = discord.say("hello again", ANA)
    await asyncio.to_thread(judged, it, again, tenant)
    await asyncio.sleep(0.5)
    assert len([each for each in discord.said[MODS] if each["content"].endswith("Removed.")]) == 1


async def test_nothing_is_left_out_across_breaks_and_kills(
    it: Deployment, discord: DiscordServer, tenant: str
) -> None:
    """The gateway tells it again, or the channels are read: after a break, a lost session, a kill -9."""
    before = discord.say("before the bridge first came")
    bridge = start_bridge(it, "discord", config(discord, tenant))
    await bridged(it)
    said = [discord.say("hello 0")]
    await discord.drop()
    said += [discord.say(f"while away {n}") for n in range(3)]
    await until(lambda: discord.greeted == ["identified", "resumed"], it)
    said.append(discord.say("back"))
    await discord.drop(forget=True)
    said += [discord.say(f"session lost {n}", ANA) for n in range(3)]
    await until(lambda: discord.greeted[2:] == ["identified"], it)
    said.append(discord.say("back again"))
    await asyncio.to_thread(verdicts, it, len(said), tenant=tenant)
    kill(bridge)
    said += [discord.say(f"killed {n}", ANA) for n in range(120)]
    inside = discord.say("and in a thread", channel=THREAD)
    start_bridge(it, "discord", config(discord, tenant))
    found = await heard(it, len(said) + 1, tenant)
    assert before not in {name for name, _ in found}
    assert {name for name, _ in found} == {*said, f"{THREAD}/{inside}"}
    roles = {each["text"]: each["author"]["roles"] for each in found.values()}
    assert roles["killed 7"] == roles["session lost 1"] == ["moderator", "Lamplighters"]


KEPT_OUT: dict[str, tuple[dict[str, Any], int, str]] = {
    "token": ({"token": "old"}, 2, "discord.token: Discord refuses it"),
    "intent": ({}, 2, "the bot lacks the Message Content intent"),
    "rights": ({}, 2, "the bot lacks manage_messages, moderate_members in #lobby (1002)"),
    "channel": ({"channels": [77]}, 2, "the bot sees no channel 77"),
    "room": ({"room": LOBBY}, 2, "discord.room is one of discord.channels"),
    "nobody": ({"api": "http://127.0.0.1:1/api/v10"}, 1, "Discord doesn't answer at http://127.0.0.1:1"),
    "gateway": ({"gateway": "ws://127.0.0.1:1/"}, 1, "Discord's gateway doesn't answer at ws://127.0.0.1:1/"),
}


async def test_what_keeps_it_out_is_said_in_one_line(it: Deployment, tenant: str) -> None:
    """With what to do; the bridges are started side by side, each against a Discord of its own."""
    servers: list[DiscordServer] = []
    bridges: dict[str, tuple[int, Any]] = {}
    for what, (wrong, _, _) in KEPT_OUT.items():
        servers.append(DiscordServer())
        servers[-1].message_content = what != "intent"
        if what == "rights":
            servers[-1].rights = VIEW | SEND | HISTORY
        await servers[-1].start()
        its = config(servers[-1], f"{tenant}-{what}", **wrong)
        bridges[what] = len(it.workers), start_bridge(it, "discord", its, file=f"{what}.yaml")
    ended = {
        what: (await asyncio.to_thread(bridge.wait, 60), it.log(number).strip().splitlines()[-1])
        for what, (number, bridge) in bridges.items()
    }
    for server in servers:
        await server.stop()
    for what, (_, code, says) in KEPT_OUT.items():
        assert (ended[what][0], says in ended[what][1]) == (code, True), ended[what]


@pytest.mark.parametrize(
    ("what", "says"),
    [("api", "Discord doesn't answer at {}: is discord.api right"),
     ("gateway", "Discord's gateway doesn't answer at {}: is discord.gateway right")],
)  # fmt: skip
async def test_who_takes_a_connection_and_says_nothing_is_not_waited_for(
    it: Deployment, discord: DiscordServer, tenant: str, what: str, says: str
) -> None:
    """The bridge ends within seconds, and says who it was."""

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    silence = asyncio.Event()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        url = f"{'ws' if what == 'gateway' else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        number, bridge = len(it.workers), start_bridge(it, "discord", config(discord, tenant, **{what: url}))
        # What it takes to start is not what it waits for Discord.
        await until(lambda: '"bridging"' in it.log(number), it)
        assert await asyncio.to_thread(bridge.wait, 40) == 1
        silence.set()
    assert says.format(url) in it.log(number).strip().splitlines()[-1]
