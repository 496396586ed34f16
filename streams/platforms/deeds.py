"""What a bridge does about a verdict: from action and label to deeds, and what where a platform can't."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from rules.message import Message
from rules.verdict import Action, Verdict


class Deed(StrEnum):
    """Something that can be done on a platform.

    HIDE can be undone by UNHIDE, DELETE can't. MASK stars out the spans of the verdict. TIMEOUT keeps the
    author from writing for a while, UNTIMEOUT ends that before its time, where a human says that the verdict
    was wrong. WARN tells the author, REPORT the moderators' room.
    """

    DELETE = "delete"
    HIDE = "hide"
    UNHIDE = "unhide"
    MASK = "mask"
    TIMEOUT = "timeout"
    UNTIMEOUT = "untimeout"
    WARN = "warn"
    REPORT = "report"


def with_untimeout(can: Iterable[Deed]) -> frozenset[Deed]:
    """Return what can be done, and that whoever can time an author out can also end that."""
    found = frozenset(can)
    return found | {Deed.UNTIMEOUT} if Deed.TIMEOUT in found else found


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the mapping.

    Attributes:
        label: For verdicts that this label settled; None is for those no other row is for.
        do: What to do, in this order; nothing leaves the message as it is.
        timeout_s: How long a time-out is.
    """

    action: Action
    do: tuple[Deed, ...]
    label: str | None = None
    timeout_s: float = 600.0


# What is done where the configuration says nothing.
DEFAULT = (
    Row(Action.REMOVE, (Deed.DELETE, Deed.WARN)),
    Row(Action.HOLD, (Deed.HIDE, Deed.REPORT)),
    Row(Action.FLAG, (Deed.REPORT,)),
    Row(Action.ALLOW, (Deed.UNHIDE, Deed.UNTIMEOUT)),
)
# These take something back, and where nothing was done there is nothing to take back.
TAKEN_BACK = frozenset({Deed.UNHIDE, Deed.UNTIMEOUT})

# What stands in for what a platform can't do; hidden and deleted are not the same to the author, so a held
# message stays where it can't be hidden, and the room is asked.
_INSTEAD = {Deed.HIDE: Deed.REPORT, Deed.MASK: Deed.REPORT}


class Task(NamedTuple):
    """One deed on one verdict.

    Attributes:
        message: What was said, where it is known.
        visible: The message is still to be seen, though the verdict would have it hidden.
        timeout_s: How long a time-out is.
        urgent: A human asked for it and waits: it goes before the others.
    """

    deed: Deed
    verdict: Verdict
    message: Message | None = None
    visible: bool = False
    timeout_s: float = 600.0
    urgent: bool = False

    @property
    def id(self) -> str:
        """What the deed is remembered by: done once for a verdict, whatever happens."""
        return f"{self.verdict.id}/{self.deed}"


class Plan(NamedTuple):
    """What is to be done, and what should be and can't.

    Attributes:
        impossible: Deeds that the platform doesn't know and that nothing stands in for.
    """

    tasks: tuple[Task, ...]
    impossible: tuple[Deed, ...]


def plan(
    verdict: Verdict, rows: Sequence[Row], can: Collection[Deed], message: Message | None = None
) -> Plan:
    """Return what to do about a verdict; the row with its label goes before the one without."""
    if verdict.kind == "deleted":
        return Plan((), ())
    fitting = [row for row in rows if row.action is verdict.action and row.label in (None, verdict.label)]
    row = max(fitting, key=lambda row: row.label is not None, default=None)
    if row is None:
        return Plan((), ())
    wanted = list(row.do)
    if verdict.mask and Deed.MASK not in wanted and verdict.action in (Action.ALLOW, Action.FLAG):
        wanted.append(Deed.MASK)
    visible = Deed.HIDE in wanted and Deed.HIDE not in can
    tasks: dict[Deed, Task] = {}
    impossible: list[Deed] = []
    for deed in wanted:
        done = deed if deed in can else _INSTEAD.get(deed)
        if done is None or done not in can:
            if deed not in TAKEN_BACK:
                impossible.append(deed)
        elif done not in tasks:
            tasks[done] = Task(done, verdict, message, visible, row.timeout_s)
    return Plan(tuple(tasks.values()), tuple(impossible))
