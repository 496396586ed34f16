"""Which Matrix rooms the bridge is in, what it may do there, and where those have gone that were replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import nio
import structlog

from streams.errors import ConfigurationError
from streams.platforms.deeds import Deed
from streams.platforms.matrix_calls import asked, join
from streams.platforms.matrix_config import MatrixConfig
from streams.platforms.matrix_text import fields, word
from streams.platforms.port import Away, Impossible

log = structlog.get_logger(__name__)

POWER_LEVELS, TOMBSTONE, CREATE = "m.room.power_levels", "m.room.tombstone", "m.room.create"
FIRST_WAIT_S, LONGEST_WAIT_S, DECIDED_S = 1.0, 60.0, 60.0


class Rooms:
    """The rooms of the file, and those that have replaced them, under the same names.

    Args:
        client: Knows who we are before any of this is called.
    """

    def __init__(self, client: nio.AsyncClient, config: MatrixConfig) -> None:
        self._client = client
        self._config = config
        # By id; what has replaced a room stands behind it.
        self._names: dict[str, str] = {}
        self._moderators: list[str] = []
        self._replaced: set[str] = set()
        self._awaited: dict[str, str] = {}
        self._moving = asyncio.Lock()
        # Where it isn't decided yet whether what is joined is what it should be.
        self._undecided: dict[str, asyncio.Event] = {}
        # Up to where we had heard when a room was replaced; of what has replaced it too, until heard of.
        self._heard: dict[str, str] = {}
        self.unheard: dict[str, str] = {}
        # Rooms that are being followed, and those of them of which something new was heard meanwhile.
        self._underway: set[str] = set()
        self._again: set[str] = set()
        self._warned: set[tuple[str, str, str]] = set()

    async def enter(self) -> None:
        """Join all rooms of the file, and know where those have gone whose successors we are in.

        Raises:
            ConfigurationError: One can't be joined.
            Away: The homeserver doesn't answer.
        """
        for name in (*self._config.rooms, *filter(None, [self._config.room])):
            try:
                joined = await asked(self._client.join(name))
            except Impossible as error:
                raise ConfigurationError(f"can't join {name}: {error}; invite {self._me} to it") from error
            self._names[joined.room_id] = name
            if name == self._config.room:
                self._moderators = [joined.room_id]
        joined = set((await asked(self._client.joined_rooms())).rooms)
        for room_id in list(self._names):
            await self._follow(room_id, among=joined)

    def follow(self, jobs: asyncio.TaskGroup, since: str | None) -> None:
        """Go where the others have gone; it may take long to be let in."""
        for room_id in list(self._names):
            self.replaced(room_id, jobs, since)

    @property
    def channels(self) -> list[str]:
        """The rooms that are judged, as they stand in the file."""
        return sorted({name for room, name in self._names.items() if room not in self._moderators})

    @property
    def moderators(self) -> str:
        """The moderators' room; "" where there is none."""
        return self._moderators[-1] if self._moderators else ""

    def is_moderators(self, room_id: str) -> bool:
        """Return whether what is asked for there counts."""
        return room_id in self._moderators

    def channel(self, room_id: str) -> str | None:
        """Return a room that is judged as it stands in the file."""
        return None if room_id in self._moderators else self._names.get(room_id)

    def of(self, channel: str) -> list[str]:
        """Return the rooms that are or were this one of the file, newest first."""
        return [room for room in reversed(self._names) if self.channel(room) == channel]

    async def decided(self, room_id: str) -> None:
        """Return when it is known whether a room that we have just joined is one of ours."""
        undecided = self._undecided.get(room_id)
        if undecided is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(undecided.wait(), DECIDED_S)

    async def line(self, room_id: str) -> list[str]:
        """Return a room and those that have replaced it one after the other, as far as we are in them."""
        found = [room_id]
        while (successor := await self._successor(found[-1])) is not None:
            if successor[0] in found or self.channel(successor[0]) is None:
                break
            found.append(successor[0])
        return found

    def warn(self, event: str, room_id: str, reason: str) -> None:
        """Say something of a room once."""
        if room_id in self._names and (event, room_id, reason) not in self._warned:
            self._warned.add((event, room_id, reason))
            log.warning(event, room=self._names[room_id], reason=reason)

    # -- rights

    async def check_rights(self, wants: Collection[Deed]) -> None:
        """Say what we may not do.

        Raises:
            ConfigurationError: We may not delete in a room.
            Away: The homeserver doesn't answer.
        """
        for room_id, name in list(self._names.items()):
            if room_id in self._moderators or room_id in self._replaced or not self._config.moderate:
                continue
            levels = await self._levels(room_id)
            ours, needed = power(levels, self._me), needed_for_deleting(levels)
            if ours < needed:
                raise ConfigurationError(
                    f"{no_deleting(name, self._me, needed, ours)}, or set matrix.moderate to false"
                )
            needed = needed_for_levels(levels)
            if Deed.TIMEOUT in wants and ours < needed:
                log.warning("no_power_to_silence", reason=no_power(name, self._me, needed, ours))

    async def _levels(self, room_id: str) -> Mapping[str, Any]:
        try:
            state = await asked(self._client.room_get_state_event(room_id, POWER_LEVELS))
        except Impossible:
            return {}
        return fields(state.content)

    # -- rooms that were replaced

    def replaced(self, room_id: str, jobs: asyncio.TaskGroup, since: str | None = None) -> None:
        """Go where a room has gone, if it has; hearing goes on meanwhile.

        Args:
            since: From where that room will be heard; None is from when we come.
        """
        if since is not None:
            self._heard.setdefault(room_id, since)
        if room_id in self._underway:
            self._again.add(room_id)
        elif room_id in self._names:
            self._underway.add(room_id)
            jobs.create_task(self._follow_at_last(room_id))

    def invited(self, rooms: Collection[str], jobs: asyncio.TaskGroup) -> None:
        """Go where we weren't let in before."""
        for room_id, successor in self._awaited.items():
            if successor in rooms:
                self.replaced(room_id, jobs)

    async def _follow_at_last(self, room_id: str) -> None:
        wait = FIRST_WAIT_S
        self._again.add(room_id)
        while room_id in self._again:
            self._again.discard(room_id)
            try:
                await self._follow(room_id)
            except Away as error:
                log.warning("homeserver_away", error=str(error), retry_s=wait)
                await asyncio.sleep(error.retry_after_s or wait)
                wait = min(LONGEST_WAIT_S, wait * 2)
                self._again.add(room_id)
        self._underway.discard(room_id)

    async def _follow(self, room_id: str, among: Collection[str] | None = None) -> None:
        while (found := await self._successor(room_id)) is not None:
            successor, server = found
            if among is not None and successor not in among:
                return
            # One after the other: two rooms may lead to the same.
            async with self._moving:
                if successor in self._names or not await self._has_moved(room_id, successor, server):
                    return
            room_id = successor
        self._heard.pop(room_id, None)

    async def _successor(self, room_id: str) -> tuple[str, str | None] | None:
        """Return what a room was replaced by, and a homeserver that knows it."""
        try:
            state = await asked(self._client.room_get_state_event(room_id, TOMBSTONE))
        except Impossible:
            return None
        successor = word(fields(state.content).get("replacement_room"))
        if not successor or not successor.startswith("!"):
            self.warn("room_replaced", room_id, "it was closed, and names no room that goes on")
            return None
        return successor, successor.partition(":")[2] or room_id.partition(":")[2] or None

    async def _has_moved(self, room_id: str, successor: str, server: str | None) -> bool:
        """Join what has replaced a room; return whether it has and lets us in."""
        self._awaited[room_id] = successor
        # Where the homeserver is away this is tried again, and stays undecided.
        self._undecided.setdefault(successor, asyncio.Event())
        wrong = await self._wrong_with(successor, room_id, server)
        if wrong is None:
            log.info("room_followed", room=self._names[room_id], to=successor)
            self._names[successor] = self._names[room_id]
            self._replaced.add(room_id)
            if room_id in self._heard:
                self.unheard[successor] = self._heard[successor] = self._heard[room_id]
            if room_id in self._moderators:
                self._moderators.append(successor)
            del self._awaited[room_id]
        else:
            self.warn("room_replaced", room_id, wrong)
        self._undecided.pop(successor).set()
        if wrong is None and self._config.moderate and successor not in self._moderators:
            levels = await self._levels(successor)
            ours, needed = power(levels, self._me), needed_for_deleting(levels)
            if ours < needed:
                log.warning("no_power_to_delete", reason=no_deleting(successor, self._me, needed, ours))
        return wrong is None

    async def _wrong_with(self, successor: str, room_id: str, server: str | None) -> str | None:
        """Join a room that is to replace another; return why it doesn't."""
        try:
            await asked(join(self._client, successor, server))
            made = await asked(self._client.room_get_state_event(successor, CREATE))
        except Impossible as error:
            return f"can't join {successor}: {error}; invite {self._me} to it"
        if fields(fields(made.content).get("predecessor")).get("room_id") == room_id:
            return None
        # Else whoever may close a room could send us anywhere.
        del self._awaited[room_id]
        with suppress(Impossible):
            await asked(self._client.room_leave(successor))
        return f"{successor} doesn't say that it replaces it; put that into the file if it is right"

    @property
    def _me(self) -> str:
        return str(self._client.user_id)


def is_replaced(event: Mapping[str, Any]) -> bool:
    """Return whether an event says that its room was replaced."""
    return event.get("type") == TOMBSTONE and event.get("state_key") == ""


def power(levels: Mapping[str, Any], user: str) -> int:
    """Return somebody's power by the content of a room's power levels."""
    return _number(fields(levels.get("users")).get(user, levels.get("users_default")), 0)


def needed_for_deleting(levels: Mapping[str, Any]) -> int:
    """Return the power that it needs to redact what others have written."""
    return _number(levels.get("redact"), 50)


def needed_for_levels(levels: Mapping[str, Any]) -> int:
    """Return the power that it needs to change power levels."""
    return _number(fields(levels.get("events")).get(POWER_LEVELS, levels.get("state_default")), 50)


def _number(value: Any, default: int) -> int:
    """Return a level; old rooms have some as texts."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def no_deleting(room: str, me: str, needed: int, ours: int) -> str:
    """Return what to do where the bridge may not delete."""
    return f"the bridge may not delete in {room}: give {me} the power level {needed} (it has {ours})"


def no_power(room: str, me: str, needed: int, ours: int) -> str:
    """Return what to do where the bridge may keep nobody from writing."""
    return f"the bridge may not set power levels in {room}: give {me} the level {needed} (it has {ours})"
