"""What is judged of the HTML of a Matrix message: all that a reader may see."""

import time
from typing import Any

import nio
import pytest

from rules.message import Author, Message
from streams.platforms.matrix_html import alike, shown
from streams.platforms.matrix_messages import read


def message(**content: Any) -> Message:
    """A message of a room as the bridge reads it."""
    event = nio.Event.parse_event(
        {
            "type": "m.room.message", "event_id": "$1", "sender": "@kim:test", "origin_server_ts": 1_000,
            "content": {"msgtype": "m.text", **content},
        }
    )  # fmt: skip
    found = read(event, "#room:test", Author("@kim:test"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("formatted", "text"),
    [
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("i<b>d</b>i<i>o</i>t", "idiot"),
        ("&#105;d&shy;iot &lt;b&gt;", "id\xadiot <b>"),
        (f"&#{'9' * 5000};&#{'0' * 5000}105;d", "\ufffdid"),
        ("<ul><li>one</li>\n<li>two</li></ul>", "one\ntwo"),
        ("said:<blockquote>one\ntwo</blockquote>no", "said:\n> one\n> two\nno"),
        ('<a href="https://a.example/x">my page</a>!', "my page (https://a.example/x)!"),
        ('<a href="https://a.example/">a.example</a>', "a.example"),
        ("<a href='https://b.example'>https://a.example</a>", "https://a.example (https://b.example)"),
        ("<a href=https://b.example>left open", "left open (https://b.example)"),
        ('<a href="https://matrix.to/#/@ana:test">Ana</a>: hi', "Ana: hi"),
        ('<img src="mxc://a/b" alt="a cat"> <span data-mx-spoiler="the end">x</span>', "a cat the endx"),
        ("a <3 b and 4 > 3", "a <3 b and 4 > 3"),
        ("one<!-- > two -->three", "one two -->three"),
        ("<a <b>one", "<a one"),
    ],
)
def test_what_a_reader_sees(formatted: str, text: str) -> None:
    """Blocks are lines, links say where they lead; what is no tag is text."""
    assert shown(formatted) == text


def test_what_is_answered_is_put_away_only_where_clients_do() -> None:
    """At the beginning of an answer."""
    answer = "<mx-reply><blockquote>you said</blockquote></mx-reply>I say"
    assert shown(answer, answers=True) == "I say"
    assert shown(answer) == "> you said\nI say"
    assert shown("first<mx-reply>x</mx-reply>", answers=True) == "first\n> x"


@pytest.mark.parametrize(
    ("body", "formatted"),
    [
        ("**so** good", "<strong>so</strong> good"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
        ("see [it](https://a.example)", 'see <a href="https://a.example">it</a>'),
        ("> one\n\ntwo", "<blockquote>\n<p>one</p>\n</blockquote>\n<p>two</p>"),
    ],
)
def test_the_same_words_are_judged_once(body: str, formatted: str) -> None:
    """Whether Markdown marks them or HTML."""
    assert message(body=body, formatted_body=formatted, format="org.matrix.custom.html").text == body


@pytest.mark.parametrize(
    ("body", "formatted"), [("an al", "anal"), ("fine", "fine!!"), ("h0le", "@$$h0le"), ("ok 🙂", "ok 🖕")]
)
def test_other_words_are_judged_with_the_body(body: str, formatted: str) -> None:
    """However little they differ by."""
    assert not alike(body, formatted)
    assert message(body=body, formatted_body=formatted).text == f"{body}\n\n{formatted}"


def test_nothing_that_is_shown_hides() -> None:
    """Behind an answer's quotation, in an edit, under a file's name."""
    answer = {"m.relates_to": {"m.in_reply_to": {"event_id": "$0"}}}
    quoted = message(
        body="> <@ana:test> hi\n\nfine", formatted_body="<mx-reply>hi</mx-reply>not fine", **answer
    )
    assert quoted.text == "> <@ana:test> hi\n\nfine\n\nnot fine"
    assert [quoted.text[slice(*each.span)] for each in quoted.entities] == ["> <@ana:test> hi"]
    edit = {"m.new_content": {"body": "fine", "formatted_body": "<b>not fine</b>"}}
    relation = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}}
    assert message(body="* fine", **edit, **relation).text == "fine\n\nnot fine"
    assert message(body="a caption", filename="a name.png", msgtype="m.image", url="mxc://a/b").text == (
        "a caption\n\na name.png"
    )


@pytest.mark.parametrize(
    "one",
    [
        "<", "<!--", "<a ", "<a x='", '<a href="', "</", "<b>", "<blockquote>", "<a href=x>",
        "&#", "&#0", "&#9", "&a",
    ],
)  # fmt: skip
def test_no_html_takes_long(one: str) -> None:
    """A whole event of what other readers of HTML take a minute for."""

    def seconds(length: int) -> float:
        times = []
        for _ in range(5):
            began = time.process_time()
            shown(one * (length // len(one)))
            times.append(time.process_time() - began)
        return min(times)

    seconds(8_000)
    assert seconds(64_000) < max(0.2, 30 * seconds(8_000))
