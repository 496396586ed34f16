"""Records that can't be read, and some that can although they look broken."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Oddity:
    """A record by its bytes; "malformed:…" can't be read, "oddity:…" must be judged."""

    scene: str
    raw: bytes
    key: str | None = None


def oddities() -> list[Oddity]:
    """Return each oddity once, in the order in which the chat plays them."""
    key = "lanternbay/guild/u-legacy"
    return [
        Oddity("malformed:not-utf8", _encoded(text="café on the pier?").replace(b"\\u00e9", b"\xe9"), key),
        Oddity("malformed:not-json", b"PING harbour 1342"),
        Oddity("malformed:cut-off", _encoded(text="this connection is very")[:-9], key),
        Oddity("malformed:array", b'[{"id":"x2","author":"u-legacy","text":"three of us"},2,3]', key),
        Oddity("malformed:no-text", _encoded(), key),
        Oddity("malformed:text-number", _encoded(text=42), key),
        Oddity("malformed:text-null", _encoded(text=None), key),
        Oddity("malformed:no-id", b'{"author":"u-legacy","text":"who am I"}', key),
        Oddity("malformed:no-author", b'{"id":"x3","text":"nobody said this"}'),
        Oddity("malformed:deeply-nested", _encoded(text="@").replace(b'"@"', _nested(400)), key),
        Oddity("malformed:empty", b"", key),
        Oddity("oddity:lone-surrogate", _encoded(text="half a moon \ud83c over the bay"), key),
        Oddity("oddity:nul", _encoded(text="the bell\0 rings twice"), key),
        Oddity("oddity:long", _encoded(text=_inventory(20_500)), key),
        Oddity("oddity:author-by-id", _encoded(text="greetings from an older bridge"), key),
        Oddity("oddity:unknown-fields", _encoded(text="hello", mood={"tide": "low"}, weight=3.5), key),
        Oddity("oddity:without-key", _encoded(text="this one has no key")),
        Oddity("oddity:only-spaces", _encoded(text="   "), key),
        Oddity("oddity:marks-upon-marks", _encoded(text="t" + "̴̛́̈" * 8 + "ide"), key),
    ]


def _encoded(**fields: object) -> bytes:
    """Encode a small message of the legacy bridge, whose author is an id only."""
    message = {
        "id": "x1",
        "author": "u-legacy",
        "tenant": "lanternbay",
        "platform": "guild",
        "channel": "general",
        **fields,
    }
    return json.dumps(message, separators=(",", ":")).encode()


def _nested(levels: int) -> bytes:
    return b'{"text":' * levels + b'"?"' + b"}" * levels


def _inventory(length: int) -> str:
    """Return one line of an over-eager keeper's list, exactly `length` code points long."""
    metals = ["brass", "copper", "iron", "tin", "silver", "bronze", "pewter"]
    rooms = ["cellar", "stairs", "gallery", "kitchen", "attic", "pier", "boathouse", "library"]
    lamps = (f"Lamp {n}: {metals[n % 7]}, {rooms[n * 3 % 8]}, {n * 37 % 90 + 10} nights." for n in range(900))
    return " ".join(lamps)[:length]
