"""When files of packs are taken, and when not: real folders, real rule sets, a clock that the test moves."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from rules import packs
from rules.message import Message
from rules.ruleset import RuleSet
from streams.control import pack_files
from streams.control.reload import PackWatcher, Reload

POLICY = """
# One label is enough here.
labels:
  scam: {base: -5, ladder: {flag: 40, hold: 60, remove: 90}}
"""
SCAM = """
# Lures for money.
rules:
  - id: scam/gift-card
    label: scam
    strength: strong
    why: Asks for payment in gift-card codes.
    terms: [gift card code]
  - id: scam/coins
    label: scam
    strength: medium
    why: Sells what nobody asked for.
    list: lists/coins.txt
"""
COINS = "# Written for this test; English.\ncheap coins\n"
ONE_MORE = (
    SCAM
    + """
  - id: scam/nitro
    label: scam
    strength: strong
    why: Nobody gives away subscriptions.
    terms: [free nitro]
"""
)
BROKEN = SCAM.replace("strength: strong", "strength: enormous")


class Scene:
    """A folder of packs, its watcher, and what the watcher told; time starts at 1000 s."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.told: list[Reload] = []
        self.now = 1000.0
        self.watcher = PackWatcher(folder, packs.load(folder), self.told.append, now=self.now, **settings)

    async def pass_by(self, seconds: float) -> None:
        """Look every half second."""
        for _ in range(int(seconds * 2)):
            self.now += 0.5
            await self.watcher.look(self.now)

    def finds(self, text: str) -> bool:
        """Say whether the rules in force see anything in `text`."""
        return bool(self.watcher.current.scan(Message(id="1", text=text)).hits)


def fill(folder: Path) -> Path:
    """Write a small set of packs."""
    (folder / "lists").mkdir(parents=True)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "scam.yaml").write_text(SCAM)
    (folder / "lists/coins.txt").write_text(COINS)
    return folder


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    """A watcher that has seen its files settle."""
    scene = Scene(fill(tmp_path / "packs"))
    await scene.pass_by(2)
    return scene


async def test_files_as_they_were_loaded_are_no_news(scene: Scene) -> None:
    """A worker that starts announces nothing twice."""
    first = scene.watcher.current
    await scene.pass_by(120)
    assert scene.told == []
    assert scene.watcher.current is first


async def test_files_are_not_loaded_again_before_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who says what they held when they were loaded spares a second load of all, right after the start."""
    folder = fill(tmp_path / "packs")
    scene = Scene(folder, loaded=pack_files.as_they_are(folder))
    loads: list[Path] = []
    load = packs.load

    def counted(folder: Path, **more: Any) -> RuleSet:
        loads.append(folder)
        return load(folder, **more)

    monkeypatch.setattr(packs, "load", counted)
    await scene.pass_by(120)
    assert loads == []
    (folder / "scam.yaml").write_text(ONE_MORE)
    await scene.pass_by(2)
    assert (len(loads), scene.finds("free nitro")) == (1, True)


async def test_a_new_rule_comes_into_force(scene: Scene) -> None:
    """The outcome names the rule set and the files that changed."""
    old = scene.watcher.current
    (scene.folder / "scam.yaml").write_text(ONE_MORE)
    await scene.pass_by(2)
    assert scene.finds("free nitro")
    new = scene.watcher.current
    (told,) = scene.told
    assert told == Reload(told.at, new, told.prints, ("scam.yaml",))
    assert new.hash != old.hash


async def test_who_holds_the_old_rules_keeps_them(scene: Scene) -> None:
    """A batch in flight judges by the rule set it started with."""
    held = scene.watcher.current
    (scene.folder / "scam.yaml").write_text(ONE_MORE)
    await scene.pass_by(2)
    assert not held.scan(Message(id="1", text="free nitro")).hits


async def test_a_changed_list_is_a_change(scene: Scene) -> None:
    """Lists belong to the packs that name them."""
    (scene.folder / "lists/coins.txt").write_text(COINS + "cheap followers\n")
    await scene.pass_by(2)
    assert scene.finds("cheap followers")


async def test_a_change_is_taken_when_two_looks_apart_agree(scene: Scene) -> None:
    """Looks closer than 200 ms don't count as two."""
    (scene.folder / "scam.yaml").write_text(ONE_MORE)
    for at in (2000.0, 2000.1, 2000.19):
        await scene.watcher.look(at)
        assert not scene.finds("free nitro")
    await scene.watcher.look(2000.2)
    assert scene.finds("free nitro")


async def test_a_file_that_grows_is_waited_for(scene: Scene) -> None:
    """Each half of a file may be valid by itself, so only rest counts; meanwhile the watcher says so."""
    for end in range(len(SCAM), len(ONE_MORE)):
        (scene.folder / "scam.yaml").write_text(ONE_MORE[:end])
        await scene.pass_by(0.5)
    assert scene.told == []
    assert scene.watcher.stale == "the files keep changing"
    (scene.folder / "scam.yaml").write_text(ONE_MORE)
    await scene.pass_by(1)
    assert len(scene.told) == 1
    assert scene.watcher.stale is None


async def test_a_broken_pack_leaves_the_old_rules_in_force(scene: Scene) -> None:
    """The reason names file and line, for the log, the callback and whoever asks."""
    old = scene.watcher.current
    (scene.folder / "scam.yaml").write_text(BROKEN)
    await scene.pass_by(60)
    assert scene.watcher.current is old
    assert scene.finds("gift card code")
    [outcome] = scene.told
    assert outcome.refused is not None
    assert outcome.refused.startswith("scam.yaml:6: ")
    assert outcome.rules is old
    assert scene.watcher.stale == outcome.refused


async def test_a_mended_pack_clears_the_refusal(scene: Scene) -> None:
    """Also when it is mended by taking the change back: somebody was told, so somebody is told again."""
    (scene.folder / "scam.yaml").write_text(BROKEN)
    await scene.pass_by(2)
    (scene.folder / "scam.yaml").write_text(SCAM)
    await scene.pass_by(2)
    assert [outcome.refused is None for outcome in scene.told] == [False, True]
    assert scene.watcher.stale is None


@pytest.mark.parametrize("name", ["scam.yaml", "policy.yaml", "lists/coins.txt"])
async def test_an_empty_file_is_never_taken(scene: Scene, name: str) -> None:
    """It is being written, however long that takes; a list of no terms would be valid otherwise."""
    before = (scene.folder / name).read_text()
    (scene.folder / name).write_text("")
    await scene.pass_by(300)
    assert scene.told == []
    assert scene.watcher.stale is not None
    assert scene.watcher.stale.startswith(f"{name} is empty")
    (scene.folder / name).write_text(before)
    await scene.pass_by(1)
    assert scene.watcher.stale is None


async def test_a_file_that_comes_back_was_never_gone(scene: Scene) -> None:
    """Editors and deployments remove before they write."""
    (scene.folder / "hate.yaml").write_text(ONE_MORE.replace("scam/", "hate/"))
    await scene.pass_by(2)
    scene.told.clear()
    (scene.folder / "hate.yaml").rename(scene.folder / "hate.yaml.tmp")
    await scene.pass_by(9)
    assert scene.watcher.stale == "hate.yaml is gone: taken as meant after 10 s"
    (scene.folder / "hate.yaml.tmp").rename(scene.folder / "hate.yaml")
    await scene.pass_by(20)
    assert scene.told == []
    assert scene.watcher.stale is None


async def test_a_file_that_stays_away_was_meant_to_go(scene: Scene) -> None:
    """A theme can be dropped without a restart."""
    (scene.folder / "hate.yaml").write_text(ONE_MORE.replace("scam/", "hate/"))
    await scene.pass_by(2)
    scene.told.clear()
    (scene.folder / "hate.yaml").unlink()
    await scene.pass_by(12)
    assert [outcome.changed for outcome in scene.told] == [("hate.yaml",)]
    assert len(scene.watcher.current.rules) == 2


def coins(*numbers: int) -> str:
    """Return a list with these."""
    return "# English.\n" + "".join(f"coin {number}\n" for number in numbers)


LONG, HALF, REST = coins(*range(100)), coins(*range(50)), coins(*range(50, 100))


async def test_a_list_that_lost_much_is_not_taken(scene: Scene) -> None:
    """Half a list is a slip more often than a decision; the reason says what to do if it is one."""
    (scene.folder / "lists/coins.txt").write_text(LONG)
    await scene.pass_by(2)
    (scene.folder / "lists/coins.txt").write_text(HALF)
    await scene.pass_by(20)
    assert scene.finds("coin 99")
    assert scene.told[-1].cut
    assert scene.watcher.stale == (
        "50 of 100 entries of lists/coins.txt are gone: if that is meant, "
        "`python -m streams rules accept-shrink lists/coins.txt --reason …`"
    )


async def test_a_cut_that_somebody_allows_is_taken(tmp_path: Path) -> None:
    """Whether it is said before the cut or afterwards."""
    allowed: set[str] = set()
    scene = Scene(fill(tmp_path / "packs"), may_cut=allowed.__contains__)
    (scene.folder / "lists/coins.txt").write_text(LONG)
    await scene.pass_by(2)
    (scene.folder / "lists/coins.txt").write_text(HALF)
    await scene.pass_by(3)
    assert scene.finds("coin 99")
    allowed.add("lists/coins.txt")
    await scene.pass_by(2)
    assert not scene.finds("coin 99")
    assert scene.finds("coin 33")
    assert scene.watcher.stale is None


async def test_entries_that_move_to_another_list_are_not_gone(scene: Scene) -> None:
    """A list that is parted by language loses nothing."""
    (scene.folder / "lists/coins.txt").write_text(LONG)
    await scene.pass_by(2)
    (scene.folder / "lists/coins.txt").write_text(HALF)
    (scene.folder / "lists/more.txt").write_text(REST)
    (scene.folder / "scam.yaml").write_text(
        SCAM.replace("coins.txt", "[lists/coins.txt, lists/more.txt]").replace("lists/[", "[")
    )
    await scene.pass_by(2)
    assert scene.watcher.stale is None
    assert scene.finds("coin 99")


async def test_a_pack_that_lost_most_of_its_rules_is_not_taken(scene: Scene) -> None:
    """Half a file can be whole YAML."""
    rules = "".join(
        f"  - {{id: many/r{n}, label: scam, strength: weak, terms: [zz{n}]}}\n" for n in range(20)
    )
    (scene.folder / "many.yaml").write_text("rules:\n" + rules)
    await scene.pass_by(2)
    (scene.folder / "many.yaml").write_text("rules:\n" + rules[: rules.index("  - {id: many/r9,")])
    await scene.pass_by(3)
    assert scene.finds("zz19")
    assert "of 22 rules are gone" in (scene.watcher.stale or "")


async def test_a_folder_that_is_gone_changes_nothing(scene: Scene) -> None:
    """A mount that went away doesn't switch moderation off."""
    scene.folder.rename(scene.folder.with_name("elsewhere"))
    await scene.pass_by(300)
    assert scene.told == []
    assert scene.finds("gift card code")
    assert scene.watcher.stale == f"no packs in {scene.folder}"


async def test_content_that_hides_from_stat_is_found(scene: Scene) -> None:
    """Same size, same times, same file: read again every 30 seconds regardless."""
    path = scene.folder / "scam.yaml"
    was = path.stat()
    path.write_text(SCAM.replace("gift card code", "gift cart code"))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    await scene.pass_by(35)
    assert scene.finds("gift cart code")


async def test_a_swapped_link_is_followed(tmp_path: Path) -> None:
    """Releases side by side, and a link that says which one is current."""
    fill(tmp_path / "1")
    (fill(tmp_path / "2") / "scam.yaml").write_text(ONE_MORE)
    (tmp_path / "packs").symlink_to("1")
    scene = Scene(tmp_path / "packs")
    await scene.pass_by(2)
    (tmp_path / "next").symlink_to("2")
    (tmp_path / "next").replace(tmp_path / "packs")
    await scene.pass_by(2)
    assert scene.finds("free nitro")


async def test_links_into_a_hidden_folder_are_followed(tmp_path: Path) -> None:
    """How a mounted ConfigMap changes: scam.yaml -> ..data/scam.yaml, and ..data is swapped."""
    fill(tmp_path / "packs/..1")
    (fill(tmp_path / "packs/..2") / "scam.yaml").write_text(ONE_MORE)
    (tmp_path / "packs/..data").symlink_to("..1")
    for name in ("policy.yaml", "scam.yaml", "lists"):
        (tmp_path / "packs" / name).symlink_to(f"..data/{name}")
    scene = Scene(tmp_path / "packs")
    await scene.pass_by(2)
    (tmp_path / "packs/..next").symlink_to("..2")
    (tmp_path / "packs/..next").replace(tmp_path / "packs/..data")
    await scene.pass_by(2)
    assert scene.finds("free nitro")


async def test_a_clock_set_back_does_not_put_off_a_change(scene: Scene) -> None:
    """Epoch time may jump; a rule that stops a raid shall not wait an hour for it."""
    (scene.folder / "scam.yaml").write_text(ONE_MORE)
    await scene.watcher.look(2000.0)
    await scene.watcher.look(2000.0 - 3600)
    assert scene.finds("free nitro")


async def test_each_outcome_is_logged(scene: Scene) -> None:
    """Events with the hashes; refusals are errors."""
    with capture_logs() as events:
        (scene.folder / "scam.yaml").write_text(BROKEN)
        await scene.pass_by(2)
        (scene.folder / "scam.yaml").write_text(ONE_MORE)
        await scene.pass_by(2)
    assert [(event["event"], event["log_level"]) for event in events] == [
        ("ruleset_refused", "error"),
        ("packs_taken", "info"),
    ]


async def test_it_watches_by_itself(tmp_path: Path) -> None:
    """As a task: from the saved file to the callback, until cancelled."""
    folder = fill(tmp_path / "packs")
    told: asyncio.Queue[Reload] = asyncio.Queue()
    watcher = PackWatcher(
        folder, packs.load(folder), told.put_nowait, now=0.0, every_s=0.01, settle_s=0.01, rehash_s=0.01
    )
    task = asyncio.create_task(watcher.run())
    (folder / "scam.yaml").write_text(ONE_MORE)
    assert "scam/nitro" in (await asyncio.wait_for(told.get(), 10)).rules.rules
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
