"""What was said, by whom, where and when: the message as it was typed."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Surface(StrEnum):
    """Where on a platform a text is shown."""

    CHAT = "chat"
    NAME = "name"
    TITLE = "title"
    BIO = "bio"


class Kind(StrEnum):
    """What happened to the message."""

    CREATED = "created"
    EDITED = "edited"
    DELETED = "deleted"


# At hand for what is asked of each message: before Python 3.12 an enumeration is slow to say what it holds.
CHAT = Surface.CHAT
CREATED, EDITED, DELETED = Kind.CREATED, Kind.EDITED, Kind.DELETED


class EntityType(StrEnum):
    """What a platform says that a part of the text is."""

    EMOTE = "emote"
    MENTION = "mention"
    LINK = "link"
    CODE = "code"
    QUOTE = "quote"


class Author(msgspec.Struct, frozen=True):
    """Who speaks, as far as the platform tells.

    Attributes:
        id: The platform's own id of the account.
        name: What others see; None where the platform doesn't send it.
        roles: The platform's role names: "moderator", "subscriber".
        created_at: When the account was made; None is unknown, not new.
        bot: The account is a program; it is judged, not counted.
        relay: The account carries other people's messages; judged, not counted.
    """

    id: str
    name: str | None = None
    roles: tuple[str, ...] = ()
    created_at: datetime | None = None
    bot: bool = False
    relay: bool = False


class Entity(msgspec.Struct, frozen=True):
    """A marked part of the text: half-open span in code points of the text as typed."""

    type: EntityType
    span: tuple[int, int]


class Attachment(msgspec.Struct, frozen=True):
    """A file that came with the message; nothing here looks inside it."""

    type: str = "file"
    url: str | None = None
    sha256: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One message, readable and checked.

    Attributes:
        id: The platform's id, unique within tenant and platform.
        author: None only for a deletion whose author the platform doesn't tell.
        text: As typed, without lone surrogates; "" for a deletion or a bare attachment.
        sent_at: The sender's clock, for people to read; effects go by the record's time.
        lang: BCP 47 primary subtag ("en"), or None where nobody said.
        entities: Parts of the text that the platform marked.
    """

    id: str
    author: Author | None = None
    text: str = ""
    tenant: str = "default"
    platform: str = "default"
    channel: str = "default"
    surface: Surface = Surface.CHAT
    kind: Kind = Kind.CREATED
    sent_at: datetime | None = None
    lang: str | None = None
    reply_to: str | None = None
    mentions: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def author_key(self) -> str | None:
        """Tenant, platform and author in one string: whose standing this moves."""
        if self.author is None:
            return None
        return f"{self.tenant}/{self.platform}/{self.author.id}"
