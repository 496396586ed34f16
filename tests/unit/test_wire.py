"""Records to messages: what can be read is judged, what can't is refused with a reason and a field."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.message import Kind
from streams.errors import UnreadableError
from streams.wire.reading import MAX_DEPTH, MAX_RECORD_BYTES, read_message, read_offline
from streams.wire.writing import rfc3339, rounded

GOOD = {"id": "m1", "author": "u1", "text": "hello"}


def record(**changed: object) -> bytes:
    return msgspec.json.encode(GOOD | changed)


def refusal(raw: bytes | None) -> tuple[str, str | None]:
    with pytest.raises(UnreadableError) as caught:
        read_message(raw)
    return caught.value.reason, caught.value.field


def test_three_fields_are_enough() -> None:
    """Everything else has a default."""
    message = read_message(record())
    assert (message.id, message.text, message.author_key) == ("m1", "hello", "default/default/u1")


def test_an_author_may_be_an_object() -> None:
    """With what the platform knows of the account."""
    message = read_message(record(author={"id": "u1", "roles": ["moderator"], "bot": True}))
    assert message.author is not None
    assert message.author.bot
    assert message.author.roles == ("moderator",)


def test_unknown_fields_are_ignored() -> None:
    """A platform may send more than we read."""
    assert read_message(record(colour={"of": ["the", "sky"]})).id == "m1"


def test_an_attachment_is_enough_without_text() -> None:
    """An image without a word is a message."""
    raw = msgspec.json.encode({"id": "m", "author": "u", "attachments": [{"type": "image"}]})
    assert read_message(raw).text == ""


def test_a_deletion_may_lack_text_and_author() -> None:
    """Bridges remember who wrote what; platforms don't always tell."""
    message = read_message(b'{"id": "m1", "kind": "deleted"}')
    assert message.kind is Kind.DELETED
    assert message.author_key is None


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, ("empty", None)),
        (b"", ("empty", None)),
        (b"  \n", ("empty", None)),
        (b"hello", ("not_json", None)),
        (b'{"id": "m1"', ("not_json", None)),
        (b'{"id": "m", "author": "u", "text": "\xff"}', ("not_utf8", None)),
        (b"[1, 2]", ("not_an_object", None)),
        (b"7", ("not_an_object", None)),
        (b'{"author": "u", "text": "x"}', ("field", "id")),
        (b'{"id": "m", "text": "x"}', ("field", "author")),
        (b'{"id": "m", "author": "u"}', ("field", "text")),
        (record(text=5), ("field", "text")),
        (record(author=""), ("field", "author")),
        (record(author={"id": ""}), ("field", "author.id")),
        (record(author={"name": "x"}), ("field", "author.id")),
        (record(kind="shouted"), ("field", "kind")),
        (record(tenant="a/b"), ("field", "tenant")),
        (record(id="x" * 300), ("field", "id")),
        (record(sent_at="yesterday"), ("field", "sent_at")),
        (b'"' + b"x" * (MAX_RECORD_BYTES + 1) + b'"', ("too_large", None)),
        (record()[:-1] + b',"deep":' + b"[" * 400 + b"]" * 400 + b"}", ("too_deep", None)),
        (b"[" * 100_000, ("too_deep", None)),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(raw: bytes | None, said: tuple[str, str | None]) -> None:
    """The reason goes into a header and a metric, the field to whoever sends the messages."""
    reason, field = refusal(raw)
    assert reason == said[0]
    assert field == said[1] or (said[1] == "author.id" and field == "author")


def test_lone_surrogates_become_replacement_characters() -> None:
    """JSON can write what Unicode has no text for."""
    assert read_message(b'{"id": "m", "author": "u", "text": "a\\ud800b"}').text == "a\ufffdb"


def test_control_characters_are_read() -> None:
    """Escaped or bare: folding takes care of them."""
    assert read_message(b'{"id": "m", "author": "u", "text": "a\\u0000b"}').text == "a\0b"
    assert read_message(b'{"id": "m", "author": "u", "text": "a\x00b"}').text == "a\0b"


def test_a_byte_order_mark_is_read_over() -> None:
    """Some producers write one."""
    assert read_message(b"\xef\xbb\xbf" + record()).id == "m1"


def test_brackets_in_a_text_are_no_nesting() -> None:
    """Only structure counts."""
    assert read_message(record(text="[" * 500)).text == "[" * 500


def test_nesting_up_to_the_limit_is_read() -> None:
    """The object itself is one level."""
    inner = b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1)
    assert read_message(record()[:-1] + b',"deep":' + inner + b"}").id == "m1"


def test_spans_are_cut_to_the_text() -> None:
    """A platform's spans may count otherwise than ours; none points outside."""
    marked = [{"type": "link", "span": [2, 99]}, {"type": "emote", "span": [50, 60]}]
    (entity,) = read_message(record(entities=marked)).entities
    assert entity.span == (2, 5)


def test_a_language_is_cut_to_its_primary_subtag() -> None:
    """Rules are scoped by it."""
    assert read_message(record(lang="pt-BR")).lang == "pt"


def test_offline_only_text_is_required() -> None:
    """`judge` takes what people paste."""
    message = read_offline(b'{"text": "hi"}', "line-7")
    assert (message.id, message.author) == ("line-7", None)


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_read_or_refused(raw: bytes) -> None:
    """Whatever lies on the topic."""
    with suppress(UnreadableError):
        assert read_message(raw).id


@given(st.text(max_size=200))
def test_any_text_comes_through_as_typed(text: str) -> None:
    """But for surrogates, which are no characters."""
    text = text.encode("utf-8", "replace").decode()
    assert read_message(record(text=text)).text == text


def test_times_are_rfc_3339_in_utc() -> None:
    """To the millisecond."""
    assert rfc3339(1_700_000_000.1234) == "2023-11-14T22:13:20.123Z"


def test_numbers_carry_four_significant_digits() -> None:
    """More would be noise, and make golden files brittle."""
    assert [rounded(x) for x in (0.123456, 12345.6, -0.00012346)] == [0.1235, 12350.0, -0.0001235]
