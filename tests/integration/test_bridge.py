"""Bridges on a real worker, broker and store: what is said is judged, what is decided is done, once."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from streams.kafka.records import produce, tail
from streams.platforms.signing import GOOD_FOR_S, Signer
from streams.process.embedded import free_port
from tests.bridging import LONG_S, said_deeds, start_bridge, until, verdicts
from tests.deployment import Deployment, kill, terminate

# -- replay


class Files:
    """The files of a replay."""

    def __init__(self, folder: Path, messages: list[dict[str, Any]], **more: Any) -> None:
        self.deeds = folder / "deeds.jsonl"
        messages_file = folder / "messages.jsonl"
        messages_file.write_text("\n".join(map(json.dumps, messages)))
        replay = {"messages": str(messages_file), "deeds": str(self.deeds), "rate": 1000}
        self.config = {"tenant": "lantern", "replay": replay} | more

    def done(self) -> list[dict[str, Any]]:
        """The deeds that were done."""
        # Without the last line, which may still be under way.
        lines = self.deeds.read_text().split("\n")[:-1] if self.deeds.exists() else []
        return [json.loads(line) for line in lines]


def message(number: int, text: str, author: str | None = None) -> dict[str, Any]:
    return {"id": f"m{number}", "author": author or f"u{number % 7}", "text": text, "channel": "lobby"}


async def test_what_is_decided_is_done(it: Deployment, tmp_path: Path) -> None:
    """Removed is deleted and warned about, held is hidden and reported with the text, flagged is reported."""
    files = Files(
        tmp_path, [message(1, "this is zzbad"), message(2, "zzheld"), message(3, "zzodd"), message(4, "hi")]
    )
    start_bridge(it, "replay", files.config)
    await until(lambda: len(files.done()) >= 5, it)
    found = {(deed["message_id"], deed["deed"]) for deed in files.done()}
    assert found == {("m1", "delete"), ("m1", "warn"), ("m2", "hide"), ("m2", "report"), ("m3", "report")}
    reports = {deed["message_id"]: deed for deed in files.done() if deed["deed"] == "report"}
    assert reports["m2"]["message"]["text"] == "zzheld"
    assert "test/held" in reports["m2"]["words"]
    outcomes = said_deeds(it, 5)
    assert {each["outcome"] for each in outcomes} == {"done"}
    assert {each["id"] for each in outcomes} == {deed["id"] for deed in files.done()}


async def test_a_dry_run_does_nothing_and_says_what_it_would(it: Deployment, tmp_path: Path) -> None:
    """On the topic of deeds."""
    files = Files(tmp_path, [message(1, "this is zzbad")])
    start_bridge(it, "replay", files.config, "--dry-run")
    outcomes = await asyncio.to_thread(said_deeds, it, 2)
    assert [(each["deed"], each["outcome"]) for each in outcomes] == [
        ("delete", "dry_run"),
        ("warn", "dry_run"),
    ]
    assert files.done() == []


async def test_killed_in_the_middle_nothing_is_done_twice_and_nothing_left_out(
    it: Deployment, tmp_path: Path
) -> None:
    """The bridge three times, the worker once, by kill -9, and a verdict that comes again."""
    messages = [message(n, "this is zzbad" if n % 3 == 0 else "hello") for n in range(300)]
    files = Files(
        tmp_path, messages, pace={"per_s": 200, "burst": 5}, deeds=[{"action": "remove", "do": ["delete"]}]
    )
    files.config["replay"]["rate"] = 150
    bridge = start_bridge(it, "replay", files.config)
    for number in range(3):
        await until(lambda number=number: len(files.done()) >= 15 * (number + 1), it)
        kill(bridge)
        if number == 1:
            kill(it.workers[0])
            await asyncio.to_thread(it.start, fetch_wait=0.02)
        bridge = start_bridge(it, "replay", files.config)
    await until(lambda: len({deed["message_id"] for deed in files.done()}) >= 100, it)
    await asyncio.sleep(1.0)
    assert terminate(bridge) == 0
    done = Counter(deed["message_id"] for deed in files.done())
    assert done == Counter(f"m{n}" for n in range(0, 300, 3))


# -- webhook

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()


class Chat:
    """A chat of somebody's own: takes deeds over real HTTP, sends events."""

    def __init__(self) -> None:
        self.deeds: list[dict[str, Any]] = []
        self.faults: list[str | None] = []
        self.answers: list[int] = []
        self.port = free_port()
        self.events = f"127.0.0.1:{free_port()}"
        self._signer = Signer(SECRET)

    async def start(self) -> None:
        app = web.Application()
        app.add_routes([web.post("/deeds", self._take)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.faults.append(self._signer.fault(request.headers, body, time.time()))
        status = self.answers.pop(0) if self.answers else 204
        if status == 204:
            self.deeds.append(json.loads(body))
        return web.Response(status=status)

    def config(self, **more: Any) -> dict[str, Any]:
        deliver = f"http://127.0.0.1:{self.port}/deeds"
        return {
            "tenant": "lantern",
            "webhook": {"listen": self.events, "deliver": deliver, "secret": SECRET} | more,
        }

    async def send(
        self, path: str, value: Any, *, at: float | None = None, secret: str = SECRET
    ) -> tuple[int, Any]:
        body = json.dumps(value).encode()
        headers = Signer(secret).headers(f"e-{time.monotonic_ns()}", body, time.time() if at is None else at)
        patience = time.monotonic() + LONG_S
        while True:
            try:
                async with (
                    aiohttp.ClientSession() as session,
                    session.post(f"http://{self.events}{path}", data=body, headers=headers) as answer,
                ):
                    return answer.status, await answer.json(content_type=None)
            except aiohttp.ClientConnectorError:
                assert time.monotonic() < patience
                await asyncio.sleep(0.1)


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    """A chat that listens."""
    one = Chat()
    await one.start()
    yield one
    await one.stop()


async def test_signed_events_come_in_and_signed_deeds_go_out(it: Deployment, chat: Chat) -> None:
    """A receiver that stumbles gets the deed again."""
    start_bridge(it, "webhook", chat.config())
    chat.answers += [503]
    status, said = await chat.send("/events", {"events": [message(1, "this is zzbad"), message(2, "hello")]})
    assert (status, said) == (202, {"taken": 2})
    await until(lambda: len(chat.deeds) >= 2, it)
    assert [deed["deed"] for deed in chat.deeds] == ["delete", "warn"]
    assert chat.deeds[1]["words"]
    assert set(chat.faults) == {None}


async def test_a_message_that_is_sent_twice_costs_its_author_one_warning(it: Deployment, chat: Chat) -> None:
    """A chat that got no answer sends it again: whatever was done about it is not done anew."""
    start_bridge(it, "webhook", chat.config())
    events = {"events": [message(1, "this is zzbad"), message(2, "zzheld")]}
    await chat.send("/events", events)
    await until(lambda: len(chat.deeds) >= 4, it)
    await chat.send("/events", events)
    await chat.send("/events", {"events": [message(3, "this is zzbad", author="lee")]})
    await until(lambda: chat.deeds[-1]["message_id"] == "m3" and chat.deeds[-1]["deed"] == "warn", it)
    await asyncio.to_thread(verdicts, it, 5)
    assert Counter((deed["message_id"], deed["deed"]) for deed in chat.deeds) == Counter(
        [("m1", "delete"), ("m1", "warn"), ("m2", "hide"), ("m2", "report"), ("m3", "delete"), ("m3", "warn")]
    )


async def test_what_is_not_signed_is_not_taken(it: Deployment, chat: Chat) -> None:
    """By another secret, or long ago."""
    start_bridge(it, "webhook", chat.config())
    event = {"events": [message(1, "hello")]}
    other = "whsec_" + base64.b64encode(b"another secret, as long as the first").decode()
    assert (await chat.send("/events", event, secret=other))[0] == 401
    assert (await chat.send("/events", event, at=time.time() - GOOD_FOR_S - 5))[0] == 401
    assert (await chat.send("/events", {"events": [{"id": "x"}]}))[0] == 422
    assert (await chat.send("/events", event))[0] == 202


async def test_what_is_wrong_with_a_request_is_a_problem(it: Deployment, chat: Chat) -> None:
    """Each in the same form as the API's, with the request's own id; and the next one is taken."""
    start_bridge(it, "webhook", chat.config())
    good = {"events": [message(1, "hello")]}
    assert (await chat.send("/events", good))[0] == 202
    signer = Signer(SECRET)

    async def said(method: str, path: str, body: bytes = b"", name: str = "e-1") -> tuple[int, str, Any]:
        headers = signer.headers(name, body, time.time())
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, f"http://{chat.events}{path}", data=io.BytesIO(body), headers=headers
            ) as answer,
        ):
            assert answer.content_type == "application/problem+json"
            found = await answer.json(content_type=None)
            instance = found["instance"].removeprefix("urn:chatsieve:request:")
            assert answer.headers["X-Request-Id"] == instance
            assert (instance == name) == (name != "no id")
            assert (found["status"], bool(found["title"])) == (answer.status, True)
            return (
                answer.status,
                found["type"].removeprefix("urn:chatsieve:problem:"),
                found | dict(answer.headers),
            )

    events = json.dumps({"events": [{"id": "x"}, message(2, "hello"), message(3, "hello") | {"id": 5}]})
    assert (await said("POST", "/event"))[:2] == (404, "not-found")
    assert (await said("GET", "/events", name="no id"))[:2] == (405, "method")
    assert (await said("GET", "/events"))[2]["Allow"] == "POST"
    assert (await said("POST", "/events", b" " * (5 << 20)))[:2] == (413, "too-large")
    assert (await said("POST", "/events", b"{"))[:2] == (400, "unreadable")
    assert (await said("POST", "/decisions", b"[]"))[:2] == (422, "invalid")
    status, kind, problem = await said("POST", "/events", events.encode())
    assert (status, kind) == (422, "invalid")
    assert [fault["pointer"] for fault in problem["errors"]] == ["/events/0/author", "/events/2/id"]
    signer = Signer("whsec_" + base64.b64encode(b"another secret, as long as the first").decode())
    assert (await said("POST", "/events", json.dumps(good).encode()))[:2] == (401, "unsigned")
    assert (await chat.send("/events", {"events": [message(4, "hello")]}))[0] == 202


async def test_half_an_emoji_is_taken_and_what_makes_no_sense_is_named(it: Deployment, chat: Chat) -> None:
    """As on the stream; else one message would keep a hundred back for good."""
    start_bridge(it, "webhook", chat.config())
    event = {"events": [message(1, "hello \ud83d"), message(2, "hello")]}
    assert (await chat.send("/events", event))[0] == 202
    await asyncio.to_thread(verdicts, it, 2)
    event["events"][1]["id"] = 5
    status, said = await chat.send("/events", event)
    assert status == 422
    assert said["detail"].startswith("events[1]: ")


async def test_what_the_receiver_refuses_is_said_on_the_topic(it: Deployment, chat: Chat) -> None:
    """Once; it isn't tried again, and what comes after it is done."""
    start_bridge(it, "webhook", chat.config())
    chat.answers += [401]
    await chat.send("/events", {"events": [message(1, "this is zzbad")]})
    outcomes = await asyncio.to_thread(said_deeds, it, 2)
    assert [(each["deed"], each["outcome"]) for each in outcomes] == [
        ("delete", "impossible"),
        ("warn", "done"),
    ]
    assert "401: has it the same secret?" in outcomes[0]["reason"]


async def test_a_moderators_word_goes_to_feedback_and_is_done(it: Deployment, chat: Chat) -> None:
    """Not spam: what was hidden is shown again."""
    start_bridge(it, "webhook", chat.config())
    await chat.send("/events", {"events": [message(1, "zzheld", author="hal")]})
    await until(lambda: len(chat.deeds) >= 2, it)
    report = next(deed for deed in chat.deeds if deed["deed"] == "report")
    decided = {"report": report["id"], "decision": "overturn", "reviewer": "ana", "role": "moderator"}
    status, said = await chat.send("/decisions", decided)
    assert (status, said["words"]) == (200, "Restored.")
    await until(lambda: chat.deeds[-1]["deed"] == "unhide", it)
    with tail(it.access, it.topics.feedback, from_beginning=True, count=1, idle_s=LONG_S) as records:
        (record,) = records
    feedback = json.loads(record.value or b"")
    assert (feedback["decision"], feedback["reviewer"], feedback["author"]) == ("overturn", "ana", "hal")
    assert (feedback["verdict_id"], feedback["role"]) == (report["verdict"]["id"], "moderator")
    assert record.key == b"lantern/webhook/hal"
    assert feedback["evidence"]
    # The worker's revision comes back to the bridge, which has done what it asks for.
    with tail(it.access, it.topics.actions, from_beginning=True, idle_s=LONG_S) as records:
        revised = next(r for r in records if b'"revision":1' in (r.value or b""))
    assert json.loads(revised.value or b"")["supersedes"] == feedback["verdict_id"]
    await asyncio.sleep(1)
    assert [deed["deed"] for deed in chat.deeds].count("unhide") == 1


async def test_a_revision_that_allows_brings_back_what_was_hidden(it: Deployment, chat: Chat) -> None:
    """Whoever makes it."""
    start_bridge(it, "webhook", chat.config())
    await chat.send("/events", {"events": [message(1, "zzheld")]})
    await until(lambda: len(chat.deeds) >= 2, it)
    before = chat.deeds[0]["verdict"]
    revised = before | {
        "id": before["id"] + "#1",
        "supersedes": before["id"],
        "revision": 1,
        "action": "allow",
    }
    produce(it.access, it.topics.actions, [(b"x", json.dumps(revised).encode())] * 2)
    await until(lambda: chat.deeds[-1]["deed"] == "unhide", it)
    await asyncio.sleep(0.5)
    assert [deed["deed"] for deed in chat.deeds].count("unhide") == 1


async def test_an_edit_that_is_only_flagged_brings_back_what_was_hidden(it: Deployment, chat: Chat) -> None:
    """A flagged message is one that may be seen."""
    start_bridge(it, "webhook", chat.config())
    await chat.send("/events", {"events": [message(1, "zzheld")]})
    await until(lambda: len(chat.deeds) >= 2, it)
    edited = message(1, "zzodd") | {"kind": "edited"}
    await chat.send("/events", {"events": [edited]})
    await until(lambda: len(chat.deeds) >= 4, it)
    assert {deed["deed"] for deed in chat.deeds[:2]} == {"hide", "report"}
    assert {deed["deed"] for deed in chat.deeds[2:]} == {"unhide", "report"}


async def test_a_hold_that_expires_ends_as_its_policy_says(it: Deployment, chat: Chat) -> None:
    """Here it is shown again."""
    start_bridge(it, "webhook", chat.config())
    await chat.send("/events", {"events": [message(1, "zzheld")]})
    await until(lambda: len(chat.deeds) >= 2, it)
    past = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 5))
    again = chat.deeds[0]["verdict"] | {
        "id": "other/0/1",
        "message_id": "m9",
        "hold_until": past,
        "on_expiry": "allow",
    }
    produce(it.access, it.topics.actions, [(b"x", json.dumps(again).encode())])
    await until(lambda: ("m9", "unhide") in {(deed["message_id"], deed["deed"]) for deed in chat.deeds}, it)


@pytest.mark.parametrize(
    ("replay", "says"),
    [
        ({"messages": "none.jsonl"}, "none.jsonl: can't be read: No such file"),
        ({"messages": "bad.jsonl"}, "bad.jsonl: message 2: Object missing required field `author`"),
        ({"deeds": "nowhere/deeds.jsonl"}, "replay.deeds: "),
    ],
)
def test_what_is_wrong_with_the_files_of_a_replay_is_said_in_one_line(
    idle: Deployment, tmp_path: Path, replay: dict[str, str], says: str
) -> None:
    """With code 2."""
    hello = json.dumps(message(1, "hello"))
    (tmp_path / "good.jsonl").write_text(hello)
    (tmp_path / "bad.jsonl").write_text(hello + '\n{"id": "m2", "text": "hello"}\n')
    files = {"messages": "good.jsonl", "deeds": "deeds.jsonl"} | replay
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump({"replay": {name: str(tmp_path / file) for name, file in files.items()}}))
    out = idle.command("bridge", "replay", "--config", str(path), code=2)
    assert says in out.splitlines()[-1]


def test_a_store_that_is_away_is_said_in_one_line(idle: Deployment, tmp_path: Path) -> None:
    """With code 1, and the name of the setting."""
    path = tmp_path / "bridge.yaml"
    files = {"messages": str(tmp_path / "none.jsonl"), "deeds": str(tmp_path / "deeds.jsonl")}
    path.write_text(yaml.safe_dump({"replay": files}))
    bridge = idle.start(
        "-m", "streams", "bridge", "replay", "--config", str(path), wait=False, store="redis://127.0.0.1:1"
    )
    assert bridge.wait(40) == 1
    assert "is CHATSIEVE_STORE its address?" in idle.log(0).strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, "no section webhook"),
        ({"webhook": {"listen": "x"}}, "deliver"),
        (
            {"webhook": {"listen": "127.0.0.1:1", "deliver": "http://x", "secret": "whsec_c2hvcnQ="}},
            "24 bytes",
        ),
        ({"webhook": {"listen": "nowhere", "deliver": "http://x", "secret": SECRET}}, "expected host:port"),
        ({"webhook": {"listen": "127.0.0.1:1", "deliver": "chat.example", "secret": SECRET}}, "$.deliver"),
        ({"webhook": {"listen": "127.0.0.1:1", "deliver": "http://x", "secret": "abc"}}, "openssl rand"),
        ({"deeds": [{"action": "ban", "do": []}], "webhook": {}}, "webhook"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_one_line(
    idle: Deployment, config: dict[str, Any], says: str
) -> None:
    """With code 2."""
    path = idle.packs.parent / "bridge.yaml"
    path.write_text(yaml.safe_dump(config))
    out = idle.command("bridge", "webhook", "--config", str(path), code=2)
    assert says in out.splitlines()[-1]
