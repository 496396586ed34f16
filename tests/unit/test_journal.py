"""The journal: what was judged and not saved yet is seen by the next batch and never applied twice."""

from rules.message import Kind
from rules.reputation import NEWCOMER, strikes_at
from rules.verdict import Action
from streams.store.journal import Journal, overlay, widened
from streams.store.standings import Ask, AuthorEffects, Effect, PartitionId, Recall, Standing
from streams.store.standings_memory import MemoryStandings

HERE = PartitionId("topic-id", 0)
THERE = PartitionId("topic-id", 1)
WEEK_S = 604_800.0
NOON = 1_728_043_200.0


def said(offset: int, message: str = "", kind: Kind = Kind.CREATED, *, strike: float = 0.0) -> Effect:
    """One message's effect: good, unless it costs a strike."""
    action = Action.REMOVE if strike else Action.ALLOW
    recall = Recall(f"text {offset}", action, strike, good=not strike)
    return Effect(offset, NOON + offset, message or f"m{offset}", kind, recall)


def of(author: str, *effects: Effect, partition: PartitionId = HERE) -> AuthorEffects:
    """One author's effects in one partition."""
    return AuthorEffects(author, partition, effects)


def numbers(journal: Journal) -> list[tuple[str, list[int]]]:
    """All that waits for ana and bo: authors and offsets, oldest first."""
    pending = journal.snapshot(["ana", "bo"])
    return [
        (each.author, [effect.offset for effect in each.effects])
        for waiting in pending.values()
        for each in waiting
    ]


def test_what_waits_is_seen_by_its_author_only() -> None:
    """In the order of being judged, over all partitions."""
    journal = Journal()
    first, second = of("ana", said(1)), of("ana", said(0), partition=THERE)
    journal.add([first, of("bo", said(2)), second])
    assert journal.snapshot(["ana", "cy"]) == {"ana": [first, second]}


def test_the_overlay_is_the_standing_after_the_save() -> None:
    """What waits counts for the next batch as if it were saved, with what is remembered of its messages."""
    standing = overlay(Standing(NEWCOMER), [of("ana", said(1), said(2, strike=1.0))], WEEK_S)
    known = standing.reputation
    assert (known.messages, known.good, strikes_at(known, NOON, WEEK_S)) == (2, 1, 1.0)
    assert standing.marks == {HERE: 2}
    assert standing.recalls["m2"].action is Action.REMOVE


def test_what_was_saved_in_between_is_not_applied_twice() -> None:
    """The answer's marks tell which waiting effects it holds already."""
    waiting = of("ana", said(1, strike=1.0), said(2, strike=1.0), said(3, strike=1.0))
    half_saved = overlay(Standing(NEWCOMER), [of("ana", *waiting.effects[:2])], WEEK_S)
    assert overlay(half_saved, [waiting], WEEK_S) == overlay(Standing(NEWCOMER), [waiting], WEEK_S)
    assert overlay(half_saved, [of("ana", said(1, strike=1.0))], WEEK_S) == half_saved


async def test_an_edit_that_waits_is_settled_against_what_the_store_remembers() -> None:
    """So the ask is widened by the messages that wait; else the edit would cost the whole strike again."""
    store = MemoryStandings()
    await store.save([of("ana", said(1, "m1", strike=1.0))], WEEK_S)
    edit = of("ana", said(2, "m1", Kind.EDITED, strike=1.5))
    ask = widened(Ask("ana", ("m7",)), [edit])
    assert ask.messages == ("m7", "m1")
    (loaded,) = await store.load([ask], NOON)
    ahead = overlay(loaded, [edit], WEEK_S)
    await store.save([edit], WEEK_S)
    assert [ahead] == await store.load([ask], NOON)


def test_the_snapshot_outlives_the_save() -> None:
    """It is taken before the load is sent; what is saved meanwhile stays in it."""
    journal = Journal()
    waiting = of("ana", said(1))
    journal.add([waiting])
    before = journal.snapshot(["ana"])
    journal.saved([waiting])
    assert before == {"ana": [waiting]}
    assert journal.snapshot(["ana"]) == {}
    assert len(journal) == 0


def test_what_was_saved_leaves_however_it_was_cut() -> None:
    """Up to the last saved offset of that author and partition; the others stay."""
    journal = Journal()
    journal.add([of("ana", said(1), said(2)), of("ana", said(3), said(4)), of("bo", said(5))])
    journal.add([of("ana", said(1), partition=THERE)])
    journal.saved([of("ana", said(2), said(3))])
    assert numbers(journal) == [("ana", [4]), ("ana", [1]), ("bo", [5])]
    assert len(journal) == 3


def test_saving_what_does_not_wait_does_nothing() -> None:
    """It may have been given up or dropped while the save was on its way."""
    journal = Journal()
    journal.saved([of("ana", said(1)), of("bo")])
    journal.add([of("ana", said(2))])
    journal.saved([of("ana", said(1))])
    assert numbers(journal) == [("ana", [2])]


def test_a_partition_that_is_revoked_takes_its_effects_along() -> None:
    """Its next owner judges those records again."""
    journal = Journal()
    journal.add([of("ana", said(1)), of("ana", said(1), partition=THERE), of("bo", said(2))])
    assert journal.drop(HERE) == 2
    assert journal.drop(HERE) == 0
    assert journal.partitions() == {THERE}
    journal.add([of("ana", said(1))])
    assert len(journal) == 2
