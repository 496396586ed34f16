"""What is judged of a Matrix message: all that any client shows of it, and nothing twice."""

from __future__ import annotations

import json
import time
import timeit
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.message import Author, Kind, Message, Surface
from streams.platforms.matrix_messages import read
from streams.platforms.matrix_text import MOST_QUOTES, gather

ANA = '<a href="https://matrix.to/#/@ana:x.org">Ana</a>'
REPLY = (
    '<mx-reply><blockquote><a href="https://matrix.to/#/!r:x.org/$e">In reply to</a> '
    '<a href="https://matrix.to/#/@ana:x.org">@ana:x.org</a><br>hello</blockquote></mx-reply>'
)


def said(body: str, html: str | None = None, *, answers: bool = False, **more: Any) -> tuple[str, list[str]]:
    """Return what is judged, and what of it is quoted."""
    content = {"body": body} | more | ({} if html is None else {"formatted_body": html})
    found = gather([content], answers=answers)
    return found.text, [found.text[begin:end] for begin, end in found.quotes]


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("**bold** and _it_, `x`", "<strong>bold</strong> and <em>it</em>, <code>x</code>"),
        ("- a\n- b\n\n1. c", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<ol><li>c</li></ol>"),
        ("# T\n\none\ntwo", "<h1>T</h1>\n<p>one<br />\ntwo</p>\n"),
        ("```python\nprint(1)\n```", '<pre><code class="language-python">print(1)\n</code></pre>'),
        ("a < b & c", "a &lt; b &amp; c"),
        ("Ana: hi", f"{ANA}: hi"),
        ("see https://good.org/", 'see <a href="https://good.org">https://good.org/</a>'),
        ("hi :cat: you", 'hi <img data-mx-emoticon src="mxc://x/y" alt=":cat:" title=":cat:"> you'),
        ("hi", "hi<!-- a remark -->"),
        ("hi", ""),
    ],
)
def test_html_that_says_the_same_as_the_body_adds_nothing(body: str, html: str) -> None:
    """Marks of Markdown and white space make no difference."""
    assert said(body, html) == (body, [])


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("k<b>i</b>ll &#121;ourself", "kill yourself"),
        ("one<br>two<p>three</p>four", "one\ntwo\nthree\nfour"),
        ("<del>a</del> <script>b</script> <style>c</style> <x-y>d</x-y>", "a b c d"),
        ("k</div>ill k<td>ill k</li>ill", "kill kill kill"),
        ("<ul><li>a<li>b</ul>k</li>ill", "a\nb\nkill"),
        ("k<!-- -->ill k<!x>ill k<?x?>ill k</3>ill", "kill kill kill kill"),
        ("<!-->kill-->", "kill-->"),
        ('<b ">kill<i ">', "kill"),
        ("<3 < 4 <é", "<3 < 4 <é"),
        ("kill <b unclosed", "kill <b unclosed"),
        ("k<mx-reply>il</mx-reply>l", "kill"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        (f"&#{'9' * 5000}; x", "\ufffd x"),
        (f"&#0000000105;d&#{'0' * 5000}105;o", "idio"),
    ],
)
def test_what_is_seen_of_html_is_judged_before_the_body(html: str, text: str) -> None:
    """As browsers read it, with the tags that clients know."""
    assert said("hello", html) == (f"{text}\nhello", [])


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('see <a href="https://evil.org">https://good.org</a>', "https://evil.org"),
        ('see <a href="https://e&#x76;il.org">https://good.org</a>', "https://evil.org"),
        ('<span title="a hint">hi</span>', "a hint"),
        ('<img alt="a picture">', "a picture"),
        ('<span data-mx-spoiler="a reason">hi</span>', "a reason"),
        ('<span data-mx-maths="a formula">hi</span>', "a formula"),
        ('<b x="> not all see a tag">hi</b>', "not all see a tag"),
        ("hi<!-- > not all see a comment -->", "not all see a comment"),
    ],
)
def test_where_it_leads_and_what_is_shown_at_second_sight_is_judged_too(html: str, shown: str) -> None:
    """Where links lead, hints, what stands for pictures, and what only some programs show."""
    assert shown in said("hi", html)[0].splitlines()[-1]


def test_a_link_in_markdown_is_one_link() -> None:
    """What it says and where it leads, both once."""
    link = '<a href="https://x.org">here</a>'
    assert said("go [here](https://x.org) now", f"go {link} now") == ("go here now\nhttps://x.org", [])
    assert said("go here now", f"go {link} now") == ("go here now\nhttps://x.org", [])
    assert said("fu[ck](https://x.org)", 'fu<a href="https://x.org">ck</a>')[0].startswith("fuck\n")


def test_quotes_are_known_in_what_is_judged() -> None:
    """Wherever that is from."""
    assert said("> q\n> r\n\nhi", "<blockquote><p>q<br>r</p></blockquote><p>hi</p>") == (
        "> q\n> r\n\nhi",
        ["> q\n> r"],
    )
    assert said("hello", "<blockquote><p>q</p></blockquote><p>hi</p>") == ("q\nhi\nhello", ["q"])
    assert said("q", "<blockquote>q</blockquote>hi") == ("q\nhi\nq", ["q"])
    assert said("> q\n\nhi") == ("> q\n\nhi", [])


def test_what_is_answered_is_quoted_once() -> None:
    """As clients wrote it before each answer; made-up words there are seen by some."""
    body = "> <@ana:x.org> hello\n\nhi"
    first = body.partition("\n")[0]
    assert said(body, f"{REPLY}hi", answers=True) == (body, [first])
    assert said(body, "hi", answers=True) == (body, [first])
    made_up = REPLY.replace("hello", "made up")
    text, quotes = said(body, f"{made_up}hi", answers=True)
    assert (text.startswith(body), quotes[0]) == (True, first)
    assert quotes[1].endswith("made up")
    assert said("hi", f"{REPLY}hi")[0].startswith("In reply to @ana:x.org\nhello\nhi")


def test_file_names_captions_polls_and_extensible_texts_are_judged() -> None:
    """Each once."""
    assert said("look", filename="cat.png")[0] == "look\ncat.png"
    assert said("cat.png", filename="cat.png")[0] == "cat.png"
    poll = {
        "question": {"org.matrix.msc1767.text": "Which?"},
        "answers": [{"id": "1", "org.matrix.msc1767.text": "this"}, {"m.text": [{"body": "that"}]}],
    }
    assert said("", **{"org.matrix.msc3381.poll.start": poll})[0] == "Which?\nthis\nthat"
    fallback = {"org.matrix.msc1767.text": "Which?\n1. this\n2. that"}
    assert said("", **fallback, **{"org.matrix.msc3381.poll.start": poll})[0] == "Which?\n1. this\n2. that"
    assert (
        said("a", **{"m.text": [{"body": "<b>b</b>", "mimetype": "text/html"}, {"body": "c"}]})[0]
        == "a\nb\nc"
    )


def message(content: Any, kind: str = "m.room.message", **more: Any) -> Message | None:
    """Return an event as a message."""
    event = {
        "type": kind, "event_id": "$1", "sender": "@kim:x.org", "origin_server_ts": 1_700_000_000_000,
        "content": content,
    }  # fmt: skip
    return read(event | more, "#room", Author("@kim:x.org"))


def test_an_edit_is_what_it_says_to_clients_that_know_edits_and_to_those_that_do_not() -> None:
    """Once where that is the same."""
    relation = {"rel_type": "m.replace", "event_id": "$0"}
    content = {"m.relates_to": relation, "body": "* one", "m.new_content": {"body": "one"}}
    edit = message(content)
    assert edit is not None
    assert (edit.id, edit.kind, edit.text) == ("$0", Kind.EDITED, "one")
    edit = message(content | {"body": "* two", "formatted_body": "* <b>three</b>"})
    assert edit is not None
    assert edit.text == "one\n* three\n* two"


def test_a_reaction_in_letters_is_a_message() -> None:
    """Emoji are none, nor are their names."""

    def reaction(key: str, **more: Any) -> Message | None:
        relation = {"rel_type": "m.annotation", "event_id": "$0", "key": key}
        return message({"m.relates_to": relation} | more, "m.reaction")

    words = reaction("go away")
    assert words is not None
    assert (words.id, words.text, words.reply_to, words.kind) == ("$1", "go away", "$0", Kind.CREATED)
    for key in ("👍", "+1", "🗑️", "mxc://x.org/y"):
        assert reaction(key, shortcode=":cat:") is None
    words = reaction("mxc://x.org/y", shortcode="go away")
    assert words is not None
    assert words.text == "go away"


@pytest.mark.parametrize("kind", ["m.room.message", "m.sticker", "m.poll.start", "org.example.new"])
def test_whatever_carries_words_is_read(kind: str) -> None:
    """Also where it isn't as the specification has it: without a type, a picture without an address."""
    found = message({"body": "words", "msgtype": 5, "url": ["x"]}, kind)
    assert found is not None
    assert (found.text, found.attachments) == ("words", ())
    assert message({"body": "words"}, kind, state_key="") is None
    assert message({}, kind) is None


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("m.room.name", {"name": "zzbad"}, "zzbad"),
        ("m.room.topic", {"topic": "zzbad"}, "zzbad"),
        ("m.room.topic", {"topic": "a", "m.topic": {"m.text": [{"body": "b"}, {"body": "a"}]}}, "a\nb"),
        ("m.room.topic", {"m.topic": {"m.text": [{"mimetype": "text/html", "body": "z<b>z</b>"}]}}, "zz"),
        ("m.room.topic", {"topic": "a", "org.matrix.msc3765.topic": [{"body": "b"}]}, "a\nb"),
        ("m.room.member", {"membership": "leave", "reason": "zzbad"}, "zzbad"),
    ],
)
def test_what_is_written_on_a_room_is_a_message(kind: str, content: dict[str, Any], text: str) -> None:
    """Its name and topic, and why somebody leaves or is put out; nobody's name, and no other setting."""
    found = message(content, kind, state_key="")
    assert found is not None
    assert (found.text, found.kind) == (text, Kind.CREATED)
    assert (found.surface is Surface.CHAT) == (kind == "m.room.member")
    for empty in ({}, {"membership": "join", "displayname": "zzbad"}, {"name": 5, "topic": [], "reason": {}}):
        assert message(empty, kind, state_key="") is None
    assert message(content, "m.room.power_levels", state_key="") is None


def test_times_and_ids_that_can_not_be_are_none() -> None:
    """A homeserver may say anything, and can't be asked for a name of a megabyte."""
    found = message({"body": "x"}, origin_server_ts=2**53)
    assert found is not None
    assert found.sent_at is None
    long = {"rel_type": "m.replace", "event_id": "$" + "x" * 60_000}
    found = message({"body": "x", "m.relates_to": long | {"m.in_reply_to": long}})
    assert found is not None
    assert (found.id, found.kind, found.reply_to) == ("$1", Kind.CREATED, None)


def test_mentions_are_those_of_the_event_and_of_its_links() -> None:
    """Each once."""
    found = message(
        {"body": "Ana: hi", "formatted_body": f"{ANA}: hi", "m.mentions": {"user_ids": ["@b:x", 5]}}
    )
    assert found is not None
    assert found.mentions == ("@b:x", "@ana:x.org")


PIECES = [
    "<", "</", "<!", "<!--", "<?", "&", "&#", "<a ", '<a b="', "<a b='", "</a ", "<li>", "</li>",
    "<blockquote>", "<p>", "<table><td>", '<a href="x">y', "[a](", "> ", ">\na\n", "```\n", "<mx-reply>",
    "<x@", "*", "a ", "\n", " ", '<img alt="x">', "--!>", "<a a a", "<pre>", '"', "'", "='>'", "[", "1. ",
    "\ud800",
]  # fmt: skip


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join), st.sampled_from(["", "<b>", "'>"])
)
def test_the_longest_events_take_no_time(unit: str, end: str) -> None:
    """In proportion to their length, whatever is in them; and all quotes lie in the text."""
    long = unit * (20_000 // len(unit)) + end
    start = time.perf_counter()
    for answers in (False, True):
        found = gather([{"body": long, "formatted_body": long}], answers=answers)
        assert len(found.quotes) <= MOST_QUOTES
        assert all(0 <= begin < to <= len(found.text) for begin, to in found.quotes)
        found.text.encode()
    assert time.perf_counter() - start < 5


def test_a_message_costs_what_is_in_it() -> None:
    """Not what could be: to read its JSON a hundred times takes longer."""
    event = json.dumps({"body": "good morning, all", "formatted_body": "<b>good morning</b>, all"})

    def seconds(does: Callable[[], object]) -> float:
        return min(timeit.repeat(does, number=20, repeat=20))

    content = json.loads(event)
    assert seconds(lambda: gather([content], answers=False)) < 100 * seconds(lambda: json.loads(event))


NAMES = [
    "body", "formatted_body", "m.relates_to", "m.new_content", "rel_type", "event_id", "key", "url",
    "msgtype", "m.mentions", "user_ids", "m.text", "m.poll", "question", "answers", "filename", "file",
    "mimetype", "name", "topic", "m.topic", "org.matrix.msc3765.topic", "reason",
]  # fmt: skip
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(PIECES),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
    max_leaves=20,
)


@given(ODD, st.sampled_from(["m.room.message", "m.reaction", "m.room.redaction", "m.sticker"]))
def test_nothing_odd_is_an_error(content: Any, kind: str) -> None:
    """Anybody in the room can send anything, who has power there can write anything on it."""
    message(content, kind)
    for on_room in ("m.room.topic", "m.room.name", "m.room.member"):
        message(content, on_room, state_key="")
        message(dict.fromkeys(NAMES, content), on_room, state_key="")
    message({"body": "x", "formatted_body": content, "m.relates_to": content, "m.new_content": content}, kind)


WORDS = st.lists(st.text("abcdefg", min_size=1, max_size=5), min_size=1, max_size=6)
TAGS = ["b", "i", "p", "div", "li", "blockquote", "span", "del", "code", "pre", "h2", "td", "x-y", "script"]


@given(WORDS, WORDS, st.lists(st.sampled_from(TAGS), min_size=1, max_size=6))
def test_neither_html_nor_body_hides_the_other(shown: list[str], plain: list[str], tags: list[str]) -> None:
    """Every word of both is judged, in its order."""
    html = " ".join(f"<{tags[n % len(tags)]}>{word}</{tags[n % len(tags)]}>" for n, word in enumerate(shown))
    text = said(" ".join(plain), html)[0].split()
    assert text[: len(shown)] == shown
    assert text in (shown, shown + plain)
    assert set(plain) <= set(text)
