"""The rule set in force: the newest good packs, or those gone back to, with emergency terms on top."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec
import structlog

from rules.errors import RuleFileError
from rules.loading.blocks import Block, with_blocks
from rules.ruleset import RuleSet
from streams.control import aside
from streams.control.last_good import LastGood
from streams.control.orders import BlockOrder, Orders, RollbackOrder
from streams.control.pack_files import Prints

log = structlog.get_logger(__name__)

# Orders are looked at so often; they come into force within 10 s all over the fleet.
EVERY_S = 0.25


class Change(msgspec.Struct, frozen=True):
    """Another rule set came into force, or couldn't.

    Attributes:
        at: Epoch seconds.
        origin: "files", "last_good", "rollback" or "orders".
        added: Rules that are new by their id.
        removed: Rules that are gone.
        changed: Files that differ from those judged before.
        refused: Why it couldn't, a line per problem; None when it did.
    """

    at: float
    old: str
    new: str
    origin: str
    added: int = 0
    removed: int = 0
    changed: tuple[str, ...] = ()
    refused: str | None = None


# Orders that make another rule set; the others act beside it.
_MAKING = (BlockOrder, RollbackOrder)


class _Recipe(NamedTuple):
    """What a rule set is made of, by hash and ids."""

    base: str
    blocks: tuple[BlockOrder, ...] = ()
    rollback: str | None = None


class Rulebook:
    """Makes the rule set in force of packs and orders, aside, and puts it in force in one assignment.

    Attributes:
        current: The rule set in force; replaced, never changed.
        since: Epoch seconds from which it is in force.
        origin: Where it came from, as in `Change`.
    """

    def __init__(
        self,
        base: RuleSet,
        orders: Orders,
        last_good: LastGood,
        on_change: Callable[[Change], None],
        *,
        now: float,
        origin: str = "files",
    ) -> None:
        self.current = base
        self.since = now
        self.origin = origin
        self._base = base
        self._from = origin
        self._orders = orders
        self._last_good = last_good
        self._on_change = on_change
        self._made_of = _Recipe(base.hash)
        self._refused: _Recipe | None = None
        self._changed: tuple[str, ...] = ()
        self._retired: list[RuleSet] = []
        self._unkept: tuple[RuleSet, Prints | None] | None = (base, None) if origin == "files" else None

    @property
    def following(self) -> tuple[str, ...]:
        """Ids of the orders that act here: of those that make rule sets, as the one in force is made."""
        made = self._made_of
        others = [order.id for order in self._orders.in_force() if not isinstance(order, _MAKING)]
        blocks = [order.id for order in made.blocks if f"block/{order.id}" in self.current.rules]
        return (*others, *blocks, *((made.rollback,) if made.rollback else ()))

    def rebase(
        self, base: RuleSet, now: float, changed: tuple[str, ...] = (), prints: Prints | None = None
    ) -> None:
        """Take new packs: at once, unless orders want something made of them first."""
        before, self._base = self._base, base
        self._from, self._refused = "files", None
        self._unkept, self._changed = (base, prints), changed
        wanted = self._wanted()
        if wanted == _Recipe(base.hash):
            self._swap(base, wanted, now)
        elif wanted == self._made_of:
            self._swap(self.current, wanted, now)  # nothing else is in force, but the files are good again
        self._retire(before)

    async def run(self) -> None:
        """Follow the orders, and keep copies of good packs, until cancelled."""
        while True:
            await self.settle()
            if self._unkept is not None:
                unkept, self._unkept = self._unkept, None
                await asyncio.to_thread(self._last_good.keep, *unkept)
                del unkept
            await asyncio.sleep(EVERY_S)

    async def tidy(self) -> None:
        """Let go of rule sets that are no longer in force, until cancelled; nothing waits for that."""
        while True:
            await self.let_go()
            await asyncio.sleep(EVERY_S)

    async def let_go(self) -> None:
        """Let go of those that are no longer in force."""
        while self._retired:
            await asyncio.to_thread(aside.let_go, [self._retired.pop()])

    async def settle(self) -> None:
        """Put in force what packs and orders want together, if that isn't in force already."""
        wanted = self._wanted()
        if wanted in (self._made_of, self._refused):
            return
        rules, refused = await asyncio.to_thread(self._make, wanted, self._base)
        if wanted != self._wanted():
            return  # something new came in between; the next look makes that
        now = time.time()
        if rules is not None:
            self._swap(rules, wanted, now)
            return
        self._refused = wanted
        log.error("orders_refused", in_force=self.current.hash, reason=refused)
        old = self.current.hash
        self._on_change(Change(now, old, old, self._origin_of(wanted), refused=refused))

    def _wanted(self) -> _Recipe:
        rollback = self._orders.rollback()
        blocks = self._orders.blocks()
        if rollback is not None:
            return _Recipe(rollback.ruleset, blocks, rollback.id)
        return _Recipe(self._base.hash, blocks)

    def _make(self, wanted: _Recipe, newest: RuleSet) -> tuple[RuleSet | None, str | None]:
        try:
            with aside.loading():
                base = newest if wanted.base == newest.hash else self._last_good.load(wanted.base)
                if base is None:
                    return None, f"there is no copy of {wanted.base} here to go back to"
                return with_blocks(base, list(_understood(base, wanted.blocks))), None
        except Exception as error:  # whatever an order does to the loader, it must not end a worker
            log.exception("orders_failed", error=repr(error))
            return None, f"orders failed unexpectedly: {error!r}"

    def _swap(self, rules: RuleSet, recipe: _Recipe, now: float) -> None:
        old, self.current = self.current, rules
        self._made_of, self.origin = recipe, self._origin_of(recipe)
        if old.hash != rules.hash:
            self.since = now
        before, after = old.rules.keys(), rules.rules.keys()
        added, removed = len(after - before), len(before - after)
        changed, self._changed = self._changed, ()
        self._retire(old)
        change = Change(now, old.hash, rules.hash, self.origin, added, removed, changed)
        log.info(
            "ruleset_swapped", old=old.hash, new=rules.hash, origin=self.origin, added=added, removed=removed
        )
        self._on_change(change)

    def _retire(self, rules: RuleSet) -> None:
        gone = all(rules is not other for other in (self.current, self._base, *self._retired))
        if gone:
            self._retired.append(rules)

    def _origin_of(self, recipe: _Recipe) -> str:
        if recipe.base != self._base.hash:
            return "rollback"
        return "orders" if recipe.blocks else self._from


def _understood(base: RuleSet, orders: tuple[BlockOrder, ...]) -> Iterator[Block]:
    """Yield the terms that these packs can take; one that makes no sense doesn't cost the others."""
    for order in orders:
        block = block_of(order)
        try:
            with_blocks(base.without_rules(), [block])
        except RuleFileError as error:
            log.warning("block_refused", block=order.id, reason=str(error))
        else:
            yield block


def block_of(order: BlockOrder) -> Block:
    """Return an emergency term as the rule that it becomes."""
    return Block(
        f"block/{order.id}", order.term, order.label, order.action, order.author, order.reason,
        order.until.timestamp(), order.tenant, order.channel,
    )  # fmt: skip
