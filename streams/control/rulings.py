"""What humans decided on texts: told to the whole fleet on `mod.control`, asked for by text and place.

Kept in memory by every worker and not looked up in the store: a lookup in a dict is all that it costs a
message, it holds while the store is away, and nobody judges before having read them. Each decision has a key
of its own on the topic, so that what has ended can be taken off it without touching what was decided since.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, NamedTuple

import msgspec
import structlog

from rules.message import Message
from rules.rulings import Ruling
from rules.verdict import Action
from streams.errors import UnreadableError

log = structlog.get_logger(__name__)

RULING = "mod.ruling.v1"
_PREFIX = b"text/"
# Rulings that are kept; beyond it the oldest are forgotten, aloud.
MOST = 100_000
# They go by the time of the messages, which may be judged late; so they are kept for so long after their end.
KEEP_S = 86_400.0

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class TextRuling(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a human decided on a text, on `mod.control`; of one text in one place the latest word counts.

    Attributes:
        id: That of the decision on `mod.feedback`.
        verdict_id: The verdict that was decided on.
        action: "allow": the text is spared. "remove": it is taken away.
        text_hash: As on verdicts.
        platform: With `channel`, where it holds; without, in the whole tenant.
        author: Keyed hash of the author of that verdict's message.
        evidence: What it was spoken against: names of rules, and "model:<label>"; empty is all.
        expires_at: RFC 3339, until when it holds; None is for good.
    """

    id: str
    verdict_id: str
    action: Action
    text_hash: str
    tenant: str
    at: Moment
    platform: str | None = None
    channel: str | None = None
    author: str | None = None
    evidence: tuple[str, ...] = ()
    expires_at: Moment | None = None

    @property
    def key(self) -> bytes:
        """The key of the record: the text, the place, the decision."""
        place = "/".join((self.tenant, self.platform or "", self.channel or ""))
        return _PREFIX + f"{_short(place)}/{self.text_hash}/{_short(self.id)}".encode()


def _short(name: str) -> str:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


_decoder = msgspec.json.Decoder(TextRuling)


def is_ruling(key: bytes | None) -> bool:
    """Return whether a record of `mod.control` is a ruling."""
    return key is not None and key.startswith(_PREFIX)


def read_ruling(value: bytes) -> TextRuling:
    """Return the ruling in a record's value.

    Raises:
        UnreadableError: It is none, or a field doesn't fit.
    """
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableError("field", str(error)) from error


class _Kept(NamedTuple):
    said: TextRuling
    at: float
    until: float


class Rulings:
    """Those that are known, by text and place."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str | None, str | None, str], _Kept] = {}
        self._overruled: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, rulings: Iterable[TextRuling], ended: Collection[bytes] = ()) -> None:
        """Note rulings; of two on one text in one place the later word counts.

        Args:
            ended: Keys of rulings that were taken off the topic.
        """
        for one in rulings:
            if ended and one.key in ended:
                continue
            where = (one.tenant, one.platform, one.channel, one.text_hash)
            before, at = self._kept.get(where), one.at.timestamp()
            if before is not None and before.at > at:
                self._overruled.add(one.key)
                continue
            if before is not None and before.said.id != one.id:
                self._overruled.add(before.said.key)
            until = one.expires_at.astimezone(UTC).timestamp() if one.expires_at else math.inf
            self._kept.pop(where, None)
            self._kept[where] = _Kept(one, at, until)
            if len(self._kept) > MOST:
                gone = self._kept.pop(next(iter(self._kept)))
                log.warning("ruling_forgotten", ruling=gone.said.id, most=MOST)
        self._overruled.difference_update(ended)
        for where in [where for where, kept in self._kept.items() if kept.said.key in ended] if ended else ():
            del self._kept[where]

    def sweep(self, now: float) -> list[bytes]:
        """Forget what ended a day ago or was overruled; return the keys that can be taken off the topic."""
        over = [where for where, kept in self._kept.items() if kept.until + KEEP_S <= now]
        keys = [*(self._kept.pop(where).said.key for where in over), *self._overruled]
        self._overruled.clear()
        return keys

    def on(
        self, message: Message, text_hash: str, now: float, author: Callable[[], str | None]
    ) -> Ruling | None:
        """Return what was decided on a text where a message says it: in the tenant, else in the channel.

        Staff speaks for the tenant, and a channel's moderator doesn't overrule it.

        Args:
            author: Returns the keyed hash of the message's author; asked where something was decided.
        """
        tenant, platform, channel = message.tenant, message.platform, message.channel
        for where in ((tenant, None, None, text_hash), (tenant, platform, channel, text_hash)):
            kept = self._kept.get(where)
            if kept is not None and now < kept.until:
                said = kept.said
                own = said.author is not None and author() == said.author
                return Ruling(said.id, said.action, frozenset(said.evidence), own)
        return None
