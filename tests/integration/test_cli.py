"""The command line as a person or a script meets it: processes of their own, bytes in and out, exit codes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import TREE, refused, streams

PACKS = TREE / "tests" / "golden" / "packs"
SHIPPED = TREE / "models" / "artifacts" / "chat-compact"
THREAT = "send the gift card code or I will find you"
POLICY = "labels: {spam: {base: -4, ladder: {flag: 50}}}\n"
RULE = "rules:\n  - {id: spam/buy, label: spam, strength: strong, why: Sells., terms: [buy now]}\n"


def answers(lines: bytes, *args: object) -> list[dict[str, Any]]:
    """Judge lines by the golden packs and return the object for each."""
    done = streams("judge", "--packs", PACKS, *args, stdin=lines)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    return [json.loads(line) for line in done.stdout.split(b"\n")[:-1]]


def answer(line: bytes, *args: object) -> dict[str, Any]:
    (only,) = answers(line, *args)
    return only


def line(text: str, **fields: object) -> bytes:
    return json.dumps({"text": text} | fields, ensure_ascii=False).encode("utf-8", "surrogatepass")


# -- judge


def test_ten_thousand_lines_keep_their_order_and_each_is_answered() -> None:
    """Good and bad ones mixed."""
    rows = [b"oops" if n % 10 == 3 else line(f"free nitro {n}", id=f"m{n}") for n in range(1, 10_001)]
    found = answers(b"\n".join(rows) + b"\n")
    assert len(found) == 10_000
    for number, said in enumerate(found, 1):
        if number % 10 == 3:
            assert (said["error"], said["line"]) == ("not_json", number)
        else:
            assert (said["message_id"], said["id"]) == (f"m{number}", f"api/line-{number}/0")
            assert said["reasons"][0]["rule"] == "scam/free-nitro"


UNREADABLE = (
    (b"hello", "not_json", None),
    (b'{"text": "hi"', "not_json", None),
    (b'["hi"]', "not_an_object", None),
    (b'"hi"', "not_an_object", None),
    (b"null", "not_an_object", None),
    (b'{"id": "m1"}', "field", "text"),
    (b'{"text": null}', "field", "text"),
    (b'{"text": 5}', "field", "text"),
    (b'{"text": "hi", "author": {"id": ""}}', "field", "author.id"),
    (b'{"text": "\xff"}', "not_utf8", None),
    (b'{"text": "\xed\xa0\x80"}', "not_utf8", None),
    (b'{"text": "' + b"x" * 10_000_000 + b'"}', "too_large", None),
    (b'{"text": "hi", "deep": ' + b"[" * 400 + b"]" * 400 + b"}", "too_deep", None),
    (b"[" * 100_000, "too_deep", None),
    (b"", "empty", None),
    (b" \t\r", "empty", None),
    (b"\x00", "not_json", None),
)
ODD = (
    b'\xef\xbb\xbf{"text": "free nitro"}',
    rb'{"text": "half \ud800 a letter: free nitro"}',
    rb'{"text": "\udc00\ud800 free nitro", "id": "\ud800"}',
    rb'{"text": "a \u0000 NUL: free\u0000 nitro"}',
    b'{"text": "a bare \x00 NUL: free nitro"}',
    line("free nitro " + "🎈" * 50_000),
    line("e" + "\u0301" * 50_000 + " free nitro"),
    line("free nitro", sent_at="0001-01-01T00:00:00"),
    line("free nitro", sent_at="9999-12-31T23:59:59-14:00"),
    line("free nitro", author={"id": "u", "created_at": "0001-01-01T00:00:00"}),
)
# Unicode knows more line ends than \n; JSON may hold them in a string.
SEPARATORS = ("\u2028", "\u2029", "\x85", "\r", "\x0b", "\x0c", "\x1c", "\x1e")


def test_a_line_that_cannot_be_read_gets_an_error_in_its_place() -> None:
    """With the reason that a dead letter would have; the lines around it are judged."""
    found = answers(b"".join(bad + b"\n" + line("hi") + b"\n" for bad, _, _ in UNREADABLE))
    assert len(found) == 2 * len(UNREADABLE)
    for number, (bad, error, field) in enumerate(UNREADABLE):
        said, behind = found[2 * number : 2 * number + 2]
        assert (said["error"], said.get("field"), said["line"]) == (error, field, 2 * number + 1), bad[:40]
        assert said["detail"]
        assert "action" not in said
        assert behind["message_id"] == f"line-{2 * number + 2}"


def test_what_can_be_read_is_judged() -> None:
    """However odd it is."""
    for odd, said in zip(ODD, answers(b"\n".join(ODD)), strict=True):
        assert [reason["rule"] for reason in said["reasons"]] == ["scam/free-nitro"], odd[:40]


def test_every_hold_has_an_end_whatever_time_the_message_claims() -> None:
    """A time in the far future or past is no reason to end the work."""
    for sent_at in ("0001-01-01T00:00:00", "9999-12-31T23:59:59Z"):
        said = answer(line("send the gift card code", sent_at=sent_at), "--no-model")
        assert said["action"] == "hold"
        assert said["hold_until"].endswith("Z")


def test_lines_end_at_newline_bytes_only() -> None:
    """Whatever else ends a line elsewhere."""
    found = answers(b"\n".join(line(f"free{one}nitro") for one in SEPARATORS))
    assert [said.get("error") for said in found] == [None] * len(SEPARATORS)


def test_lines_may_end_as_on_windows() -> None:
    """The carriage return is white space to JSON."""
    assert [said["message_id"] for said in answers(b'{"text": "a"}\r\n{"text": "b"}\r\n')] == [
        "line-1",
        "line-2",
    ]


def test_the_last_line_needs_no_end() -> None:
    """And a last line that has one is not followed by an empty one."""
    assert len(answers(line("a") + b"\n" + line("b"))) == 2
    assert len(answers(line("a") + b"\n" + line("b") + b"\n")) == 2


def test_no_input_gives_no_output() -> None:
    """Nothing was asked."""
    assert answers(b"") == []


def test_a_line_as_long_as_may_be_is_read_and_one_byte_more_is_not() -> None:
    """1 MiB without the line's end."""
    fits = b'{"text": "' + b"x" * ((1 << 20) - 12) + b'"}'
    assert len(fits) == 1 << 20
    found = answers(fits + b"\n" + fits + b" \n" + fits + b"  \n" + line("hi"))
    assert [said.get("error") for said in found] == [None, "too_large", "too_large", None]


def test_a_verdict_says_what_was_missing() -> None:
    """There is no store here, and with `--no-model` no model."""
    assert answer(line("hi"))["missing"] == ["standing"]
    assert answer(line("hi"), "--no-model")["missing"] == ["model", "standing"]


def test_the_shipped_model_speaks_unless_it_is_told_not_to() -> None:
    """By default, or by `none` in its setting."""
    found = json.loads(streams("judge", "--packs", PACKS, stdin=line("hi")).stdout)
    assert found["model"]["name"].startswith("chat-compact")
    assert set(found["model_scores"]) >= {"spam", "toxic"}
    told = json.loads(streams("judge", "--packs", PACKS, stdin=line("hi"), model="none").stdout)
    assert (told["missing"], "model" in told) == (["model", "standing"], False)


def test_the_model_is_not_asked_where_there_is_nothing_to_read() -> None:
    """As in a worker: a picture without a word, and what was deleted."""
    picture, gone = line("", attachments=[{"type": "image"}]), line("hi", id="m1", kind="deleted")
    for said in answers(b"\n".join((picture, gone)) + b"\n"):
        assert ("model" in said["missing"], "model_scores" in said) == (False, False)


def test_the_models_word_does_by_default_what_its_labels_are_trusted_with() -> None:
    """What is experimental is only shown; what assists flags, and takes what rules hold a step further."""
    hateful, rude = "i rom sono parassiti, via tutti", "ferme ta gueule sale pute"
    scam, bare = "send the gift card code to verify your account", "https://ourgame.example/x"
    shipped, lines = TREE / "rules" / "packs", b"\n".join(map(line, (hateful, rude, scam, bare)))
    alone, both = (
        [
            json.loads(row)
            for row in streams("judge", "--packs", shipped, *more, stdin=lines).stdout.splitlines()
        ]
        for more in (("--no-model",), ())
    )
    assert both[0]["model_scores"]["hate"] > 0.9
    assert [one["action"] for one in alone] == ["allow", "allow", "hold", "allow"]
    assert [one["action"] for one in both] == ["allow", "flag", "remove", "allow"]


def test_a_standing_can_be_given() -> None:
    """It is everybody's then, and conditions on it are known."""
    link = line("this one https://ourgame.example/x lol")
    assert answer(link)["action"] == "allow"
    assert answer(link, "--standing", "{}")["decided_by"] == "spam/newcomer-link"
    known = answer(link, "--standing", '{"good": 50, "messages": 50}')
    assert (known["action"], "missing" in known) == ("allow", False)


@pytest.mark.parametrize("standing", ["{good", '{"good": "many"}', "[]", ""])
def test_a_standing_that_is_none_is_refused(standing: str) -> None:
    """Rather than judged by."""
    done = streams("judge", "--packs", PACKS, "--standing", standing)
    assert "--standing" in refused(done, 2)


def test_without_rules_the_policy_alone_speaks() -> None:
    """The hash says so; nothing passes for a verdict by all rules."""
    said = answer(line("send the gift card code"), "--no-rules", "--no-model")
    assert said["action"] == "allow"
    assert "reasons" not in said
    assert said["ruleset"] == answer(line("hi"))["ruleset"] + "-no-rules"


def test_without_the_model_its_folder_does_not_matter(tmp_path: Path) -> None:
    """`--no-model` outranks what is set."""
    judged = streams("judge", "--packs", PACKS, "--no-model", stdin=line("hi"), model=str(tmp_path))
    assert json.loads(judged.stdout)["missing"] == ["model", "standing"]
    refusal = refused(streams("judge", "--packs", PACKS, stdin=line("hi"), model=str(tmp_path)), 2)
    assert "CHATSIEVE_MODEL" in refusal


def test_whoever_stops_reading_ends_it_quietly(tmp_path: Path) -> None:
    """`judge | head -1` is no accident."""
    (tmp_path / "lines").write_bytes((line("hi") + b"\n") * 1000)
    command = [sys.executable, "-m", "streams", "judge", "--packs", str(PACKS)]
    with (
        (tmp_path / "lines").open("rb") as lines,
        subprocess.Popen(
            command, stdin=lines, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TREE
        ) as process,
    ):
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


# -- try


def test_try_explains_itself_to_a_moderator() -> None:
    """What was found where, what each piece added, which step settled it, what would be without."""
    done = streams("try", THREAT)
    said = " ".join(done.stdout.decode().split())
    assert done.returncode == 0
    for piece in ("I will find you", "send the gift card code", "27–42", "0–23"):
        assert piece in said
    assert "points of 100" in said
    assert "settled by the step" in said
    assert "What it would be without" in said
    assert "scam/gift-card" in said


def test_try_shows_disguises_as_typed_and_the_views_that_saw_through_them() -> None:
    """Letters that stand apart, and a host that looks like a brand's with a Cyrillic о."""
    said = json.loads(streams("try", "free n i t r o at discоrd-gift.com", "--json").stdout)
    seen = {(each["rule"], each.get("matched"), each.get("view")) for each in said["judgement"]["reasons"]}
    assert ("scam/free-nitro-talk", "free n i t r o", "separated") in seen
    assert ("scam/brand-in-host", "discоrd-gift.com", "lookalikes") in seen


def test_try_adds_up() -> None:
    """Pieces lead from where a label starts to its score, in points; the ladder says what follows."""
    said = json.loads(streams("try", THREAT, "--packs", PACKS, "--no-model", "--json").stdout)
    assert said["judgement"]["action"] == "hold"
    scam = next(story for story in said["labels"] if story["label"] == "scam")
    (piece,) = scam["pieces"]
    assert (piece["name"], piece["matched"]) == ("scam/gift-card", "send the gift card code")
    assert scam["start"] + piece["points"] == pytest.approx(scam["total"], abs=0.11)
    assert [rung["action"] for rung in scam["ladder"] if rung["reached"]] == ["flag", "hold"]
    without = {each["rule"]: each["action"] for each in said["without"]}
    assert without["scam/gift-card"] == "allow"


def test_try_says_which_words_moved_the_model_when_asked() -> None:
    """The word that carries a score comes first; nothing is said of words unasked."""
    asked = ("try", "the weather is nice, you stupid idiot", "--model", SHIPPED)
    words = json.loads(streams(*asked, "--moved", "insult", "--json").stdout)["moved"]
    assert words[0]["word"] == "idiot"
    assert words[0]["weight"] > 0
    assert "idiot" in streams(*asked, "--moved", "insult").stdout.decode().partition("moved")[2]
    assert "moved" not in json.loads(streams(*asked, "--json").stdout)


def test_words_that_moved_nothing_are_refused() -> None:
    """Without a model there is nothing to ask, and of a label that it doesn't know neither."""
    assert "--model" in refused(streams("try", "hello", "--moved", "insult", "--no-model"), 2)
    unknown = streams("try", "hello", "--moved", "rudeness", "--model", SHIPPED)
    assert "it knows spam" in refused(unknown, 2)


def test_try_speaks_as_whoever_and_wherever_it_is_told() -> None:
    """Role, channel, tenant, language and standing."""
    where = (
        "--channel",
        "kids-lobby",
        "--role",
        "moderator",
        "--lang",
        "en",
        "--standing",
        '{"messages": 3}',
    )
    said = json.loads(streams("try", "oh crud crud", "--packs", PACKS, "--json", *where).stdout)
    assert said["judgement"]["would_be"] == "hold"
    assert said["judgement"]["lowered_by"] == ["exempt/staff"]


@pytest.mark.parametrize("text", ["", " ", "🎈\u202e‮", "\x1b[31mred\x07", "[bold]no markup[/]"])
def test_try_takes_any_text(text: str) -> None:
    """And sends nothing to the terminal that it would act upon."""
    done = streams("try", "--packs", PACKS, "--", text)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert b"\x07" not in done.stdout
    assert "\u202e" not in done.stdout.decode()


def test_try_takes_bytes_that_are_no_text() -> None:
    """A terminal may speak another encoding."""
    done = subprocess.run(
        [sys.executable, "-m", "streams", "try", b"free nitro \xff", "--packs", PACKS, "--json"],
        capture_output=True, cwd=TREE, timeout=120, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["labels"][0]["label"] == "scam"


# -- check


def test_packs_in_order_end_with_0() -> None:
    """And the hash that verdicts will carry is said."""
    done = streams("check", PACKS)
    assert done.returncode == 0
    assert answer(line("hi"))["ruleset"] in done.stdout.decode()
    assert done.stderr == b""


def test_trouble_in_packs_ends_with_1_and_says_file_and_line(tmp_path: Path) -> None:
    """As an editor or a CI understands it."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "wrong.yaml").write_text(RULE + "    strenght: weak\n  - {id: spam/buy, lable: spam}\n")
    done = streams("check", tmp_path)
    assert done.returncode == 1
    assert f"{tmp_path}/wrong.yaml:3:" in done.stderr.decode()
    as_json = streams("check", tmp_path, "--json")
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)[0]["line"] == 3


def test_advice_ends_with_1_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """What loads is no trouble; a CI of strict people may see it otherwise."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "sale.yaml").write_text(RULE.replace("}\n", ", within: 3 words}\n"))
    done = streams("check", tmp_path)
    assert done.returncode == 0
    assert f"{tmp_path}/sale.yaml:2: spam/buy: within: " in done.stdout.decode()
    assert streams("check", tmp_path, "--strict").returncode == 1
    assert json.loads(streams("check", tmp_path, "--json").stdout)[0]["advice"] is True


def test_a_rule_that_fails_its_own_test_is_trouble(tmp_path: Path) -> None:
    """The packs are tried, not only read."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "sale.yaml").write_text(RULE.replace("}\n", ", miss: [buy now!]}\n"))
    done = streams("check", tmp_path)
    assert done.returncode == 1
    assert "sale.yaml:2:" in done.stderr.decode()
    assert "spam/buy" in done.stderr.decode()


def test_a_folder_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    """That isn't trouble in the packs."""
    assert "nowhere" in refused(streams("check", tmp_path / "nowhere"), 2)


def test_check_says_what_would_be_hit_in_a_sample_of_traffic(tmp_path: Path) -> None:
    """By rule, with the share of messages; lines that are none are counted aloud, and end nothing."""
    sample = tmp_path / "sample.jsonl"
    sample.write_bytes(b"\n".join([line("free nitro"), b"oops", b"\xff", line("free nitro for all")]))
    done = streams("check", "--traffic", sample, PACKS)
    said = done.stdout.decode()
    assert done.returncode == 0
    assert b"2 lines can't be read as messages" in done.stdout + done.stderr
    assert "Would be hit in 2 messages" in said
    assert any(
        row.split()[:5] == ["scam/free-nitro", "traffic", "2", "100", "%"] for row in said.splitlines()
    )


# -- serve


def test_without_a_broker_a_worker_does_not_pretend() -> None:
    """A forgotten variable must not make a healthy worker that moderates nothing."""
    said = refused(streams("serve"), 2)
    assert "CHATSIEVE_BROKER" in said
    assert "--embedded" in said


def test_without_a_store_a_worker_does_not_pretend() -> None:
    """Standing would be nobody's."""
    said = refused(streams("serve", broker="127.0.0.1:1"), 2)
    assert "CHATSIEVE_STORE" in said
    assert "--embedded" in said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"brokr": "x:1"}, "CHATSIEVE_BROKR"),
        ({"partitions": "many"}, "CHATSIEVE_PARTITIONS"),
        ({"broker": "no-port"}, "CHATSIEVE_BROKER"),
        ({"broker_security": "SASL_SSL"}, "CHATSIEVE_BROKER_PASSWORD"),
        ({"store": "http://x"}, "the store's URL"),
        ({"store": "redis://host:port"}, "the store's URL"),
        ({"topic_prefix": "a b"}, "CHATSIEVE_TOPIC_PREFIX"),
        ({"log": "loud"}, "CHATSIEVE_LOG"),
        ({"matched": "maybe"}, "CHATSIEVE_MATCHED"),
        ({"model": "/nowhere"}, "CHATSIEVE_MODEL"),
        ({"shadow_model": "/nowhere"}, "CHATSIEVE_SHADOW_MODEL"),
    ],
    ids=str,
)
def test_a_wrong_setting_ends_with_2_and_its_name(wrong: dict[str, str], said: str) -> None:
    """In one line."""
    good = {"broker": "127.0.0.1:1", "store": "redis://127.0.0.1:1", "packs": str(PACKS)}
    assert said in refused(streams("serve", **(good | wrong)), 2)


@pytest.mark.timed
def test_a_broker_that_is_away_ends_with_1_within_seconds() -> None:
    """Trouble that may pass: whoever runs workers starts them again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens here
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        done = streams("serve", broker=address, store="redis://127.0.0.1:1", packs=str(PACKS))
    assert address in refused(done, 1)
    assert time.monotonic() - began < 30


@pytest.mark.timed
def test_a_port_that_takes_and_says_nothing_ends_with_1_within_seconds() -> None:
    """A firewall, or something that isn't Kafka."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        done = streams("serve", broker=address, store="redis://127.0.0.1:1", packs=str(PACKS))
    assert address in refused(done, 1)
    assert time.monotonic() - began < 45


@pytest.mark.parametrize("command", [["serve"], ["judge"], ["try", "hi"]])
def test_packs_that_are_not_there_end_with_2(command: Sequence[str], tmp_path: Path) -> None:
    """One line that says how to name them."""
    settings = {"broker": "127.0.0.1:1", "store": "redis://127.0.0.1:1", "packs": str(tmp_path / "nowhere")}
    said = refused(streams(*command, **settings), 2)
    assert "nowhere" in said
    assert "CHATSIEVE_PACKS" in said


@pytest.mark.parametrize("command", [["serve"], ["judge"], ["try", "hi"]])
def test_packs_with_trouble_end_with_2_and_say_where(command: Sequence[str], tmp_path: Path) -> None:
    """Every problem has a line."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "wrong.yaml").write_text(RULE.replace("strong", "enormous"))
    settings = {"broker": "127.0.0.1:1", "store": "redis://127.0.0.1:1", "packs": str(tmp_path)}
    done = streams(*command, **settings)
    assert done.returncode == 2
    assert b"wrong.yaml:2:" in done.stderr
    assert b"Traceback" not in done.stderr


def test_topics_without_a_broker_end_with_2() -> None:
    """As a worker would."""
    assert "CHATSIEVE_BROKER" in refused(streams("topics", "describe"), 2)


# -- all of it


def test_the_help_lists_the_commands() -> None:
    """Those of the contract, and what an operator needs besides."""
    said = streams("--help").stdout.decode()
    for command in ("check", "demo", "judge", "schemas", "serve", "topics", "try"):
        assert f"\n  {command} " in said
    topics = streams("topics", "--help").stdout.decode()
    for command in ("create", "describe", "tail", "redrive"):
        assert f"\n  {command} " in topics


def test_the_help_of_serve_lists_the_settings() -> None:
    """Every one, from where they are read."""
    said = streams("serve", "--help").stdout.decode()
    for name in ("BROKER", "STORE", "TOPIC_PREFIX", "GROUP", "PACKS", "MODEL", "HTTP", "KEY", "PARTITIONS"):
        assert f"CHATSIEVE_{name}" in said


def test_judge_waits_for_nothing_that_it_does_not_need() -> None:
    """Faust, kafka-python, redis, rich and numpy take seconds to import."""
    code = (
        "import sys; sys.argv = ['streams', 'judge', '--no-model', '--packs', sys.argv[1]]\n"
        "from streams.commands.cli import main\n"
        "main(standalone_mode=False)\n"
        "heavy = {'faust', 'aiokafka', 'kafka', 'redis', 'rich', 'numpy', 'structlog', 'onnxruntime'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, PACKS],
        input=b"",
        capture_output=True,
        cwd=TREE,
        timeout=120,
        check=False,
    )
    assert done.stdout.decode().strip() == "[]", done.stderr
