"""The brake: how many established authors a rule has reached lately, on this worker.

A rule that suddenly takes messages of many long-standing members out of sight is more
likely wrong than they are. A raid of newcomers never counts. The brake only counts and
tells; what a braked rule may still do is settled in `rules.decide`.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from rules.message import Message
from rules.reputation import Reputation
from rules.ruleset import RuleSet
from rules.verdict import Judgement


@dataclass(slots=True)
class _Window:
    """Who was reached and when last, the longest ago first."""

    within_s: float
    reached: OrderedDict[str, float] = field(default_factory=OrderedDict)
    tripped: bool = False


class Brake:
    """Sliding windows of distinct established authors, one per cause and tenant.

    Times are epoch seconds of the records; what is older than the window, seen from
    the newest record, no longer counts. A window holds at most `authors` entries.

    Args:
        on_change: Called with (cause, tenant, on, authors) when a brake goes on or off.
    """

    def __init__(self, on_change: Callable[[str, str, bool, int], None]) -> None:
        self._windows: dict[tuple[str, str], _Window] = {}
        self._tripped: dict[str, set[str]] = {}
        self._on_change = on_change

    def tripped(self, tenant: str) -> set[str]:
        """Return the causes that are over their bound in this tenant."""
        return self._tripped.get(tenant, _NONE)

    def reach(
        self, cause: str, tenant: str, author: str, now: float, *, authors: int, within_s: float
    ) -> None:
        """Note that a strict action of `cause` reached an established author, lowered or not.

        The brake goes on with the `authors`-th of them: the next message of the cause is lowered.
        """
        window = self._windows.setdefault((cause, tenant), _Window(within_s))
        window.within_s = within_s  # a reload may have changed it
        newest = max(now, window.reached.get(author, now))
        window.reached[author] = newest
        window.reached.move_to_end(author)
        self._forget(window, newest - within_s, keep=authors)
        self._turn(cause, tenant, window, on=len(window.reached) >= authors)

    def feed(
        self, judgement: Judgement, message: Message, before: Reputation | None, rules: RuleSet, now: float
    ) -> None:
        """Note what a judgement does to its author, if they are established, by the bounds of its causes."""
        policy = rules.policy
        if before is None or not policy.reputation.is_established(before):
            return
        author = message.author_key or ""
        for cause in judgement.strict_causes:
            rule = rules.rules.get(cause)
            bound = rule.budget if rule and rule.budget else policy.brake
            self.reach(cause, message.tenant, author, now, authors=bound.authors, within_s=bound.within_s)

    def settle(self, now: float) -> None:
        """Let brakes go whose windows have emptied below the bound; called once a batch."""
        for (cause, tenant), window in list(self._windows.items()):
            before = len(window.reached)
            self._forget(window, now - window.within_s, keep=before)
            if window.tripped and len(window.reached) < before:
                self._turn(cause, tenant, window, on=False)
            if not window.reached:
                del self._windows[cause, tenant]

    @staticmethod
    def _forget(window: _Window, horizon: float, keep: int) -> None:
        reached = window.reached
        while reached and (len(reached) > keep or next(iter(reached.values())) <= horizon):
            reached.popitem(last=False)

    def _turn(self, cause: str, tenant: str, window: _Window, *, on: bool) -> None:
        if window.tripped == on:
            return
        window.tripped = on
        causes = self._tripped.setdefault(tenant, set())
        (causes.add if on else causes.discard)(cause)
        self._on_change(cause, tenant, on, len(window.reached))


_NONE: set[str] = set()
