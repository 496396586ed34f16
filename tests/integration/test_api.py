"""The API over real HTTP, beside a real worker, broker and store."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules.message import Message
from streams.api.openapi import document
from streams.kafka.records import tail
from streams.kafka.topics import topic_ids
from streams.process.embedded import Broker, Store
from streams.wire.records import Feedback
from tests.api_client import SECRET, Client, Reply, key, start_api, write_keys
from tests.deployment import Deployment
from tests.golden.json_schema import faults

MODEL = Path(__file__).parents[2] / "models" / "artifacts" / "chat-compact"
TENANT = "lantern"


@pytest.fixture(scope="module")
def it(broker: Broker, store: Store) -> Iterator[Deployment]:
    """A worker with the model; the API beside it."""
    with Deployment(broker.address, store.url, "api-") as deployment:
        deployment.start(model=MODEL, fetch_wait=0.02)
        write_keys(deployment, key(), key("csk_other", tenant="other"), key("csk_judge", may=["judge"]))
        deployment.address = start_api(deployment, model=MODEL, api_timeout=2.0)  # type: ignore[attr-defined]
        yield deployment


@pytest.fixture
async def api(it: Deployment) -> AsyncIterator[Client]:
    """A client with a key for everything."""
    async with client(it) as one:
        yield one


def client(it: Deployment, secret: str | None = SECRET) -> Client:
    return Client(it.address, secret)  # type: ignore[attr-defined]


def metric(it: Deployment, name: str) -> float:
    return metric_at(int(it.http.rpartition(":")[2]), name)


def metric_at(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


async def until(answer: Any) -> Any:
    """Return what comes of asking again and again, once it is something."""
    patience = time.monotonic() + 20
    while not (found := await answer()):
        assert time.monotonic() < patience
        await asyncio.sleep(0.05)
    return found


# -- judging


async def test_a_message_is_judged_in_the_answer(api: Client) -> None:
    """With its reasons; the verdict's id holds the request's."""
    reply = await api.post(
        "/v1/judge", {"message": {"text": "this is zzbad"}}, headers={"X-Request-Id": "req-1"}
    )
    verdict = reply.body["verdict"]
    assert reply.status == 200
    assert reply.headers["X-Request-Id"] == "req-1"
    assert (verdict["id"], verdict["action"], verdict["tenant"]) == ("api/req-1/0", "remove", TENANT)
    assert verdict["reasons"][0]["rule"] == "test/bad"
    assert reply.body["provisional"] is False


async def test_a_batch_is_answered_in_its_order(api: Client) -> None:
    """Each with a verdict of its own id."""
    texts = ["this is zzbad", "hello", "this is zzodd"]
    body = {"messages": [{"text": text} for text in texts]}
    reply = await api.post("/v1/judge/batch", body, headers={"X-Request-Id": "b"})
    found = [answer["verdict"] for answer in reply.body["answers"]]
    assert [verdict["action"] for verdict in found] == ["remove", "allow", "flag"]
    assert [verdict["id"] for verdict in found] == ["api/b/0", "api/b/1", "api/b/2"]


async def test_asking_leaves_no_trace(api: Client) -> None:
    """A thousand bad drafts cost nobody a strike, and no message counts."""
    for _ in range(3):
        verdict = await api.judge("this is zzbad", author="drafter", id="d")
        assert verdict["standing"]["before"] == verdict["standing"]["after"]
        assert verdict["standing"]["after"]["messages"] == 0


async def test_api_stream_and_judge_score_alike(it: Deployment, api: Client) -> None:
    """The model's word is the same everywhere, and so are the scores at the same standing."""
    texts = [
        "free nitro, just send the gift card code",
        "gg well played",
        "you stupid idiot",
        "this is zzodd",
    ]
    messages = [
        {"id": f"same-{n}", "author": f"same-{n}", "text": text, "tenant": TENANT}
        for n, text in enumerate(texts)
    ]
    asked = [(await api.post("/v1/judge", {"message": each})).body["verdict"] for each in messages]
    said = [await api.post("/v1/judge", {"message": each, "mode": "record"}) for each in messages]
    worked = await verdicts(it, [reply.body["recorded"] for reply in said])
    lines = "\n".join(map(json.dumps, messages)).encode()
    offline = await asyncio.to_thread(offline_verdicts, it, lines)
    for one, other, third in zip(asked, worked, offline, strict=True):
        assert one["model_scores"] == other["model_scores"] == third["model_scores"]
        assert one["scores"] == other["scores"] == third["scores"]
        assert one["action"] == other["action"] == third["action"]
        assert one["text_hash"] == other["text_hash"]


def offline_verdicts(it: Deployment, lines: bytes) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "streams", "judge", "--model", str(MODEL), "--standing", "{}"],
        env=it.environment(), input=lines, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_who_asks_at_the_same_time_is_judged_together(it: Deployment, api: Client) -> None:
    """Sixty-four requests make a few batches, not sixty-four."""
    before = metric(it, "chatsieve_api_batch_messages_count")
    await asyncio.gather(*(api.judge(f"hello number {number}") for number in range(64)))
    assert metric(it, "chatsieve_api_batch_messages_count") - before < 40


async def test_a_recorded_message_is_the_workers(it: Deployment, api: Client) -> None:
    """The answer is provisional and says where the record lies; the worker's verdict on it counts."""
    body = {"message": {"id": "r1", "author": "rita", "text": "this is zzbad"}, "mode": "record"}
    reply = await api.post("/v1/judge", body)
    assert (reply.status, reply.body["provisional"]) == (200, True)
    (worked,) = await verdicts(it, [reply.body["recorded"]])
    topic_id = topic_ids(it.access, [it.topics.messages])[it.topics.messages]
    where = reply.body["recorded"]
    assert worked["id"] == f"{topic_id}/{where['partition']}/{where['offset']}"
    assert (worked["tenant"], worked["action"]) == (TENANT, "remove")
    again = await api.judge("hello", author="rita")
    assert again["standing"]["before"]["messages"] == 1


async def verdicts(it: Deployment, where: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the worker's verdicts on records."""
    wanted = [(each["partition"], each["offset"]) for each in where]

    def read() -> list[dict[str, Any]]:
        found: dict[tuple[int, int], dict[str, Any]] = {}
        with tail(it.access, it.topics.verdicts, from_beginning=True, idle_s=20) as records:
            for record in records:
                verdict = json.loads(record.value or b"")
                found[verdict["source"]["partition"], verdict["source"]["offset"]] = verdict
                if all(each in found for each in wanted):
                    break
        return [found[each] for each in wanted]

    return await asyncio.to_thread(read)


# -- who may ask what


@pytest.mark.parametrize("secret", [None, "csk_wrong", ""])
async def test_without_a_key_nothing_is_said(it: Deployment, secret: str | None) -> None:
    """Each route but health and the document."""
    async with client(it, secret) as api:
        for reply in (await api.post("/v1/judge", {"message": {"text": "x"}}), await api.get("/v1/review")):
            assert (reply.status, reply.problem) == (401, "unauthorized")
            assert reply.headers["WWW-Authenticate"] == "Bearer"
            assert reply.headers["Content-Type"] == "application/problem+json"
        assert (await api.get("/health")).body["status"] == "ok"


async def test_a_key_is_good_for_what_it_says_and_for_its_tenant(it: Deployment) -> None:
    """One that may judge can't record, read what waits, or decide."""
    message = {"id": "m", "author": "a", "text": "x"}
    async with client(it, "csk_judge") as api:
        replies = [
            await api.post("/v1/judge", {"message": message, "mode": "record"}),
            await api.post("/v1/judge", {"message": message | {"tenant": "other"}}),
            await api.get("/v1/review"),
            await api.post("/v1/feedback", {}),
        ]
        assert [(reply.status, reply.problem) for reply in replies] == [(403, "forbidden")] * 4


async def test_keys_come_and_go_while_it_runs(it: Deployment) -> None:
    """A file that is broken leaves those in force."""
    keys = [key(), key("csk_other", tenant="other"), key("csk_judge", may=["judge"])]

    async def known(secret: str) -> bool:
        async with client(it, secret) as api:
            return (await api.post("/v1/judge", {"message": {"text": "x"}})).status == 200

    write_keys(it, *keys, key("csk_new"))
    await until(lambda: known("csk_new"))
    write_keys(it, {"name": "no hash"})
    await asyncio.sleep(1.5)
    assert await known("csk_new")
    write_keys(it, *keys)

    async def unknown() -> bool:
        return not await known("csk_new")

    await until(unknown)


async def test_more_than_the_rate_is_turned_away_with_a_time(it: Deployment) -> None:
    """Messages count, not requests."""
    write_keys(
        it,
        key(),
        key("csk_other", tenant="other"),
        key("csk_judge", may=["judge"]),
        key("csk_slow", rate=1, burst=100),
    )
    async with client(it, "csk_slow") as api:

        async def in_force() -> bool:
            return (await api.post("/v1/judge", b"{}")).status != 401

        await until(in_force)
        batch = {"messages": [{"text": "x"}] * 100}
        assert (await api.post("/v1/judge/batch", batch)).status == 200
        reply = await api.post("/v1/judge/batch", batch)
        assert (reply.status, reply.problem) == (429, "rate")
        assert 90 <= int(reply.headers["Retry-After"]) <= 101


# -- what doesn't fit


@pytest.mark.parametrize(
    ("body", "status", "problem", "pointer"),
    [
        (b"{", 400, "unreadable", None),
        (b"\xff", 400, "unreadable", None),
        ([], 422, "invalid", ""),
        ({}, 422, "invalid", "/message"),
        ({"message": {}}, 422, "invalid", "/message/text"),
        ({"message": {"text": 5}}, 422, "invalid", "/message/text"),
        ({"message": {"text": "x", "author": {"id": ""}}}, 422, "invalid", "/message/author/id"),
        ({"message": {"text": "x"}, "mode": "shout"}, 422, "invalid", "/mode"),
        ({"message": {"text": "x"}, "mode": "record"}, 422, "invalid", "/message/id"),
        ({"message": {"text": "x" * (2 << 20)}}, 413, "too-large", None),
        (b'{"message": {"text": "x", "more": ' + b"[" * 99 + b"]" * 99 + b"}}", 422, "invalid", "/message"),
        (b'{"message": {"text": "x", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", 422, "invalid", ""),
        (b'{"message": {"text": NaN}}', 422, "invalid", "/message/text"),
    ],
)
async def test_what_is_wrong_is_named(
    api: Client, body: Any, status: int, problem: str, pointer: str | None
) -> None:
    """By kind, and by field where there is one."""
    reply = await api.post("/v1/judge", body)
    assert (reply.status, reply.problem) == (status, problem)
    assert reply.body["status"] == status
    assert reply.body["instance"].endswith(reply.headers["X-Request-Id"])
    found = [fault.get("pointer", "") for fault in reply.body.get("errors", [])]
    assert found == ([] if pointer is None else [pointer])


@pytest.mark.parametrize(
    "limit", ["0", "201", "-1", "1.5", "many", "", "9" * 5000], ids=lambda limit: limit[:5] or "empty"
)
async def test_a_page_has_one_to_two_hundred(api: Client, limit: str) -> None:
    """However the number is written."""
    reply = await api.get(f"/v1/review?limit={limit}")
    assert (reply.status, reply.problem) == (422, "invalid")
    assert reply.body["errors"][0]["pointer"] == "limit"


async def test_half_an_emoji_is_read_as_on_the_stream(api: Client) -> None:
    """Text that was cut in the middle of one is judged, and so is what begins with a byte order mark."""
    for body in (
        rb'{"message": {"text": "zzbad \ud83d", "author": "\ud83d"}}',
        b'\xef\xbb\xbf{"message": {"text": "zzbad"}}',
    ):
        reply = await api.post("/v1/judge", body)
        assert (reply.status, reply.body["verdict"]["action"]) == (200, "remove")


async def test_one_bad_message_refuses_its_batch(api: Client) -> None:
    """Nothing is half done; every bad one is named."""
    body = {"messages": [{"text": "x"}, {"text": None}, {"text": "y"}, {"id": 5}]}
    reply = await api.post("/v1/judge/batch", body)
    assert reply.status == 422
    assert [fault["pointer"] for fault in reply.body["errors"]] == ["/messages/1/text", "/messages/3/id"]


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_has_one_to_a_hundred(api: Client, count: int) -> None:
    """More is another request."""
    assert (await api.post("/v1/judge/batch", {"messages": [{"text": "x"}] * count})).status == 422


async def test_other_methods_types_and_paths_are_problems_too(api: Client) -> None:
    """In the same form."""
    replies = [
        await api.get("/v1/judge"),
        await api.get("/v2/judge"),
        await api.post("/v1/judge", b"x", headers={"Content-Type": "text/plain"}),
        await api.post("/v1/judge/", {"message": {"text": "x"}}),
    ]
    assert [(reply.status, reply.problem) for reply in replies] == [
        (405, "method"), (404, "not-found"), (415, "media-type"), (404, "not-found"),
    ]  # fmt: skip
    assert "POST" in replies[0].headers["Allow"]


async def test_a_body_that_does_not_come_is_not_waited_for(it: Deployment) -> None:
    """Its connection ends; others are answered meanwhile."""
    host, _, port = it.address.rpartition(":")  # type: ignore[attr-defined]
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/judge HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{".encode())
    async with client(it) as api:
        assert (await api.judge("hello"))["action"] == "allow"
    assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 408")
    writer.close()


# -- humans


async def record(api: Client, text: str, **more: Any) -> dict[str, Any]:
    reply = await api.post("/v1/judge", {"message": {"text": text} | more, "mode": "record"})
    assert reply.status == 200
    return reply.body["recorded"]


async def test_what_waits_is_paged_with_its_message(api: Client, it: Deployment) -> None:
    """Oldest first, each once, only what is the key's tenant's."""
    for number in range(5):
        await record(api, f"this is zzodd {number}", id=f"w{number}", author="wanda", channel="waiting")
    async with client(it, "csk_other") as other:
        await record(other, "this is zzodd", id="w9", author="wanda", channel="waiting")

    async def all_there() -> bool:
        return len((await api.get("/v1/review", channel="waiting")).body["items"]) == 5

    await until(all_there)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get("/v1/review", channel="waiting", limit="2", **cursor)).body
        seen += [item["message"]["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert sorted(seen) == [f"w{number}" for number in range(5)]
    assert (await api.get("/v1/review", cursor="???")).status == 422
    assert (await api.get("/v1/review", limit="0")).status == 422


async def test_a_decision_ends_the_waiting_and_lies_on_its_topic(api: Client, it: Deployment) -> None:
    """With what the verdict says of the message, in the message's partition."""
    where = await record(api, "this is zzodd", id="f1", author="fred", channel="deciding")

    async def waiting() -> list[Any]:
        return list((await api.get("/v1/review", channel="deciding")).body["items"])

    (item,) = await until(waiting)
    said = {"verdict_id": item["verdict"]["id"], "reviewer": "ana", "role": "moderator"}
    assert (await api.post("/v1/feedback", said | {"decision": "report"})).status == 202
    assert await waiting()
    reply = await api.post("/v1/feedback", said | {"decision": "overturn", "reason": "a joke"})
    assert reply.status == 202

    async def settled() -> bool:
        return not await waiting()

    await until(settled)
    with tail(it.access, it.topics.feedback, from_beginning=True, idle_s=10) as records:
        for found in records:
            feedback = msgspec.json.decode(found.value or b"", type=Feedback)
            if feedback.id == reply.body["id"]:
                break
    assert (feedback.message_id, feedback.author, feedback.tenant) == ("f1", "fred", TENANT)
    assert (feedback.channel, feedback.text_hash) == ("deciding", item["verdict"]["text_hash"])
    assert (found.key, found.partition) == (b"lantern/default/fred", where["partition"])


async def test_a_verdict_of_somebody_else_is_not_known(api: Client, it: Deployment) -> None:
    """A key speaks of its tenant's verdicts; what isn't known has to be told."""
    async with client(it, "csk_other") as other:
        await record(other, "this is zzodd", id="o1", author="olga")

        async def waiting() -> list[Any]:
            return list((await other.get("/v1/review")).body["items"])

        items = await until(waiting)
    said = {"verdict_id": items[-1]["verdict"]["id"], "decision": "approve", "reviewer": "ana"}
    reply = await api.post("/v1/feedback", said)
    assert (reply.status, reply.problem) == (404, "unknown-verdict")
    told = {"message_id": "o1", "platform": "web", "channel": "lobby", "author": "olga"}
    assert (await api.post("/v1/feedback", said | told)).status == 202


# -- the document


async def test_the_examples_of_the_document_do_what_they_show(api: Client) -> None:
    """Each is sent, and its answer fits the schema that the document gives."""
    shown = (await api.get("/openapi.json")).body
    assert shown == json.loads(msgspec.json.encode(document()))
    checked = 0
    for path, operations in shown["paths"].items():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            for example in content.get("application/json", {}).get("examples", {}).values():
                reply = await api.post(path, example["value"])
                check(reply, operation, shown)
                assert reply.status < 300
                checked += 1
    assert checked == 4


def check(reply: Reply, operation: dict[str, Any], shown: dict[str, Any]) -> None:
    answer = operation["responses"][str(reply.status)]
    schema = answer["content"]["application/json"]["schema"]
    local = json.loads(
        json.dumps(shown["components"]["schemas"]).replace("#/components/schemas/", "#/$defs/")
    )
    name = schema["$ref"].rpartition("/")[2]
    assert not faults(reply.body, {"$ref": f"#/$defs/{name}", "$defs": local})


# -- when something is away, or not set


async def test_without_its_store_it_judges_and_says_so(broker: Broker) -> None:
    """Nobody is held because Redis is down."""
    with Store() as store, Deployment(broker.address, store.url, "api-away-") as it:
        write_keys(it, key())
        async with Client(start_api(it, store_timeout=0.5)) as api:
            assert "standing" not in (await api.judge("hello", author="ana")).get("missing", ())
            store.kill()
            assert "standing" in (await api.judge("hello", author="ana"))["missing"]
            health = await api.get("/health")
            assert (health.status, health.body["status"], health.body["store"]) == (200, "degraded", "away")


async def test_it_stops_when_told(broker: Broker, store: Store) -> None:
    """In order, with code 0."""
    with Deployment(broker.address, store.url, "api-stop-") as it:
        write_keys(it, key())
        start_api(it)
        (process,) = it.workers
        process.terminate()
        assert process.wait(20) == 0


async def test_several_processes_answer_behind_one_port(broker: Broker, store: Store) -> None:
    """Each has its metrics on a port of its own."""
    with Deployment(broker.address, store.url, "api-several-") as it:
        write_keys(it, key())
        address = start_api(it, "--workers", "2")
        ports = [int(it.http.rpartition(":")[2]) + number for number in range(2)]
        await until(lambda: asyncio.to_thread(ready, ports[1]))
        for _ in range(100):
            async with Client(address) as one:  # a connection of its own
                await one.judge("hello")
        counted = [metric_at(port, "chatsieve_api_requests_total") for port in ports]
        assert sum(counted) == 100
        assert min(counted) > 10
        (process,) = it.workers
        names = [line for line in it.log(0).splitlines() if '"answering"' in line]
        assert len(names) == 2
        process.terminate()
        assert process.wait(20) == 0


async def test_where_one_of_several_processes_is_killed_all_end_and_say_so(
    broker: Broker, store: Store
) -> None:
    """With a code that makes whoever watches over them start them again; nobody goes on with half."""
    with Deployment(broker.address, store.url, "api-killed-") as it:
        write_keys(it, key())
        address = start_api(it, "--workers", "2")
        second = int(it.http.rpartition(":")[2]) + 1
        await until(lambda: asyncio.to_thread(ready, second))
        (process,) = it.workers
        os.kill(children(process.pid)[0], signal.SIGKILL)
        assert await asyncio.to_thread(process.wait, 20) == 1
        assert '"process_ended"' in it.log(0)
        assert str(-signal.SIGKILL) in next(
            line for line in it.log(0).splitlines() if "process_ended" in line
        )
        host, _, port = address.rpartition(":")
        with pytest.raises(OSError, match=r"refused|Connect"):
            await asyncio.open_connection(host, int(port))


def children(pid: int) -> list[int]:
    """Return the processes that one has started."""
    said = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (map(int, line.split()) for line in said.stdout.splitlines())
    return [child for child, parent in pairs if parent == pid]


def ready(port: int) -> bool:
    """Whether a process says that it is."""
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as answer:
        return bool(answer.status == 200)
    return False


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "CHATSIEVE_API_KEYS is not set"),
        ({"api_keys": "/nowhere/keys.yaml"}, "/nowhere/keys.yaml: can't be read"),
        ({"api_keys": __file__}, "no YAML"),
        ({"api_keys": "{good}", "api": "nowhere"}, "CHATSIEVE_API: expected host:port"),
        ({"api_keys": "{good}", "broker": ""}, "CHATSIEVE_BROKER is not set"),
    ],
)
def test_what_is_not_set_is_said_in_one_line(
    it: Deployment, settings: dict[str, str], says: str, tmp_path: Path
) -> None:
    """With code 2, before anything is started."""
    good = tmp_path / "keys.yaml"
    good.write_text(json.dumps({"keys": [key()]}))
    given = {name: value.replace("{good}", str(good)) for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "streams", "api"],
        env=it.environment(**given), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]


def test_a_new_key_is_shown_once_and_kept_as_a_hash(it: Deployment) -> None:
    """What is printed for the file doesn't hold the secret."""
    out = it.command("api", "key", "--tenant", "lantern", "--name", "web")
    secret = out.split("csk_")[1].split()[0]
    entry = next(line for line in out.splitlines() if line.startswith("  - "))
    assert secret not in entry
    assert json.loads(entry[4:])["hash"] == key(f"csk_{secret}")["hash"]


def test_messages_are_recorded_as_they_are_read() -> None:
    """A message that goes through the API onto the topic is understood there as it was here."""
    from streams.wire.reading import read_message
    from streams.wire.writing import encode

    message = Message("m", None, "x", kind="deleted")  # type: ignore[arg-type]
    assert read_message(encode(message)) == message
