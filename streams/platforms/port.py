"""What a platform offers to the frame, and the frame to a platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rules.message import Message
from streams.errors import PlatformError
from streams.platforms.deeds import Deed, Task
from streams.wire.records import Decision


class Impossible(PlatformError):  # noqa: N818 - what it is, not a mistake
    """It can't be done, now or later: no permission, no such message."""


class Away(PlatformError):  # noqa: N818 - as above
    """It can't be done at the moment.

    Attributes:
        retry_after_s: When the platform says to come back; None where it doesn't.
    """

    def __init__(self, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


def reason_of(error: BaseException) -> str:
    """Return in one line why a server could not be spoken to."""
    return (
        "no answer in time"
        if isinstance(error, TimeoutError)
        else " ".join(str(error).split()) or repr(error)
    )


class Ear(Protocol):
    """The frame, as a platform sees it.

    Attributes:
        wants: What the configuration may ask for; a right that one of these needs and that isn't there is
            said at the start.
    """

    wants: frozenset[Deed]

    async def cursor(self) -> str | None:
        """Return up to where was heard before this start; None at the very first."""

    async def hear(self, messages: Sequence[Message], cursor: str | None = None) -> None:
        """Send what was said to be judged; the cursor is kept once all of it is safe.

        The frame puts tenant and platform on the messages, and passes over what follows from its own deeds.
        """

    async def decide(
        self,
        report: str,
        decision: Decision,
        reviewer: str,
        role: str | None = None,
        reason: str | None = None,
    ) -> str:
        """Take what a moderator decided on a report, and return in words what came of it."""

    async def turn(self, *, urgent: bool = False) -> None:
        """Return when one more line may go out: for a platform that `counts_lines`.

        Args:
            urgent: A human waits for it: it goes before the others.
        """

    async def later(self, what: str, at: float) -> None:
        """Have `Platform.due` called with this, at an epoch second; also after a restart."""

    async def not_later(self, what: str) -> None:
        """Have it called no more: it is done."""

    async def why(self, report: str) -> str:
        """Return the reasons of the verdict behind a report, in words."""


class Platform(Protocol):
    """A chat platform.

    Attributes:
        can: What can be done there.
        repeatable: Deeds that do no harm twice: those are done first and then noted, the others the other
            way round, so that a crash in between repeats no warning.
        counts_lines: It waits for `Ear.turn` before each line that it sends; elsewhere a deed is one turn.
    """

    can: frozenset[Deed]
    repeatable: frozenset[Deed]
    counts_lines: bool

    async def run(self, ear: Ear) -> None:
        """Listen until cancelled, and come back after a break; return where there is nothing more to hear.

        Raises:
            ConfigurationError: The platform refuses us: a wrong token, a missing permission.
            PlatformError: It can't be reached at the start.
        """

    async def do(self, task: Task) -> str | None:
        """Do something; of a report return the id that moderators answer to.

        Raises:
            Impossible: It can't be done.
            Away: It may be tried again.
        """

    async def due(self, what: str) -> None:
        """Do what was put off with `Ear.later`.

        Raises:
            Impossible: It can't be done.
            Away: It may be tried again.
        """

    async def close(self) -> None:
        """Leave."""
