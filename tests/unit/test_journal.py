"""The journal: what was judged and not saved yet is seen by the next batch and never applied twice."""

from rules.message import Kind
from rules.reputation import NEWCOMER
from rules.verdict import Action
from streams.journal import Journal, overlay, widened
from streams.standings import Ask, AuthorEffects, Effect, MemoryStandings, PartitionId, Recall, Standing

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
    """All that waits: authors and offsets, oldest first."""
    return [(each.author, [effect.offset for effect in each.effects]) for each in journal.waiting(1_000_000)]


def test_what_waits_is_seen_by_its_author_only() -> None:
    """In the order of being judged, over all partitions."""
    journal = Journal(100)
    first, second = of("ana", said(1)), of("ana", said(0), partition=THERE)
    journal.add([first, of("bo", said(2)), second], NOON)
    assert journal.snapshot(["ana", "cy"]) == {"ana": [first, second]}


def test_the_overlay_is_the_standing_after_the_save() -> None:
    """What waits counts for the next batch as if it were saved, with what is remembered of its messages."""
    standing = overlay(Standing(NEWCOMER), [of("ana", said(1), said(2, strike=1.0))], WEEK_S)
    assert (standing.reputation.messages, standing.reputation.good, standing.reputation.strikes) == (
        2,
        1,
        1.0,
    )
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
    journal = Journal(100)
    waiting = of("ana", said(1))
    journal.add([waiting], NOON)
    before = journal.snapshot(["ana"])
    journal.saved([waiting])
    assert before == {"ana": [waiting]}
    assert journal.snapshot(["ana"]) == {}
    assert len(journal) == 0


def test_what_was_saved_leaves_however_it_was_cut() -> None:
    """Up to the last saved offset of that author and partition; the others stay."""
    journal = Journal(100)
    journal.add([of("ana", said(1), said(2)), of("ana", said(3), said(4)), of("bo", said(5))], NOON)
    journal.add([of("ana", said(1), partition=THERE)], NOON)
    journal.saved([of("ana", said(2), said(3))])
    assert numbers(journal) == [("ana", [4]), ("bo", [5]), ("ana", [1])]
    assert len(journal) == 3


def test_saving_what_does_not_wait_does_nothing() -> None:
    """It may have been given up or dropped while the save was on its way."""
    journal = Journal(100)
    journal.saved([of("ana", said(1)), of("bo")])
    journal.add([of("ana", said(2))], NOON)
    journal.saved([of("ana", said(1))])
    assert numbers(journal) == [("ana", [2])]


def test_the_oldest_are_saved_first() -> None:
    """In portions of so many effects, but never none."""
    journal = Journal(100)
    journal.add([of("ana", said(1), said(2)), of("bo", said(3)), of("ana", said(4))], NOON)
    assert [len(journal.waiting(most)) for most in (1, 2, 3, 4, 9)] == [1, 1, 2, 3, 3]
    assert Journal(1).waiting(10) == []


def test_beyond_the_bound_the_oldest_are_given_up_and_counted() -> None:
    """Judging goes on; how many effects could not be kept is said."""
    journal = Journal(3)
    assert journal.add([of("ana", said(1), said(2)), of("bo", said(3))], NOON) == 0
    assert journal.add([of("bo", said(4))], NOON) == 2
    assert numbers(journal) == [("bo", [3]), ("bo", [4])]
    assert journal.add([of("cy", *map(said, range(10, 14)))], NOON) == 6
    assert (len(journal), numbers(journal), journal.snapshot(["bo", "cy"])) == (0, [], {})


def test_what_waited_too_long_is_given_up_and_counted() -> None:
    """The bound in time; what was added at that very moment stays."""
    journal = Journal(100)
    for minute in range(5):
        journal.add([of("ana", said(minute))], NOON + 60 * minute)
    assert journal.give_up(before=NOON + 120) == 2
    assert journal.give_up(before=NOON + 120) == 0
    assert numbers(journal) == [("ana", [2]), ("ana", [3]), ("ana", [4])]


def test_a_partition_that_is_revoked_takes_its_effects_along() -> None:
    """Its next owner judges those records again."""
    journal = Journal(100)
    journal.add([of("ana", said(1)), of("ana", said(1), partition=THERE), of("bo", said(2))], NOON)
    assert journal.drop(HERE) == 2
    assert journal.drop(HERE) == 0
    assert [each.partition for each in journal.waiting(10)] == [THERE]
    journal.add([of("ana", said(1))], NOON)
    assert len(journal) == 2
