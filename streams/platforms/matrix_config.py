"""What an operator writes into the section `matrix` of bridge.yaml."""

from __future__ import annotations

from typing import Annotated

import msgspec


class MatrixConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section `matrix`.

    Attributes:
        homeserver: "https://matrix.example.org".
        token: The bridge account's access token.
        rooms: Ids or aliases of the rooms that are listened to.
        room: The moderators' room, whoever is in it may decide. None: nothing is reported.
        moderate: Whether the account may redact and change power levels; without, it only warns and reports.
        bots: User ids of programs, "@feeds:example.org": judged, not counted.
        relays: User ids that carry other people's words: judged, not counted.
    """

    homeserver: Annotated[str, msgspec.Meta(pattern="^https?://")]
    token: str
    rooms: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    room: str | None = None
    moderate: bool = True
    bots: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
