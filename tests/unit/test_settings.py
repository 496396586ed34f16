"""Settings come from CHATSIEVE_* variables; what doesn't fit is refused in one line that names it."""

from pathlib import Path

import pytest

from streams.errors import ConfigurationError
from streams.settings import PREFIX, read, table


def test_without_variables_there_are_defaults_and_no_broker() -> None:
    """A forgotten variable must not make a healthy worker that moderates nothing."""
    settings = read({"PATH": "/bin"})
    assert settings.broker is None
    assert settings.group == "chatsieve"


def test_values_are_converted_to_their_types() -> None:
    """Numbers, switches and paths."""
    given = {"PARTITIONS": "3", "STORE_TIMEOUT": "0.5", "PACKS": "somewhere", "REVIEW_TEXT": "false"}
    settings = read({PREFIX + name: value for name, value in given.items()})
    assert (settings.partitions, settings.store_timeout, settings.packs, settings.review_text) == (
        3, 0.5, Path("somewhere"), False,
    )  # fmt: skip


def test_an_empty_variable_is_as_good_as_none() -> None:
    """Compose files write them."""
    assert read({PREFIX + "BROKER": ""}).broker is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BROKR", "x"),
        ("PARTITIONS", "many"),
        ("PARTITIONS", "0"),
        ("STORE_TIMEOUT", "-1"),
        ("FETCH_WAIT", "inf"),
        ("SESSION_TIMEOUT", "3e6"),
        ("BATCH_MESSAGES", "3000000000"),
        ("LOG", "loud"),
        ("MATCHED", "no"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(name: str, value: str) -> None:
    """A misspelt variable too: it would be silently without effect."""
    with pytest.raises(ConfigurationError, match=PREFIX + name):
        read({PREFIX + name: value})


def test_every_setting_says_what_it_means() -> None:
    """`serve --help` prints this table."""
    assert all(meaning for _, _, meaning in table())


def test_a_file_or_folder_may_be_none() -> None:
    """Whether it has a default or not; the packs have to be somewhere."""
    said = {"CHATSIEVE_MODEL": "none", "CHATSIEVE_STATE": "none", "CHATSIEVE_SHADOW_MODEL": "none"}
    found = read(said | {"CHATSIEVE_API_KEYS": "none", "CHATSIEVE_PACKS": "none"})
    assert (found.model, found.state, found.shadow_model, found.api_keys) == (None, None, None, None)
    assert found.packs == Path("none")


def test_what_is_empty_is_not_set() -> None:
    """As compose writes what nobody has set: the shipped model scores."""
    assert read({"CHATSIEVE_MODEL": ""}).model == read({}).model
    assert (read({}).model or Path()).name == "chat-compact"
