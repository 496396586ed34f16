"""Watches the folder of packs and takes new rule sets: whole, tried aside, or not at all."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from rules import packs
from rules.errors import RuleFileError
from rules.ruleset import RuleSet
from streams.control import aside, pack_files
from streams.control.cuts import Cut, cut_lists, cut_rules
from streams.control.pack_files import InProgressError, Prints, Stats

log = structlog.get_logger()


class Reload(msgspec.Struct, frozen=True):
    """What came of new files.

    Attributes:
        at: Epoch seconds.
        rules: The rule set that is good now: the new one, or the old where the files were refused.
        prints: What the files hold.
        changed: Files that differ from those judged before.
        refused: Why the files were not taken, a line per problem; None when they were.
        cut: They were refused because too much of a list is gone.
    """

    at: float
    rules: RuleSet
    prints: Prints
    changed: tuple[str, ...] = ()
    refused: str | None = None
    cut: bool = False


class PackWatcher:
    """Keeps the rule set in step with the files.

    Files are looked at by `stat`, and by content where that changed and every `rehash_s`
    regardless: size and time don't tell all. Two looks at least `settle_s` apart must agree
    before a change is taken. A file that is gone may be on its way back, so that takes
    `gone_s`; an empty file, or a folder without packs, is never taken, and a list of which a
    large part is gone only when somebody has said that this is meant.

    Attributes:
        current: The newest rule set that was good; replaced, never changed.
        stale: Why the newest files aren't; None while they are.
    """

    def __init__(
        self,
        folder: Path,
        current: RuleSet,
        on_reload: Callable[[Reload], None],
        *,
        now: float,
        stale: str | None = None,
        loaded: Prints | None = None,
        may_cut: Callable[[str], object] = lambda _file: False,
        every_s: float = 1.0,
        settle_s: float = 0.2,
        gone_s: float = 10.0,
        rehash_s: float = 30.0,
    ) -> None:
        """Start from a rule set; the first looks compare it with the files.

        Args:
            stale: Why it wasn't loaded from them.
            loaded: What the files held when it was, so that they aren't loaded again before they change;
                without, they are.
            may_cut: Asked whether a large part of a list may be gone, by its path.
        """
        self.current = current
        self.stale = stale
        self._may_cut = may_cut
        self._cuts: list[Cut] = []
        self._lists = pack_files.lists(current.loaded_from)
        self._folder = folder
        self._on_reload = on_reload
        self._every_s, self._settle_s, self._gone_s, self._rehash_s = every_s, settle_s, gone_s, rehash_s
        self._stats: Stats | None = None
        self._read_at = now
        self._judged: Prints = loaded or {}  # the last content that was accepted or refused
        self._refused: str | None = None  # why, in the latter case
        self._candidate: Prints | None = None
        self._candidate_at = now

    async def run(self) -> None:
        """Look until cancelled; what is wrong with the files ends nothing."""
        while True:
            try:
                await self.look(time.time())
            except Exception as error:
                log.exception("packs_unread", error=repr(error))
                self.stale = f"looking at the packs failed: {error!r}"
            await asyncio.sleep(self._every_s if self._candidate is None else self._settle_s)

    async def look(self, now: float) -> None:
        """Compare the files with what was judged last, and take a change that has settled."""
        self._forgive()
        try:
            stats = await asyncio.to_thread(pack_files.stats, self._folder)
            if self._candidate is None and stats == self._stats and not self._due(now):
                return
            prints = await asyncio.to_thread(pack_files.prints, self._folder)
        except InProgressError as error:
            self._wait(str(error))
            return
        self._stats, self._read_at = stats, now
        await self._weigh(prints, now)

    async def _weigh(self, prints: Prints, now: float) -> None:
        if prints == self._judged:
            self._candidate, self.stale = None, self._refused
        elif prints != self._candidate:
            if self._candidate is not None:
                self.stale = "the files keep changing"
            self._candidate, self._candidate_at = prints, now
        elif self._apart(self._candidate_at, now, self._patience(prints)):
            await self._take(prints, now)

    def _patience(self, prints: Prints) -> float:
        gone = sorted(self._judged.keys() - prints.keys())
        if not gone:
            return self._settle_s
        self.stale = f"{gone[0]} is gone: taken as meant after {self._gone_s:g} s"
        return self._gone_s

    def _due(self, now: float) -> bool:
        return self._apart(self._read_at, now, self._rehash_s)

    @staticmethod
    def _apart(earlier: float, later: float, seconds: float) -> bool:
        # A clock that was set back shall not put off a change for as long.
        return abs(later - earlier) >= seconds

    def _wait(self, reason: str) -> None:
        if reason != self.stale:
            log.warning("packs_in_progress", reason=reason, in_force=self.current.hash)
        self.stale, self._stats, self._candidate = reason, None, None

    async def _take(self, prints: Prints, now: float) -> None:
        rules, refused = await asyncio.to_thread(self._load)
        lists = await asyncio.to_thread(pack_files.lists, self._folder)
        self._candidate = None
        if not await self._unchanged(prints):
            self._wait("the files changed while they were read")
            return
        self._cuts = [] if rules is None else await asyncio.to_thread(self._cut, rules, lists)
        refused = refused or "\n".join(map(str, self._cuts)) or None
        changed = _changed(self._judged, prints) if self._judged else ()
        recovered = self._refused is not None
        self._judged, self._refused, self.stale = prints, refused, refused
        if rules is None or refused is not None:
            self._say(Reload(now, self.current, prints, changed, refused, cut=bool(self._cuts)))
            return
        self._lists = lists
        if recovered or rules.hash != self.current.hash:
            self.current = rules
            self._say(Reload(now, rules, prints, changed))

    def _cut(self, rules: RuleSet, lists: dict[str, bytes]) -> list[Cut]:
        found = [*cut_lists(self._lists, lists), *cut_rules(self.current.rules, rules.rules)]
        return [cut for cut in found if not self._may_cut(cut.file)]

    def _forgive(self) -> None:
        """Judge the files anew when what they were refused for has been allowed."""
        if self._cuts and all(self._may_cut(cut.file) for cut in self._cuts):
            self._cuts, self._judged, self._stats = [], {}, None

    async def _unchanged(self, prints: Prints) -> bool:
        try:
            return await asyncio.to_thread(pack_files.prints, self._folder) == prints
        except InProgressError:
            return False

    def _load(self) -> tuple[RuleSet | None, str | None]:
        try:
            with aside.loading():
                return packs.load(self._folder, previous=self.current), None
        except RuleFileError as error:
            return None, str(error)
        except Exception as error:  # whatever a file can do to a parser, it must not end a worker
            log.exception("packs_failed", error=repr(error))
            return None, f"loading failed unexpectedly: {error!r}"

    def _say(self, reload: Reload) -> None:
        if reload.refused is None:
            log.info("packs_taken", ruleset=reload.rules.hash, changed=reload.changed)
        else:
            log.error("ruleset_refused", in_force=reload.rules.hash, reason=reload.refused)
        self._on_reload(reload)


def _changed(before: Prints, after: Prints) -> tuple[str, ...]:
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))
