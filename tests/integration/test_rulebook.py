"""What is in force when packs and orders both have a say: real folders, a clock that the test moves."""

from __future__ import annotations

import weakref
from pathlib import Path

from structlog.testing import capture_logs

from rules import packs
from rules.message import Message
from rules.verdict import Action
from streams.control.last_good import KEPT, LastGood
from streams.control.orders import BlockOrder, Order, Orders, RollbackOrder, moment
from streams.control.rulebook import Change, Rulebook
from tests.integration.test_reload import ONE_MORE, fill

NOW = 1_800_000_000.0


class Scene:
    """A rulebook on a small folder of packs, and what it told."""

    def __init__(self, root: Path, *, state: bool = True) -> None:
        self.folder = fill(root / "packs")
        self.now = NOW
        self.orders = Orders(lambda: self.now)
        self.last_good = LastGood(root / "state" if state else None, self.folder)
        self.told: list[Change] = []
        self.first = packs.load(self.folder)
        self.book = Rulebook(self.first, self.orders, self.last_good, self.told.append, now=NOW)

    async def order(self, *orders: Order) -> None:
        self.orders.replace(orders)
        await self.book.settle()

    def edit(self) -> str:
        """Change a pack as the watcher would take it, and return the new hash."""
        (self.folder / "scam.yaml").write_text(ONE_MORE)
        rules = packs.load(self.folder)
        self.book.rebase(rules, NOW, ("scam.yaml",))
        return rules.hash

    def finds(self, text: str) -> list[str]:
        """Return the rules that see something in a text."""
        return [hit.rule for hit in self.book.current.scan(Message(id="1", text=text)).hits]


def block(term: str, name: str = "b1", hours: float = 1.0, **more: object) -> BlockOrder:
    return BlockOrder(
        id=name, author="ana", reason="a raid", at=moment(NOW), until=moment(NOW + 3600 * hours), term=term,
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def rollback(ruleset: str, at: float = NOW) -> RollbackOrder:
    return RollbackOrder(
        id=f"r{at:.0f}", author="ana", reason="bad edit", at=moment(at), until=moment(NOW + 7200),
        ruleset=ruleset,
    )  # fmt: skip


async def test_an_emergency_term_acts_beside_the_packs(tmp_path: Path) -> None:
    """As a rule of its own, and the hash says that something was added."""
    scene = Scene(tmp_path)
    await scene.order(block("zzraid"))
    assert scene.finds("join the zzraid, gift card code") == ["scam/gift-card", "block/b1"]
    assert scene.book.current.hash.startswith(scene.first.hash + "+")
    assert scene.book.current.rules["block/b1"].action is Action.HOLD
    assert [(change.origin, change.added) for change in scene.told] == [("orders", 1)]
    assert scene.book.following == ("b1",)


async def test_it_ends_by_itself(tmp_path: Path) -> None:
    """And the rule set is the one of the packs again, by its hash."""
    scene = Scene(tmp_path)
    await scene.order(block("zzraid", hours=1.0))
    scene.now += 3601
    await scene.book.settle()
    assert scene.finds("zzraid") == []
    assert scene.book.current.hash == scene.first.hash
    assert scene.book.following == ()


async def test_new_packs_keep_the_emergency_terms(tmp_path: Path) -> None:
    """Both hold, whichever came first."""
    scene = Scene(tmp_path)
    await scene.order(block("zzraid"))
    new = scene.edit()
    await scene.book.settle()
    assert scene.finds("free nitro zzraid") == ["scam/nitro", "block/b1"]
    assert scene.book.current.hash.startswith(new + "+")
    assert scene.told[-1].changed == ("scam.yaml",)


async def test_new_packs_without_orders_come_into_force_at_once(tmp_path: Path) -> None:
    """In one assignment, with what came and went."""
    scene = Scene(tmp_path)
    new = scene.edit()
    assert scene.book.current.hash == new
    assert scene.told == [Change(NOW, scene.first.hash, new, "files", added=1, changed=("scam.yaml",))]


async def test_a_term_that_makes_no_sense_does_not_cost_the_others(tmp_path: Path) -> None:
    """The command refuses it; a record written by hand may hold anything."""
    scene = Scene(tmp_path)
    with capture_logs() as logs:
        await scene.order(
            block("zz*raid*x", "bad"), block("zzother", "good"), block("zz", "odd", label="nonsense")
        )
    assert scene.finds("zzother") == ["block/good"]
    assert scene.book.following == ("good",)
    assert [log["block"] for log in logs if log["event"] == "block_refused"] == ["bad", "odd"]


async def test_an_earlier_rule_set_can_be_put_back(tmp_path: Path) -> None:
    """Until the order ends; then what the files say holds again."""
    scene = Scene(tmp_path)
    scene.last_good.keep(scene.first)
    new = scene.edit()
    await scene.order(rollback(scene.first.hash))
    assert scene.book.current.hash == scene.first.hash
    assert scene.finds("free nitro") == []
    assert (scene.told[-1].origin, scene.book.following) == ("rollback", (f"r{NOW:.0f}",))
    await scene.order()
    assert scene.book.current.hash == new


async def test_an_edit_during_a_rollback_waits_for_its_end(tmp_path: Path) -> None:
    """Whoever mends the packs does so in peace."""
    scene = Scene(tmp_path)
    scene.last_good.keep(scene.first)
    await scene.order(rollback(scene.first.hash))
    new = scene.edit()
    await scene.book.settle()
    assert scene.book.current.hash == scene.first.hash
    scene.now += 7201
    await scene.book.settle()
    assert scene.book.current.hash == new


async def test_a_rollback_to_what_nobody_has_is_refused_aloud(tmp_path: Path) -> None:
    """What is in force stays, once said."""
    scene = Scene(tmp_path)
    for _ in range(3):
        await scene.order(rollback("0123456789abcdef"))
    assert scene.book.current is scene.first
    assert scene.book.following == ()
    assert [change.refused for change in scene.told] == [
        "there is no copy of 0123456789abcdef here to go back to"
    ]


async def test_rule_sets_that_were_good_are_kept(tmp_path: Path) -> None:
    """Some of them, whole, the newest first."""
    scene = Scene(tmp_path)
    for number in range(KEPT + 2):
        (scene.folder / "lists/coins.txt").write_text(f"# English.\ncheap coins {number}\n")
        scene.last_good.keep(packs.load(scene.folder))
    assert len(scene.last_good.names()) == KEPT
    newest = scene.last_good.newest()
    assert newest is not None
    assert newest.hash == packs.load(scene.folder).hash


async def test_a_damaged_copy_is_not_used(tmp_path: Path) -> None:
    """A copy counts by its content, not by its name."""
    scene = Scene(tmp_path)
    scene.last_good.keep(scene.first)
    (copy,) = (tmp_path / "state").rglob("coins.txt")
    copy.write_text("# English.\nanything\n")
    assert scene.last_good.newest() is None


async def test_without_a_place_to_write_nothing_is_kept_and_nothing_breaks(tmp_path: Path) -> None:
    """A read-only disk costs the copies, not the worker."""
    (tmp_path / "file").write_text("")
    scene = Scene(tmp_path, state=False)
    scene.last_good.keep(scene.first)
    LastGood(tmp_path / "file", scene.folder).keep(scene.first)
    assert LastGood(tmp_path / "file", scene.folder).newest() is None
    assert scene.last_good.newest() is None


async def test_what_is_no_longer_in_force_is_let_go_of(tmp_path: Path) -> None:
    """And only that: packs under an emergency term, or waiting behind a rollback, are still wanted."""
    scene = Scene(tmp_path)
    scene.last_good.keep(scene.first)
    gone = weakref.ref(scene.first)
    scene.first = None  # type: ignore[assignment]
    await scene.order(block("zzraid"))
    await scene.book.let_go()
    with_term = weakref.ref(scene.book.current)
    assert gone() is not None
    await scene.order()
    await scene.book.let_go()
    assert with_term() is None
    scene.edit()
    scene.told.clear()
    await scene.book.let_go()
    assert gone() is None
    assert scene.finds("free nitro") == ["scam/nitro"]
