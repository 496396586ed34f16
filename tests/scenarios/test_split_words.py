"""Words that an author splits over messages: found where they are whole, and only there."""

import pytest
import redis

from rules.ruleset import RuleSet
from streams.judging import behaviour
from streams.process.embedded import Store
from tests.rule_folders import loaded
from tests.scenarios.chat import Chat

RULES = """
- {id: spam/word, label: spam, action: hold, strength: weak, terms: [zzlure, kurze worte]}
- {id: spam/plain, label: spam, action: hold, strength: weak, terms: [zzflat], views: [plain]}
- {id: flood/any, label: spam, strength: weak, behaviour: {messages: "> 30", within: 60s}}
"""


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    """Words of our own, and a rule that has authors watched."""
    return loaded(RULES)


@pytest.mark.parametrize("sifted", [False, True])
@pytest.mark.parametrize("batch", [1, 4, 100])
async def test_bits_that_make_a_word(
    store: Store, rules: RuleSet, batch: int, sifted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message that completes it is held; those before and behind it aren't, nor is anybody between."""
    monkeypatch.setattr(behaviour, "WORTH_SIFTING", 1 if sifted else 1_000)
    chat = Chat()
    for part in ("hi", "zz", "LU", "re", "ok"):
        chat.says("eve", part, every=2)
        chat.says("ana", "lol", every=1)
    story = await chat.judged(store, rules, batch=batch)
    assert story.actions("eve") == ["allow", "allow", "allow", "hold", "allow"]
    assert story.acted_on() == {"eve": 4}
    (reason,) = story.of("eve")[3].verdict["reasons"]
    assert (reason["rule"], reason["seen"]) == ("spam/word", "a word over 3 messages")


async def test_letter_by_letter(store: Store, rules: RuleSet) -> None:
    """Six letters, six messages."""
    chat = Chat()
    chat.says("eve", *"zzlure", every=5)
    assert (await chat.judged(store, rules)).acted_on() == {"eve": 6}


async def test_what_ends_a_word(store: Store, rules: RuleSet) -> None:
    """A pause, a longer message between, an edit, another author."""
    chat = Chat()
    chat.says("pause", "zzl", every=11)
    chat.says("pause", "ure")
    chat.says("talk", "zzl", "hello there", "ure")
    chat.says("one", "zzl")
    chat.says("two", "ure")
    assert (await chat.judged(store, rules)).acted_on() == {}


async def test_a_rule_may_look_at_single_messages_only(store: Store, rules: RuleSet) -> None:
    """With `views:` that don't name it."""
    chat = Chat()
    chat.says("eve", "zzf", "lat")
    assert (await chat.judged(store, rules)).acted_on() == {}


async def test_no_text_lies_in_the_store(store: Store, rules: RuleSet) -> None:
    """A fragment can't be read there, nor an author or a channel."""
    chat = Chat()
    chat.says("evelyn", "zqx", channel="attic")
    await chat.judged(store, rules)
    with redis.Redis.from_url(store.url) as server:
        keys = list(server.scan_iter("scene-*"))
        dump = b"".join(keys) + b"".join(
            server.get(key) or b"" for key in keys if server.type(key) == b"string"
        )
    assert not any(word in dump for word in (b"evelyn", b"zqx", b"attic"))
